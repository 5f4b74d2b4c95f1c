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

import re
from typing import Final

from dispatch.solver.formats import vrplib
from dispatch.solver.formats.instance import (
    CHOICES,
    PRICE,
    SCALES,
    Customer,
    Distances,
    Fleet,
    Instance,
    euclid,
    numbers,
    problem_of,
)
from dispatch.solver.model.solution import Solution
from lastmile.core.errors import Invalid

__all__ = ["CHOICES", "PRICE", "SCALES", "Distances", "Instance", "from_sol", "parse", "to_sol"]

_ROUTE: Final = re.compile(r"\s*route\s*#?\s*\d+\s*:(.*)", re.IGNORECASE)


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
        return vrplib.read(lines, distances)
    if len(lines) > 1 and (len(lines[0].split()), len(lines[1].split())) == (3, 9):
        return _li_lim(lines, distances)
    raise Invalid(
        "Unknown format. Give a Solomon file (VEHICLE, CUSTOMER), a VRPLIB file (DIMENSION …), a "
        "Li & Lim file (three numbers, then lines of nine) or JSON."
    )


def _solomon(lines: list[str], distances: Distances) -> Instance:
    at = next(i for i, line in enumerate(lines) if "NUMBER" in line.upper())
    if at + 1 >= len(lines):
        raise Invalid("The line with the number of vehicles and their capacity is missing.")
    number, capacity = numbers(lines[at + 1], 2)
    body = [line for line in lines[at + 2 :] if not line.upper().startswith("CUST")]
    rows = [numbers(line, 7) for line in body]
    if [row[0] for row in rows] != list(range(len(rows))) or not rows:
        raise Invalid("Customers must be numbered 0, 1, 2 … with the depot as 0.")
    customers = [Customer(*row[1:]) for row in rows]
    scale = SCALES[distances]
    profile = euclid(customers, distances)
    fleet = Fleet([capacity] * int(number))
    return Instance(problem_of(lines[0], customers, profile, fleet, scale), scale)


def _li_lim(lines: list[str], distances: Distances) -> Instance:
    """Read a Li & Lim file: vehicles, capacity and speed; then nine numbers for each node.

    The eighth number is the pickup of a delivery, the ninth the delivery of a pickup, or 0. The
    speed is not used: in this benchmark a unit of distance always takes a unit of time.
    """
    number, capacity, _speed = numbers(lines[0], 3)
    rows = [numbers(line, 9) for line in lines[1:]]
    if [row[0] for row in rows] != list(range(len(rows))):
        raise Invalid("Nodes must be numbered 0, 1, 2 … in order, with the depot as 0.")
    pairs = _pairs(rows)
    deliveries = {delivery for _, delivery in pairs}
    # Only the delivery of a pair states the goods; they are on board from the pickup on.
    customers = [
        Customer(row[1], row[2], -row[3] if at in deliveries else 0.0, row[4], row[5], row[6])
        for at, row in enumerate(rows)
    ]
    scale = SCALES[distances]
    profile = euclid(customers, distances)
    name = f"Li & Lim, {len(pairs)} pairs"
    fleet = Fleet([capacity] * int(number))
    return Instance(problem_of(name, customers, profile, fleet, scale, pairs), scale)


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
