"""The engine for everything: ruin and recreate on a scan that knows every rule. PURE.

It needs no settling: what it proposes holds, priced to the cent. It may begin from a plan, change
only a part of it, and be charged for what it breaks of promises already given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from dispatch.solver.classic.samples import problems
from dispatch.solver.engines.base import Proposal, SearchControl
from dispatch.solver.model.cost import UNIT, rounded
from dispatch.solver.model.problem import Break, Slice
from dispatch.solver.placing.draft import Context
from dispatch.solver.rich.fill import insert_absent
from dispatch.solver.rich.initial import load_plan
from dispatch.solver.rich.layout import Scratch, new_scratch
from dispatch.solver.rich.model import Model
from dispatch.solver.rich.near import near
from dispatch.solver.rich.search import search
from dispatch.solver.rich.state import BEST, HALT, Announcements, State, fresh, nothing_promised
from lastmile.core.errors import Invalid

# Temperatures, in costs of a stop, above 0: the first, the last, and the first when it begins
# from a plan. As in ``classic.tuning``.
HOT: Final = 3.0
COLD: Final = 0.03
WARM: Final = 0.3
LEGS: Final = 100  # stretches of a search, each at one temperature: 2 or more. Chosen
CHUNK_S: Final = 0.01  # seconds of search between two looks at the clock. Chosen
MOST: Final = 2000  # iterations in one chunk at most. Chosen
# Iterations in the first chunk: with batteries, breaks and hours one alone may take 50 ms (see
# ``_halting``). Measured.
FIRST: Final = 1
GROWS: Final = 4  # times as many at most in the next chunk: above 1. Chosen


@dataclass(frozen=True, slots=True)
class Announced:
    """What a visit was promised, and what it costs to break it.

    Parameters
    ----------
    vehicle : int or None
        Who was to come; ``move_cost`` minor units for another one.
    opens_s, closes_s : int or None
        The window told; each minute outside of it costs ``slip_cost_per_minute``.
    """

    vehicle: int | None = None
    move_cost: int = 0
    opens_s: int | None = None
    closes_s: int | None = None
    slip_cost_per_minute: int = 0


class Rich:
    """The engine behind ``base.Engine``."""

    name = "rich"

    def __init__(self) -> None:
        """Load what is compiled: once a process, a tenth of a second, before any clock runs."""
        plain, dear = problems()
        (profile,), (vehicle, *_) = dear.profiles, dear.vehicles
        later = replace(profile, hourly=(Slice(600, profile.duration_s),))
        resting = replace(vehicle, breaks=(Break(0, 9_000, 60),))
        for problem in (plain, replace(dear, profiles=(later,), vehicles=(resting,))):
            context = Context(problem)
            found = self.search(context, seed=0, control=SearchControl(0.0, counts=(2,)))
            for at, codes in found.sequences.items():
                context.scanner.route(at, codes)
            context.scanner.gaps({}, 0)

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop, from the plan that it has, if any."""
        given = control.present or {}
        start = {vehicle: context.equipped(vehicle, codes) for vehicle, codes in given.items()}
        return improve(context, seed=seed, control=control, start=start)


def improve(
    context: Context,
    *,
    seed: int,
    control: SearchControl,
    start: Mapping[int, Sequence[int]] | None = None,
    visits: Collection[int] | None = None,
    vehicles: Collection[int] | None = None,
    promises: Mapping[int, Announced] | None = None,
) -> Proposal:
    """Search until the control says to stop and return the best sequences found.

    Parameters
    ----------
    start : mapping, optional
        Sequences to begin from, by vehicle; negative codes as in ``rich.model``. What does not
        hold of it is left out first.
    visits, vehicles : collections of int, optional
        The only visits that may be moved, the only vehicles that may be changed.
    promises : mapping of int to Announced, optional
        By visit: what it costs to break what was told. Part of the objective of this search,
        not of ``cost``.

    Each of the control's threads searches from a seed of its own; the best one counts. The counts
    of the answer are the number of searches, then of each how many jobs were tried before its
    first iteration, and its iterations in each leg: given back by a control they repeat it. A
    control with one count has one search make so many iterations.

    Raises
    ------
    Invalid
        When the control's counts are not such a record.
    """
    if not (context.problem.visits and context.problem.vehicles):
        return Proposal({}, ())
    model = context.model
    promise = _promise(model, promises or {})
    around = near(model)
    runs = [
        _Run(model, promise, fresh(model, around, seed, number), new_scratch(model), quota)
        for number, quota in enumerate(_quotas(control))
    ]
    for run in runs:
        _limit(run.state, visits, vehicles)
        load_plan(context.problem, model, promise, run.state, run.scratch, start or {})
    warm = start is not None and any(start.values())
    with _halting(control, runs), ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: run.go(control, warm=warm, leads=run is runs[0]), runs))
    best = min(runs, key=lambda run: float(run.state.money[BEST]))
    counts = [count for run in runs for count in (run.tried, *run.counts)]
    return Proposal(best.sequences(), (len(runs), *counts))


def iterations_of(counts: Sequence[int]) -> int:
    """Return how many iterations a record tells of."""
    return sum(counts[1:]) - sum(counts[1 :: 1 + LEGS])


@dataclass(frozen=True, slots=True)
class _Quota:
    """What one search is to do by count."""

    legs: tuple[int, ...]  # iterations
    tried: int | None = None  # jobs before the first of them; None: until none fits


def _quotas(control: SearchControl) -> list[_Quota | None]:
    """Return for each search its quota, or None where the clock decides."""
    counts = control.counts
    if counts is None:
        return [None] * max(1, control.threads)
    if len(counts) == 1:
        whole = counts[0]
        legs = (whole * (leg + 1) // LEGS - whole * leg // LEGS for leg in range(LEGS))
        return [_Quota(tuple(legs))]
    each = 1 + LEGS
    if len(counts) != 1 + counts[0] * each:
        raise Invalid("This record is not one of this engine's: solve again to get one.")
    return [
        _Quota(counts[at + 1 : at + each], tried=counts[at]) for at in range(1, len(counts), each)
    ]


@contextmanager
def _halting(control: SearchControl, runs: Sequence[_Run]) -> Iterator[None]:
    """Halt what is being tried at the control's deadline: a single iteration may take long."""
    if control.remaining_s is None:
        yield
        return

    def halt() -> None:
        for run in runs:
            run.state.num[HALT] = 1

    timer = threading.Timer(control.remaining_s, halt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _promise(model: Model, promises: Mapping[int, Announced]) -> Announcements:
    empty = nothing_promised(model)
    if not promises:
        return empty
    for at, told in promises.items():
        if told.vehicle is not None:
            empty.vehicle[at], empty.move[at] = told.vehicle, float(told.move_cost) * UNIT
        if told.opens_s is not None and told.closes_s is not None:
            empty.opens[at], empty.closes[at] = told.opens_s, told.closes_s - 1
            empty.slip[at] = float(told.slip_cost_per_minute) * UNIT / 60
    empty.asked[0] = True
    return empty


def _limit(state: State, visits: Collection[int] | None, vehicles: Collection[int] | None) -> None:
    if visits is not None:
        state.locked[:] = True
        state.locked[list(visits)] = False
    if vehicles is not None:
        state.closed[:] = True
        state.closed[list(vehicles)] = False


class _Run:
    """One search in one thread."""

    def __init__(
        self,
        model: Model,
        promise: Announcements,
        state: State,
        scratch: Scratch,
        quota: _Quota | None,
    ) -> None:
        self.model, self.promise, self.state, self.scratch = model, promise, state, scratch
        self.quota = quota
        self.tried = 0  # jobs
        self.counts = [0] * LEGS
        self.chunk = FIRST

    def go(self, control: SearchControl, *, warm: bool, leads: bool) -> None:
        """Search leg by leg until the control says to stop; only one run may tell of it."""
        most = self.quota.tried if self.quota else None

        def more(tried: int) -> bool:
            return (most is None or tried < most) and not control.must_stop(0, -1)

        self.tried = insert_absent(self.model, self.promise, self.state, self.scratch, more)
        began = time.perf_counter()
        hot = self._hot() * (WARM / HOT if warm else 1.0)
        for leg in range(LEGS):
            heat = hot * (COLD / HOT) ** (leg / (LEGS - 1))
            until = None
            if control.deadline is not None:
                until = began + (control.deadline - began) * (leg + 1) / LEGS
            if not self._leg(leg, heat, until, control, leads=leads):
                return

    def _leg(
        self, leg: int, heat: float, until: float | None, control: SearchControl, *, leads: bool
    ) -> bool:
        """Iterate at one temperature, by quota or to a moment; False once the search must stop."""
        clock, quota = time.perf_counter(), self.quota
        while quota is None or self.counts[leg] < quota.legs[leg]:
            if control.must_stop(0, -1):
                return False
            if quota is None and until is not None and clock >= until:
                return True
            chunk = self.chunk
            if quota is not None:
                chunk = min(chunk, quota.legs[leg] - self.counts[leg])
            made = search(self.model, self.promise, self.state, self.scratch, chunk, heat)
            self.counts[leg] += int(made)
            if made < chunk:
                return False
            now = time.perf_counter()
            due = int(chunk * CHUNK_S / max(1e-6, now - clock))
            self.chunk = max(1, min(MOST, GROWS * chunk, due))
            clock = now
            if leads:
                money = rounded(int(self.state.money[BEST]))
                control.report(Rich.name, sum(self.counts), money)
        return True

    def _hot(self) -> float:
        """Return the first temperature: so many times what a stop costs."""
        stops = int(self.state.visits.sum())
        routes = float(self.state.cost.sum())
        return HOT * routes / stops if stops else 0.0

    def sequences(self) -> dict[int, list[int]]:
        """Return the best plan found."""
        counts = self.state.best_count.tolist()
        return {
            vehicle: self.state.best[vehicle, :count].tolist()
            for vehicle, count in enumerate(counts)
            if count
        }
