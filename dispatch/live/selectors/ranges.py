"""The expected arrival as shoppers read it: a range in whole steps of five minutes."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.live.selectors.arrivals import arrivals_of_orders
from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from dispatch.planning.arrival import ArrivalRange, rounded


def live_range(order: Order) -> ArrivalRange | None:
    """Return when the vehicle comes, as calculated on the way; None unless it is on the way."""
    return live_ranges([order]).get(order.pk)


def live_ranges(orders: Iterable[Order]) -> dict[int, ArrivalRange]:
    """Return the same for many orders, by primary key, in one query; without the other ones."""
    out = [order.pk for order in orders if order.state == OrderState.OUT]
    if not out:
        return {}
    return {
        pk: ArrivalRange(
            low_at=rounded(live.low_at, up=False),
            high_at=rounded(live.high_at, up=True),
            is_late=live.closes_at is not None and live.expected_at >= live.closes_at,
        )
        for pk, live in arrivals_of_orders(out).items()
    }
