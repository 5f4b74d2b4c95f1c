"""The expected arrival as shoppers read it: a range in whole steps of five minutes."""

from __future__ import annotations

from dispatch.live.selectors.arrivals import arrival_of_order
from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from dispatch.planning.arrival import ArrivalRange, rounded


def live_range(order: Order) -> ArrivalRange | None:
    """Return when the vehicle comes, as calculated on the way; None unless it is on the way."""
    live = arrival_of_order(order.pk) if order.state == OrderState.OUT else None
    if live is None:
        return None
    return ArrivalRange(
        low_at=rounded(live.low_at, up=False),
        high_at=rounded(live.high_at, up=True),
        is_late=live.closes_at is not None and live.expected_at >= live.closes_at,
    )
