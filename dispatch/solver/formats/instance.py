"""An instance of a benchmark as a problem: nodes on a plane, one depot, equal vehicles. PURE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from dispatch.solver.model.faults import MAX_VEHICLES, MAX_VISITS
from dispatch.solver.model.problem import (
    MAX_TIME_S,
    Pair,
    Problem,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from lastmile.core.errors import Invalid

Distances = Literal["dimacs", "rounded", "exact"]
CHOICES: Final[tuple[str, ...]] = get_args(Distances)
SCALES: Final[dict[str, int]] = {"dimacs": 10, "rounded": 1, "exact": 1000}
PRICE: Final = 10**9  # cost of not serving a customer: a solution must serve all of them
GRAIN: Final = 1e-6  # largest error of a square root in double precision, in thousandths


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem read from a file; costs divided by ``scale`` are in the unit of the file.

    ``asks_for_all`` : a solution must serve all visits. ``origin`` is the instant of second 0, ""
    if the file could state it and does not, None if its times have no instants.
    """

    problem: Problem
    scale: int
    asks_for_all: bool = True
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A node of a file. ``collect`` is picked up there; the goods are released at ``release``."""

    x: float
    y: float
    demand: float
    ready: float
    due: float
    service: float
    collect: float = 0.0
    release: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """The vehicles of a file: their capacities, and limits on time and distance (or inf)."""

    capacities: Sequence[float]
    max_duration: Sequence[float] = ()
    max_distance: Sequence[float] = ()


def need(customers: Sequence[Customer], capacity: float, *, free: bool) -> int:
    """Return a number of vehicles that is enough for a file that does not state one.

    ``free`` means: nothing but the capacity limits a route. Two routes whose loads fit on one
    vehicle are then joined without a longer way, so that twice the least number is enough.
    """
    count = max(1, len(customers) - 1)
    if free and capacity > 0:
        load = sum(customer.demand for customer in customers)
        count = min(count, 2 * math.ceil(load / capacity) + 1)
    return min(count, MAX_VEHICLES)


def numbers(line: str, count: int) -> list[float]:
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(v) for v in numbers):
        raise Invalid(f"Expected {count} numbers in the line: {line[:80]!r}")
    return numbers


def euclid(customers: list[Customer], distances: Distances) -> TravelTable:
    """Return the distances and travel times between all nodes, in whole 1/scale."""
    if len(customers) > MAX_VISITS + 1:
        raise Invalid(f"At most {MAX_VISITS} customers can be read; this file has more.")
    x, y = np.array([(c.x, c.y) for c in customers]).T
    distance = np.empty((len(x), len(x)), dtype=np.int32)
    duration = np.empty_like(distance) if distances == "exact" else distance
    for row in range(len(x)):  # row by row, since a full float matrix needs 16 more bytes a pair
        way = np.sqrt((x[row] - x) ** 2 + (y[row] - y) ** 2) * SCALES[distances]
        distance[row] = np.floor(way) if distances == "dimacs" else np.floor(way + 0.5)
        if distances == "exact":
            duration[row] = np.ceil(way - GRAIN)
    for table in (distance, duration):
        table.setflags(write=False)  # a problem uses read-only matrices without a copy
    return TravelTable("distance", duration, distance)


def problem_of(
    name: str,
    customers: Sequence[Customer],
    profile: TravelTable,
    fleet: Fleet,
    scale: int,
    pairs: Sequence[tuple[int, int]] = (),
) -> Problem:
    """Return the problem of a file: the first node is the depot, all others must be served."""
    depot = customers[0]
    opens = scaled(depot.ready, scale, "a ready time")
    closes = min(MAX_TIME_S, scaled(depot.due, scale, "a due time"))
    collects = any(c.collect for c in customers)
    return Problem(
        profiles=(profile,),
        visits=tuple(
            Visit(
                str(at),
                at,
                scaled(c.service, scale, "a service time"),
                (scaled(c.demand, 1, "a demand"),),
                () if math.isinf(c.due) else (_window(c, scale),),
                PRICE,
                release_s=scaled(c.release, scale, "a release time"),
                collect=(scaled(c.collect, 1, "a backhaul"),) if collects else (),
            )
            for at, c in enumerate(customers)
            if at
        ),
        vehicles=tuple(
            VehicleShift(
                str(at + 1),
                start=0,
                end=0,
                opens_s=opens,
                closes_s=closes,
                capacity=(int(capacity),),
                cost_per_km=1000,
                max_duration_s=_limit(fleet.max_duration, at, scale),
                max_distance_m=_limit(fleet.max_distance, at, scale),
            )
            for at, capacity in enumerate(fleet.capacities)
        ),
        dimensions=("demand",),
        pairs=tuple(Pair(str(pickup), str(delivery)) for pickup, delivery in pairs),
        name=name,
    )


def _limit(limits: Sequence[float], at: int, scale: int) -> int | None:
    """Return the limit of a vehicle in whole 1/scale, None without one."""
    if not limits or math.isinf(limits[at]):
        return None
    return math.floor(limits[at] * scale + 1e-6)


def _window(customer: Customer, scale: int) -> Window:
    opens = scaled(customer.ready, scale, "a ready time")
    return Window(opens, scaled(customer.due, scale, "a due time") + 1)


def scaled(value: float, scale: int, name: str) -> int:
    """Return a value of the file in whole 1/scale."""
    if math.isinf(value):
        return MAX_TIME_S
    whole = round(value * scale)
    if abs(whole - value * scale) > 1e-6:
        raise Invalid(f"The value {value} of {name} is finer than 1/{scale}: use exact distances.")
    return whole
