"""The statuses of a plan, the allowed changes of status, and the orders that no plan changes."""

from __future__ import annotations

from dispatch.orders.states import OrderState
from dispatch.planning.errors import PlanNotDraft

DRAFT, PUBLISHED, SUPERSEDED, DISCARDED = "draft", "published", "superseded", "discarded"

#: States of an order that a plan cannot change any more: it is in a vehicle or already handled.
UNDER_WAY = frozenset(
    {
        OrderState.LOADED,
        OrderState.OUT,
        OrderState.DELIVERED,
        OrderState.FAILED,
        OrderState.RETURNED,
    }
)

MOVES: dict[str, frozenset[str]] = {
    DRAFT: frozenset({PUBLISHED, DISCARDED}),
    PUBLISHED: frozenset({SUPERSEDED}),
    SUPERSEDED: frozenset(),
    DISCARDED: frozenset(),
}


def check_move(old: str, new: str, detail: str) -> None:
    """Raise PlanNotDraft with ``detail`` unless ``MOVES`` allows the change of status."""
    if new not in MOVES[old]:
        raise PlanNotDraft(detail, data={"status": old})
