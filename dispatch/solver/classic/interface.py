"""The parameters, callbacks and result of a search. PURE."""

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
    """The callbacks of a search.

    ``stopped`` : returns True if the search must end.
    ``tell`` : gets the number of iterations and the least cost so far.
    """

    stopped: Ask
    tell: Tell


class Polisher(Protocol):
    """A second search that improves (*polishes*) a plan with other moves than the first search."""

    def __call__(
        self, model: Model, plan: Tours, free: Int64, *, seed: int, limit: Limit
    ) -> tuple[Tours, int]:
        """Improve a plan; return the new tours and the number of iterations.

        ``free`` is, for each kind, the number of unused vehicles that may also be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one call of a ``Polisher``.

    ``until`` : a moment of ``time.perf_counter()``; None means no such limit.
    ``count`` : a number of iterations; None means no such limit.
    ``stopped`` : returns True if the polisher must end.
    """

    until: float | None
    count: int | None
    stopped: Ask


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit of a search: a moment, a number of iterations, or a record to repeat.

    Parameters
    ----------
    until : float or None
        A moment of ``time.perf_counter()``.
    iterations : int or None
        Iterations of all pieces together, spread evenly.
    record : tuple of int or None
        A ``SearchResult.record``: the search is repeated with the same iteration counts.
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
