"""The table of remarks, which are notes about orders."""

from __future__ import annotations

from django.db import models

from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField, Timestamped


class Remark(Timestamped):
    """A note about an order, with its translation once there is one."""

    public_id = PublicIdField("rmk")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()
    translated = models.TextField(default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        app_label = "remarks"
        ordering = ("-created_at", "-public_id")
        constraints = (models.CheckConstraint(name="remark_says", condition=~models.Q(text="")),)

    def __str__(self) -> str:
        return self.public_id
