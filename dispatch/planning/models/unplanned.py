"""The table of days that had no plan on the evening before."""

from __future__ import annotations

from django.db import models

from dispatch.fleet.models import Hub
from lastmile.core.clock import now


class UnplannedDay(models.Model):
    """A hub's day that had orders and no published plan on the evening before it.

    The row keeps the event from being recorded twice. ``orders`` is their number at that time.
    """

    hub = models.ForeignKey(Hub, on_delete=models.CASCADE, related_name="unplanned_days")
    service_date = models.DateField()
    orders = models.PositiveIntegerField()
    noted_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("hub_id", "service_date")
        constraints = (
            models.UniqueConstraint(name="unplanned_day_once", fields=["hub", "service_date"]),
        )

    def __str__(self) -> str:
        return f"{self.hub_id} {self.service_date}"
