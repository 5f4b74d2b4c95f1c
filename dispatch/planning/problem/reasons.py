"""The reasons that a plan stores for unserved orders, refined from the reasons of the solver.

The solver gives "window impossible" for every order that no vehicle can serve in time by itself.
If no vehicle can drive there and back within its shift at any time, another window does not help.
Then the order is out of range, or its pin is wrong. An order that no shift may serve because no
street leads there gets the reason of ``roads.doors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dispatch.planning.problem.day import Day
from dispatch.roads.doors import doors_of
from dispatch.solver.model.elements import VehicleShift, Visit
from dispatch.solver.model.problem import Problem, service_s
from dispatch.solver.model.solution import NotServed, Reason
from lastmile.core.geo import distance_m

#: Straight-line metres from the hub: farther than a round trip by road in one day. Such a place
#: nearly always has a wrong pin (a digit is missing, or latitude and longitude are swapped).
FAR_FROM_HUB_M: Final = 300_000
FAR_FROM_HUB: Final = "far_from_hub"


def reason_of(problem: Problem, unserved: NotServed, day: Day) -> tuple[str, Mapping[str, Any]]:
    """Return the code of the reason and the parameters of its sentence.

    ``day`` provides the points of the hub and of the orders.
    """
    params: dict[str, Any] = {}
    if unserved.dimensions:
        params["dimension"] = unserved.dimensions[0]
    if unserved.skills:
        params["skills"] = list(unserved.skills)
    if unserved.reason == Reason.NO_SHIFT:
        return _off_the_streets(problem, unserved, day) or (unserved.reason.value, params)
    if unserved.reason not in {Reason.WINDOW_IMPOSSIBLE, Reason.OUT_OF_RANGE}:
        return unserved.reason.value, params
    visit = problem.visits[problem.visit_index[unserved.visit]]
    if unserved.reason == Reason.WINDOW_IMPOSSIBLE and _in_reach(problem, visit):
        return unserved.reason.value, params
    distance = _from_hub_m(day, visit)
    code = FAR_FROM_HUB if distance > FAR_FROM_HUB_M else Reason.OUT_OF_RANGE.value
    return code, {**params, "distance_m": distance}


def _off_the_streets(
    problem: Problem, unserved: NotServed, day: Day
) -> tuple[str, Mapping[str, Any]] | None:
    """Return why the streets lead no vehicle of the day to the place; None if they lead one."""
    visit = problem.visits[problem.visit_index[unserved.visit]]
    places = [day.points[0], day.points[visit.place]]
    results = [
        doors_of(places, network=day.network, profile=name)[1]  # type: ignore[arg-type]
        for name in sorted({shift.profile for shift in day.shifts})
    ]
    if not results or not all(door.fault for door in results):
        return None
    distance = _from_hub_m(day, visit)
    if distance > FAR_FROM_HUB_M:
        return FAR_FROM_HUB, {"distance_m": distance}
    nearest = min(results, key=lambda door: door.away_m)
    return nearest.fault, {"away_m": nearest.away_m}


def _from_hub_m(day: Day, visit: Visit) -> int:
    return round(distance_m(day.points[0], day.points[visit.place]))


def _in_reach(problem: Problem, visit: Visit) -> bool:
    """Return True if a vehicle could serve the visit within its shift at another time.

    False for a visit without a window, because every time was possible already. The shortest tour
    is loading, the way there, the service and the way back. Capacity is not checked here.
    """
    return bool(visit.windows) and any(
        _shortest_s(problem, vehicle, visit) <= _longest_s(vehicle)
        for vehicle in problem.vehicles
        if visit.skills <= vehicle.skills
        and (visit.vehicles is None or vehicle.id in visit.vehicles)
    )


def _shortest_s(problem: Problem, vehicle: VehicleShift, visit: Visit) -> int:
    duration_s = problem.profiles[vehicle.profile].duration_s
    drive_s = int(duration_s[vehicle.start, visit.place]) + int(
        duration_s[visit.place, vehicle.end]
    )
    return (
        vehicle.first_loading_s
        + -(-drive_s * 100 // vehicle.speed_percent)
        + service_s(visit, vehicle)
    )


def _longest_s(vehicle: VehicleShift) -> int:
    shift_s = vehicle.closes_s - vehicle.opens_s
    if vehicle.max_duration_s is None:
        return shift_s
    return min(shift_s, vehicle.max_duration_s)
