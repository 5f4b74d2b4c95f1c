"""The smallest sets of relaxations that admit a visit on one vehicle, with least amounts. PURE.

Every set is tried for real (``case.Experiment``), smallest first, so no smaller set is enough. Then
each amount is made as small as the others allow, in the order of ``Relax``. The least amount is
exact, because a larger amount never admits less. Windows of other visits on the tour are tried one
at a time, never together with another relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from dispatch.solver.model.elements import MAX_TRIPS
from dispatch.solver.why.answer import Relax, Relaxation, Way
from dispatch.solver.why.case import Case, Experiment

MOST_S: Final = 3 * 86_400  # largest relaxation of a time, seconds
MOST_M: Final = 10_000_000  # largest relaxation of a distance, metres
ORDER: Final = {kind: at for at, kind in enumerate(Relax)}


class OutOfTime(Exception):
    """The time budget is spent."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A time limit, by ``time.perf_counter``; None means no limit."""

    until: float | None = None

    def check(self) -> None:
        """Raise OutOfTime once the time is over."""
        if self.until is not None and time.perf_counter() >= self.until:
            raise OutOfTime


def smallest(
    case: Case, *, max_size: int, budget: Budget, extra: tuple[Relaxation, ...] = ()
) -> list[Way]:
    """Return every smallest set of relaxations that admits the unit, each with least amounts.

    Parameters
    ----------
    max_size : int
        Sets with more relaxations are not looked for.
    extra : tuple of Relaxation
        Relaxations that the case already has; they count for the size.

    Returns
    -------
    list of Way
        All of the same size; empty when no set of at most ``max_size`` is enough.

    Raises
    ------
    OutOfTime
        When the time is over.
    """
    required = (*case.needs, *extra)
    free = max_size - len(required)
    if free < 0:
        return []
    if _admits(case, (), budget):
        return [_way(case, extra, ())]
    if not free:
        return []
    sets = [*_others(case, budget), *_sets(case, free, budget)]
    size = min((len(chosen) for chosen in sets), default=0)
    return [_way(case, extra, _least(case, s, budget)) for s in sets if len(s) == size]


def _sets(case: Case, max_more: int, budget: Budget) -> Iterator[tuple[Relaxation, ...]]:
    """Yield the smallest admitting sets of relaxations, each with its largest amount."""
    every = tuple(_candidates(case))
    if not _admits(case, every, budget):
        return
    needed = [c for c in every if not _admits(case, [o for o in every if o != c], budget)]
    rest = [c for c in every if c not in needed]
    exists = False
    for size in range(max(1, len(needed)), max_more + 1):
        for more in combinations(rest, size - len(needed)):
            chosen = tuple(c for c in every if c in needed or c in more)
            if _admits(case, chosen, budget):
                exists = True
                yield chosen
        if exists:
            return


def _others(case: Case, budget: Budget) -> list[tuple[Relaxation, ...]]:
    """Return the windows of other visits on the tour that admit the unit when relaxed alone."""
    late = [
        Relaxation(Relax.WINDOW_LATER, MOST_S, visit=name)
        for name in case.tour
        if case.problem.visits[case.problem.visit_index[name]].windows
    ]
    if not late or not _admits(case, late, budget):
        return []
    return [(one,) for one in late if _admits(case, (one,), budget)]


def _candidates(case: Case) -> Iterator[Relaxation]:
    """Yield every relaxation for this vehicle and these visits, each with its largest amount."""
    name, vehicle = case.vehicle, case.problem.vehicles[0]
    stops = len(case.problem.visits)
    for one in case.unit:
        visit = case.problem.visits[case.problem.visit_index[one]]
        if visit.windows:
            yield Relaxation(Relax.WINDOW_LATER, MOST_S, visit=one)
            if any(w.opens_s for w in visit.windows):
                yield Relaxation(Relax.WINDOW_EARLIER, MOST_S, visit=one)
        if visit.release_s:
            yield Relaxation(Relax.RELEASE, visit.release_s, visit=one)
        if vehicle.loaded is not None and one not in vehicle.loaded:
            yield Relaxation(Relax.LOADED, visit=one, vehicle=name)
        company = {m for members in case.problem.apart if one in members for m in members}
        for other in (m for m in (*case.tour, *case.unit) if m in company and m != one):
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
        zip(case.problem.dimensions, vehicle.capacity, strict=True)
    ):
        goods = (v.demand[at] + (v.collect[at] if v.collect else 0) for v in case.problem.visits)
        if (over := sum(goods) - room) > 0:
            yield Relaxation(Relax.CAPACITY, over, vehicle=name, what=dimension)


def _admits(case: Case, chosen: Sequence[Relaxation], budget: Budget) -> bool:
    budget.check()
    return Experiment(case, chosen).any()


def _least(case: Case, chosen: tuple[Relaxation, ...], budget: Budget) -> tuple[Relaxation, ...]:
    """Make each amount in turn as small as the others allow.

    Amounts earlier in the order are at their least already.
    """
    relaxations = sorted(chosen, key=lambda r: ORDER[r.kind])
    for at, one in enumerate(relaxations):
        low, high = 0, one.amount  # low does not admit the unit, high does
        while high - low > 1:
            middle = _middle(low, high)
            relaxations[at] = replace(one, amount=middle)
            if _admits(case, relaxations, budget):
                high = middle
            else:
                low = middle
        relaxations[at] = replace(one, amount=high)
    return tuple(relaxations)


def _middle(low: int, high: int) -> int:
    """Return the next amount to try: in large steps upwards first, then by halving."""
    return max(60, low * 8) if high > max(60, low * 8) * 8 else (low + high) // 2


def _way(case: Case, extra: tuple[Relaxation, ...], chosen: tuple[Relaxation, ...]) -> Way:
    experiment = Experiment(case, chosen)
    relaxations = sorted((*extra, *case.needs, *chosen), key=lambda r: ORDER[r.kind])
    return Way(tuple(relaxations), experiment.place(experiment.cheapest()))
