"""The tables of the day as it is really driven: runs and the progress of their visits."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Driver, Shift
from dispatch.live.models.devices import Device
from dispatch.orders.models import Order, Outcome, Reason
from lastmile.core.bases import PublicIdField, Timestamped


class Run(Timestamped):
    """A shift as it is really driven: begun, left, back and ended, with the true times.

    ``driver`` is the one who began it. ``confirmed_plan`` is the number of the plan version that
    the driver knows; ``reported_plan`` the number that the phone last fetched.
    ``late_positions_at`` is when positions last came for a run that was over, until its stays were
    looked for again.
    """

    public_id = PublicIdField("run")
    shift = models.OneToOneField(Shift, on_delete=models.PROTECT, related_name="run")
    driver = models.ForeignKey(Driver, on_delete=models.PROTECT, related_name="runs")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    back_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    confirmed_plan = models.PositiveIntegerField(null=True)
    reported_plan = models.PositiveIntegerField(null=True)
    late_positions_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = (
            models.Index(
                name="run_late_positions",
                fields=["late_positions_at"],
                condition=Q(late_positions_at__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="run_times_in_order",
                condition=(Q(left_at__isnull=True) | Q(left_at__gte=F("started_at")))
                & (
                    Q(back_at__isnull=True)
                    | (Q(left_at__isnull=False) & Q(back_at__gte=F("left_at")))
                )
                & (Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")))
                & (
                    Q(ended_at__isnull=True)
                    | Q(back_at__isnull=True)
                    | Q(ended_at__gte=F("back_at"))
                ),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class VisitProgress(models.Model):
    """The progress of one order on one run: arrival, departure and outcome.

    ``attempt`` and ``stop`` are public ids: the attempt that counts, and the stop of the plan of
    that time. ``arrived_from`` says whether the driver told of the arrival or the positions show
    it; ``arrived_far_m`` is the distance from the door of an arrival that was told far from it.
    ``stood_from_at`` and ``stood_until_at`` are the stay at the door by the positions alone.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="visits")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="visit_progress")
    arrived_at = models.DateTimeField(null=True)
    arrived_from = models.CharField(max_length=8, default="", blank=True)
    arrived_far_m = models.PositiveIntegerField(null=True)
    stood_from_at = models.DateTimeField(null=True)
    stood_until_at = models.DateTimeField(null=True)
    departed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, default="", blank=True)
    reason = models.CharField(max_length=24, default="", blank=True)
    attempt = models.CharField(max_length=28, default="", blank=True)
    stop = models.CharField(max_length=28, default="", blank=True)

    class Meta:
        ordering = ("run_id", "id")
        constraints = (
            models.UniqueConstraint(name="visit_progress_once", fields=["run", "order"]),
            models.CheckConstraint(
                name="visit_arrival_has_source",
                condition=Q(arrived_at__isnull=True, arrived_from="")
                | Q(arrived_at__isnull=False, arrived_from="tap")
                | Q(arrived_at__isnull=False, arrived_from="position", arrived_far_m__isnull=True),
            ),
            models.CheckConstraint(
                name="visit_stay_in_order",
                condition=Q(stood_until_at__isnull=True)
                | Q(stood_from_at__isnull=False, stood_until_at__gte=F("stood_from_at")),
            ),
            models.CheckConstraint(
                name="visit_progress_outcome",
                condition=Q(outcome="", reason="", departed_at__isnull=True)
                | (
                    Q(outcome__in=[o.value for o in Outcome if o != Outcome.FAILED], reason="")
                    & Q(departed_at__isnull=False)
                )
                | Q(outcome="failed", reason__in=Reason.values, departed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.order_id} {self.outcome}"
