"""The moves of a shift."""

from __future__ import annotations

from enum import StrEnum


class ShiftState(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


MOVES: dict[ShiftState, frozenset[ShiftState]] = {
    ShiftState.SCHEDULED: frozenset({ShiftState.CANCELLED}),
    ShiftState.CANCELLED: frozenset(),
}
