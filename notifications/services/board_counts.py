"""Tells the open boards of a hub how many replies about its orders wait for an answer."""

from __future__ import annotations

from dispatch.orders.models import Order
from lastmile.core.sockets import broadcast
from notifications.selectors.threads import unanswered_count

#: The group of websockets that every board of a hub joins.
REPLIES = "replies"


def tell_boards(order: Order | None) -> None:
    """Send the count of the hub of a thread's order to its boards, after the commit.

    A thread without an order is in the general inbox, which no board shows.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    hub = order.hub if order is not None else None
    if hub is None:
        return
    waiting = unanswered_count(frozenset({hub.public_id}))
    broadcast(REPLIES, hub.public_id, kind="replies", seq=None, data={"unanswered": waiting})
