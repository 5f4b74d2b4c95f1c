"""The table of push subscriptions: the browsers that get messages about an order."""

from __future__ import annotations

from django.db import models

from dispatch.orders.models import Order
from lastmile.core.bases import Timestamped
from notifications.models.contacts import Contact


class PushSubscription(Timestamped):
    """A browser that gets messages about one order, because its reader agreed on the order's page.

    The contact's address has the subscription itself. ``ended_at`` is business time: the reader
    stopped it, or the push service knows the browser no more.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="subscriptions")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="push_subscriptions")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(name="push_subscription_once", fields=["contact", "order"]),
        )
        indexes = (
            models.Index(
                name="push_subscription_open",
                fields=["order", "-updated_at"],
                condition=models.Q(ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} {self.order_id}"
