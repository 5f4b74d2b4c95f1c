"""The table of incidents: what staff must look at, until somebody settles it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.fleet.models import Driver, Hub, Shift
from dispatch.live.models.acts import DriverAct
from dispatch.live.models.devices import Device
from dispatch.live.states import IncidentState
from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now


class Incident(models.Model):
    """Something that did not go as planned, with what it concerns and when it happens.

    ``key`` is the same for the same matter: it keeps an open incident from being opened twice.
    ``params`` holds ids, numbers and words of lists. ``settled_how`` is a word or a sentence of
    staff.
    """

    public_id = PublicIdField("inc")
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="incidents")
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=100)
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="incidents")
    shift = models.ForeignKey(Shift, null=True, on_delete=models.SET_NULL, related_name="incidents")
    driver = models.ForeignKey(
        Driver, null=True, on_delete=models.SET_NULL, related_name="incidents"
    )
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    act = models.ForeignKey(
        DriverAct, null=True, on_delete=models.SET_NULL, related_name="incidents"
    )
    opened_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(null=True, help_text="when it happens, if that is known")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=8, default=IncidentState.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=64, default="", blank=True)
    settled_how = models.CharField(max_length=200, default="", blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("-opened_at", "-id")
        indexes = (
            models.Index(name="incident_queue", fields=["hub", "state", "due_at"]),
            models.Index(name="incident_of_order", fields=["order", "-id"]),
            models.Index(name="incident_of_key", fields=["key"]),
        )
        constraints = (
            models.UniqueConstraint(
                name="incident_open_once", fields=["key"], condition=Q(state="open")
            ),
            models.CheckConstraint(name="incident_kind", condition=~Q(kind="")),
            models.CheckConstraint(
                name="incident_settled",
                condition=Q(state=IncidentState.OPEN.value, settled_at__isnull=True)
                | Q(state=IncidentState.SETTLED.value, settled_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.kind}"
