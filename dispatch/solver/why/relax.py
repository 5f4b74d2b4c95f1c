"""The change that each relaxation makes to a problem: one rule is relaxed, all others stay. PURE.

Each change only allows more: if some amount admits a visit, every larger amount admits it, too.
The exception is the battery: a larger one takes longer to fill. With chargers the amount found is
therefore enough, but perhaps not the least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dispatch.solver.model.elements import MAX_TIME_S, Break, VehicleShift, Visit, Window
from dispatch.solver.model.problem import Problem
from dispatch.solver.why.answer import Relax, Relaxation


@dataclass(slots=True)
class _Rules:
    """A problem's parts while they are changed; the problem is built once at the end."""

    problem: Problem
    visits: list[Visit]
    vehicles: list[VehicleShift]
    together: tuple[frozenset[str], ...]
    apart: tuple[frozenset[str], ...]


def relaxed(problem: Problem, relaxations: Sequence[Relaxation]) -> Problem:
    """Return the problem with these rules relaxed; the given problem is not changed."""
    if not relaxations:
        return problem
    rules = _Rules(
        problem, list(problem.visits), list(problem.vehicles), problem.together, problem.apart
    )
    for relaxation in relaxations:
        _CHANGES[relaxation.kind](rules, relaxation)
    return replace(
        problem,
        visits=tuple(rules.visits),
        vehicles=tuple(rules.vehicles),
        together=rules.together,
        apart=rules.apart,
    )


def twin_name(problem: Problem, vehicle: str) -> str:
    """Return an id for one more vehicle like this one, which no vehicle of the problem has."""
    name = f"{vehicle}+"
    while name in problem.vehicle_index:
        name += "+"
    return name


_Change = Callable[[_Rules, Relaxation], None]


def _on_visit(change: Callable[[Visit, Relaxation], Visit]) -> _Change:
    def apply(rules: _Rules, it: Relaxation) -> None:
        at = rules.problem.visit_index[it.visit]
        rules.visits[at] = change(rules.visits[at], it)

    return apply


def _on_vehicle(change: Callable[[VehicleShift, Relaxation], VehicleShift]) -> _Change:
    def apply(rules: _Rules, it: Relaxation) -> None:
        at = rules.problem.vehicle_index[it.vehicle]
        rules.vehicles[at] = change(rules.vehicles[at], it)

    return apply


def _window_later(visit: Visit, it: Relaxation) -> Visit:
    """Let every window close later, but not after the next window opens."""
    if not visit.windows:
        return visit
    ends = [w.opens_s for w in visit.windows[1:]] + [MAX_TIME_S]
    return replace(
        visit,
        windows=tuple(
            Window(w.opens_s, max(w.closes_s, min(w.closes_s + it.amount, end)))
            for w, end in zip(visit.windows, ends, strict=True)
        ),
    )


def _window_earlier(visit: Visit, it: Relaxation) -> Visit:
    """Let every window open earlier, but not before the previous window closes."""
    begins = [0] + [w.closes_s for w in visit.windows[:-1]]
    return replace(
        visit,
        windows=tuple(
            Window(max(w.opens_s - it.amount, begin), w.closes_s)
            for w, begin in zip(visit.windows, begins, strict=False)
        ),
    )


def _release(visit: Visit, it: Relaxation) -> Visit:
    return replace(visit, release_s=max(0, visit.release_s - it.amount))


def _price(visit: Visit, it: Relaxation) -> Visit:
    """Raise the cost of missing the visit, which is ``unserved_cost`` times 1 + priority."""
    return replace(visit, unserved_cost=visit.unserved_cost - (-it.amount // (1 + visit.priority)))


def _breaks(vehicle: VehicleShift, later: int, earlier: int) -> VehicleShift:
    def widened(rest: Break) -> Break:
        opens = max(0, rest.opens_s - earlier)
        return replace(rest, opens_s=opens, closes_s=min(rest.closes_s + later, MAX_TIME_S))

    return replace(vehicle, breaks=tuple(widened(rest) for rest in vehicle.breaks))


def _more(name: str) -> Callable[[VehicleShift, Relaxation], VehicleShift]:
    """Return a change that raises one limit of a vehicle; no change if it has no such limit."""

    def change(vehicle: VehicleShift, it: Relaxation) -> VehicleShift:
        value = getattr(vehicle, name)
        return vehicle if value is None else replace(vehicle, **{name: value + it.amount})

    return change


def _battery(vehicle: VehicleShift, it: Relaxation) -> VehicleShift:
    if vehicle.range_m is None:
        return vehicle
    start = vehicle.start_range_m
    return replace(
        vehicle,
        range_m=min(vehicle.range_m + it.amount, MAX_TIME_S),
        start_range_m=None if start is None else min(start + it.amount, MAX_TIME_S),
    )


def _capacity(rules: _Rules, it: Relaxation) -> None:
    dimension = rules.problem.dimensions.index(it.what)
    at = rules.problem.vehicle_index[it.vehicle]
    room = list(rules.vehicles[at].capacity)
    room[dimension] += it.amount
    rules.vehicles[at] = replace(rules.vehicles[at], capacity=tuple(room))


def _apart(rules: _Rules, it: Relaxation) -> None:
    """Allow two visits on one trip; other members of the set still exclude both."""
    sets: list[frozenset[str]] = []
    for members in rules.apart:
        both = {it.visit, it.what} <= members
        sets += [members - {it.visit}, members - {it.what}] if both else [members]
    rules.apart = tuple(sets)


def _together(rules: _Rules, it: Relaxation) -> None:
    """Allow the visit on another vehicle than the visit ``what``.

    The visit leaves each ``together`` set that contains both visits.
    """
    both = {it.visit, it.what}
    rules.together = tuple(m - {it.visit} if both <= m else m for m in rules.together)


def _loaded(rules: _Rules, it: Relaxation) -> None:
    """Put the visit's goods on board this vehicle, and take them off any other vehicle.

    A vehicle that has not loaded yet (``loaded`` is None) loads them with its other goods.
    """
    for at, vehicle in enumerate(rules.vehicles):
        if vehicle.loaded is not None:
            goods = vehicle.loaded - {it.visit}
            if vehicle.id == it.vehicle:
                goods |= {it.visit}
            rules.vehicles[at] = replace(vehicle, loaded=goods)


def _another(rules: _Rules, it: Relaxation) -> None:
    """Add an empty vehicle like this one; visits that allow this one also allow the new one."""
    like = rules.vehicles[rules.problem.vehicle_index[it.vehicle]]
    name = twin_name(rules.problem, like.id)
    for at, visit in enumerate(rules.visits):
        if visit.vehicles is not None and like.id in visit.vehicles:
            rules.visits[at] = replace(visit, vehicles=visit.vehicles | {name})
    rules.vehicles.append(replace(like, id=name, prefix=(), loaded=None))


_CHANGES: dict[Relax, _Change] = {
    Relax.WINDOW_LATER: _on_visit(_window_later),
    Relax.WINDOW_EARLIER: _on_visit(_window_earlier),
    Relax.RELEASE: _on_visit(_release),
    Relax.BREAK_LATER: _on_vehicle(lambda v, it: _breaks(v, it.amount, 0)),
    Relax.BREAK_EARLIER: _on_vehicle(lambda v, it: _breaks(v, 0, it.amount)),
    Relax.SHIFT_LATER: _on_vehicle(_more("closes_s")),
    Relax.SHIFT_EARLIER: _on_vehicle(
        lambda v, it: replace(v, opens_s=max(0, v.opens_s - it.amount))
    ),
    Relax.START_LATER: _on_vehicle(_more("latest_start_s")),
    Relax.DURATION: _on_vehicle(_more("max_duration_s")),
    Relax.DISTANCE: _on_vehicle(_more("max_distance_m")),
    Relax.BATTERY: _on_vehicle(_battery),
    Relax.CAPACITY: _capacity,
    Relax.STOPS: _on_vehicle(_more("max_stops")),
    Relax.TRIPS: _on_vehicle(lambda v, it: replace(v, max_trips=v.max_trips + it.amount)),
    Relax.SKILL: _on_vehicle(lambda v, it: replace(v, skills=v.skills | {it.what})),
    Relax.VEHICLE: _on_visit(
        lambda v, it: v if v.vehicles is None else replace(v, vehicles=v.vehicles | {it.vehicle})
    ),
    Relax.APART: _apart,
    Relax.TOGETHER: _together,
    Relax.LOADED: _loaded,
    Relax.PREFIX: _on_vehicle(
        lambda v, it: replace(v, prefix=v.prefix[: max(0, len(v.prefix) - it.amount)])
    ),
    Relax.COMMITTED: _on_vehicle(
        lambda v, it: replace(v, prefix=tuple(p for p in v.prefix if p != it.visit))
    ),
    Relax.ANOTHER_VEHICLE: _another,
    Relax.PRICE: _on_visit(_price),
}
