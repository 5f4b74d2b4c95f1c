"""The kinds of jobs of planning. ``JOBS`` are those that make a draft of a hub's day."""

from __future__ import annotations

from typing import Final

SOLVE: Final = "planning.solve"
REDISPATCH: Final = "planning.redispatch"
JOBS: Final = frozenset({SOLVE, REDISPATCH})
#: Jobs of the tentative plan: bring it to its content, improve it, publish what came late.
TENTATIVE: Final = "planning.tentative"
IMPROVE: Final = "planning.improve"
LATE: Final = "planning.late"
