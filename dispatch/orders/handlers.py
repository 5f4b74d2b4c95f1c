"""The event handlers of orders."""

from __future__ import annotations

from dispatch.orders.links import set_link_expiry
from lastmile.core.events import DomainEvent


def on_order_ended(event: DomainEvent) -> None:
    """Let the shopper's link end some days after its order was delivered, returned or cancelled."""
    set_link_expiry(order=event.subject, ended_at=event.occurred_at)
