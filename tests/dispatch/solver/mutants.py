"""Plans with one change: most break a rule, and none may be cheaper than the best plan."""

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


def _shift(rng: random.Random, part: Any, names: tuple[str, ...]) -> Any:
    name = rng.choice(names)
    return replace(part, **{name: getattr(part, name) + rng.choice([-3, -1, 1, 3])})


def _one(rng: random.Random, parts: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not parts:
        return parts
    at = rng.randrange(len(parts))
    return (*parts[:at], change(parts[at]), *parts[at + 1 :])


def _times(rng: random.Random, route: Tour) -> Tour:
    names = ("start_s", "depart_s", "end_s")
    return _shift(rng, route, names)  # type: ignore[no-any-return]


def _visit_times(rng: random.Random, route: Tour) -> Tour:
    names = ("arrive_s", "start_s", "depart_s")
    return replace(route, visits=_one(rng, route.visits, lambda s: _shift(rng, s, names)))


def _break_times(rng: random.Random, route: Tour) -> Tour:
    def moved(rest: Any) -> Any:
        by = rng.choice([-5, -1, 1, 5])
        ends = rest.end_s + rng.choice([by, by, 0, 7])
        return replace(rest, start_s=rest.start_s + by, end_s=ends)

    return replace(route, breaks=_one(rng, route.breaks, moved))


def _break_gone(rng: random.Random, route: Tour) -> Tour:
    removed = rng.randrange(len(route.breaks)) if route.breaks else 0
    return replace(route, breaks=tuple(b for at, b in enumerate(route.breaks) if at != removed))


def _breaks_swapped(_: random.Random, route: Tour) -> Tour:
    if len(route.breaks) < 2:
        return route
    first, second = route.breaks[:2]
    swapped = (replace(first, index=second.index), replace(second, index=first.index))
    return replace(route, breaks=(*swapped, *route.breaks[2:]))


def _reload_times(rng: random.Random, route: Tour) -> Tour:
    return replace(
        route, reloads=_one(rng, route.reloads, lambda f: _shift(rng, f, FACILITY_TIMES))
    )


def _reload_gone(_: random.Random, route: Tour) -> Tour:
    return replace(route, reloads=route.reloads[1:])


def _reload_moved(rng: random.Random, route: Tour) -> Tour:
    by = rng.choice([-1, 1])
    return replace(
        route,
        reloads=_one(rng, route.reloads, lambda f: replace(f, before=max(0, f.before + by))),
    )


def _load(rng: random.Random, route: Tour) -> Tour:
    return replace(route, load=_one(rng, route.load, lambda a: max(0, a - 1)))


def _charge_times(rng: random.Random, route: Tour) -> Tour:
    return replace(
        route, charges=_one(rng, route.charges, lambda f: _shift(rng, f, FACILITY_TIMES))
    )


def _charge_gone(_: random.Random, route: Tour) -> Tour:
    return replace(route, charges=route.charges[1:])


def _shorter(rng: random.Random, route: Tour) -> Tour:
    return replace(route, distance_m=route.distance_m - rng.choice([1, 10]))


def _swapped(rng: random.Random, route: Tour) -> Tour:
    """Exchange two visits, without changing the times."""
    if len(route.visits) < 2:
        return route
    visits = list(route.visits)
    a, b = rng.sample(range(len(visits)), 2)
    visits[a], visits[b] = (
        replace(visits[a], visit=visits[b].visit),
        replace(visits[b], visit=visits[a].visit),
    )
    return replace(route, visits=tuple(visits))


def _visit_gone(rng: random.Random, route: Tour) -> Tour:
    removed = rng.randrange(len(route.visits)) if route.visits else 0
    return replace(route, visits=tuple(s for at, s in enumerate(route.visits) if at != removed))


def _later(rng: random.Random, route: Tour) -> Tour:
    """Move all times of a route by some seconds."""
    by = rng.choice([-4, -2, -1, 1, 2, 4])

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


def mutant(rng: random.Random, problem: Problem, plan: Solution) -> Solution:
    """Return a plan with one or two changes.

    In most cases the stated distances, loads and unserved visits are then corrected, so that the
    referee can find only the broken rule itself.
    """
    if not plan.routes or rng.random() < 0.1:
        changed = _census(rng, plan)
    else:
        routes = list(plan.routes)
        at = rng.randrange(len(routes))
        for _ in range(rng.choice([1, 1, 2, 3])):
            routes[at] = rng.choice(CHANGES)(rng, routes[at])
        changed = replace(plan, routes=tuple(routes))
    return restated(problem, changed) if rng.random() < 0.8 else changed


def restated(problem: Problem, plan: Solution) -> Solution:
    """Return the plan with correct distances, loads and unserved visits."""
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


def _census(rng: random.Random, plan: Solution) -> Solution:
    """Remove a visit or a route, or give a route to another vehicle."""
    kind = rng.randrange(3)
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
