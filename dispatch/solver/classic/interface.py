"""What a search is asked for and what comes of it. PURE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dispatch.solver.classic.arrays import Int64
from dispatch.solver.classic.model import Model
from dispatch.solver.classic.setup import Tours

Ask = Callable[[], bool]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who may end a search, and who is told how many iterations it made and its least cost."""

    stopped: Ask
    tell: Tell


class Polisher(Protocol):
    """Another search that goes on from a plan and knows other moves."""

    def __call__(
        self, model: Model, plan: Tours, free: Int64, *, seed: int, limit: Limit
    ) -> tuple[Tours, int]:
        """Search on from some tours with free vehicles by kind; return tours and iterations."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """How long to polish: to a moment, or so many iterations; and whether to stop at once."""

    until: float | None
    count: int | None
    stopped: Ask


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to search: to a moment, or by counts.

    Parameters
    ----------
    until : float or None
        A moment of ``time.perf_counter()``.
    iterations : int or None
        Of all pieces together, spread evenly.
    record : tuple of int or None
        What ``SearchResult.record`` said: repeats that search.
    """

    until: float | None = None
    iterations: int | None = None
    record: tuple[int, ...] | None = None


@dataclass(slots=True)
class SearchResult:
    """The best plan, its cost in the model's unit, and the record that repeats the search."""

    plan: Tours
    cost: int
    record: tuple[int, ...]
