"""One vehicle, its visits and the one in question: small enough to try everything. PURE.

What a visit may do on one vehicle does not depend on the other vehicles, but for what visits say
of one another; that is turned into ``needs`` here. The rest is a problem of one vehicle, so that
each relaxation can be tried in earnest: changed, scheduled at every position, refereed.
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
    """A sequence with the visit in, timed and refereed; ``position`` is the first newcomer's."""

    position: int
    route: Tour


@dataclass(frozen=True, slots=True)
class Scene:
    """A problem of one vehicle with its tour, and the visits that are to come in.

    Parameters
    ----------
    problem : Problem
        Of this vehicle and these visits alone.
    tour, unit : tuple of str
        Visits that stay, in their order; and who comes in (two for a pair).
    needs : tuple of Relaxation
        What must give way whatever the schedule: skills, who may come, whose company. The
        problem has it given way already.
    """

    problem: Problem
    vehicle: str
    tour: tuple[str, ...]
    unit: tuple[str, ...]
    needs: tuple[Relaxation, ...]


def scene(
    problem: Problem, sequences: dict[str, tuple[str, ...]], vehicle: str, unit: tuple[str, ...]
) -> Scene:
    """Cut one vehicle's part out of a problem and a plan that does not serve the unit."""
    needs = tuple(_needs(problem, sequences, vehicle, unit, home=vehicle))
    tour = sequences.get(vehicle, ())
    part = restricted(problem, vehicle, (*tour, *unit))
    return Scene(_met(part, needs), vehicle, tour, unit, needs)


_OWN: Final = frozenset({Relax.SKILL, Relax.VEHICLE, Relax.LOADED})


def _met(part: Problem, needs: tuple[Relaxation, ...]) -> Problem:
    """Return one vehicle's problem with its needs met; what others say is not in it."""
    return relaxed(part, [n for n in needs if n.kind in _OWN])


def twin_scene(
    problem: Problem, sequences: dict[str, tuple[str, ...]], vehicle: str, unit: tuple[str, ...]
) -> Scene:
    """Set the scene for one more vehicle like this one; it keeps the vehicle's id."""
    needs = tuple(_needs(problem, sequences, vehicle, unit, home=""))
    whole = restricted(problem, vehicle, unit)
    fresh = replace(whole.vehicles[0], prefix=(), loaded=None)
    return Scene(_met(replace(whole, vehicles=(fresh,)), needs), vehicle, (), unit, needs)


def _needs(
    problem: Problem,
    sequences: dict[str, tuple[str, ...]],
    name: str,
    unit: tuple[str, ...],
    home: str,
) -> Iterator[Relaxation]:
    """Yield what no position can do without on the vehicle ``home``, which is like ``name``."""
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


def restricted(problem: Problem, vehicle: str, visits: Sequence[str]) -> Problem:
    """Return the problem of one vehicle and some visits, over the places they need alone."""
    kept = frozenset(visits)
    it = problem.vehicles[problem.vehicle_index[vehicle]]
    made = [_visit(problem, name) for name in dict.fromkeys(visits)]
    used = {it.start, it.end, *it.reloads, *(c.place for c in it.chargers)}
    places = sorted(used | {v.place for v in made})
    at = {place: number for number, place in enumerate(places)}
    return Problem(
        profiles=tuple(_cut(p, places) for p in problem.profiles),
        visits=tuple(replace(v, place=at[v.place]) for v in made),
        vehicles=(_moved(it, at, kept),),
        dimensions=problem.dimensions,
        pairs=tuple(p for p in problem.pairs if {p.pickup, p.delivery} <= kept),
        together=tuple(m & kept for m in problem.together if len(m & kept) > 1),
        apart=tuple(m & kept for m in problem.apart if len(m & kept) > 1),
        co2_cost_per_kg=problem.co2_cost_per_kg,
        fairness_cost=problem.fairness_cost,
    )


def _moved(vehicle: VehicleShift, at: dict[int, int], kept: frozenset[str]) -> VehicleShift:
    """Give the vehicle's places their new numbers; forget visits that are not there."""
    return replace(
        vehicle,
        start=at[vehicle.start],
        end=at[vehicle.end],
        reloads=tuple(at[place] for place in vehicle.reloads),
        chargers=tuple(replace(c, place=at[c.place]) for c in vehicle.chargers),
        prefix=tuple(name for name in vehicle.prefix if name in kept),
        loaded=None if vehicle.loaded is None else vehicle.loaded & kept,
    )


def _cut(profile: TravelTable, places: list[int]) -> TravelTable:
    rows = np.ix_(places, places)

    def part(matrix: Int32) -> Int32:
        return matrix[rows]

    slices = tuple(Slice(s.from_s, part(s.duration_s)) for s in profile.hourly)
    return TravelTable(profile.name, part(profile.duration_s), part(profile.distance_m), slices)


def sequences_of(it: Scene) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each way to put the unit into the tour, with the first newcomer's position."""
    for first in range(len(it.tour) + 1):
        one = (*it.tour[:first], it.unit[0], *it.tour[first:])
        if len(it.unit) == 1:
            yield first, one
            continue
        for second in range(first + 1, len(one) + 1):
            yield first, (*one[:second], it.unit[1], *one[second:])


class Stage:
    """A scene with some relaxations applied: tries sequences, times and referees them."""

    def __init__(self, it: Scene, relaxations: Sequence[Relaxation]) -> None:
        self.scene = it
        self.problem = relaxed(it.problem, relaxations)
        self.context = Context(self.problem)

    def route(self, visits: Sequence[str]) -> Tour | None:
        """Return the sequence's schedule, if it holds and the referee lets it through."""
        chosen = [self.problem.visit_index[v] for v in visits]
        if self.context.plain and not holds(self.context, 0, chosen):
            return None
        route = self.context.route(0, self.context.equipped(0, chosen))
        if route is None:
            return None
        made = set(visits)
        left = [v.id for v in self.problem.visits if v.id not in made]
        missing = tuple(NotServed(name, Reason.LEFT_OUT) for name in left)
        return None if check(self.problem, Solution((route,), missing)) else route

    def trials(self, only: Sequence[int] | None = None) -> Iterator[Trial]:
        """Yield every sequence with the unit in that holds, of some positions where asked."""
        for position, visits in sequences_of(self.scene):
            if only is not None and position not in only:
                continue
            route = self.route(visits)
            if route is not None:
                yield Trial(position, route)

    def any(self) -> bool:
        """Tell whether the unit can come in anywhere."""
        return next(self.trials(), None) is not None

    def cheapest(self) -> Trial:
        """Return the trial that costs least; there must be one."""
        return min(self.trials(), key=self.exact)

    def exact(self, trial: Trial) -> int:
        """What the route of a trial costs, exactly."""
        return route_cost(self.problem, trial.route).exact

    def as_it_is(self, visits: Sequence[str]) -> Placement:
        """Say what the unit adds in a sequence that it is in, even one that breaks rules."""
        chosen = [self.problem.visit_index[v] for v in visits]
        route = Draft(self.context, {0: chosen}).solution([]).routes[0]
        return self.place(Trial(visits.index(self.scene.unit[0]), route))

    def place(self, trial: Trial) -> Placement:
        """Say what a trial adds to the tour without the unit."""
        before = self._without()
        after = route_cost(self.problem, trial.route)
        spent = route_cost(self.problem, before) if before else None
        worked = before.end_s - before.start_s if before else 0
        come = next(s for s in trial.route.visits if s.visit == self.scene.unit[-1])
        return Placement(
            visit=self.scene.unit[-1],
            vehicle=self.scene.vehicle,
            position=trial.position,
            start_s=come.start_s,
            added_s=trial.route.end_s - trial.route.start_s - worked,
            added_m=trial.route.distance_m - (before.distance_m if before else 0),
            cost=rounded(after.exact - (spent.exact if spent else 0)),
            co2_g=after.co2_g - (spent.co2_g if spent else 0),
        )

    def _without(self) -> Tour | None:
        """The tour as it is, timed as it comes where it breaks rules; None when there is none."""
        chosen = [self.problem.visit_index[v] for v in self.scene.tour]
        return Draft(self.context, {0: chosen}).solution([]).routes[0] if chosen else None
