"""The tables of plans: a plan is one version of a hub's day and is immutable once published.

A Plan holds its input (PlanInput: the whole Problem, so that it can be replayed), its result
(Route, Stop, Unserved) and the changes made by hand (PlanEdit). All figures are planned ones;
the real arrival and departure times are recorded elsewhere.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Driver, Hub, Shift, Vehicle
from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import now


class Plan(Timestamped):
    """A version of the plan of a hub's day."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        SUPERSEDED = "superseded"
        DISCARDED = "discarded"

    public_id = PublicIdField("pln")
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="plans")
    service_date = models.DateField()
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the hub and date")
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1, help_text="counts edits; the ETag")
    based_on = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.CharField(max_length=32, default="", help_text="public id of the solving job")
    actor = models.CharField(max_length=64, default="system")
    published_at = models.DateTimeField(null=True)
    published_by = models.CharField(max_length=64, default="")

    origin_at = models.DateTimeField(help_text="second 0 of the problem")
    currency = models.CharField(max_length=3)
    engine = models.CharField(max_length=40, default="")
    solver_version = models.CharField(max_length=40, default="")
    seed = models.BigIntegerField(default=0)
    work = models.JSONField(
        default=dict, help_text="iterations of each phase: what a replay repeats"
    )
    input_sha256 = models.CharField(max_length=64, default="")
    solve_ms = models.PositiveIntegerField(default=0)
    network = models.CharField(max_length=120, default="", help_text="name@version, or empty")
    travel_source = models.CharField(max_length=20, default="roads")
    travel_note = models.CharField(max_length=40, default="", help_text="code of roads' note")
    travel_params = models.JSONField(default=dict)

    orders_count = models.PositiveIntegerField(default=0)
    unserved_count = models.PositiveIntegerField(default=0)
    violations_count = models.PositiveIntegerField(default=0)
    distance_m = models.PositiveBigIntegerField(default=0)
    travel_s = models.PositiveBigIntegerField(default=0)
    duration_s = models.PositiveBigIntegerField(default=0)
    cost_fixed_minor = models.BigIntegerField(default=0)
    cost_distance_minor = models.BigIntegerField(default=0)
    cost_time_minor = models.BigIntegerField(default=0)
    co2_g = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-service_date", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["hub", "service_date", "number"], name="plan_number_once"
            ),
            models.UniqueConstraint(
                fields=["hub", "service_date"],
                condition=Q(status="published"),
                name="plan_published_once",
            ),
            models.UniqueConstraint(fields=["job"], condition=~Q(job=""), name="plan_job_once"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "superseded", "discarded"]),
                name="plan_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False),
                name="plan_published_has_time",
            ),
        ]
        indexes = [models.Index(fields=["hub", "-service_date", "-number"], name="plan_by_day")]

    def __str__(self) -> str:
        return f"{self.public_id} {self.service_date} #{self.number}"

    @property
    def cost_minor(self) -> int:
        """Return fixed, distance and time cost together, in minor units of ``currency``."""
        return self.cost_fixed_minor + self.cost_distance_minor + self.cost_time_minor


class PlanInput(models.Model):
    """The Problem that was solved for a plan, packed by ``keep.pack``.

    Edits, replays and explanations of the plan read it.
    """

    plan = models.OneToOneField(Plan, on_delete=models.CASCADE, related_name="input")
    problem = models.BinaryField()
    points = models.JSONField(help_text="[[lat, lon]] by place: the hub, then the orders")
    created_at = models.DateTimeField(default=now)  # when the day was read
    holds = models.JSONField(
        default=dict,
        help_text="{shift id: [order and hold ids]}: the routes with the holds of that time",
    )

    def __str__(self) -> str:
        return f"input of plan {self.plan_id}"


class Route(models.Model):
    """The tour of one shift in a plan: it leaves the hub, visits its stops and returns."""

    public_id = PublicIdField("rte")
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="routes")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the plan")
    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="routes")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="+")
    driver = models.ForeignKey(Driver, null=True, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField(help_text="leaves the hub")
    ends_at = models.DateTimeField(help_text="is back at the hub")
    distance_m = models.PositiveBigIntegerField(default=0)
    travel_s = models.PositiveIntegerField(default=0)
    service_s = models.PositiveIntegerField(default=0)
    wait_s = models.PositiveIntegerField(default=0)
    breaks = models.JSONField(
        default=list, help_text="[{starts_at, ends_at, after: stop position}]"
    )
    weight_g = models.PositiveBigIntegerField(default=0, help_text="leaves the hub with")
    volume_cm3 = models.PositiveBigIntegerField(default=0)
    parcels = models.PositiveIntegerField(default=0)
    collected_weight_g = models.PositiveBigIntegerField(default=0, help_text="of returns")
    collected_volume_cm3 = models.PositiveBigIntegerField(default=0)
    collected_parcels = models.PositiveIntegerField(default=0)
    most_weight_g = models.PositiveBigIntegerField(default=0, help_text="on board at once")
    most_volume_cm3 = models.PositiveBigIntegerField(default=0)
    most_parcels = models.PositiveIntegerField(default=0)
    cost_fixed_minor = models.BigIntegerField(default=0)
    cost_distance_minor = models.BigIntegerField(default=0)
    cost_time_minor = models.BigIntegerField(default=0)
    co2_g = models.PositiveBigIntegerField(default=0)
    violations = models.JSONField(default=list)
    geometry = models.JSONField(default=list, help_text="one line per leg, [[lon, lat], …]")

    class Meta:
        ordering = ["plan", "number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="route_number_once"),
            models.UniqueConstraint(fields=["plan", "shift"], name="route_shift_once"),
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="route_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} #{self.number}"

    @property
    def cost_minor(self) -> int:
        """Return fixed, distance and time cost together, in minor units of the plan's currency."""
        return self.cost_fixed_minor + self.cost_distance_minor + self.cost_time_minor

    @property
    def duration(self) -> dt.timedelta:
        """Return the time from leaving the hub to being back."""
        return self.ends_at - self.starts_at


class Stop(models.Model):
    """An order on a route, with its planned times. ``leg_…`` describes the way to the stop."""

    public_id = PublicIdField("stp")
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="stops")
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="stops")
    position = models.PositiveIntegerField(help_text="1, 2, 3 … along the route")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="stops")
    arrives_at = models.DateTimeField()
    starts_at = models.DateTimeField(help_text="service begins: arrival, or the window's opening")
    departs_at = models.DateTimeField()
    leg_travel_s = models.PositiveIntegerField(default=0)
    leg_distance_m = models.PositiveIntegerField(default=0)
    slack_s = models.IntegerField(
        default=0, help_text="how much later it may begin before a promise on the route breaks"
    )
    violations = models.JSONField(default=list)
    leg_notes = models.JSONField(
        default=list, help_text="what is special on the way to it: ferries, the walk to the door"
    )

    class Meta:
        ordering = ["route", "position"]
        constraints = [
            models.UniqueConstraint(fields=["route", "position"], name="stop_position_once"),
            models.UniqueConstraint(fields=["plan", "order"], name="stop_order_once"),
        ]
        indexes = [models.Index(fields=["order", "-id"], name="stop_by_order")]

    def __str__(self) -> str:
        return f"{self.public_id} at {self.position}"


class Unserved(models.Model):
    """An order that is on no route of the plan, with the reason."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="unserved")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=40)
    params = models.JSONField(default=dict)

    class Meta:
        ordering = ["plan", "id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "order"], name="unserved_order_once"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.reason}"


class SolvePart(models.Model):
    """A part of a large plan while it is solved; the first free worker takes it.

    The plan's job creates the rows, collects their results and deletes them before it writes the
    plan. ``lease_token`` is the fence: only the worker that holds it may write a result. Leases
    use the clock of the database, so that all machines share one clock.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    job = models.CharField(max_length=32, help_text="public id of the plan's job")
    holder = models.UUIDField(help_text="lease of the job's attempt that put it out")
    turn = models.PositiveSmallIntegerField(help_text="round, from 0")
    number = models.PositiveIntegerField(help_text="within the round, from 0")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    problem = models.BinaryField(help_text="keep.pack")
    present = models.JSONField(default=dict, help_text="{shift id: [order ids]} to start from")
    seconds = models.FloatField(help_text="to search, at most")
    seed = models.BigIntegerField(default=0)
    until = models.DateTimeField(help_text="later than this nobody waits for it")
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    result = models.JSONField(null=True, help_text="{solution, work}")
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["job", "turn", "number"]
        constraints = [
            models.UniqueConstraint(fields=["holder", "turn", "number"], name="part_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed"]),
                name="part_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_token__isnull=True, lease_until__isnull=True)),
                name="part_lease_while_running",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(result__isnull=False), name="part_done_has_result"
            ),
        ]
        indexes = [models.Index(fields=["job", "state"], name="part_by_job")]

    def __str__(self) -> str:
        return f"{self.job} {self.turn}/{self.number}: {self.state}"


class PlanEdit(models.Model):
    """An edit by hand, with the arrangement before and after it, so that it can be undone."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField()
    act = models.CharField(max_length=20)
    actor = models.CharField(max_length=64)
    facts = models.JSONField(default=dict, help_text="ids only: order, from, to, positions")
    before = models.JSONField(help_text="{shift id: [order ids]}")
    after = models.JSONField(help_text="{shift id: [order ids]}")
    by_hand = models.JSONField(
        null=True, help_text="order ids that a person had taken off before; null: not known"
    )
    undone = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["plan", "number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="edit_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.act} #{self.number}"
