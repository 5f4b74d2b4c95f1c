"""The one objective: money, with its parts, and the CO2e that goes with it. PURE.

    total = fixed + distance_m * cost_per_km / 1000 + paid_s * cost_per_hour / 3600
          + overtime_s * overtime_cost_per_hour / 3600 + late_s * late_cost_per_hour / 3600
          + co2_mg * co2_cost_per_kg / 1,000,000 + service + fairness + unserved

``paid_s`` is the working time without the unpaid breaks in it. ``fairness`` is the price of each
route's paid hours squared, rounded half up for each route by itself. All else is summed exactly
in units of 1/9,000,000 of a minor unit (the least common denominator of the prices of a metre, a
second and a milligram) and rounded once, half up, at the very end. So that the parts always add
up to the total, each is rounded by itself and ``time`` is the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dispatch.solver.model.problem import Problem, VehicleShift, Visit, missed_cost
from dispatch.solver.model.solution import Solution, Tour

UNIT: Final = 9_000_000
PER_METRE: Final = UNIT // 1000
PER_SECOND: Final = UNIT // 3600
PER_MILLIGRAM: Final = UNIT // 1_000_000
HOUR_SQUARED: Final = 3600 * 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """Parts of the objective in minor units; ``exact`` is the total in 1/9,000,000 of one."""

    fixed: int
    distance: int
    time: int
    unserved: int
    total: int
    co2_g: int
    exact: int
    overtime: int = 0
    late: int = 0
    co2: int = 0
    service: int = 0
    fairness: int = 0


def rounded(exact: int) -> int:
    """Whole minor units of an exact amount, half up."""
    return (2 * exact + UNIT) // (2 * UNIT)


def driven_exact(vehicle: VehicleShift, distance_m: int, duration_s: int) -> int:
    """Exact price of metres and paid seconds for a vehicle, without its fixed cost."""
    return (
        distance_m * vehicle.cost_per_km * PER_METRE
        + duration_s * vehicle.cost_per_hour * PER_SECOND
    )


def overtime_exact(vehicle: VehicleShift, paid_s: int) -> int:
    """Exact price of what goes beyond the vehicle's paid time at the plain price."""
    if vehicle.overtime_after_s is None:
        return 0
    beyond = max(0, paid_s - vehicle.overtime_after_s)
    return beyond * vehicle.overtime_cost_per_hour * PER_SECOND


def co2_exact(problem: Problem, vehicle: VehicleShift, distance_m: int) -> int:
    """Exact price of the CO2e of some metres."""
    return distance_m * vehicle.co2_mg_per_m * problem.co2_cost_per_kg * PER_MILLIGRAM


def fairness_cost(problem: Problem, paid_s: int) -> int:
    """Price of one route's paid hours squared, in whole minor units, half up."""
    return (2 * problem.fairness_cost * paid_s**2 + HOUR_SQUARED) // (2 * HOUR_SQUARED)


def late_s(visit: Visit, start_s: int) -> int:
    """Seconds by which service begins after the last second of its best window; 0 in time."""
    opened = [w for w in visit.windows if w.opens_s <= start_s]
    if not opened:
        return 0
    return max(0, min(start_s - (w.closes_s - 1) for w in opened))


def late_exact(visit: Visit, start_s: int) -> int:
    """Exact price of beginning service then."""
    return late_s(visit, start_s) * visit.late_cost_per_hour * PER_SECOND


def paid_s(vehicle: VehicleShift, route: Tour) -> int:
    """Seconds of work that cost money: from its start to its end, less unpaid breaks."""
    unpaid = sum(b.end_s - b.start_s for b in route.breaks if not vehicle.breaks[b.index].paid)
    return route.end_s - route.start_s - unpaid


def unserved_cost(problem: Problem, visits: Iterable[str]) -> int:
    """What it costs to leave out the visits named, a group once and by its dearest."""
    total = 0
    for name in visits:
        it = problem.visits[problem.visit_index[name]]
        members = problem.groups[it.group] if it.group else (problem.visit_index[name],)
        total += max(missed_cost(problem.visits[at]) for at in members)
    return total


def cost(problem: Problem, solution: Solution) -> Cost:
    """Price a solution by the distances and times it states."""
    used = [(problem.vehicles[problem.vehicle_index[r.vehicle]], r) for r in solution.routes]
    return _priced(problem, used, unserved_cost(problem, (u.visit for u in solution.unserved)))


def route_cost(problem: Problem, route: Tour) -> Cost:
    """Price one route by itself."""
    vehicle = problem.vehicles[problem.vehicle_index[route.vehicle]]
    return _priced(problem, [(vehicle, route)], 0)


def _priced(problem: Problem, used: list[tuple[VehicleShift, Tour]], missed: int) -> Cost:
    fixed = service = fairness = distance = time = overtime = late = co2 = co2_mg = 0
    for vehicle, route in used:
        paid = paid_s(vehicle, route)
        fixed += vehicle.fixed_cost
        distance += driven_exact(vehicle, route.distance_m, 0)
        time += driven_exact(vehicle, 0, paid)
        overtime += overtime_exact(vehicle, paid)
        co2 += co2_exact(problem, vehicle, route.distance_m)
        co2_mg += vehicle.co2_mg_per_m * route.distance_m
        fairness += fairness_cost(problem, paid)
        for served in route.visits:
            visit = problem.visits[problem.visit_index[served.visit]]
            service += visit.service_cost
            late += late_exact(visit, served.start_s)
    exact = (fixed + service + fairness + missed) * UNIT + distance + time + overtime + late + co2
    total = rounded(exact)
    by_distance, by_overtime, by_late, by_co2 = (
        rounded(part) for part in (distance, overtime, late, co2)
    )
    rest = total - fixed - service - fairness - missed
    return Cost(
        fixed=fixed,
        distance=by_distance,
        time=rest - by_distance - by_overtime - by_late - by_co2,
        unserved=missed,
        total=total,
        co2_g=(co2_mg + 500) // 1000,
        exact=exact,
        overtime=by_overtime,
        late=by_late,
        co2=by_co2,
        service=service,
        fairness=fairness,
    )
