"""Reads VRPLIB files, as CVRPLIB and PyVRP write them. PURE.

Each word and each section is obeyed or refused by its name: none is read and dropped. Only words
that say nothing about the problem are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from dispatch.solver.formats.instance import (
    SCALES,
    Customer,
    Distances,
    Fleet,
    Instance,
    euclid,
    need,
    numbers,
    problem_of,
)
from dispatch.solver.model.problem import MAX_TRAVEL, Int32, TravelTable
from lastmile.core.errors import Invalid

# Words that say nothing about the problem.
PASSED_OVER: Final = frozenset({"NAME", "COMMENT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE"})
WORDS: Final = PASSED_OVER | {
    "TYPE", "DIMENSION", "CAPACITY", "VEHICLES", "SERVICE_TIME", "DISTANCE", "EDGE_WEIGHT_TYPE",
    "EDGE_WEIGHT_FORMAT", "VEHICLES_MAX_DURATION", "VEHICLES_MAX_DISTANCE",
}  # fmt: skip
SECTIONS: Final = frozenset(
    {
        "NODE_COORD", "DEMAND", "DEPOT", "EDGE_WEIGHT", "TIME_WINDOW", "SERVICE_TIME", "BACKHAUL",
        "RELEASE_TIME", "CAPACITY", "VEHICLES_MAX_DURATION", "VEHICLES_MAX_DISTANCE",
    }
)  # fmt: skip
TYPES: Final = frozenset({"CVRP", "VRP", "VRPTW", "CVRPTW", "DCVRP", "ACVRP", "VRPSPD", "VRPRD"})
_NO_WAY: Final = frozenset({"inf", "+inf", "infinity", "null", "nan", "none"})
_Sections = Mapping[str, Sequence[str]]


def read(lines: Sequence[str], distances: Distances) -> Instance:
    """Read the lines of a file. Raises ``Invalid`` and names the word or section."""
    words, sections = _parts(lines)
    kind = words.get("TYPE", "CVRP").upper()
    if kind not in TYPES:
        raise Invalid(
            f"TYPE {kind} cannot be solved; it must be one of {', '.join(sorted(TYPES))}."
        )
    count = _whole(words, "DIMENSION")
    depots = [word for line in sections.get("DEPOT", ["1"]) for word in line.split()]
    if [word for word in depots if word != "-1"] != ["1"]:
        raise Invalid("Only files with one depot, node 1, can be read.")
    customers = _customers(words, sections, count)
    edge_type = words.get("EDGE_WEIGHT_TYPE", "EUC_2D").upper()
    if edge_type == "EXPLICIT":
        scale = 1
        matrix = _explicit(words, sections, count)
        profile = TravelTable("distance", matrix, matrix)
    elif edge_type == "EUC_2D" and "NODE_COORD" in sections:
        scale = SCALES[distances]
        profile = euclid(list(customers), distances)
    else:
        raise Invalid(f"EDGE_WEIGHT_TYPE {edge_type} cannot be read; use EUC_2D or EXPLICIT.")
    plane = edge_type == "EUC_2D"
    fleet = _fleet(words, sections, customers, plane=plane)
    return Instance(problem_of(words.get("NAME", ""), customers, profile, fleet, scale), scale)


def _parts(lines: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Split a file into the words of its header and the lines of its sections."""
    words: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        upper = line.upper().rstrip(" :")
        if upper == "EOF":
            break
        if upper.endswith("_SECTION"):
            name = upper.removesuffix("_SECTION")
            if name not in SECTIONS:
                raise Invalid(
                    f"The section {upper} cannot be obeyed. Remove it if the plan may break it."
                )
            current = sections.setdefault(name, [])
        elif ":" in line:
            key, _, value = line.partition(":")
            word = key.strip().upper()
            if word not in WORDS:
                raise Invalid(
                    f"The word {word} cannot be obeyed. Remove it if the plan may break it."
                )
            words[word] = value.strip()
        elif current is not None:
            current.append(line)
        else:
            raise Invalid(f"The line {line[:80]!r} is in no section.")
    return words, sections


def _whole(words: Mapping[str, str], word: str) -> int:
    try:
        return int(words[word])
    except (KeyError, ValueError) as fault:
        raise Invalid(f"{word} is missing or not a whole number ({fault}).") from fault


def _number(words: Mapping[str, str], word: str, default: float) -> float:
    if word not in words:
        return default
    (value,) = numbers(words[word], 1)
    return value


def _column(sections: _Sections, name: str, count: int, width: int) -> list[list[float]] | None:
    """Return the values of a section by number, or None if the file lacks the section."""
    if name not in sections:
        return None
    rows = sorted(numbers(line, width + 1) for line in sections[name])
    if [row[0] for row in rows] != list(range(1, count + 1)):
        raise Invalid(f"{name}_SECTION must name the numbers 1 to {count} once each.")
    return [row[1:] for row in rows]


def _customers(words: Mapping[str, str], sections: _Sections, count: int) -> list[Customer]:
    places = _column(sections, "NODE_COORD", count, 2)
    demands = _column(sections, "DEMAND", count, 1)
    windows = _column(sections, "TIME_WINDOW", count, 2)
    services = _column(sections, "SERVICE_TIME", count, 1)
    backhauls = _column(sections, "BACKHAUL", count, 1)
    releases = _column(sections, "RELEASE_TIME", count, 1)
    if demands is None:
        raise Invalid("The DEMAND_SECTION is missing.")
    service = _number(words, "SERVICE_TIME", 0.0)
    return [
        Customer(
            *(places[at] if places else [0.0, 0.0]),
            *demands[at],
            *(windows[at] if windows else [0.0, math.inf]),
            *(services[at] if services else [service if at else 0.0]),
            *(backhauls[at] if backhauls else [0.0]),
            *(releases[at] if releases else [0.0]),
        )
        for at in range(count)
    ]


def _fleet(
    words: Mapping[str, str],
    sections: _Sections,
    customers: Sequence[Customer],
    *,
    plane: bool,
) -> Fleet:
    """Return the vehicles. DISTANCE limits the length of a route with its service times."""
    capacity = _number(words, "CAPACITY", math.inf)
    counts = [len(sections[name]) for name in _OF_VEHICLES if name in sections]
    duration = min(
        _number(words, "VEHICLES_MAX_DURATION", math.inf), _number(words, "DISTANCE", math.inf)
    )
    distance = _number(words, "VEHICLES_MAX_DISTANCE", math.inf)
    if "VEHICLES" in words:
        vehicles = _whole(words, "VEHICLES")
    elif counts:
        vehicles = counts[0]
    else:
        free = plane and math.isinf(min(duration, distance))
        free &= all(math.isinf(c.due) and not c.collect for c in customers[1:])
        vehicles = need(customers, capacity, free=free)
    capacities = _column(sections, "CAPACITY", vehicles, 1)
    if capacities is None and math.isinf(capacity):
        raise Invalid("CAPACITY is missing: give the word or a CAPACITY_SECTION.")
    durations = _column(sections, "VEHICLES_MAX_DURATION", vehicles, 1)
    lengths = _column(sections, "VEHICLES_MAX_DISTANCE", vehicles, 1)
    return Fleet(
        [row[0] for row in capacities] if capacities else [capacity] * vehicles,
        [min(duration, row[0]) for row in durations] if durations else [duration] * vehicles,
        [min(distance, row[0]) for row in lengths] if lengths else [distance] * vehicles,
    )


_OF_VEHICLES: Final = ("CAPACITY", "VEHICLES_MAX_DURATION", "VEHICLES_MAX_DISTANCE")


def _explicit(words: Mapping[str, str], sections: _Sections, count: int) -> Int32:
    """Return the matrix of a file; ``inf`` and ``null`` mean that there is no way."""
    layout = words.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX").upper()
    text = " ".join(sections.get("EDGE_WEIGHT", []))
    try:
        cells = [MAX_TRAVEL if w.lower() in _NO_WAY else int(w) for w in text.split()]
        values = np.array(cells, dtype=np.int32)
    except (ValueError, OverflowError) as fault:
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
