"""What a search engine is to the house: one call, the same for all. PURE."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dispatch.solver.placing.draft import Context

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a search stands; ``cost`` is the engine's own view of it, in minor units."""

    seconds: float
    iterations: int
    cost: int
    engine: str


@dataclass(slots=True)
class SearchControl:
    """Tells an engine when to stop: by clock, by count, or because somebody says so.

    Parameters
    ----------
    deadline : float or None
        A moment of ``time.perf_counter()``.
    counts : tuple of int or None
        Iterations of each phase, the last one for any phase behind it. With counts and no
        deadline a search is repeatable.
    threads : int
        Cores that the engine may use.
    present : mapping of int to sequence of int, or None
        A plan to start from, vehicle to visits by index; an engine that cannot begins anew.
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
        """Tell whether a phase must stop before its next iteration."""
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
        """Return the moment at which a part of the time left is over; None without a deadline."""
        left = self.remaining_s
        return None if left is None else time.perf_counter() + part * left

    @property
    def remaining_s(self) -> float | None:
        """Seconds to the deadline, not below 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.perf_counter())


@dataclass(frozen=True, slots=True)
class Proposal:
    """An engine's answer: sequences by index (vehicle -> visits), and each phase's iterations."""

    sequences: dict[int, list[int]]
    counts: tuple[int, ...]


class Engine(Protocol):
    """A search. It may bend rules it cannot express: what it proposes is settled and refereed."""

    name: str

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop and return the best sequences found."""
        ...
