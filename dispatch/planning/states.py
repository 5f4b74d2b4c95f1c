"""The moves of a plan. One table; ``services`` writes the status nowhere else."""

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
    """Pass, or raise PlanNotDraft with ``detail`` when the table has no such move."""
    if new not in MOVES[old]:
        raise PlanNotDraft(detail, data={"status": old})
