"""The event handlers of slots: the counts of slots follow the promises of orders."""

from __future__ import annotations

from dispatch.orders.models import Order
from dispatch.slots.services.following import settle_order
from lastmile.core.events import DomainEvent


def on_order_changed(event: DomainEvent) -> None:
    """Let an order take its place in the slot of its present promise, or give it back."""
    order = Order.objects.filter(public_id=event.subject).first()
    if order is not None:
        settle_order(order=order)
