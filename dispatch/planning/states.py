"""The statuses of a plan and the changes of status that are allowed."""

from __future__ import annotations

from dispatch.planning.errors import PlanNotDraft

DRAFT, PUBLISHED, SUPERSEDED, DISCARDED = "draft", "published", "superseded", "discarded"

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
