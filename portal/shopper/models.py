"""The table of codes that a demo retailer shows to its staff, because it sends no messages."""

from __future__ import annotations

from django.db import models

from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField
from lastmile.core.fields import EncryptedField


class ShownCode(models.Model):
    """The newest code of an order, shown on a staff page. Only demo and sandbox retailers have it.

    ``contact`` says where the code would go: phone or email.
    """

    public_id = PublicIdField("cod")
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="+")
    code = EncryptedField()
    contact = models.CharField(max_length=8)
    shown_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.public_id
