"""The event handler of open delivery pages: it tells them that their order has changed."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.live.services import TRACK
from lastmile.core.events import DomainEvent
from lastmile.core.sockets import broadcast_to

CHANGED = "changed"  # the socket reads the present state and sends it; pages never get this frame


def on_order_changed(event: DomainEvent) -> None:
    """Tell the sockets of an order's shopper to read the order again."""
    on_orders_changed([event])


def on_locker_changed(event: DomainEvent) -> None:
    """Tell the sockets of the shopper whose parcel is, or will be, in a locker."""
    if order := event.data.get("order"):
        broadcast_to([(TRACK, str(order))], kind=CHANGED, seq=None, data={})


def on_orders_changed(events: Sequence[DomainEvent]) -> None:
    """Tell the sockets of many orders' shoppers, each once."""
    orders = dict.fromkeys(event.subject for event in events)
    broadcast_to([(TRACK, order) for order in orders], kind=CHANGED, seq=None, data={})
