"""The table of custody: who had a parcel when, from the hub to the door."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.live.models.acts import DriverAct
from dispatch.live.states import CustodyKind, CustodyProof
from dispatch.orders.models import Parcel
from lastmile.core.bases import PublicIdField


class CustodyStep(models.Model):
    """A step of a parcel on its way, as an act of a driver says it.

    ``place`` is the public id of the hub or of the order whose door it was. ``by`` says whether
    the parcel itself was scanned, or the driver told of it in a list.
    """

    public_id = PublicIdField("cst")
    parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="custody")
    act = models.ForeignKey(DriverAct, on_delete=models.CASCADE, related_name="custody")
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    place = models.CharField(max_length=28)
    by = models.CharField(max_length=4)

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(name="custody_of_parcel", fields=["parcel", "at"]),)
        constraints = (
            models.UniqueConstraint(name="custody_once", fields=["parcel", "act"]),
            models.CheckConstraint(
                name="custody_kind", condition=Q(kind__in=[k.value for k in CustodyKind])
            ),
            models.CheckConstraint(
                name="custody_by", condition=Q(by__in=[b.value for b in CustodyProof])
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.kind}"
