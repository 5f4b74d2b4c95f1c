"""The tables of expected arrivals: one row for each run, and one for each of its open stops."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.live.models.runs import Run
from dispatch.orders.models import Order


class Forecast(models.Model):
    """The last computation of a run's arrivals. Its row is the lock for the run's arrivals.

    ``position_at`` is the time of the position that it began from, None without one.
    ``pace_s_per_m`` is the driving time to the next stop divided by its distance in a straight
    line. With it a new position can be judged without the streets. ``back_at`` is when the vehicle
    is expected back at the hub.
    """

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="forecast"
    )
    computed_at = models.DateTimeField()
    position_at = models.DateTimeField(null=True)
    pace_s_per_m = models.FloatField(null=True)
    back_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("run_id",)
        constraints = (
            models.CheckConstraint(
                name="forecast_pace", condition=Q(pace_s_per_m__isnull=True) | Q(pace_s_per_m__gt=0)
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}: {self.computed_at}"


class Arrival(models.Model):
    """The expected arrival at an open stop of a run. An order has at most one.

    A done, cancelled or skipped stop has no row. ``expected_at`` is when the service can begin: not
    before the promised window opens. ``low_at`` and ``high_at`` are its bounds. ``stop`` is a
    public id. ``place_in_route`` counts the orders in the order of visiting, from 1, and
    ``stops_before`` the stops that come first: orders for one place are one stop. ``told_…`` is
    what the last ``arrival.changed`` said, and ``late_told_s`` the lateness of the last
    ``arrival.late``.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="arrivals")
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="expected_arrival")
    stop = models.CharField(max_length=28)
    place_in_route = models.PositiveIntegerField()
    stops_before = models.PositiveIntegerField()
    expected_at = models.DateTimeField()
    low_at = models.DateTimeField()
    high_at = models.DateTimeField()
    computed_at = models.DateTimeField()
    position_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told_before = models.PositiveIntegerField(null=True)
    late_told_s = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("run_id", "place_in_route")
        indexes = (models.Index(name="arrival_of_run", fields=["run", "place_in_route"]),)
        constraints = (
            models.CheckConstraint(
                name="arrival_range",
                condition=Q(low_at__lte=F("expected_at"), high_at__gte=F("expected_at")),
            ),
            models.CheckConstraint(name="arrival_place", condition=Q(place_in_route__gte=1)),
            models.CheckConstraint(
                name="arrival_told",
                condition=Q(told_at__isnull=True, told_before__isnull=True)
                | Q(told_at__isnull=False, told_before__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id}: {self.expected_at}"
