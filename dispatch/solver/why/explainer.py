"""The entry point for explanations of the visits of a plan, checked by the referee. PURE."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from dispatch.solver.model.problem import Problem, missed_cost
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import gaps
from dispatch.solver.why.answer import Placement, Refusal, Relax, Relaxation, Way, Why
from dispatch.solver.why.case import Case, Experiment, case_of, extra_vehicle_case
from dispatch.solver.why.smallest import ORDER, Budget, OutOfTime, smallest
from lastmile.core.errors import Invalid

BEST: Final = 5  # alternatives and ways returned by default
MAX_SIZE: Final = 4  # relaxations in a set, at most, by default
SCALE: Final = {  # amount that ranks like an hour, for comparing different kinds
    Relax.DISTANCE: 30_000,
    Relax.BATTERY: 30_000,
    Relax.PRICE: 5_000,
    Relax.SKILL: 1,
    Relax.ANOTHER_VEHICLE: 1,
}
HOUR_S: Final = 3600


class Explainer:
    """Explains the visits of one plan.

    Parameters
    ----------
    problem : Problem
    sequences : mapping of str to sequence of str
        A plan of the problem: vehicle to visits in order (``Solution.sequences``); it is timed
        again.

    Raises
    ------
    Invalid
        When the plan has visits or vehicles that the problem does not have.
    """

    def __init__(self, problem: Problem, sequences: Mapping[str, Sequence[str]]) -> None:
        self.problem = problem
        self.sequences = {vehicle: tuple(visits) for vehicle, visits in sequences.items()}
        unknown = [v for v in self.sequences if v not in problem.vehicle_index]
        unknown += [
            v
            for sequence in self.sequences.values()
            for v in sequence
            if v not in problem.visit_index
        ]
        if unknown:
            raise Invalid(f"The plan has {unknown[0]}, which the problem does not have.")
        self.context = Context(problem)
        if not self.context.plain:
            self.scanner = self.context.scanner  # loads numba before any clock runs
        self.draft = Draft(
            self.context,
            {
                problem.vehicle_index[vehicle]: [problem.visit_index[v] for v in visits]
                for vehicle, visits in self.sequences.items()
            },
        )

    def explain(
        self,
        visit: str,
        *,
        best: int = BEST,
        max_size: int = MAX_SIZE,
        seconds: float | None = None,
    ) -> Why:
        """Return why a visit has its place, or what would admit an unserved one.

        Parameters
        ----------
        best : int
            Return at most this many alternatives and ways.
        max_size : int
            Look for sets of at most this many relaxations.
        seconds : float, optional
            Stop after this time. What was found by then is returned, with ``complete`` False.

        Raises
        ------
        Invalid
            When the problem has no such visit.
        """
        if visit not in self.problem.visit_index:
            raise Invalid(f"The problem has no visit {visit}.")
        until = None if seconds is None else time.perf_counter() + seconds
        return _Question(self, visit, best, max_size, Budget(until)).answer()

    def unit(self, visit: str) -> tuple[str, ...]:
        """Return the visits that are inserted together: the visit alone, or both of its pair."""
        for pair in self.problem.pairs:
            if visit in (pair.pickup, pair.delivery):
                return (pair.pickup, pair.delivery)
        return (visit,)

    def units(self, visit: str) -> list[tuple[str, ...]]:
        """Return the visit's unit, and those of its alternatives in the same group."""
        it = self.problem.visits[self.problem.visit_index[visit]]
        if not it.group:
            return [self.unit(visit)]
        members = [self.problem.visits[at].id for at in self.problem.groups[it.group]]
        return [(visit,), *((m,) for m in members if m != visit)]


class _Question:
    """The search for the explanation of one visit; the visit is taken out of the plan first."""

    def __init__(
        self, explainer: Explainer, visit: str, best: int, max_size: int, budget: Budget
    ) -> None:
        self.explainer, self.problem, self.visit = explainer, explainer.problem, visit
        self.best, self.max_size, self.budget = best, max_size, budget
        self.units = explainer.units(visit)
        removed = {name for unit in self.units for name in unit}
        self.home = next(
            (k for k, sequence in explainer.sequences.items() if removed & set(sequence)), ""
        )
        self.sequences = {
            vehicle: tuple(v for v in sequence if v not in removed)
            for vehicle, sequence in explainer.sequences.items()
        }
        self.places: list[Placement] = []
        self.refusals: dict[str, Refusal] = {}
        self.complete = True

    def answer(self) -> Why:
        """Return the explanation."""
        present = self._present()
        try:
            self._try_vehicles()
        except OutOfTime:
            self.complete = False
        others = [p for p in self.places if not present or not _same(p, present)]
        others.sort(key=lambda p: (p.cost, p.added_s, p.vehicle, p.position))
        ways = [] if present else self._ways(others)
        if present:
            others = [_relative_to(p, present) for p in others]
        order = self.problem.vehicle_index
        return Why(
            visit=self.visit,
            place=present,
            alternatives=tuple(others[: self.best]),
            refusals=tuple(sorted(self.refusals.values(), key=lambda r: order[r.vehicle])),
            ways=tuple(ways[: self.best]),
            complete=self.complete,
        )

    def _present(self) -> Placement | None:
        """Return the visit's present place, even where it breaks rules; None if it is unserved."""
        if not self.home:
            return None
        sequence = self.explainer.sequences[self.home]
        unit = next(u for u in self.units if u[-1] in sequence)
        case = case_of(self.problem, self.sequences, self.home, unit)
        return Experiment(case, ()).as_it_is(sequence)

    def _try_vehicles(self) -> None:
        """Try each used vehicle, then one unused vehicle of each kind."""
        for unit in self.units:
            fitting = self._gaps(unit)
            at_home: set[int] = set()
            names = [v.id for v in self.problem.vehicles]
            for name in sorted(names, key=lambda n: not self.sequences.get(n)):
                if not self.sequences.get(name):
                    twin = self.explainer.context.twin[self.problem.vehicle_index[name]]
                    if twin in at_home:
                        continue
                    at_home.add(twin)
                self._try_vehicle(name, unit, fitting)

    def _gaps(self, unit: tuple[str, ...]) -> dict[str, list[int]] | None:
        """Return feasible positions by vehicle; None for a pair, tried at every position."""
        if len(unit) > 1:
            return None
        draft, index = self.explainer.draft, self.problem.visit_index
        if self.home:
            home = self.problem.vehicle_index[self.home]
            before = draft.tours[home].visits
            draft.assign(home, [index[v] for v in self.sequences[self.home]])
            fits = gaps(draft, index[unit[0]])
            draft.assign(home, before)
        else:
            fits = gaps(draft, index[unit[0]])
        fitting: dict[str, list[int]] = {}
        for gap in fits:
            fitting.setdefault(self.problem.vehicles[gap.vehicle].id, []).append(gap.position)
        return fitting

    def _try_vehicle(
        self, name: str, unit: tuple[str, ...], fitting: dict[str, list[int]] | None
    ) -> None:
        """Keep the vehicle's two best places, or find what prevents it."""
        self.budget.check()
        case = case_of(self.problem, self.sequences, name, unit)
        if not case.needs and (fitting is None or name in fitting) and self._fits(case, fitting):
            self.refusals.pop(name, None)
            return
        if name == self.home or any(p.vehicle == name for p in self.places):
            return
        ways = smallest(case, max_size=self.max_size, budget=self.budget)
        free = [way.place for way in ways if not way.relaxations]
        self.places += free
        if free:
            return
        before = self.refusals.get(name)
        self.refusals[name] = Refusal(
            name, _fewest_relaxations([*(before.ways if before else ()), *ways])
        )

    def _fits(self, case: Case, fitting: dict[str, list[int]] | None) -> bool:
        """Keep the vehicle's two best places, three on the visit's own vehicle; False if none."""
        experiment, most = Experiment(case, ()), 2 + (case.vehicle == self.home)
        only = None if fitting is None else fitting[case.vehicle][:most]
        trials = sorted(experiment.trials(only), key=experiment.exact)
        self.places += [experiment.place(trial) for trial in trials[:most]]
        return bool(trials)

    def _ways(self, places: list[Placement]) -> list[Way]:
        """Return the smallest sets of relaxations for an unserved visit."""
        if places:
            return list(self._price_way(places))
        ways = [way for refusal in self.refusals.values() for way in refusal.ways]
        try:
            ways += self._extra_vehicle(
                min((len(w.relaxations) for w in ways), default=self.max_size)
            )
        except OutOfTime:
            self.complete = False
        best: dict[tuple[tuple[Relax, str], ...], Way] = {}
        for way in _fewest_relaxations(ways):
            kinds = tuple((r.kind, r.what) for r in way.relaxations)
            if kinds not in best or _rank(way, self.problem) < _rank(best[kinds], self.problem):
                best[kinds] = way
        return sorted(best.values(), key=lambda way: _rank(way, self.problem))

    def _price_way(self, places: list[Placement]) -> Iterator[Way]:
        """Yield the rise in the cost of missing the visit that makes its cheapest place pay."""
        best = places[0]
        it = self.problem.visits[self.problem.visit_index[best.visit]]
        short = best.cost - missed_cost(it)
        if short > 0:
            yield Way((Relaxation(Relax.PRICE, short, visit=it.id),), best)

    def _extra_vehicle(self, max_size: int) -> Iterator[Way]:
        """Yield the ways that add one more vehicle, for each kind of vehicle."""
        kinds = {
            replace(v, id="", prefix=(), loaded=None): v.id for v in reversed(self.problem.vehicles)
        }
        for name in reversed(kinds.values()):
            extra = Relaxation(Relax.ANOTHER_VEHICLE, vehicle=name)
            for unit in self.units:
                if self._is_bound(unit):
                    continue
                case = extra_vehicle_case(self.problem, self.sequences, name, unit)
                yield from smallest(case, max_size=max_size, budget=self.budget, extra=(extra,))

    def _is_bound(self, unit: tuple[str, ...]) -> bool:
        """Return True if a vehicle is committed to one of these visits or has loaded its goods."""
        bound = {v for it in self.problem.vehicles for v in (*it.prefix, *(it.loaded or ()))}
        return bool(bound & set(unit))


def _same(one: Placement, other: Placement) -> bool:
    return (one.visit, one.vehicle, one.position) == (other.visit, other.vehicle, other.position)


def _relative_to(place: Placement, present: Placement) -> Placement:
    """Return a place with figures relative to the present place."""
    return replace(
        place,
        added_s=place.added_s - present.added_s,
        added_m=place.added_m - present.added_m,
        cost=place.cost - present.cost,
        co2_g=place.co2_g - present.co2_g,
    )


def _fewest_relaxations(ways: list[Way]) -> tuple[Way, ...]:
    least = min((len(way.relaxations) for way in ways), default=0)
    return tuple(way for way in ways if len(way.relaxations) == least)


def _rank(way: Way, problem: Problem) -> tuple[float, int, int]:
    """Return a sort key for ways of different kinds: hours or their equivalent, then money."""
    total = 0.0
    for one in way.relaxations:
        scale = float(SCALE.get(one.kind, HOUR_S if one.amount > 1 else 1))
        if one.kind is Relax.CAPACITY:
            at = problem.dimensions.index(one.what)
            room = problem.vehicles[problem.vehicle_index[one.vehicle]].capacity[at]
            scale = max(1.0, room / 10)
        total += one.amount / scale
    return total, min(ORDER[r.kind] for r in way.relaxations), way.place.cost
