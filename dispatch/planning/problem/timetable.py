"""Converts a Solution into a timed plan: legs, slack, cost parts, CO2e, violations, geometry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from dispatch.planning.problem.common import arrivals_of, without_arrival
from dispatch.planning.problem.day import Day
from dispatch.planning.problem.leg_notes import Notes, drive, notes_of, notes_without_lines
from dispatch.planning.problem.reasons import reason_of
from dispatch.planning.problem.store import TimedBreak, TimedPlan, TimedRoute, TimedStop
from dispatch.solver.model.cost import route_cost
from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.referee.check import Violation, check
from lastmile.core.geo import Point

Facts = Mapping[str, Any]


def time_plan(
    problem: Problem, solution: Solution, day: Day, lines: Mapping[str, Any] | None = None
) -> TimedPlan:
    """Return the timed plan of a solution of a day's problem.

    ``problem.visits[i]`` is ``day.orders[i]`` and ``problem.vehicles[i]`` is ``day.shifts[i]``.
    ``lines`` are geometries by shift that are still valid; the others are computed.
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
    violations: Sequence[Facts],
    lines: Mapping[str, Any],
) -> TimedRoute:
    at = problem.vehicle_index[route.vehicle]
    vehicle = problem.vehicles[at]
    orders = [problem.visit_index[served.visit] for served in route.visits]
    legs = _legs(problem, vehicle, orders)
    slacks = slack(problem, vehicle, route)
    places = [vehicle.start, *(problem.visits[order].place for order in orders), vehicle.end]
    line, notes = _way([day.points[place] for place in places], day, at, lines.get(route.vehicle))
    arrivals = arrivals_of(day, orders, [seconds for seconds, _metres in legs])
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
            leg_notes=notes[n],
        )
        for n, (order, served) in enumerate(zip(orders, route.visits, strict=True))
    )
    stops = tuple(map(without_arrival, stops, arrivals))
    travel_s = sum(seconds for seconds, _metres in legs) - sum(arrivals)
    service_s = sum(served.depart_s - served.start_s for served in route.visits) + sum(arrivals)
    rested_s = sum(b.end_s - b.start_s for b in route.breaks)
    price = route_cost(problem, route)
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
        violations=tuple(violations),
        geometry=line,
    )


def _way(points: Sequence[Point], day: Day, shift: int, line: Any) -> tuple[Any, list[Notes]]:
    """Return the lines of a route and the notes of its legs; ``line`` is still valid, or None."""
    network, profile = day.network or None, day.shifts[shift].profile
    if line is not None:
        return line, notes_without_lines(points, network=network, profile=profile)  # type: ignore[arg-type]
    legs = drive(points, network=network, profile=profile)  # type: ignore[arg-type]
    return [leg.line for leg in legs], notes_of(legs)


def _legs(problem: Problem, vehicle: VehicleShift, orders: Sequence[int]) -> list[tuple[int, int]]:
    """Return seconds and metres of every leg; the last leg is the way back to the hub."""
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
    """Return for each visit how many seconds later it can begin without breaking a promise.

    The promises are the time windows of this and of the later visits, and the end of the shift.
    Computed backwards: the slack is the minimum of the time left in the visit's own window and of
    the slack of the next visit plus the waiting before that one. A break counts as work, not as
    waiting, so the figure can be too low but never too high. A negative slack means that a promise
    is already broken.
    """
    remaining_s = vehicle.closes_s - route.end_s
    slacks: list[int] = []
    for n in range(len(route.visits) - 1, -1, -1):
        served = route.visits[n]
        visit = problem.visits[problem.visit_index[served.visit]]
        closes = next(
            (w.closes_s for w in visit.windows if served.start_s < w.closes_s),
            visit.windows[-1].closes_s if visit.windows else None,
        )
        slack_s = remaining_s if closes is None else min(remaining_s, closes - 1 - served.start_s)
        slacks.append(slack_s)
        rested_s = sum(
            min(b.end_s, served.start_s) - max(b.start_s, served.arrive_s)
            for b in route.breaks
            if b.start_s < served.start_s and b.end_s > served.arrive_s
        )
        remaining_s = slack_s + max(0, served.start_s - served.arrive_s - rested_s)
    return slacks[::-1]


def violation_facts(violation: Violation) -> Facts:
    """Return a violation as a row stores it: a code and the parameters of its sentence."""
    facts: dict[str, Any] = {"code": violation.kind.value, "by": violation.by}
    if violation.dimension:
        facts["dimension"] = violation.dimension
    return facts
