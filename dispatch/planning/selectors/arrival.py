"""Reads the planned arrival of an order from the published plan."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from dispatch.orders.models import Order, Promise
from dispatch.orders.states import OrderState
from dispatch.planning.arrival import ArrivalRange, PlannedStop, range_of
from dispatch.planning.models import PlanInput, Stop
from dispatch.planning.states import PUBLISHED

#: States in which a published plan says when the vehicle comes.
Planned = tuple[ArrivalRange | None, bool]
_NOTHING: Final[Planned] = (None, False)
PLANNED = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


def planned_arrivals(orders: Collection[Order]) -> dict[int, Planned]:
    """Return what ``planned_arrival`` returns for each of many orders, by primary key.

    It is one statement for all orders, and one or two more for each order on a published plan.
    """
    planned_ids = [order.pk for order in orders if order.state in PLANNED]
    stops: dict[int, Stop] = {}
    if planned_ids:
        rows = Stop.objects.filter(order__in=planned_ids, plan__status=PUBLISHED)
        stops = {stop.order_id: stop for stop in rows.select_related("route").order_by("pk")}
    return {
        order.pk: _arrival(order, stops[order.pk]) if order.pk in stops else _NOTHING
        for order in orders
    }


def planned_arrival(order: Order) -> Planned:
    """Return the planned arrival, and whether the published plan is older than the promise.

    The arrival is None without a published plan, and while that plan is older than the promise.
    See ``dispatch.planning.arrival`` for how the range is made.
    """
    if order.state not in PLANNED:
        return _NOTHING
    stops = Stop.objects.filter(order=order, plan__status=PUBLISHED).select_related("route")
    stop = stops.order_by("-pk").first()
    return _NOTHING if stop is None else _arrival(order, stop)


def _arrival(order: Order, stop: Stop) -> Planned:
    promise = order.promise
    if promise is not None and _is_older(stop, promise):
        return None, True
    planned = PlannedStop(
        leaves_at=stop.route.starts_at, starts_at=stop.starts_at, slack_s=stop.slack_s
    )
    arrival = range_of(
        planned,
        opens_at=promise.opens_at if promise else None,
        closes_at=promise.closes_at if promise else None,
    )
    return arrival, arrival is None


def _is_older(stop: Stop, promise: Promise) -> bool:
    """Return True if the plan of a stop was made for another time window, place or option."""
    read_at = PlanInput.objects.values_list("created_at", flat=True).get(plan=stop.plan_id)
    if promise.made_at <= read_at:
        return False
    earlier = Promise.objects.filter(order=promise.order_id, made_at__lte=read_at)
    before = earlier.order_by("-number").first()
    return before is None or _what_a_plan_reads(before) != _what_a_plan_reads(promise)


def _what_a_plan_reads(promise: Promise) -> tuple[object, ...]:
    return promise.opens_at, promise.closes_at, promise.option, promise.place_id
