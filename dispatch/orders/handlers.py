"""The event handlers of orders."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.orders.links import keep_link_open, set_link_expiries, set_link_expiry
from lastmile.core.events import DomainEvent
from tenants.people.selectors import policies_read_once


def on_order_failed(event: DomainEvent) -> None:
    """Let the shopper's link live on: an order that was corrected to failed has not ended."""
    keep_link_open(order=event.subject)


def on_order_ended(event: DomainEvent) -> None:
    """Let the shopper's link end some days after its order was delivered, returned or cancelled."""
    set_link_expiry(order=event.subject, ended_at=event.occurred_at)


def on_orders_ended(events: Sequence[DomainEvent]) -> None:
    """Let the links of many orders end, as on_order_ended does; the last end of each counts."""
    with policies_read_once():
        set_link_expiries({event.subject: event.occurred_at for event in events})
