"""The engine for everything: ruin and recreate on a scan that knows every rule. PURE.

It needs no settling: what it proposes holds, priced to the cent. It may begin from a plan, change
only a part of it, and be charged for what it breaks of promises already given.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from dispatch.solver.cost import UNIT, rounded
from dispatch.solver.draft import Ground
from dispatch.solver.engines.base import Leash, Proposal
from dispatch.solver.rich.begin import lay_plan
from dispatch.solver.rich.lay import Scratch, scratch
from dispatch.solver.rich.model import Model
from dispatch.solver.rich.near import near
from dispatch.solver.rich.search import search, settle_in
from dispatch.solver.rich.state import BEST, Promise, State, fresh, nothing_promised
from lastmile.core.errors import Invalid

HOT: Final = 3.0  # temperature at first, in costs of a stop; COLD: at last
COLD: Final = 0.03
WARM: Final = 0.3  # at first when it begins from a plan
LEGS: Final = 100  # parts of a search, each at one temperature
CHUNK_S: Final = 0.01  # of search between two looks at the clock
MOST: Final = 2000  # iterations in one chunk
FIRST: Final = 1  # with batteries, breaks and hours one alone may take 50 ms
GROWS: Final = 4  # times as many at most in the next chunk


@dataclass(frozen=True, slots=True)
class Promised:
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

    def search(self, ground: Ground, *, seed: int, leash: Leash) -> Proposal:
        """Search until the leash is taut, from the plan that it has, if any."""
        given = leash.present or {}
        start = {vehicle: ground.equipped(vehicle, codes) for vehicle, codes in given.items()}
        return improve(ground, seed=seed, leash=leash, start=start)


def improve(
    ground: Ground,
    *,
    seed: int,
    leash: Leash,
    start: Mapping[int, Sequence[int]] | None = None,
    visits: Collection[int] | None = None,
    vehicles: Collection[int] | None = None,
    promises: Mapping[int, Promised] | None = None,
) -> Proposal:
    """Search until the leash is taut and return the best sequences found.

    Parameters
    ----------
    start : mapping, optional
        Sequences to begin from, by vehicle; negative codes as in ``rich.model``. What does not
        hold of it is left out first.
    visits, vehicles : collections of int, optional
        The only visits that may be moved, the only vehicles that may be changed.
    promises : mapping of int to Promised, optional
        By visit: what it costs to break what was told. Part of the objective of this search,
        not of ``cost``.

    Each of the leash's threads searches from a seed of its own; the best one counts. The counts
    of the answer are the number of searches, then the iterations of each in each leg: given
    back by a leash they repeat it. A leash with one count has one search make so many.

    Raises
    ------
    Invalid
        When the leash's counts are not such a record.
    """
    if not (ground.problem.visits and ground.problem.vehicles):
        return Proposal({}, ())
    model = ground.model
    promise = _promise(model, promises or {})
    around = near(model)
    runs = [
        _Run(model, promise, fresh(model, around, seed, number), scratch(model), quotas)
        for number, quotas in enumerate(_quotas(leash))
    ]
    for run in runs:
        _limit(run.state, visits, vehicles)
        lay_plan(ground.problem, model, promise, run.state, run.room, start or {})
    warm = start is not None and any(start.values())
    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: run.go(leash, warm=warm, leads=run is runs[0]), runs))
    best = min(runs, key=lambda run: float(run.state.money[BEST]))
    return Proposal(best.sequences(), (len(runs), *(count for run in runs for count in run.counts)))


def _quotas(leash: Leash) -> list[tuple[int, ...] | None]:
    """Return for each search its iterations by leg, or None where the clock decides."""
    counts = leash.counts
    if counts is None:
        return [None] * max(1, leash.threads)
    if len(counts) == 1:
        whole = counts[0]
        return [tuple(whole * (leg + 1) // LEGS - whole * leg // LEGS for leg in range(LEGS))]
    if len(counts) != 1 + counts[0] * LEGS:
        raise Invalid("This record is not one of this engine's: solve again to get one.")
    return [counts[at : at + LEGS] for at in range(1, len(counts), LEGS)]


def _promise(model: Model, promises: Mapping[int, Promised]) -> Promise:
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
        promise: Promise,
        state: State,
        room: Scratch,
        quotas: tuple[int, ...] | None,
    ) -> None:
        self.model, self.promise, self.state, self.room = model, promise, state, room
        self.quotas = quotas
        self.counts = [0] * LEGS
        self.chunk = FIRST

    def go(self, leash: Leash, *, warm: bool, leads: bool) -> None:
        """Search leg by leg until the leash is taut; only one run may tell of it."""
        began = time.perf_counter()
        settle_in(self.model, self.promise, self.state, self.room)
        hot = self._hot() * (WARM / HOT if warm else 1.0)
        for leg in range(LEGS):
            heat = hot * (COLD / HOT) ** (leg / (LEGS - 1))
            until = None
            if leash.deadline is not None:
                until = began + (leash.deadline - began) * (leg + 1) / LEGS
            if not self._leg(leg, heat, until, leash, leads=leads):
                return

    def _leg(
        self, leg: int, heat: float, until: float | None, leash: Leash, *, leads: bool
    ) -> bool:
        """Iterate at one temperature, by quota or to a moment; False once the leash is taut."""
        clock = time.perf_counter()
        while self.quotas is None or self.counts[leg] < self.quotas[leg]:
            if leash.taut(0, -1):
                return False
            if self.quotas is None and until is not None and clock >= until:
                return True
            chunk = self.chunk
            if self.quotas is not None:
                chunk = min(chunk, self.quotas[leg] - self.counts[leg])
            search(self.model, self.promise, self.state, self.room, chunk, heat)
            self.counts[leg] += chunk
            now = time.perf_counter()
            due = int(chunk * CHUNK_S / max(1e-6, now - clock))
            self.chunk = max(1, min(MOST, GROWS * chunk, due))
            clock = now
            if leads:
                money = rounded(int(self.state.money[BEST]))
                leash.tell(Rich.name, sum(self.counts), money)
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
