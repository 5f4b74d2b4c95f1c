"""The objective function: the cost of a solution in money, its parts, and its CO2e. PURE.

    total = fixed + distance_m * cost_per_km / 1000 + paid_s * cost_per_hour / 3600
          + overtime_s * overtime_cost_per_hour / 3600 + late_s * late_cost_per_hour / 3600
          + co2_mg * co2_cost_per_kg / 1,000,000 + service + fairness + unserved

``paid_s`` is the working time without unpaid breaks. ``fairness`` is the price of each route's
paid hours squared, rounded half up for each route. All other parts are summed exactly, in units
of 1/9,000,000 of a minor unit: the least common denominator of the prices of a metre, a second
and a milligram. The total is rounded once, half up. Each part is rounded by itself; ``time`` is
the remainder, so that the parts always add up to the total.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dispatch.solver.model.problem import Problem, VehicleShift, Visit, missed_cost
from dispatch.solver.model.solution import Solution, Tour

UNIT: Final = 9_000_000  # exact units in one minor unit
PER_METRE: Final = UNIT // 1000  # exact units in a price of 1 per km, for one metre
PER_SECOND: Final = UNIT // 3600  # exact units in a price of 1 per hour, for one second
PER_MILLIGRAM: Final = UNIT // 1_000_000  # exact units in a price of 1 per kg, for one milligram
HOUR_SQUARED: Final = 3600 * 3600  # square seconds in a square hour


@dataclass(frozen=True, slots=True)
class Cost:
    """The parts of the objective in minor units; ``exact`` is the total in 1/UNIT of one."""

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
    """Return an exact amount in whole minor units, rounded half up."""
    return (2 * exact + UNIT) // (2 * UNIT)


def driven_exact(vehicle: VehicleShift, distance_m: int, duration_s: int) -> int:
    """Return the exact price of metres and paid seconds of a vehicle, without its fixed cost."""
    return (
        distance_m * vehicle.cost_per_km * PER_METRE
        + duration_s * vehicle.cost_per_hour * PER_SECOND
    )


def overtime_exact(vehicle: VehicleShift, paid_s: int) -> int:
    """Return the exact overtime price of a route with ``paid_s`` paid seconds."""
    if vehicle.overtime_after_s is None:
        return 0
    beyond = max(0, paid_s - vehicle.overtime_after_s)
    return beyond * vehicle.overtime_cost_per_hour * PER_SECOND


def co2_exact(problem: Problem, vehicle: VehicleShift, distance_m: int) -> int:
    """Return the exact price of the CO2e that a vehicle emits on a distance in metres."""
    return distance_m * vehicle.co2_mg_per_m * problem.co2_cost_per_kg * PER_MILLIGRAM


def fairness_cost(problem: Problem, paid_s: int) -> int:
    """Return the price of one route's paid hours squared, in minor units, rounded half up."""
    return (2 * problem.fairness_cost * paid_s**2 + HOUR_SQUARED) // (2 * HOUR_SQUARED)


def late_s(visit: Visit, start_s: int) -> int:
    """Return the lateness in seconds: the time since the last opened window closed, 0 if none."""
    opened = [w for w in visit.windows if w.opens_s <= start_s]
    if not opened:
        return 0
    return max(0, min(start_s - (w.closes_s - 1) for w in opened))


def late_exact(visit: Visit, start_s: int) -> int:
    """Return the exact price of the lateness of a service that begins at ``start_s``."""
    return late_s(visit, start_s) * visit.late_cost_per_hour * PER_SECOND


def paid_s(vehicle: VehicleShift, route: Tour) -> int:
    """Return the paid seconds of a route: from start to end of work, less unpaid breaks."""
    unpaid = sum(b.end_s - b.start_s for b in route.breaks if not vehicle.breaks[b.index].paid)
    return route.end_s - route.start_s - unpaid


def unserved_cost(problem: Problem, visits: Iterable[str]) -> int:
    """Return the cost of not serving these visits, in minor units.

    A visit of a group counts with the highest cost in its group; name one visit of each group.
    """
    total = 0
    for name in visits:
        it = problem.visits[problem.visit_index[name]]
        members = problem.groups[it.group] if it.group else (problem.visit_index[name],)
        total += max(missed_cost(problem.visits[at]) for at in members)
    return total


def cost(problem: Problem, solution: Solution) -> Cost:
    """Return the cost of a solution, by the distances and times stated in it."""
    used = [(problem.vehicles[problem.vehicle_index[r.vehicle]], r) for r in solution.routes]
    return _priced(problem, used, unserved_cost(problem, (u.visit for u in solution.unserved)))


def route_cost(problem: Problem, route: Tour) -> Cost:
    """Return the cost of one route by itself."""
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
