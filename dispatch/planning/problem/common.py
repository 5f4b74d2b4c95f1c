"""Common stops in a problem: orders that are handed in at one place are one stop of a route.

The orders stay visits of their own, so that each can be moved by hand. The time that a stop needs
once (parking, the way to the bank) is part of the travel to it; between two orders of the same
place there is no travel. So the first order at a place pays for the arrival, and the others only
for their own parcels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dispatch.planning.problem.day import Day
from dispatch.planning.problem.store import TimedStop
from dispatch.roads.matrix import TravelMatrix
from dispatch.solver.model.problem import TravelTable


def with_common_stops(day: Day, name: str, matrix: TravelMatrix) -> TravelTable:
    """Return the travel of a profile, int32[N, N] s and m, with the arrivals at common stops."""
    places: dict[str, list[int]] = {}
    for at, order in enumerate(day.orders, start=1):
        if order.common:
            places.setdefault(order.common, []).append(at)
    if not places:
        return TravelTable(name, matrix.duration_s, matrix.distance_m)
    duration_s, distance_m = matrix.duration_s.copy(), matrix.distance_m.copy()
    for same in places.values():
        duration_s[:, same] += np.array([day.orders[at - 1].arrival_s for at in same], np.int32)
        duration_s[np.ix_(same, same)] = 0
        distance_m[np.ix_(same, same)] = 0
    return TravelTable(name, duration_s, distance_m)


def arrivals_of(day: Day, orders: Sequence[int], legs_s: Sequence[int]) -> list[int]:
    """Return for each order of a route the seconds of the arrival in its leg, 0 without one.

    ``orders`` are indices into ``Day.orders``, along the route; ``legs_s`` is the travel to each.
    """
    result: list[int] = []
    before = ""
    for at, leg_s in zip(orders, legs_s, strict=False):
        order = day.orders[at]
        is_first = bool(order.common) and order.common != before
        result.append(min(order.arrival_s, leg_s) if is_first else 0)
        before = order.common
    return result


def without_arrival(stop: TimedStop, arrival_s: int) -> TimedStop:
    """Return a stop with the arrival as part of its service and not of the way to it."""
    if not arrival_s:
        return stop
    return replace(
        stop,
        arrive_s=stop.arrive_s - arrival_s,
        start_s=stop.start_s - arrival_s,
        leg_travel_s=stop.leg_travel_s - arrival_s,
    )
