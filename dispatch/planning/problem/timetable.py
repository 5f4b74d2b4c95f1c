"""The solver's Solution becomes timed rows: legs, slack, cost parts, grams, violations by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from dispatch.planning.problem.day import Day
from dispatch.planning.problem.reasons import reason_of
from dispatch.planning.problem.store import TimedBreak, TimedPlan, TimedRoute, TimedStop
from dispatch.roads.matrix import route_geometry
from dispatch.solver.model.cost import route_cost
from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.referee.check import Violation, check

Facts = Mapping[str, Any]


def time_plan(
    problem: Problem, solution: Solution, day: Day, lines: Mapping[str, Any] | None = None
) -> TimedPlan:
    """Return a solution of a day's problem as what planning stores.

    ``problem.visits[i]`` is ``day.orders[i]`` and ``problem.vehicles[i]`` is ``day.shifts[i]``.
    ``lines`` are geometries, by shift, that are known to hold still.
    """
    by_visit: dict[str, list[Facts]] = defaultdict(list)
    by_vehicle: dict[str, list[Facts]] = defaultdict(list)
    for violation in check(problem, solution):
        target = by_visit[violation.visit] if violation.visit else by_vehicle[violation.vehicle]
        target.append(violation_facts(violation))
    routes = [
        _route(problem, route, day, by_visit, by_vehicle[route.vehicle], lines or {})
        for route in solution.routes
        if route.visits
    ]
    unserved = tuple(
        (problem.visit_index[u.visit], *reason_of(problem, u, day)) for u in solution.unserved
    )
    return TimedPlan(routes=tuple(routes), unserved=unserved)


def _route(
    problem: Problem,
    route: Tour,
    day: Day,
    by_visit: Mapping[str, Sequence[Facts]],
    own: Sequence[Facts],
    lines: Mapping[str, Any],
) -> TimedRoute:
    at = problem.vehicle_index[route.vehicle]
    vehicle = problem.vehicles[at]
    orders = [problem.visit_index[served.visit] for served in route.visits]
    legs = _legs(problem, vehicle, orders)
    slacks = slack(problem, vehicle, route)
    stops = tuple(
        TimedStop(
            order=order,
            arrive_s=served.arrive_s,
            start_s=served.start_s,
            depart_s=served.depart_s,
            leg_travel_s=legs[n][0],
            leg_distance_m=legs[n][1],
            slack_s=slacks[n],
            violations=tuple(by_visit.get(served.visit, ())),
        )
        for n, (order, served) in enumerate(zip(orders, route.visits, strict=True))
    )
    travel_s = sum(seconds for seconds, _metres in legs)
    service_s = sum(served.depart_s - served.start_s for served in route.visits)
    rested_s = sum(b.end_s - b.start_s for b in route.breaks)
    price = route_cost(problem, route)
    line = lines.get(route.vehicle)
    if line is None:
        places = [vehicle.start, *(problem.visits[order].place for order in orders), vehicle.end]
        way = [day.points[place] for place in places]
        line = route_geometry(way, day.network or None, day.shifts[at].profile)  # type: ignore[arg-type]
    return TimedRoute(
        shift=at,
        start_s=route.start_s,
        end_s=route.end_s,
        stops=stops,
        breaks=tuple(
            TimedBreak(start_s=b.start_s, end_s=b.end_s, after=b.before) for b in route.breaks
        ),
        distance_m=route.distance_m,
        travel_s=travel_s,
        service_s=service_s,
        wait_s=max(
            0,
            route.end_s - route.start_s - vehicle.loading_s - travel_s - service_s - rested_s,
        ),
        cost_fixed_minor=price.fixed,
        cost_distance_minor=price.distance,
        cost_time_minor=price.time,
        co2_g=price.co2_g,
        violations=tuple(own),
        geometry=line,
    )


def _legs(problem: Problem, vehicle: VehicleShift, orders: Sequence[int]) -> list[tuple[int, int]]:
    """Seconds and metres of every leg, the way back to the hub last."""
    profile = problem.profiles[vehicle.profile]
    places = [vehicle.start, *(problem.visits[o].place for o in orders), vehicle.end]
    return [
        (
            -(-int(profile.duration_s[a, b]) * 100 // vehicle.speed_percent),
            int(profile.distance_m[a, b]),
        )
        for a, b in pairwise(places)
    ]


def slack(problem: Problem, vehicle: VehicleShift, route: Tour) -> list[int]:
    """Seconds by which each visit may begin later before a promise or the shift's end breaks.

    From the end of the route backwards: what a delay leaves of the window here, or of the slack
    there plus the waiting between. A break counts as work, not as waiting that could give way, so
    the figure errs on the careful side. Below zero the promise is broken already.
    """
    left = vehicle.closes_s - route.end_s
    found: list[int] = []
    for n in range(len(route.visits) - 1, -1, -1):
        served = route.visits[n]
        visit = problem.visits[problem.visit_index[served.visit]]
        closes = next(
            (w.closes_s for w in visit.windows if served.start_s < w.closes_s),
            visit.windows[-1].closes_s if visit.windows else None,
        )
        here = left if closes is None else min(left, closes - 1 - served.start_s)
        found.append(here)
        rested = sum(
            min(b.end_s, served.start_s) - max(b.start_s, served.arrive_s)
            for b in route.breaks
            if b.start_s < served.start_s and b.end_s > served.arrive_s
        )
        left = here + max(0, served.start_s - served.arrive_s - rested)
    return found[::-1]


def violation_facts(violation: Violation) -> Facts:
    """A violation as the row keeps it: a code and the numbers its sentence needs."""
    facts: dict[str, Any] = {"code": violation.kind.value, "by": violation.by}
    if violation.dimension:
        facts["dimension"] = violation.dimension
    return facts
