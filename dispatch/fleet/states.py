"""The states of a shift and the allowed moves between them."""

from __future__ import annotations

from enum import StrEnum


class ShiftState(StrEnum):
    """The state of a shift."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


MOVES: dict[ShiftState, frozenset[ShiftState]] = {
    ShiftState.SCHEDULED: frozenset({ShiftState.CANCELLED}),
    ShiftState.CANCELLED: frozenset(),
}
