"""A problem of one vehicle, its visits and the visit in question: small enough to try all. PURE.

Whether a visit fits on one vehicle does not depend on the other vehicles, except for rules between
visits; these become ``needs`` here. The rest is a problem of one vehicle. So each relaxation can be
tried: it is applied, the visit is inserted at every position, and the referee checks the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dispatch.solver.model.cost import rounded, route_cost
from dispatch.solver.model.elements import Int32, Slice, TravelTable, VehicleShift, Visit
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import NotServed, Reason, Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.repair import holds
from dispatch.solver.referee.check import check
from dispatch.solver.why.answer import Placement, Relax, Relaxation
from dispatch.solver.why.relax import relaxed


@dataclass(frozen=True, slots=True)
class Trial:
    """A tour with the unit inserted, which passed the referee.

    ``position`` is the position of the unit's first visit.
    """

    position: int
    route: Tour


@dataclass(frozen=True, slots=True)
class Case:
    """A problem of one vehicle with its tour, and the visits to insert.

    Parameters
    ----------
    problem : Problem
        A problem with this vehicle and these visits only.
    vehicle : str
        The id of the vehicle.
    tour, unit : tuple of str
        The visits that stay, in order; and the visits to insert (two for a pair).
    needs : tuple of Relaxation
        Relaxations that every schedule needs: skills, allowed vehicles, rules between visits. They
        are already applied to the problem.
    """

    problem: Problem
    vehicle: str
    tour: tuple[str, ...]
    unit: tuple[str, ...]
    needs: tuple[Relaxation, ...]


def case_of(
    problem: Problem, sequences: dict[str, tuple[str, ...]], vehicle: str, unit: tuple[str, ...]
) -> Case:
    """Return the case of one vehicle of a plan that does not serve the unit."""
    needs = tuple(_needs(problem, sequences, vehicle, unit, home=vehicle))
    tour = sequences.get(vehicle, ())
    part = single_vehicle_problem(problem, vehicle, (*tour, *unit))
    return Case(_with_needs_met(part, needs), vehicle, tour, unit, needs)


_OWN_RULES: Final = frozenset({Relax.SKILL, Relax.VEHICLE, Relax.LOADED})


def _with_needs_met(part: Problem, needs: tuple[Relaxation, ...]) -> Problem:
    """Apply the needs that are rules of this vehicle; other vehicles' rules are not in the part."""
    return relaxed(part, [n for n in needs if n.kind in _OWN_RULES])


def extra_vehicle_case(
    problem: Problem, sequences: dict[str, tuple[str, ...]], vehicle: str, unit: tuple[str, ...]
) -> Case:
    """Return the case of one more vehicle like this one, without a tour; it has the same id."""
    needs = tuple(_needs(problem, sequences, vehicle, unit, home=""))
    whole = single_vehicle_problem(problem, vehicle, unit)
    fresh = replace(whole.vehicles[0], prefix=(), loaded=None)
    return Case(_with_needs_met(replace(whole, vehicles=(fresh,)), needs), vehicle, (), unit, needs)


def _needs(
    problem: Problem,
    sequences: dict[str, tuple[str, ...]],
    name: str,
    unit: tuple[str, ...],
    home: str,
) -> Iterator[Relaxation]:
    """Yield the relaxations that every position on a vehicle needs.

    ``home`` is the vehicle ``name`` itself. For an extra vehicle like it, ``home`` is empty.
    """
    vehicle = problem.vehicles[problem.vehicle_index[name]]
    where = {v: other for other, visits in sequences.items() for v in visits}
    for skill in sorted({s for u in unit for s in _visit(problem, u).skills} - vehicle.skills):
        yield Relaxation(Relax.SKILL, vehicle=name, what=skill)
    for u in unit:
        allowed = _visit(problem, u).vehicles
        if allowed is not None and name not in allowed:
            yield Relaxation(Relax.VEHICLE, vehicle=name, visit=u)
        for members in problem.together:
            away = sorted(m for m in members - set(unit) if where.get(m, home) != home)
            if u in members and away:
                yield Relaxation(Relax.TOGETHER, visit=u, what=away[0])
        for other in problem.vehicles:
            if other.id == name:
                continue
            if u in (other.loaded or ()):
                yield Relaxation(Relax.LOADED, vehicle=name, visit=u)
            if u in other.prefix:
                yield Relaxation(Relax.COMMITTED, vehicle=other.id, visit=u)


def _visit(problem: Problem, name: str) -> Visit:
    return problem.visits[problem.visit_index[name]]


def single_vehicle_problem(problem: Problem, vehicle: str, visits: Sequence[str]) -> Problem:
    """Return the problem of one vehicle and some visits, with only the places they need."""
    names = frozenset(visits)
    it = problem.vehicles[problem.vehicle_index[vehicle]]
    chosen = [_visit(problem, name) for name in dict.fromkeys(visits)]
    used = {it.start, it.end, *it.reloads, *(c.place for c in it.chargers)}
    places = sorted(used | {v.place for v in chosen})
    at = {place: number for number, place in enumerate(places)}
    return Problem(
        profiles=tuple(_corner(p, places) for p in problem.profiles),
        visits=tuple(replace(v, place=at[v.place]) for v in chosen),
        vehicles=(_renumbered(it, at, names),),
        dimensions=problem.dimensions,
        pairs=tuple(p for p in problem.pairs if {p.pickup, p.delivery} <= names),
        together=tuple(m & names for m in problem.together if len(m & names) > 1),
        apart=tuple(m & names for m in problem.apart if len(m & names) > 1),
        co2_cost_per_kg=problem.co2_cost_per_kg,
        fairness_cost=problem.fairness_cost,
    )


def _renumbered(vehicle: VehicleShift, at: dict[int, int], names: frozenset[str]) -> VehicleShift:
    """Give the vehicle's places their new numbers, and drop visits that are left out."""
    return replace(
        vehicle,
        start=at[vehicle.start],
        end=at[vehicle.end],
        reloads=tuple(at[place] for place in vehicle.reloads),
        chargers=tuple(replace(c, place=at[c.place]) for c in vehicle.chargers),
        prefix=tuple(name for name in vehicle.prefix if name in names),
        loaded=None if vehicle.loaded is None else vehicle.loaded & names,
    )


def _corner(profile: TravelTable, places: list[int]) -> TravelTable:
    rows = np.ix_(places, places)

    def part(matrix: Int32) -> Int32:
        return matrix[rows]

    slices = tuple(Slice(s.from_s, part(s.duration_s)) for s in profile.hourly)
    return TravelTable(profile.name, part(profile.duration_s), part(profile.distance_m), slices)


def sequences_of(case: Case) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each way to insert the unit into the tour, with the position of its first visit."""
    for first in range(len(case.tour) + 1):
        one = (*case.tour[:first], case.unit[0], *case.tour[first:])
        if len(case.unit) == 1:
            yield first, one
            continue
        for second in range(first + 1, len(one) + 1):
            yield first, (*one[:second], case.unit[1], *one[second:])


class Experiment:
    """A case with some relaxations applied; it schedules sequences and asks the referee."""

    def __init__(self, case: Case, relaxations: Sequence[Relaxation]) -> None:
        self.case = case
        self.problem = relaxed(case.problem, relaxations)
        self.context = Context(self.problem)

    def route(self, visits: Sequence[str]) -> Tour | None:
        """Return the sequence's schedule if it is feasible and passes the referee, else None."""
        chosen = [self.problem.visit_index[v] for v in visits]
        if self.context.plain and not holds(self.context, 0, chosen):
            return None
        route = self.context.route(0, self.context.equipped(0, chosen))
        if route is None:
            return None
        served = set(visits)
        unserved = [v.id for v in self.problem.visits if v.id not in served]
        missing = tuple(NotServed(name, Reason.LEFT_OUT) for name in unserved)
        return None if check(self.problem, Solution((route,), missing)) else route

    def trials(self, only: Sequence[int] | None = None) -> Iterator[Trial]:
        """Yield every feasible sequence with the unit inserted; ``only`` limits the positions."""
        for position, visits in sequences_of(self.case):
            if only is not None and position not in only:
                continue
            route = self.route(visits)
            if route is not None:
                yield Trial(position, route)

    def any(self) -> bool:
        """Return True if the unit fits anywhere."""
        return next(self.trials(), None) is not None

    def cheapest(self) -> Trial:
        """Return the cheapest trial; there must be at least one."""
        return min(self.trials(), key=self.exact)

    def exact(self, trial: Trial) -> int:
        """Return the exact cost of a trial's route."""
        return route_cost(self.problem, trial.route).exact

    def as_it_is(self, visits: Sequence[str]) -> Placement:
        """Return the place of the unit in a sequence, and what the unit adds to the tour there.

        The sequence may break rules.
        """
        chosen = [self.problem.visit_index[v] for v in visits]
        route = Draft(self.context, {0: chosen}).solution([]).routes[0]
        return self.place(Trial(visits.index(self.case.unit[0]), route))

    def place(self, trial: Trial) -> Placement:
        """Return the place of the unit in a trial, and what the unit adds to the tour there."""
        before = self._without()
        after_cost = route_cost(self.problem, trial.route)
        before_cost = route_cost(self.problem, before) if before else None
        worked = before.end_s - before.start_s if before else 0
        served = next(s for s in trial.route.visits if s.visit == self.case.unit[-1])
        return Placement(
            visit=self.case.unit[-1],
            vehicle=self.case.vehicle,
            position=trial.position,
            start_s=served.start_s,
            added_s=trial.route.end_s - trial.route.start_s - worked,
            added_m=trial.route.distance_m - (before.distance_m if before else 0),
            cost=rounded(after_cost.exact - (before_cost.exact if before_cost else 0)),
            co2_g=after_cost.co2_g - (before_cost.co2_g if before_cost else 0),
        )

    def _without(self) -> Tour | None:
        """Return the tour without the unit, even where it breaks rules; None if it is empty."""
        chosen = [self.problem.visit_index[v] for v in self.case.tour]
        return Draft(self.context, {0: chosen}).solution([]).routes[0] if chosen else None
