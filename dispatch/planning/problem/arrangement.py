"""Who carries what in which order: shifts to orders, and the hand's moves on it.

An arrangement is ``{shift public id: [order public ids]}``; an order in no list is unserved.
Moves return a new arrangement and leave the given one as it was, so that an edit can keep both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from dispatch.planning.errors import OrderNotInPlan, RouteNotInPlan

Arrangement = dict[str, list[str]]


def copy(arrangement: Mapping[str, Sequence[str]]) -> Arrangement:
    """A copy that can be changed."""
    return {shift: list(orders) for shift, orders in arrangement.items()}


def find(arrangement: Mapping[str, Sequence[str]], order: str) -> tuple[str, int] | None:
    """Return (shift, position from 1) of an order, or None when it is unserved."""
    for shift, orders in arrangement.items():
        if order in orders:
            return shift, list(orders).index(order) + 1
    return None


def move(
    arrangement: Mapping[str, Sequence[str]], order: str, shift: str, position: int, known: set[str]
) -> Arrangement:
    """Put an order at a position (from 1, clamped to the end) of a shift's list.

    Raises
    ------
    OrderNotInPlan
        The order is not part of the plan's problem.
    RouteNotInPlan
        The shift is not part of the plan's problem.
    """
    after = remove(arrangement, order, known)
    if shift not in after:
        raise RouteNotInPlan(
            _("That route is not part of this plan. Reload the board and choose again."),
            data={"shift": shift},
        )
    at = min(max(position, 1), len(after[shift]) + 1) - 1
    after[shift].insert(at, order)
    return after


def remove(arrangement: Mapping[str, Sequence[str]], order: str, known: set[str]) -> Arrangement:
    """Take an order out of its list, so that it is unserved; raises OrderNotInPlan."""
    if order not in known:
        raise OrderNotInPlan(
            _("That order is not part of this plan. Plan the day again to include it."),
            data={"order": order},
        )
    return {shift: [o for o in orders if o != order] for shift, orders in arrangement.items()}


def sequence(
    arrangement: Mapping[str, Sequence[str]], shift: str, orders: Sequence[str]
) -> Arrangement:
    """Give one shift's orders another sequence; the set must stay the same.

    Raises
    ------
    RouteNotInPlan
        The shift is unknown.
    OrderNotInPlan
        The new list has other orders than the old one.
    """
    after = copy(arrangement)
    if shift not in after:
        raise RouteNotInPlan(_("That route is not part of this plan."), data={"shift": shift})
    if sorted(after[shift]) != sorted(orders):
        raise OrderNotInPlan(
            _("The new sequence must name exactly the orders of the route. Reload and try again.")
        )
    after[shift] = list(orders)
    return after
