"""The door: what is asked about a visit of a plan, and answered under the referee. PURE."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from dispatch.solver.model.problem import Problem, missed_cost
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import gaps
from dispatch.solver.why.answer import Placement, Refusal, Relax, Relaxation, Way, Why
from dispatch.solver.why.scene import Scene, Stage, scene, twin_scene
from dispatch.solver.why.smallest import ORDER, Budget, OutOfTime, smallest
from lastmile.core.errors import Invalid

BEST: Final = 5
UPTO: Final = 4
SCALE: Final = {  # what counts as much as an hour, where amounts of different kinds are ranked
    Relax.DISTANCE: 30_000,
    Relax.BATTERY: 30_000,
    Relax.PRICE: 5_000,
    Relax.SKILL: 1,
    Relax.ANOTHER_VEHICLE: 1,
}
HOUR_S: Final = 3600


class Explainer:
    """Answers questions about the visits of one plan.

    Parameters
    ----------
    problem : Problem
    sequences : mapping of str to sequence of str
        A plan of it: vehicle to visits in order (``Solution.sequences``), timed anew.

    Raises
    ------
    Invalid
        When the plan speaks of visits or vehicles that the problem does not have.
    """

    def __init__(self, problem: Problem, sequences: Mapping[str, Sequence[str]]) -> None:
        self.problem = problem
        self.sequences = {vehicle: tuple(visits) for vehicle, visits in sequences.items()}
        strange = [v for v in self.sequences if v not in problem.vehicle_index]
        strange += [
            v for made in self.sequences.values() for v in made if v not in problem.visit_index
        ]
        if strange:
            raise Invalid(f"The plan speaks of {strange[0]}, which the problem does not have.")
        self.context = Context(problem)
        if not self.context.plain:
            self.scanner = self.context.scanner  # loaded before any clock runs
        self.draft = Draft(
            self.context,
            {
                problem.vehicle_index[vehicle]: [problem.visit_index[v] for v in visits]
                for vehicle, visits in self.sequences.items()
            },
        )

    def explain(
        self, visit: str, *, best: int = BEST, upto: int = UPTO, seconds: float | None = None
    ) -> Why:
        """Say why a visit stands where it stands, or what would let it in.

        Parameters
        ----------
        best : int
            At most so many alternatives and ways.
        upto : int
            Sets of more relaxations than this are not looked for.
        seconds : float, optional
            When to stop; what was found by then is said, with ``complete`` False.

        Raises
        ------
        Invalid
            When the problem has no such visit.
        """
        if visit not in self.problem.visit_index:
            raise Invalid(f"The problem has no visit {visit}.")
        until = None if seconds is None else time.perf_counter() + seconds
        return _Question(self, visit, best, upto, Budget(until)).answer()

    def unit(self, visit: str) -> tuple[str, ...]:
        """Who comes and goes with a visit: itself, or the pickup and delivery of its pair."""
        for pair in self.problem.pairs:
            if visit in (pair.pickup, pair.delivery):
                return (pair.pickup, pair.delivery)
        return (visit,)

    def units(self, visit: str) -> list[tuple[str, ...]]:
        """The visit's unit, and those of its alternatives in the same group."""
        it = self.problem.visits[self.problem.visit_index[visit]]
        if not it.group:
            return [self.unit(visit)]
        members = [self.problem.visits[at].id for at in self.problem.groups[it.group]]
        return [(visit,), *((m,) for m in members if m != visit)]


class _Question:
    """One visit of one plan, taken out: what each vehicle says to it."""

    def __init__(
        self, explainer: Explainer, visit: str, best: int, upto: int, budget: Budget
    ) -> None:
        self.explainer, self.problem, self.visit = explainer, explainer.problem, visit
        self.best, self.upto, self.budget = best, upto, budget
        self.units = explainer.units(visit)
        gone = {name for unit in self.units for name in unit}
        self.home = next((k for k, made in explainer.sequences.items() if gone & set(made)), "")
        self.sequences = {
            vehicle: tuple(v for v in made if v not in gone)
            for vehicle, made in explainer.sequences.items()
        }
        self.places: list[Placement] = []
        self.refusals: dict[str, Refusal] = {}
        self.complete = True

    def answer(self) -> Why:
        present = self._present()
        try:
            self._ask_everybody()
        except OutOfTime:
            self.complete = False
        others = [p for p in self.places if not present or not _same(p, present)]
        others.sort(key=lambda p: (p.cost, p.added_s, p.vehicle, p.position))
        ways = [] if present else self._ways(others)
        if present:
            others = [_beyond(p, present) for p in others]
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
        """Where the plan has it now; a place that breaks rules has its figures all the same."""
        if not self.home:
            return None
        made = self.explainer.sequences[self.home]
        unit = next(u for u in self.units if u[-1] in made)
        it = scene(self.problem, self.sequences, self.home, unit)
        return Stage(it, ()).as_it_is(made)

    def _ask_everybody(self) -> None:
        """Ask the vehicles, those that drive first; of those at home one of each kind."""
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
                self._ask(name, unit, fitting)

    def _gaps(self, unit: tuple[str, ...]) -> dict[str, list[int]] | None:
        """Positions by vehicle from the fast insertion; None for a pair, tried at length."""
        if len(unit) > 1:
            return None
        draft, index = self.explainer.draft, self.problem.visit_index
        if self.home:
            home = self.problem.vehicle_index[self.home]
            before = draft.tours[home].visits
            draft.assign(home, [index[v] for v in self.sequences[self.home]])
            found = gaps(draft, index[unit[0]])
            draft.assign(home, before)
        else:
            found = gaps(draft, index[unit[0]])
        fitting: dict[str, list[int]] = {}
        for gap in found:
            fitting.setdefault(self.problem.vehicles[gap.vehicle].id, []).append(gap.position)
        return fitting

    def _ask(self, name: str, unit: tuple[str, ...], fitting: dict[str, list[int]] | None) -> None:
        """Take the vehicle's two best places, or find out what binds it."""
        self.budget.check()
        it = scene(self.problem, self.sequences, name, unit)
        if not it.needs and (fitting is None or name in fitting) and self._fits(it, fitting):
            self.refusals.pop(name, None)
            return
        if name == self.home or any(p.vehicle == name for p in self.places):
            return
        ways = smallest(it, upto=self.upto, budget=self.budget)
        free = [way.place for way in ways if not way.relaxations]
        self.places += free
        if free:
            return
        before = self.refusals.get(name)
        self.refusals[name] = Refusal(name, _fewest([*(before.ways if before else ()), *ways]))

    def _fits(self, it: Scene, fitting: dict[str, list[int]] | None) -> bool:
        """Keep the vehicle's best places, one more where the visit is at home; False for none."""
        stage, most = Stage(it, ()), 2 + (it.vehicle == self.home)
        only = None if fitting is None else fitting[it.vehicle][:most]
        trials = sorted(stage.trials(only), key=stage.exact)
        self.places += [stage.place(trial) for trial in trials[:most]]
        return bool(trials)

    def _ways(self, places: list[Placement]) -> list[Way]:
        """The smallest sets for a visit that nobody serves."""
        if places:
            return list(self._worth(places))
        found = [way for refusal in self.refusals.values() for way in refusal.ways]
        try:
            found += self._one_more(min((len(w.relaxations) for w in found), default=self.upto))
        except OutOfTime:
            self.complete = False
        best: dict[tuple[tuple[Relax, str], ...], Way] = {}
        for way in _fewest(found):
            kinds = tuple((r.kind, r.what) for r in way.relaxations)
            if kinds not in best or _size(way, self.problem) < _size(best[kinds], self.problem):
                best[kinds] = way
        return sorted(best.values(), key=lambda way: _size(way, self.problem))

    def _worth(self, places: list[Placement]) -> Iterator[Way]:
        """It fits, and is dearer than leaving it: by how much."""
        best = places[0]
        it = self.problem.visits[self.problem.visit_index[best.visit]]
        short = best.cost - missed_cost(it)
        if short > 0:
            yield Way((Relaxation(Relax.PRICE, short, visit=it.id),), best)

    def _one_more(self, upto: int) -> Iterator[Way]:
        """One more vehicle, one of each kind there is."""
        kinds = {
            replace(v, id="", prefix=(), loaded=None): v.id for v in reversed(self.problem.vehicles)
        }
        for name in reversed(kinds.values()):
            more = Relaxation(Relax.ANOTHER_VEHICLE, vehicle=name)
            for unit in self.units:
                if self._held(unit):
                    continue
                it = twin_scene(self.problem, self.sequences, name, unit)
                yield from smallest(it, upto=upto, budget=self.budget, extra=(more,))

    def _held(self, unit: tuple[str, ...]) -> bool:
        """Tell whether a vehicle is committed to some of these, or has their goods on board."""
        held = {v for it in self.problem.vehicles for v in (*it.prefix, *(it.loaded or ()))}
        return bool(held & set(unit))


def _same(one: Placement, other: Placement) -> bool:
    return (one.visit, one.vehicle, one.position) == (other.visit, other.vehicle, other.position)


def _beyond(place: Placement, present: Placement) -> Placement:
    """Say what a place adds beyond the present one."""
    return replace(
        place,
        added_s=place.added_s - present.added_s,
        added_m=place.added_m - present.added_m,
        cost=place.cost - present.cost,
        co2_g=place.co2_g - present.co2_g,
    )


def _fewest(ways: list[Way]) -> tuple[Way, ...]:
    least = min((len(way.relaxations) for way in ways), default=0)
    return tuple(way for way in ways if len(way.relaxations) == least)


def _size(way: Way, problem: Problem) -> tuple[float, int, int]:
    """Rank ways of different kinds: hours of time, or what counts as one; then money."""
    total = 0.0
    for one in way.relaxations:
        scale = float(SCALE.get(one.kind, HOUR_S if one.amount > 1 else 1))
        if one.kind is Relax.CAPACITY:
            at = problem.dimensions.index(one.what)
            room = problem.vehicles[problem.vehicle_index[one.vehicle]].capacity[at]
            scale = max(1.0, room / 10)
        total += one.amount / scale
    return total, min(ORDER[r.kind] for r in way.relaxations), way.place.cost
