"""The kinds of jobs that make a draft of a hub's day."""

from __future__ import annotations

from typing import Final

SOLVE: Final = "planning.solve"
REDISPATCH: Final = "planning.redispatch"
JOBS: Final = frozenset({SOLVE, REDISPATCH})
