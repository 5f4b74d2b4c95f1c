"""The event handlers of orders."""

from __future__ import annotations

from dispatch.orders.links import keep_link_open, set_link_expiry
from lastmile.core.events import DomainEvent


def on_order_failed(event: DomainEvent) -> None:
    """Let the shopper's link live on: an order that was corrected to failed has not ended."""
    keep_link_open(order=event.subject)


def on_order_ended(event: DomainEvent) -> None:
    """Let the shopper's link end some days after its order was delivered, returned or cancelled."""
    set_link_expiry(order=event.subject, ended_at=event.occurred_at)
