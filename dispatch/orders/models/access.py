"""The table of access notes: how a driver gets in, or where the goods may be left."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.orders.models.orders import Order
from lastmile.core.bases import Timestamped
from lastmile.core.fields import EncryptedField


class AccessKind(models.TextChoices):
    """The kind of an access note; "" is text alone."""

    SAFE_PLACE = "safe_place"
    NEIGHBOUR = "neighbour"
    LOCKBOX = "lockbox"
    GATE_CODE = "gate_code"
    PIN = "pin"  # the shopper tells it to the driver, who hands over only against it


class AccessNote(Timestamped):
    """The access note of an order: a text for the driver, and a code where one is needed.

    The code is encrypted. NULL means that there is none. It is deleted when the order ends.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="access")
    kind = models.CharField(max_length=16, choices=AccessKind.choices, default="", blank=True)
    text = models.TextField(default="", blank=True)
    code = EncryptedField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="access_kind", condition=Q(kind__in=["", *AccessKind.values])
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id} {self.kind}"
