"""The tables of the tentative plan: a hub's day as it would be driven now.

Each hub and service date has one TentativeDay. It has one TentativeVisit for each order to plan
and for each live hold. Travel times are not stored: each machine keeps them in files, and each
process keeps a board of the day in memory. A board reads the TentativeChanges since its own
version instead of reading all visits again.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.fleet.models import Hub, Shift
from dispatch.orders.models import Order
from dispatch.planning.models.plans import Plan
from lastmile.core.clock import now
from lastmile.core.geo import Point


class TentativeDay(models.Model):
    """The tentative plan of a hub's day. Its row is the lock for all changes of the visits.

    ``version`` counts the changes. ``base_plan`` is the published plan of the day, if any. While
    ``ready`` is False, no visit can be added, and ``reason`` says why. ``network`` is the road
    network (name@version) for which the visits were arranged. ``improved_version`` is the version
    at the end of the last improvement.
    """

    class Reason(models.TextChoices):
        READY = ""
        NO_SHIFT = "no_shift"
        NOT_READY = "not_ready"
        FAILED = "failed"

    hub = models.ForeignKey(Hub, on_delete=models.CASCADE, related_name="tentative_days")
    service_date = models.DateField()
    version = models.BigIntegerField(default=0)
    base_plan = models.ForeignKey(Plan, null=True, on_delete=models.SET_NULL, related_name="+")
    ready = models.BooleanField(default=False)
    reason = models.CharField(max_length=12, choices=Reason, default=Reason.NOT_READY, blank=True)
    network = models.CharField(max_length=120, default="", blank=True)
    changed_at = models.DateTimeField(default=now)
    improved_version = models.BigIntegerField(default=0)
    fleet = models.CharField(
        max_length=64, default="", blank=True, help_text="hash of the shifts and the hub"
    )

    class Meta:
        ordering = ("hub_id", "service_date")
        constraints = (
            models.UniqueConstraint(name="tentative_day_once", fields=["hub", "service_date"]),
            models.CheckConstraint(
                name="tentative_day_reason",
                condition=Q(ready=True, reason="")
                | Q(ready=False, reason__in=["no_shift", "not_ready", "failed"]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.hub_id} {self.service_date} v{self.version}"


class TentativeVisit(models.Model):
    """An order or a live hold in the tentative plan, with its place, window and load.

    ``key`` is the public id of the order or of the hold. A hold has ``expires_at`` and no order;
    it is live until ``expires_at``. ``rank`` is the position on the route of
    the shift, from 0 without gaps. A visit that fits on no route is unplaced, with the reason.
    """

    class State(models.TextChoices):
        PLACED = "placed"
        UNPLACED = "unplaced"

    day = models.ForeignKey(TentativeDay, on_delete=models.CASCADE, related_name="visits")
    key = models.CharField(max_length=28, unique=True)
    order = models.ForeignKey(
        Order, null=True, on_delete=models.CASCADE, related_name="tentative_visits"
    )
    lat = models.FloatField()
    lon = models.FloatField()
    opens_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    service_s = models.PositiveIntegerField()
    weight_g = models.PositiveBigIntegerField()
    volume_cm3 = models.PositiveBigIntegerField()
    parcels = models.PositiveIntegerField()
    skills = models.JSONField(default=list)
    collects = models.BooleanField(default=False, help_text="a return: collected at the stop")
    shift = models.ForeignKey(
        Shift, null=True, on_delete=models.PROTECT, related_name="tentative_visits"
    )
    rank = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.PLACED)
    reason = models.CharField(max_length=40, default="", blank=True)
    params = models.JSONField(default=dict, help_text="of the reason")

    class Meta:
        ordering = ("day_id", "shift_id", "rank", "id")
        indexes = (
            models.Index(name="tentative_visit_route", fields=["day", "shift"]),
            models.Index(
                name="tentative_visit_expiry",
                fields=["day", "expires_at"],
                condition=Q(expires_at__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="tentative_visit_state",
                condition=Q(state="placed", shift__isnull=False, reason="")
                | (Q(state="unplaced", shift__isnull=True) & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="tentative_visit_expires",
                condition=Q(order__isnull=True, expires_at__isnull=False)
                | Q(order__isnull=False, expires_at__isnull=True),
            ),
            models.CheckConstraint(
                name="tentative_visit_window",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__lt=models.F("closes_at")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"

    @property
    def point(self) -> Point:
        """The place of the visit."""
        return Point(lat=self.lat, lon=self.lon)


class TentativeChange(models.Model):
    """A change of a tentative plan, numbered by the day's version after it.

    ``insert`` puts ``key`` at position ``rank`` (from 0) of the route of ``shift``. ``remove``
    takes ``key`` off its route. ``rename`` replaces ``key`` by ``new_key``. ``reset`` means that
    the visits were arranged again: read them all. The last changes of a day are kept.
    """

    class Op(models.TextChoices):
        INSERT = "insert"
        REMOVE = "remove"
        RENAME = "rename"
        RESET = "reset"

    day = models.ForeignKey(TentativeDay, on_delete=models.CASCADE, related_name="changes")
    version = models.BigIntegerField()
    op = models.CharField(max_length=8, choices=Op)
    key = models.CharField(max_length=28, default="", blank=True)
    new_key = models.CharField(max_length=28, default="", blank=True)
    shift = models.ForeignKey(Shift, null=True, on_delete=models.SET_NULL, related_name="+")
    rank = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("day_id", "version")
        constraints = (
            models.UniqueConstraint(name="tentative_change_once", fields=["day", "version"]),
            models.CheckConstraint(
                name="tentative_change_op",
                condition=Q(op__in=["insert", "remove", "rename", "reset"]),
            ),
        )

    def __str__(self) -> str:
        return f"v{self.version}: {self.op} {self.key}"
