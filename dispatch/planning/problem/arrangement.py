"""Arrangements: which shift serves which orders in which sequence, and edits by hand on them.

An arrangement is ``{shift public id: [order public ids]}``; an order in no list is unserved.
Each edit returns a new arrangement and does not change the old one, so that both can be stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from dispatch.planning.errors import OrderNotInPlan, RouteNotInPlan

Arrangement = dict[str, list[str]]


def copy(arrangement: Mapping[str, Sequence[str]]) -> Arrangement:
    """Return a copy that can be changed."""
    return {shift: list(orders) for shift, orders in arrangement.items()}


def find(arrangement: Mapping[str, Sequence[str]], order: str) -> tuple[str, int] | None:
    """Return (shift, position from 1) of an order, or None when it is unserved."""
    for shift, orders in arrangement.items():
        if order in orders:
            return shift, list(orders).index(order) + 1
    return None


def move(
    arrangement: Mapping[str, Sequence[str]],
    order: str,
    shift: str,
    position: int,
    plan_orders: set[str],
) -> Arrangement:
    """Put an order at a position (from 1, clamped to the end) of a shift's list.

    ``plan_orders`` are the orders of the plan's problem.

    Raises
    ------
    OrderNotInPlan
        The order is not part of the plan's problem.
    RouteNotInPlan
        The shift is not part of the plan's problem.
    """
    after = remove(arrangement, order, plan_orders)
    if shift not in after:
        raise RouteNotInPlan(
            _("This route is not part of this plan. Reload the page and try again."),
            data={"shift": shift},
        )
    index = min(max(position, 1), len(after[shift]) + 1) - 1
    after[shift].insert(index, order)
    return after


def remove(
    arrangement: Mapping[str, Sequence[str]], order: str, plan_orders: set[str]
) -> Arrangement:
    """Remove an order from its list, so that it is unserved.

    ``plan_orders`` are the orders of the plan's problem. Raises OrderNotInPlan for any other order.
    """
    if order not in plan_orders:
        raise OrderNotInPlan(
            _("This order is not part of this plan. Update the plan or plan the day again."),
            data={"order": order},
        )
    return {shift: [o for o in orders if o != order] for shift, orders in arrangement.items()}


def sequence(
    arrangement: Mapping[str, Sequence[str]], shift: str, orders: Sequence[str]
) -> Arrangement:
    """Put the orders of one shift in another sequence; the set of orders must stay the same.

    Raises
    ------
    RouteNotInPlan
        The shift is unknown.
    OrderNotInPlan
        The new list has other orders than the old one.
    """
    after = copy(arrangement)
    if shift not in after:
        raise RouteNotInPlan(
            _("This route is not part of this plan. Reload the page and try again."),
            data={"shift": shift},
        )
    if sorted(after[shift]) != sorted(orders):
        raise OrderNotInPlan(
            _(
                "The new sequence must contain exactly the orders of the route. Reload the page "
                "and try again."
            )
        )
    after[shift] = list(orders)
    return after
