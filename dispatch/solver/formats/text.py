"""Solomon and VRPLIB files in, VRPLIB solutions out. PURE.

Distances are Euclidean. By the convention of the DIMACS challenge (``dimacs``) they are cut to
one decimal; ``rounded`` takes TSPLIB's nearest whole number, ``exact`` three decimals. Times are
in the same unit as distances, and the price of a plan is the sum of its distances. The solver
works in whole tenths (or thousandths), ``Instance.scale`` to one of the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from dispatch.solver.problem import MAX_TIME_S, Int32, Problem, Profile, Vehicle, Visit, Window
from dispatch.solver.solution import Solution
from lastmile.core.errors import Invalid

Distances = Literal["dimacs", "rounded", "exact"]
CHOICES: Final[tuple[str, ...]] = get_args(Distances)
SCALES: Final[dict[str, int]] = {"dimacs": 10, "rounded": 1, "exact": 1000}
PRICE: Final = 10**9  # of leaving a customer: these files ask for all of them


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem read from a file; costs divided by ``scale`` are in the file's own unit.

    ``asks_for_all`` tells that a plan that leaves a visit out is no answer to this file.
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
    """Read a Solomon or VRPLIB text.

    Raises
    ------
    Invalid
        When it is neither, or says what this solver cannot read; names the line or section.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    head = [line.upper() for line in lines[:12]]
    if any(line.startswith("VEHICLE") for line in head) and any("NUMBER" in line for line in head):
        return _solomon(lines, distances)
    if any(line.startswith("DIMENSION") for line in head):
        return _vrplib(lines, distances)
    raise Invalid(
        "Neither a Solomon file (VEHICLE, CUSTOMER) nor a VRPLIB file (DIMENSION …) nor JSON."
    )


def _numbers(line: str, count: int) -> list[float]:
    try:
        found = [float(word) for word in line.split()]
    except ValueError:
        found = []
    if len(found) != count or not all(math.isfinite(v) for v in found):
        raise Invalid(f"Expected {count} numbers in the line: {line[:80]!r}")
    return found


def _solomon(lines: list[str], distances: Distances) -> Instance:
    at = next(i for i, line in enumerate(lines) if "NUMBER" in line.upper())
    if at + 1 >= len(lines):
        raise Invalid("The line with the vehicles' number and capacity is missing.")
    number, capacity = _numbers(lines[at + 1], 2)
    rows = [_numbers(line, 7) for line in lines[at + 2 :] if line[0].isdigit()]
    if [row[0] for row in rows] != list(range(len(rows))) or not rows:
        raise Invalid("Customers must be numbered 0, 1, 2 … with the depot as 0.")
    customers = [_Customer(*row[1:]) for row in rows]
    scale = SCALES[distances]
    return Instance(
        _problem(lines[0], customers, _euclid(customers, distances), number, capacity, scale),
        scale,
    )


def _euclid(customers: list[_Customer], distances: Distances) -> Int32:
    at = np.array([(c.x, c.y) for c in customers])
    way = np.sqrt(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2)) * SCALES[distances]
    whole = np.floor(way + 0.5) if distances == "rounded" else np.floor(way)
    matrix: Int32 = whole.astype(np.int32)
    return matrix


def _problem(
    name: str,
    customers: list[_Customer],
    matrix: Int32,
    number: float,
    capacity: float,
    scale: int,
) -> Problem:
    depot = customers[0]
    vehicle = Vehicle(
        "1",
        start=0,
        end=0,
        opens_s=_scaled(depot.ready, scale, "a ready time"),
        closes_s=min(MAX_TIME_S, _scaled(depot.due, scale, "a due time")),
        capacity=(int(capacity),),
        cost_per_km=1000,
    )
    return Problem(
        profiles=(Profile("distance", matrix, matrix),),
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
        name=name,
    )


def _numbered(vehicle: Vehicle, at: int) -> Vehicle:
    return Vehicle(
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


def _scaled(value: float, scale: int, what: str) -> int:
    if math.isinf(value):
        return MAX_TIME_S
    whole = round(value * scale)
    if abs(whole - value * scale) > 1e-6:
        raise Invalid(f"The value {value} of {what} is finer than 1/{scale}: use exact distances.")
    return whole


def _sections(lines: list[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Split a VRPLIB file into its header's words and its sections' lines."""
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
    """Return a section's values by node, or None when it is not there."""
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
        raise Invalid(f"DIMENSION, CAPACITY or VEHICLES is missing or no number ({fault}).") from (
            fault
        )
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
        return Instance(
            _problem(words.get("NAME", ""), customers, matrix, vehicles, capacity, 1), 1
        )
    if kind != "EUC_2D" or places is None:
        raise Invalid(f"EDGE_WEIGHT_TYPE {kind} cannot be read: EUC_2D or EXPLICIT can.")
    scale = SCALES[distances]
    matrix = _euclid(customers, distances)
    name = words.get("NAME", "")
    return Instance(_problem(name, customers, matrix, vehicles, capacity, scale), scale)


def _explicit(words: dict[str, str], sections: dict[str, list[str]], count: int) -> Int32:
    given = words.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX").upper()
    text = " ".join(sections.get("EDGE_WEIGHT_SECTION", []))
    try:
        values = np.array([int(word) for word in text.split()], dtype=np.int32)
    except ValueError as fault:
        raise Invalid(f"EDGE_WEIGHT_SECTION must hold whole numbers ({fault}).") from fault
    if given == "FULL_MATRIX" and len(values) == count * count:
        return values.reshape(count, count)
    if given == "LOWER_ROW" and len(values) == count * (count - 1) // 2:
        matrix = np.zeros((count, count), dtype=np.int32)
        matrix[np.tril_indices(count, -1)] = values
        return matrix + matrix.T
    raise Invalid(
        f"EDGE_WEIGHT_FORMAT {given} with {len(values)} values cannot be read: FULL_MATRIX or "
        "LOWER_ROW with all its values can."
    )


def to_sol(solution: Solution, cost: str) -> str:
    """Write a VRPLIB solution: one line per route, then the cost."""
    routes = [" ".join(s.visit for s in route.visits) for route in solution.routes]
    lines = [f"Route #{at}: {route}" for at, route in enumerate(routes, start=1)]
    return "\n".join([*lines, f"Cost {cost}"]) + "\n"
