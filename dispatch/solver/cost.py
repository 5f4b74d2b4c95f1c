"""The one objective: money, with its parts, and the CO2e that goes with it. PURE.

    total = fixed + distance_m * cost_per_km / 1000 + seconds * cost_per_hour / 3600 + unserved

Everything is summed exactly in units of 1/18,000 of a minor unit (the least common denominator
of a metre's and a second's price) and rounded once, half up, at the very end. So that the parts
always add up to the total, ``distance`` is rounded by itself and ``time`` is the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.solver.problem import Problem, Vehicle
from dispatch.solver.solution import Route, Solution

UNIT: Final = 18_000
PER_METRE: Final = UNIT // 1000
PER_SECOND: Final = UNIT // 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """Parts of the objective in minor units; ``exact`` is the total in 1/18,000 of one."""

    fixed: int
    distance: int
    time: int
    unserved: int
    total: int
    co2_g: int
    exact: int


def rounded(exact: int) -> int:
    """Whole minor units of an exact amount, half up."""
    return (2 * exact + UNIT) // (2 * UNIT)


def driven_exact(vehicle: Vehicle, distance_m: int, duration_s: int) -> int:
    """Exact price of metres and seconds for a vehicle, without its fixed cost."""
    return (
        distance_m * vehicle.cost_per_km * PER_METRE
        + duration_s * vehicle.cost_per_hour * PER_SECOND
    )


def cost(problem: Problem, solution: Solution) -> Cost:
    """Price a solution by the distances and times it states."""
    used = [(problem.vehicles[problem.vehicle_index[r.vehicle]], r) for r in solution.routes]
    missed = sum(
        problem.visits[problem.visit_index[u.visit]].unserved_cost for u in solution.unserved
    )
    return _priced(used, missed)


def route_cost(vehicle: Vehicle, route: Route) -> Cost:
    """Price one route by itself."""
    return _priced([(vehicle, route)], 0)


def _priced(used: list[tuple[Vehicle, Route]], missed: int) -> Cost:
    fixed = sum(vehicle.fixed_cost for vehicle, _ in used)
    distance = sum(driven_exact(vehicle, route.distance_m, 0) for vehicle, route in used)
    time = sum(driven_exact(vehicle, 0, route.end_s - route.start_s) for vehicle, route in used)
    co2_mg = sum(vehicle.co2_mg_per_m * route.distance_m for vehicle, route in used)
    exact = (fixed + missed) * UNIT + distance + time
    total = rounded(exact)
    by_distance = rounded(distance)
    return Cost(
        fixed=fixed,
        distance=by_distance,
        time=total - fixed - missed - by_distance,
        unserved=missed,
        total=total,
        co2_g=(co2_mg + 500) // 1000,
        exact=exact,
    )
