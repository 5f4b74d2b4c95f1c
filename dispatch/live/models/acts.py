"""The journal of what drivers did."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.fleet.models import Driver
from dispatch.live.models.devices import Device
from dispatch.live.models.runs import Run
from dispatch.live.states import Result
from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now
from lastmile.core.fields import EncryptedField


class DriverAct(models.Model):
    """An act of a driver, as the phone reported it, with its true time.

    Rows are only added. ``client_id`` is the UUID that the phone gave to the act; a repeated act
    is the same row. ``phone_at`` is the time that the phone wrote; ``happened_at`` is that time
    after the correction of the phone's clock. ``data`` holds ids, numbers and words of lists.
    """

    public_id = PublicIdField("act")
    client_id = models.UUIDField(unique=True)
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="acts")
    driver = models.ForeignKey(Driver, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=24)
    happened_at = models.DateTimeField()
    phone_at = models.DateTimeField(null=True)
    clock_corrected = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(default=now)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="acts")
    order = models.ForeignKey(
        Order, null=True, on_delete=models.SET_NULL, related_name="driver_acts"
    )
    stop = models.CharField(max_length=28, default="", blank=True)
    data = models.JSONField(default=dict)
    note = EncryptedField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    accuracy_m = models.PositiveIntegerField(null=True)
    result = models.CharField(max_length=12, default=Result.APPLIED)
    problem = models.JSONField(null=True, help_text="{code, detail} of a rejected act")

    class Meta:
        ordering = ("happened_at", "id")
        indexes = (
            models.Index(name="act_of_run", fields=["run", "happened_at"]),
            models.Index(name="act_of_order", fields=["order", "happened_at"]),
            models.Index(name="act_of_device", fields=["device", "-id"]),
            models.Index(name="act_of_driver", fields=["driver", "happened_at"]),
        )
        constraints = (
            models.CheckConstraint(
                name="act_result", condition=Q(result__in=[r.value for r in Result])
            ),
            models.CheckConstraint(
                name="act_on_earth",
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.kind}"
