"""Why an order is left out, as a plan keeps it: the solver's proof, told apart where it must be.

The solver says "window impossible" of every order that no vehicle can serve in time by itself.
Where no vehicle could go there and back within its shift at any time of the day, another window
would not help: the order is out of reach, or its place on the map is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dispatch.planning.problem.day import Day
from dispatch.solver.model.elements import VehicleShift, Visit
from dispatch.solver.model.problem import Problem, service_s
from dispatch.solver.model.solution import NotServed, Reason
from lastmile.core.geo import distance_m

#: Farther than a day's round trip by road: such a place is nearly always a wrong pin (a digit
#: lost, latitude and longitude in each other's place). Metres from the hub, as the crow flies.
FAR_FROM_HUB_M: Final = 300_000
FAR_FROM_HUB: Final = "far_from_hub"


def reason_of(problem: Problem, unserved: NotServed, day: Day) -> tuple[str, Mapping[str, Any]]:
    """Return the reason's code and what its sentence needs; ``day`` has the points."""
    params: dict[str, Any] = {}
    if unserved.dimensions:
        params["dimension"] = unserved.dimensions[0]
    if unserved.skills:
        params["skills"] = list(unserved.skills)
    if unserved.reason not in {Reason.WINDOW_IMPOSSIBLE, Reason.OUT_OF_RANGE}:
        return unserved.reason.value, params
    visit = problem.visits[problem.visit_index[unserved.visit]]
    if unserved.reason == Reason.WINDOW_IMPOSSIBLE and _in_reach(problem, visit):
        return unserved.reason.value, params
    distance = round(distance_m(day.points[0], day.points[visit.place]))
    code = FAR_FROM_HUB if distance > FAR_FROM_HUB_M else Reason.OUT_OF_RANGE.value
    return code, {**params, "distance_m": distance}


def _in_reach(problem: Problem, visit: Visit) -> bool:
    """Tell whether some vehicle could serve the visit within its shift, at another time.

    Without a window there is no other time. With one, the shortest a vehicle can take is loading,
    the way there, the service and the way back; what it may not carry is not its affair here.
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
