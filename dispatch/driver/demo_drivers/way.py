"""The way of a demo driver along the line of a route, at the speed of a town. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

#: Points are [longitude, latitude], as in GeoJSON.
Spot = tuple[float, float]

SPEED_MPS: Final = 11.0  # 40 km/h
_METRES_PER_DEGREE: Final = 111_195.0


def metres(a: Spot, b: Spot) -> float:
    """Return the distance of two places that are near each other."""
    x = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return _METRES_PER_DEGREE * math.hypot(x, b[1] - a[1])


def heading(a: Spot, b: Spot) -> int:
    """Return the direction from a to b in degrees, 0 for north, 90 for east."""
    x = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return round(math.degrees(math.atan2(x, b[1] - a[1]))) % 360


@dataclass(frozen=True, slots=True)
class Step:
    """A moment on the way: where the vehicle is and where it points."""

    spot: Spot
    heading: int


def part_of(line: Sequence[Spot], here: Spot, door: Spot) -> list[Spot]:
    """Return the part of a route's line from a place to a door.

    The line is entered at its point nearest to ``here`` and left at the first later point that is
    as near to the door as the line comes. Without a line the way is straight.
    """
    if len(line) < 2:
        return [here, door]
    first = min(range(len(line)), key=lambda n: metres(line[n], here))
    last = min(range(first, len(line)), key=lambda n: metres(line[n], door))
    return [here, *line[first : last + 1], door]


def drive(way: Sequence[Spot], every_s: float, speed_mps: float = SPEED_MPS) -> Iterator[Step]:
    """Yield where the vehicle is after each ``every_s`` seconds; the last step is the end."""
    stride, left = every_s * speed_mps, every_s * speed_mps
    direction = 0
    for a, b in pairwise(way):
        length = metres(a, b)
        if length == 0:
            continue
        direction, done = heading(a, b), 0.0
        while length - done >= left:
            done += left
            left = stride
            share = done / length
            spot = (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
            yield Step(spot, direction)
        left -= length - done
    yield Step(way[-1], direction)
