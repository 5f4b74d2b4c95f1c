"""The fewest relaxations that admit a visit on one vehicle, and the least of each. PURE.

Every set is tried in earnest (``scene.Stage``), from the smallest up, so a set that is found has
no smaller one. Then each amount is made as small as the others allow, in the order of ``Relax``:
the least is exact, as what a relaxation admits it admits with more of it too. The windows of the
other visits on the tour are looked at one at a time, not together with anything else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from dispatch.solver.model.elements import MAX_TRIPS
from dispatch.solver.why.answer import Relax, Relaxation, Way
from dispatch.solver.why.scene import Scene, Stage

MOST_S: Final = 3 * 86_400  # nobody waits longer than that
MOST_M: Final = 10_000_000
ORDER: Final = {kind: at for at, kind in enumerate(Relax)}


class OutOfTime(Exception):
    """The budget is spent."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Until when to try, by ``time.perf_counter``; None: as long as it takes."""

    until: float | None = None

    def check(self) -> None:
        """Raise OutOfTime once it is spent."""
        if self.until is not None and time.perf_counter() >= self.until:
            raise OutOfTime


def smallest(
    it: Scene, *, upto: int, budget: Budget, extra: tuple[Relaxation, ...] = ()
) -> list[Way]:
    """Return every smallest set of relaxations that admits the unit, each with its least amounts.

    Parameters
    ----------
    upto : int
        No larger set is looked for.
    extra : tuple of Relaxation
        What gives way already in this scene, and counts.

    Returns
    -------
    list of Way
        All of one size; empty when nothing of that size is enough.

    Raises
    ------
    OutOfTime
        When the budget is spent.
    """
    given = (*it.needs, *extra)
    room = upto - len(given)
    if room < 0:
        return []
    if _admits(it, (), budget):
        return [_way(it, extra, ())]
    if not room:
        return []
    sets = [*_others(it, budget), *_sets(it, room, budget)]
    size = min((len(chosen) for chosen in sets), default=0)
    return [_way(it, extra, _least(it, s, budget)) for s in sets if len(s) == size]


def _sets(it: Scene, room: int, budget: Budget) -> Iterator[tuple[Relaxation, ...]]:
    """Yield the smallest admitting sets of what may give way, each at its most."""
    every = tuple(_candidates(it))
    if not _admits(it, every, budget):
        return
    needed = [c for c in every if not _admits(it, [o for o in every if o != c], budget)]
    rest = [c for c in every if c not in needed]
    found = False
    for size in range(max(1, len(needed)), room + 1):
        for more in combinations(rest, size - len(needed)):
            chosen = tuple(c for c in every if c in needed or c in more)
            if _admits(it, chosen, budget):
                found = True
                yield chosen
        if found:
            return


def _others(it: Scene, budget: Budget) -> list[tuple[Relaxation, ...]]:
    """Return the windows of visits on the tour that stand in the way by themselves."""
    late = [
        Relaxation(Relax.WINDOW_LATER, MOST_S, visit=name)
        for name in it.tour
        if it.problem.visits[it.problem.visit_index[name]].windows
    ]
    if not late or not _admits(it, late, budget):
        return []
    return [(one,) for one in late if _admits(it, (one,), budget)]


def _candidates(it: Scene) -> Iterator[Relaxation]:
    """Yield whatever may give way on this vehicle for these visits, each by the most."""
    name, vehicle = it.vehicle, it.problem.vehicles[0]
    stops = len(it.problem.visits)
    for one in it.unit:
        visit = it.problem.visits[it.problem.visit_index[one]]
        if visit.windows:
            yield Relaxation(Relax.WINDOW_LATER, MOST_S, visit=one)
            if any(w.opens_s for w in visit.windows):
                yield Relaxation(Relax.WINDOW_EARLIER, MOST_S, visit=one)
        if visit.release_s:
            yield Relaxation(Relax.RELEASE, visit.release_s, visit=one)
        if vehicle.loaded is not None and one not in vehicle.loaded:
            yield Relaxation(Relax.LOADED, visit=one, vehicle=name)
        company = {m for members in it.problem.apart if one in members for m in members}
        for other in (m for m in (*it.tour, *it.unit) if m in company and m != one):
            yield Relaxation(Relax.APART, visit=one, what=other)
    limits = {
        Relax.SHIFT_LATER: MOST_S,
        Relax.SHIFT_EARLIER: vehicle.opens_s,
        Relax.START_LATER: 0 if vehicle.latest_start_s is None else MOST_S,
        Relax.DURATION: 0 if vehicle.max_duration_s is None else MOST_S,
        Relax.DISTANCE: 0 if vehicle.max_distance_m is None else MOST_M,
        Relax.BATTERY: 0 if vehicle.range_m is None else MOST_M,
        Relax.STOPS: 0 if vehicle.max_stops is None else max(0, stops - vehicle.max_stops),
        Relax.TRIPS: MAX_TRIPS - vehicle.max_trips if vehicle.reloads else 0,
        Relax.PREFIX: len(vehicle.prefix),
        Relax.BREAK_LATER: MOST_S if vehicle.breaks else 0,
        Relax.BREAK_EARLIER: max((b.opens_s for b in vehicle.breaks), default=0),
    }
    for kind, most in limits.items():
        if most:
            yield Relaxation(kind, most, vehicle=name)
    for at, (dimension, room) in enumerate(
        zip(it.problem.dimensions, vehicle.capacity, strict=True)
    ):
        goods = (v.demand[at] + (v.collect[at] if v.collect else 0) for v in it.problem.visits)
        if (over := sum(goods) - room) > 0:
            yield Relaxation(Relax.CAPACITY, over, vehicle=name, what=dimension)


def _admits(it: Scene, chosen: Sequence[Relaxation], budget: Budget) -> bool:
    budget.check()
    return Stage(it, chosen).any()


def _least(it: Scene, chosen: tuple[Relaxation, ...], budget: Budget) -> tuple[Relaxation, ...]:
    """Make each amount as small as those before it, at their least, and those behind allow."""
    made = sorted(chosen, key=lambda r: ORDER[r.kind])
    for at, one in enumerate(made):
        low, high = 0, one.amount  # too little, enough
        while high - low > 1:
            middle = _middle(low, high)
            made[at] = replace(one, amount=middle)
            if _admits(it, made, budget):
                high = middle
            else:
                low = middle
        made[at] = replace(one, amount=high)
    return tuple(made)


def _middle(low: int, high: int) -> int:
    """Halve; while the least is far below the most, go up by factors first."""
    return max(60, low * 8) if high > max(60, low * 8) * 8 else (low + high) // 2


def _way(it: Scene, extra: tuple[Relaxation, ...], chosen: tuple[Relaxation, ...]) -> Way:
    stage = Stage(it, chosen)
    said = sorted((*extra, *it.needs, *chosen), key=lambda r: ORDER[r.kind])
    return Way(tuple(said), stage.place(stage.cheapest()))
