"""The engine for every problem: ruin and recreate on a scan that knows every rule. PURE.

Its proposals need no repair: they are feasible and exactly priced. It can start from a plan, change
only a part of it, and add penalties for breaking promises already given.
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
from dispatch.solver.rich.state import BEST, HALT, Promises, State, fresh, no_promises
from lastmile.core.errors import Invalid

# Temperatures, in mean costs of a stop, above 0: the first, the last, and the first when the search
# starts from a plan. As in ``classic.tuning``.
HOT: Final = 3.0
COLD: Final = 0.03
WARM: Final = 0.3
STAGES: Final = 100  # stages of a search, each at one temperature: 2 or more. Chosen
CHUNK_S: Final = 0.01  # seconds of search between two looks at the clock. Chosen
MOST: Final = 2000  # most iterations between two looks at the clock (a chunk). Chosen
# Iterations in the first chunk: a single one may take 50 ms with batteries, breaks and hours (see
# ``_halting``). Measured.
FIRST: Final = 1
GROWS: Final = 4  # the next chunk is at most this many times as long: above 1. Chosen


@dataclass(frozen=True, slots=True)
class VisitPromise:
    """The promise given for a visit, and the penalties for breaking it.

    Parameters
    ----------
    vehicle : int or None
        The promised vehicle; another one costs ``move_cost`` minor units.
    opens_s, closes_s : int or None
        The promised window; each minute outside it costs ``slip_cost_per_minute`` minor units.
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
        """Load compiled code, once a process: a tenth of a second, before any clock runs."""
        plain, dear = problems()
        (profile,), (vehicle, *_) = dear.profiles, dear.vehicles
        later = replace(profile, hourly=(Slice(600, profile.duration_s),))
        resting = replace(vehicle, breaks=(Break(0, 9_000, 60),))
        for problem in (plain, replace(dear, profiles=(later,), vehicles=(resting,))):
            context = Context(problem)
            proposal = self.search(context, seed=0, control=SearchControl(0.0, counts=(2,)))
            for at, codes in proposal.sequences.items():
                context.scanner.route(at, codes)
            context.scanner.gaps({}, 0)

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop, from the control's present plan if it has one."""
        present = control.present or {}
        start = {vehicle: context.equipped(vehicle, codes) for vehicle, codes in present.items()}
        return improve(context, seed=seed, control=control, start=start)


def improve(
    context: Context,
    *,
    seed: int,
    control: SearchControl,
    start: Mapping[int, Sequence[int]] | None = None,
    visits: Collection[int] | None = None,
    vehicles: Collection[int] | None = None,
    promises: Mapping[int, VisitPromise] | None = None,
) -> Proposal:
    """Search until the control says to stop; return the best sequences.

    Parameters
    ----------
    start : mapping, optional
        Sequences to start from, by vehicle; negative codes as in ``rich.model``. Infeasible parts
        are left out first.
    visits, vehicles : collections of int, optional
        The only visits that may be moved, the only vehicles that may be changed.
    promises : mapping of int to VisitPromise, optional
        Promises by visit. Their penalties belong to the objective of this search, not to ``cost``.

    Each of the control's threads searches from a seed of its own; the best result counts. The
    counts of the proposal are the number of searches, then for each search the number of jobs tried
    before its first iteration, and its iterations in each stage. A control with these counts
    repeats the search. A control with a single count makes one search of that many iterations.

    Raises
    ------
    Invalid
        When the control's counts are no such record.
    """
    if not (context.problem.visits and context.problem.vehicles):
        return Proposal({}, ())
    model = context.model
    promise = _promise_arrays(model, promises or {})
    neighbours = near(model)
    runs = [
        _Run(model, promise, fresh(model, neighbours, seed, number), new_scratch(model), quota)
        for number, quota in enumerate(_quotas(control))
    ]
    for run in runs:
        _limit(run.state, visits, vehicles)
        load_plan(context.problem, model, promise, run.state, run.scratch, start or {})
    warm = start is not None and any(start.values())
    with _halting(control, runs), ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: run.run_stages(control, warm=warm, reports=run is runs[0]), runs))
    best = min(runs, key=lambda run: float(run.state.money[BEST]))
    counts = [count for run in runs for count in (run.tried, *run.counts)]
    return Proposal(best.sequences(), (len(runs), *counts))


def iterations_of(counts: Sequence[int]) -> int:
    """Return the number of iterations in a record of counts."""
    return sum(counts[1:]) - sum(counts[1 :: 1 + STAGES])


@dataclass(frozen=True, slots=True)
class _Quota:
    """The work of one search where counts decide."""

    stages: tuple[int, ...]  # iterations of each stage
    tried: int | None = None  # jobs to try before the first stage; None: until none fits


def _quotas(control: SearchControl) -> list[_Quota | None]:
    """Return the quota of each search, None where the clock decides."""
    counts = control.counts
    if counts is None:
        return [None] * max(1, control.threads)
    if len(counts) == 1:
        whole = counts[0]
        stages = (
            whole * (stage + 1) // STAGES - whole * stage // STAGES for stage in range(STAGES)
        )
        return [_Quota(tuple(stages))]
    each = 1 + STAGES
    if len(counts) != 1 + counts[0] * each:
        raise Invalid("This engine did not make this record. Solve again to get a new record.")
    return [
        _Quota(counts[at + 1 : at + each], tried=counts[at]) for at in range(1, len(counts), each)
    ]


@contextmanager
def _halting(control: SearchControl, runs: Sequence[_Run]) -> Iterator[None]:
    """Halt all searches at the control's deadline: a single iteration may take long."""
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


def _promise_arrays(model: Model, promises: Mapping[int, VisitPromise]) -> Promises:
    """Return the promises in arrays for compiled code."""
    empty = no_promises(model)
    if not promises:
        return empty
    for at, promised in promises.items():
        if promised.vehicle is not None:
            empty.vehicle[at], empty.move[at] = promised.vehicle, float(promised.move_cost) * UNIT
        if promised.opens_s is not None and promised.closes_s is not None:
            empty.opens[at], empty.closes[at] = promised.opens_s, promised.closes_s - 1
            empty.slip[at] = float(promised.slip_cost_per_minute) * UNIT / 60
    empty.active[0] = True
    return empty


def _limit(state: State, visits: Collection[int] | None, vehicles: Collection[int] | None) -> None:
    """Lock all visits but these, and close all vehicles but these; None locks or closes nothing."""
    if visits is not None:
        state.locked[:] = True
        state.locked[list(visits)] = False
    if vehicles is not None:
        state.closed[:] = True
        state.closed[list(vehicles)] = False


class _Run:
    """A search in one thread."""

    def __init__(
        self,
        model: Model,
        promise: Promises,
        state: State,
        scratch: Scratch,
        quota: _Quota | None,
    ) -> None:
        self.model, self.promise, self.state, self.scratch = model, promise, state, scratch
        self.quota = quota
        self.tried = 0  # jobs tried before the first stage
        self.counts = [0] * STAGES
        self.chunk = FIRST

    def run_stages(self, control: SearchControl, *, warm: bool, reports: bool) -> None:
        """Search stage by stage until the control says to stop; a single run reports progress."""
        most = self.quota.tried if self.quota else None

        def more(tried: int) -> bool:
            return (most is None or tried < most) and not control.must_stop(0, -1)

        self.tried = insert_absent(self.model, self.promise, self.state, self.scratch, more)
        began = time.perf_counter()
        hot = self._hot() * (WARM / HOT if warm else 1.0)
        for stage in range(STAGES):
            heat = hot * (COLD / HOT) ** (stage / (STAGES - 1))
            until = None
            if control.deadline is not None:
                until = began + (control.deadline - began) * (stage + 1) / STAGES
            if not self._run_stage(stage, heat, until, control, reports=reports):
                return

    def _run_stage(
        self, stage: int, heat: float, until: float | None, control: SearchControl, *, reports: bool
    ) -> bool:
        """Iterate at one temperature, by quota or until a moment; False if the search must stop."""
        clock, quota = time.perf_counter(), self.quota
        while quota is None or self.counts[stage] < quota.stages[stage]:
            if control.must_stop(0, -1):
                return False
            if quota is None and until is not None and clock >= until:
                return True
            chunk = self.chunk
            if quota is not None:
                chunk = min(chunk, quota.stages[stage] - self.counts[stage])
            completed = search(self.model, self.promise, self.state, self.scratch, chunk, heat)
            self.counts[stage] += int(completed)
            if completed < chunk:
                return False
            now = time.perf_counter()
            due = int(chunk * CHUNK_S / max(1e-6, now - clock))
            self.chunk = max(1, min(MOST, GROWS * chunk, due))
            clock = now
            if reports:
                money = rounded(int(self.state.money[BEST]))
                control.report(Rich.name, sum(self.counts), money)
        return True

    def _hot(self) -> float:
        """Return the first temperature: HOT times the mean cost of a stop."""
        stops = int(self.state.visits.sum())
        routes = float(self.state.cost.sum())
        return HOT * routes / stops if stops else 0.0

    def sequences(self) -> dict[int, list[int]]:
        """Return the best plan of this run."""
        counts = self.state.best_count.tolist()
        return {
            vehicle: self.state.best[vehicle, :count].tolist()
            for vehicle, count in enumerate(counts)
            if count
        }
