"""The interface of all search engines: one call, with the same arguments for each. PURE."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dispatch.solver.placing.draft import Context

POLL_S = 0.05  # least seconds between two calls of ``should_stop``


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a running search; ``cost`` is the engine's own estimate, in minor units."""

    seconds: float
    iterations: int
    cost: int
    engine: str


@dataclass(slots=True)
class SearchControl:
    """Tells an engine when to stop: at a deadline, by a count, or on request.

    Parameters
    ----------
    began : float
        When the search began, in seconds of ``time.perf_counter()``.
    deadline : float or None
        A moment of ``time.perf_counter()``.
    counts : tuple of int or None
        Iterations of each phase; the last entry also holds for all later phases. With counts and no
        deadline a search is repeatable.
    on_progress : callable or None
        Called with ``Progress``, at most every ``progress_every_s`` seconds.
    should_stop : callable or None
        Returns True to end the search.
    threads : int
        Cores that the engine may use.
    present : mapping of int to sequence of int, or None
        A plan to start from, vehicle to visits by index. An engine that cannot start from a plan
        ignores it.
    """

    began: float
    deadline: float | None = None
    counts: tuple[int, ...] | None = None
    on_progress: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None
    progress_every_s: float = 0.25
    threads: int = 1
    present: Mapping[int, Sequence[int]] | None = None
    stopped: bool = field(default=False, init=False)
    _polled: float = field(default=0.0, init=False)
    _reported: float = field(default=0.0, init=False)

    def must_stop(self, phase: int, iterations: int) -> bool:
        """Return True if a phase must stop before its next iteration."""
        if self.counts is not None:
            limit = self.counts[min(phase, len(self.counts) - 1)]
            if iterations >= limit:
                return True
        now = time.perf_counter()
        if self.deadline is not None and now >= self.deadline:
            return True
        if self.should_stop is not None and now - self._polled >= POLL_S:
            self._polled = now
            self.stopped = self.stopped or self.should_stop()
        return self.stopped

    def report(self, engine: str, iterations: int, cost: int) -> None:
        """Report progress, at most a few times a second."""
        now = time.perf_counter()
        if self.on_progress is not None and now - self._reported >= self.progress_every_s:
            self._reported = now
            self.on_progress(Progress(now - self.began, iterations, cost, engine))

    def end_of_share(self, part: float) -> float | None:
        """Return when a share of the remaining time is over; None without a deadline."""
        remaining = self.remaining_s
        return None if remaining is None else time.perf_counter() + part * remaining

    @property
    def remaining_s(self) -> float | None:
        """Seconds to the deadline, not below 0; None without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.perf_counter())


@dataclass(frozen=True, slots=True)
class Proposal:
    """An engine's answer: sequences by index (vehicle to visits) and iterations by phase."""

    sequences: dict[int, list[int]]
    counts: tuple[int, ...]


class Engine(Protocol):
    """A search engine.

    It may break rules that it cannot express: its proposal is repaired and refereed afterwards.
    """

    name: str

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop; return the best sequences."""
        ...
