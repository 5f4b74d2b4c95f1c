"""Plans with one thing changed: most break a rule, and none may be cheaper than the best plan."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import NotServed, Reason, Reload, Served, Solution, Tour

Change = Callable[[random.Random, Tour], Tour]
FACILITY_TIMES: Final = ("arrive_s", "start_s", "end_s")


def _shift(lots: random.Random, part: Any, names: tuple[str, ...]) -> Any:
    name = lots.choice(names)
    return replace(part, **{name: getattr(part, name) + lots.choice([-3, -1, 1, 3])})


def _one(lots: random.Random, parts: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not parts:
        return parts
    at = lots.randrange(len(parts))
    return (*parts[:at], change(parts[at]), *parts[at + 1 :])


def _times(lots: random.Random, route: Tour) -> Tour:
    names = ("start_s", "depart_s", "end_s")
    return _shift(lots, route, names)  # type: ignore[no-any-return]


def _visit_times(lots: random.Random, route: Tour) -> Tour:
    names = ("arrive_s", "start_s", "depart_s")
    return replace(route, visits=_one(lots, route.visits, lambda s: _shift(lots, s, names)))


def _break_times(lots: random.Random, route: Tour) -> Tour:
    def moved(rest: Any) -> Any:
        by = lots.choice([-5, -1, 1, 5])
        ends = rest.end_s + lots.choice([by, by, 0, 7])
        return replace(rest, start_s=rest.start_s + by, end_s=ends)

    return replace(route, breaks=_one(lots, route.breaks, moved))


def _break_gone(lots: random.Random, route: Tour) -> Tour:
    gone = lots.randrange(len(route.breaks)) if route.breaks else 0
    return replace(route, breaks=tuple(b for at, b in enumerate(route.breaks) if at != gone))


def _breaks_swapped(_: random.Random, route: Tour) -> Tour:
    if len(route.breaks) < 2:
        return route
    first, second = route.breaks[:2]
    swapped = (replace(first, index=second.index), replace(second, index=first.index))
    return replace(route, breaks=(*swapped, *route.breaks[2:]))


def _reload_times(lots: random.Random, route: Tour) -> Tour:
    return replace(
        route, reloads=_one(lots, route.reloads, lambda f: _shift(lots, f, FACILITY_TIMES))
    )


def _reload_gone(_: random.Random, route: Tour) -> Tour:
    return replace(route, reloads=route.reloads[1:])


def _reload_moved(lots: random.Random, route: Tour) -> Tour:
    by = lots.choice([-1, 1])
    return replace(
        route,
        reloads=_one(lots, route.reloads, lambda f: replace(f, before=max(0, f.before + by))),
    )


def _load(lots: random.Random, route: Tour) -> Tour:
    return replace(route, load=_one(lots, route.load, lambda a: max(0, a - 1)))


def _charge_times(lots: random.Random, route: Tour) -> Tour:
    return replace(
        route, charges=_one(lots, route.charges, lambda f: _shift(lots, f, FACILITY_TIMES))
    )


def _charge_gone(_: random.Random, route: Tour) -> Tour:
    return replace(route, charges=route.charges[1:])


def _shorter(lots: random.Random, route: Tour) -> Tour:
    return replace(route, distance_m=route.distance_m - lots.choice([1, 10]))


def _swapped(lots: random.Random, route: Tour) -> Tour:
    """Two visits change names, and the times stay."""
    if len(route.visits) < 2:
        return route
    visits = list(route.visits)
    a, b = lots.sample(range(len(visits)), 2)
    visits[a], visits[b] = (
        replace(visits[a], visit=visits[b].visit),
        replace(visits[b], visit=visits[a].visit),
    )
    return replace(route, visits=tuple(visits))


def _visit_gone(lots: random.Random, route: Tour) -> Tour:
    gone = lots.randrange(len(route.visits)) if route.visits else 0
    return replace(route, visits=tuple(s for at, s in enumerate(route.visits) if at != gone))


def _later(lots: random.Random, route: Tour) -> Tour:
    """The whole route is driven some seconds earlier or later."""
    by = lots.choice([-4, -2, -1, 1, 2, 4])

    def moved(part: Any) -> Any:
        names = ("arrive_s", "start_s", "depart_s", "end_s")
        return replace(part, **{n: getattr(part, n) + by for n in names if hasattr(part, n)})

    return replace(
        moved(route),
        visits=tuple(moved(s) for s in route.visits),
        breaks=tuple(moved(b) for b in route.breaks),
        reloads=tuple(moved(f) for f in route.reloads),
        charges=tuple(moved(f) for f in route.charges),
    )


CHANGES: Final[tuple[Change, ...]] = (
    _times,
    _visit_times,
    _break_times,
    _break_gone,
    _breaks_swapped,
    _reload_times,
    _reload_gone,
    _reload_moved,
    _load,
    _charge_times,
    _charge_gone,
    _shorter,
    _swapped,
    _visit_gone,
    _later,
)


def mutant(lots: random.Random, problem: Problem, plan: Solution) -> Solution:
    """Return a plan with one or two things changed.

    Mostly it then states its distances, loads and unserved visits truly, so that the referee has
    nothing but the rule itself to go by.
    """
    if not plan.routes or lots.random() < 0.1:
        changed = _census(lots, plan)
    else:
        routes = list(plan.routes)
        at = lots.randrange(len(routes))
        for _ in range(lots.choice([1, 1, 2, 3])):
            routes[at] = lots.choice(CHANGES)(lots, routes[at])
        changed = replace(plan, routes=tuple(routes))
    return restated(problem, changed) if lots.random() < 0.8 else changed


def restated(problem: Problem, plan: Solution) -> Solution:
    """Return the plan with true distances, loads and names of the unserved."""
    routes = tuple(_route(problem, r) for r in plan.routes)
    served = {s.visit for r in routes for s in r.visits}
    groups = {v.group for v in problem.visits if v.group and v.id in served}
    unserved = []
    for visit in problem.visits:
        if visit.id not in served and visit.group not in groups:
            unserved.append(NotServed(visit.id, Reason.NOT_WORTH))
            groups |= {visit.group} - {""}
    return Solution(routes, tuple(unserved))


def _route(problem: Problem, route: Tour) -> Tour:
    vehicle = problem.vehicles[problem.vehicle_index[route.vehicle]]
    visits = {v.id: v for v in problem.visits}
    fetched = {p.delivery for p in problem.pairs}
    places = [vehicle.start]
    trips: list[list[str]] = [[]]
    for stop in route.stops:
        if isinstance(stop, Served):
            places.append(visits[stop.visit].place)
            trips[-1].append(stop.visit)
        elif isinstance(stop, Reload):
            places.append(stop.place)
            trips.append([])
        else:
            places.append(vehicle.chargers[stop.charger].place)
    matrix = problem.profiles[vehicle.profile].distance_m
    metres = sum(int(matrix[a, b]) for a, b in pairwise([*places, vehicle.end]))
    loads = [
        tuple(
            sum(visits[v].demand[d] for v in trip if v not in fetched)
            for d in range(len(problem.dimensions))
        )
        for trip in trips
    ]
    in_order = sorted(route.reloads, key=lambda f: f.arrive_s)
    reloads = tuple(replace(f, load=loads[at]) for at, f in enumerate(in_order, start=1))
    return replace(route, distance_m=metres, load=loads[0], reloads=reloads)


def _census(lots: random.Random, plan: Solution) -> Solution:
    """A visit is forgotten, a route is, or one is driven by another vehicle."""
    kind = lots.randrange(3)
    if kind == 0 or not plan.routes:
        return replace(plan, unserved=plan.unserved[1:])
    if kind == 1 or len(plan.routes) < 2:
        return replace(plan, routes=plan.routes[1:])
    first, second, *others = plan.routes
    swapped = (
        replace(first, vehicle=second.vehicle),
        replace(second, vehicle=first.vehicle),
        *others,
    )
    return replace(plan, routes=swapped)
