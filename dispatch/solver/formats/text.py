"""The text formats of benchmarks: Solomon, VRPLIB and Li & Lim problems, VRPLIB solutions. PURE.

Distances are Euclidean. ``dimacs`` cuts them to one decimal, by the convention of the DIMACS
challenge; ``rounded`` takes the nearest whole number, as TSPLIB does. ``exact`` approximates the
double precision of the best known solutions of Li & Lim: distances are rounded to the nearest
thousandth, travel times up to the next one. A plan that keeps the windows here then also keeps
them in double precision.

Times are in the unit of distances, and the cost of a plan is the sum of its distances. The solver
uses whole tenths (or thousandths): ``Instance.scale`` of them are one unit of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from dispatch.solver.model.faults import MAX_VISITS
from dispatch.solver.model.problem import (
    MAX_TIME_S,
    Int32,
    Pair,
    Problem,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from dispatch.solver.model.solution import Solution
from lastmile.core.errors import Invalid

Distances = Literal["dimacs", "rounded", "exact"]
CHOICES: Final[tuple[str, ...]] = get_args(Distances)
SCALES: Final[dict[str, int]] = {"dimacs": 10, "rounded": 1, "exact": 1000}
PRICE: Final = 10**9  # cost of not serving a customer: a solution must serve all of them
GRAIN: Final = 1e-6  # largest error of a square root in double precision, in thousandths
_ROUTE: Final = re.compile(r"\s*route\s*#?\s*\d+\s*:(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem read from a file; costs divided by ``scale`` are in the unit of the file.

    ``asks_for_all`` : a solution must serve all visits.
    """

    problem: Problem
    scale: int
    asks_for_all: bool = True


@dataclass(frozen=True, slots=True)
class _Customer:
    x: float
    y: float
    demand: float
    ready: float
    due: float
    service: float


def parse(text: str, distances: Distances = "dimacs") -> Instance:
    """Read a Solomon, VRPLIB or Li & Lim text.

    Raises
    ------
    Invalid
        When the text has another format or a part that cannot be read; names the line or section.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    head = [line.upper() for line in lines[:12]]
    if any(line.startswith("VEHICLE") for line in head) and any("NUMBER" in line for line in head):
        return _solomon(lines, distances)
    if any(line.startswith("DIMENSION") for line in head):
        return _vrplib(lines, distances)
    if len(lines) > 1 and (len(lines[0].split()), len(lines[1].split())) == (3, 9):
        return _li_lim(lines, distances)
    raise Invalid(
        "Unknown format. Give a Solomon file (VEHICLE, CUSTOMER), a VRPLIB file (DIMENSION …), a "
        "Li & Lim file (three numbers, then lines of nine) or JSON."
    )


def _numbers(line: str, count: int) -> list[float]:
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(v) for v in numbers):
        raise Invalid(f"Expected {count} numbers in the line: {line[:80]!r}")
    return numbers


def _solomon(lines: list[str], distances: Distances) -> Instance:
    at = next(i for i, line in enumerate(lines) if "NUMBER" in line.upper())
    if at + 1 >= len(lines):
        raise Invalid("The line with the number of vehicles and their capacity is missing.")
    number, capacity = _numbers(lines[at + 1], 2)
    rows = [_numbers(line, 7) for line in lines[at + 2 :] if line[0].isdigit()]
    if [row[0] for row in rows] != list(range(len(rows))) or not rows:
        raise Invalid("Customers must be numbered 0, 1, 2 … with the depot as 0.")
    customers = [_Customer(*row[1:]) for row in rows]
    scale = SCALES[distances]
    profile = _euclid(customers, distances)
    return Instance(_problem(lines[0], customers, profile, number, capacity, scale), scale)


def _li_lim(lines: list[str], distances: Distances) -> Instance:
    """Read a Li & Lim file: vehicles, capacity and speed; then nine numbers for each node.

    The eighth number is the pickup of a delivery, the ninth the delivery of a pickup, or 0. The
    speed is not used: in this benchmark a unit of distance always takes a unit of time.
    """
    number, capacity, _speed = _numbers(lines[0], 3)
    rows = [_numbers(line, 9) for line in lines[1:]]
    if [row[0] for row in rows] != list(range(len(rows))):
        raise Invalid("Nodes must be numbered 0, 1, 2 … in order, with the depot as 0.")
    pairs = _pairs(rows)
    deliveries = {delivery for _, delivery in pairs}
    # Only the delivery of a pair states the goods; they are on board from the pickup on.
    customers = [
        _Customer(row[1], row[2], -row[3] if at in deliveries else 0.0, row[4], row[5], row[6])
        for at, row in enumerate(rows)
    ]
    scale = SCALES[distances]
    profile = _euclid(customers, distances)
    name = f"Li & Lim, {len(pairs)} pairs"
    return Instance(_problem(name, customers, profile, number, capacity, scale, pairs), scale)


def _pairs(rows: list[list[float]]) -> list[tuple[int, int]]:
    """Return all pairs (pickup, delivery); check that each names the other, with equal amounts."""
    ends: list[tuple[int, int]] = []
    for at, row in enumerate(rows):
        if not all(v.is_integer() and 0 <= v < len(rows) for v in row[7:]):
            raise Invalid(f"Node {at}: the last two numbers must name nodes of this file or be 0.")
        ends.append((int(row[7]), int(row[8])))
        if at and (ends[at][0] > 0) == (ends[at][1] > 0):
            raise Invalid(
                f"Node {at} must name either its pickup (8th number) or its delivery (9th). Split "
                "a node that is both into two nodes; write a file without pairs as Solomon."
            )
    for at, (pickup, delivery) in enumerate(ends):
        sign, other, answer = (1, delivery, (at, 0)) if delivery else (-1, pickup, (0, at))
        amount = rows[at][3]
        if at and (ends[other] != answer or sign * amount < 0 or rows[other][3] != -amount):
            raise Invalid(
                f"Nodes {at} and {other} are not a pair. Each must name the other; the pickup "
                "must have a positive amount, the delivery the same amount as a negative number."
            )
    return [(at, delivery) for at, (_, delivery) in enumerate(ends) if delivery]


def _euclid(customers: list[_Customer], distances: Distances) -> TravelTable:
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


def _problem(
    name: str,
    customers: list[_Customer],
    profile: TravelTable,
    number: float,
    capacity: float,
    scale: int,
    pairs: Sequence[tuple[int, int]] = (),
) -> Problem:
    depot = customers[0]
    vehicle = VehicleShift(
        "1",
        start=0,
        end=0,
        opens_s=_scaled(depot.ready, scale, "a ready time"),
        closes_s=min(MAX_TIME_S, _scaled(depot.due, scale, "a due time")),
        capacity=(int(capacity),),
        cost_per_km=1000,
    )
    return Problem(
        profiles=(profile,),
        visits=tuple(
            Visit(
                str(at),
                at,
                _scaled(c.service, scale, "a service time"),
                (_scaled(c.demand, 1, "a demand"),),
                () if math.isinf(c.due) else (_window(c, scale),),
                PRICE,
            )
            for at, c in enumerate(customers)
            if at
        ),
        vehicles=tuple(_numbered(vehicle, at) for at in range(int(number))),
        dimensions=("demand",),
        pairs=tuple(Pair(str(pickup), str(delivery)) for pickup, delivery in pairs),
        name=name,
    )


def _numbered(vehicle: VehicleShift, at: int) -> VehicleShift:
    return VehicleShift(
        str(at + 1),
        vehicle.start,
        vehicle.end,
        vehicle.opens_s,
        vehicle.closes_s,
        capacity=vehicle.capacity,
        cost_per_km=vehicle.cost_per_km,
    )


def _window(customer: _Customer, scale: int) -> Window:
    opens = _scaled(customer.ready, scale, "a ready time")
    return Window(opens, _scaled(customer.due, scale, "a due time") + 1)


def _scaled(value: float, scale: int, name: str) -> int:
    """Return a value of the file in whole 1/scale."""
    if math.isinf(value):
        return MAX_TIME_S
    whole = round(value * scale)
    if abs(whole - value * scale) > 1e-6:
        raise Invalid(f"The value {value} of {name} is finer than 1/{scale}: use exact distances.")
    return whole


def _sections(lines: list[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Split a VRPLIB file into the fields of its header and the lines of its sections."""
    words: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        upper = line.upper()
        if upper == "EOF":
            break
        if upper.endswith("_SECTION"):
            current = sections.setdefault(upper, [])
        elif ":" in line:
            key, _, value = line.partition(":")
            words[key.strip().upper()] = value.strip()
        elif current is not None:
            current.append(line)
    return words, sections


def _column(
    sections: dict[str, list[str]], name: str, count: int, width: int
) -> list[list[float]] | None:
    """Return the values of a section by node, or None if the file lacks the section."""
    if name not in sections:
        return None
    rows = sorted(_numbers(line, width + 1) for line in sections[name])
    if [row[0] for row in rows] != list(range(1, count + 1)):
        raise Invalid(f"{name} must name the nodes 1 to {count} once each.")
    return [row[1:] for row in rows]


def _vrplib(lines: list[str], distances: Distances) -> Instance:
    words, sections = _sections(lines)
    try:
        count, capacity = int(words["DIMENSION"]), float(words["CAPACITY"])
        service = float(words.get("SERVICE_TIME", "0"))
        vehicles = int(words.get("VEHICLES", str(count)))
    except (KeyError, ValueError) as fault:
        detail = f"DIMENSION, CAPACITY or VEHICLES is missing or not a number ({fault})."
        raise Invalid(detail) from fault
    depots = [line for line in sections.get("DEPOT_SECTION", ["1"]) if line != "-1"]
    if depots not in (["1"], ["1 -1"]):
        raise Invalid("Only files with one depot, node 1, can be read.")
    places = _column(sections, "NODE_COORD_SECTION", count, 2)
    demands = _column(sections, "DEMAND_SECTION", count, 1)
    windows = _column(sections, "TIME_WINDOW_SECTION", count, 2)
    services = _column(sections, "SERVICE_TIME_SECTION", count, 1)
    if demands is None:
        raise Invalid("The DEMAND_SECTION is missing.")
    free = [0.0, math.inf]
    customers = [
        _Customer(
            *(places[at] if places else [0.0, 0.0]),
            *demands[at],
            *(windows[at] if windows else free),
            *(services[at] if services else [service if at else 0.0]),
        )
        for at in range(count)
    ]
    kind = words.get("EDGE_WEIGHT_TYPE", "EUC_2D").upper()
    if kind == "EXPLICIT":
        matrix = _explicit(words, sections, count)
        profile = TravelTable("distance", matrix, matrix)
        return Instance(
            _problem(words.get("NAME", ""), customers, profile, vehicles, capacity, 1), 1
        )
    if kind != "EUC_2D" or places is None:
        raise Invalid(f"EDGE_WEIGHT_TYPE {kind} cannot be read; use EUC_2D or EXPLICIT.")
    scale = SCALES[distances]
    profile = _euclid(customers, distances)
    name = words.get("NAME", "")
    return Instance(_problem(name, customers, profile, vehicles, capacity, scale), scale)


def _explicit(words: dict[str, str], sections: dict[str, list[str]], count: int) -> Int32:
    layout = words.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX").upper()
    text = " ".join(sections.get("EDGE_WEIGHT_SECTION", []))
    try:
        values = np.array([int(word) for word in text.split()], dtype=np.int32)
    except ValueError as fault:
        raise Invalid(f"EDGE_WEIGHT_SECTION must hold whole numbers ({fault}).") from fault
    if layout == "FULL_MATRIX" and len(values) == count * count:
        return values.reshape(count, count)
    if layout == "LOWER_ROW" and len(values) == count * (count - 1) // 2:
        matrix = np.zeros((count, count), dtype=np.int32)
        matrix[np.tril_indices(count, -1)] = values
        return matrix + matrix.T
    raise Invalid(
        f"EDGE_WEIGHT_FORMAT {layout} with {len(values)} values cannot be read; use FULL_MATRIX "
        "or LOWER_ROW with all values."
    )


def to_sol(solution: Solution, cost: str) -> str:
    """Return a VRPLIB solution: one line per route, then the cost."""
    routes = [" ".join(s.visit for s in route.visits) for route in solution.routes]
    lines = [f"Route #{at}: {route}" for at, route in enumerate(routes, start=1)]
    return "\n".join([*lines, f"Cost {cost}"]) + "\n"


def from_sol(text: str) -> list[list[str]]:
    """Read the routes of a solution file: visit ids in order, without depots.

    Both VRPLIB's ``Route #1: 3 7`` and the ``Route 1 : 3 7`` of Li & Lim solutions are read. All
    other lines (names, dates, the cost) are ignored.

    Raises
    ------
    Invalid
        When the file has no route, or a route names visits that are not numbers.
    """
    routes: list[list[str]] = []
    for line in text.splitlines():
        match = _ROUTE.match(line)
        if match is None:
            continue
        visits = match[1].split()
        if not all(word.isdecimal() for word in visits):
            raise Invalid(f"A route must list visits by their numbers, not: {line[:80]}")
        routes.append([str(int(word)) for word in visits if int(word)])
    if not routes:
        raise Invalid("The file has no route: expected lines like 'Route #1: 3 7 5'.")
    return routes
