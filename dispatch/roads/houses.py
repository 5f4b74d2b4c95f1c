"""Finds a house number among the known doors of one street, or between them. PURE."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, Literal

from dispatch.roads.addresses import AddressParts, HouseNumber, fold, fold_postcode
from lastmile.core.geo import Point, distance_m

# Error added to a guess from the other side of the street, where the numbers run differently.
# Measured on Helsinki with addresses left out: with 25 m, 86 % of the guesses are within 100 m of
# the truth; with 120 m, 94 %; higher values give no more.
ACROSS_M: Final = 120
# Error of a guess between two doors, as a part of the way to the nearer door; assumed.
BETWEEN: Final = 0.5
BEYOND_M: Final = 30  # error added to a guess beyond the last known door
MOST_BETWEEN: Final = 200  # numbers between two doors; more is a mistake in the data, or a gap
TOGETHER_M: Final = 300  # doors of one number nearer than this are one address: entrances, a yard


@dataclass(frozen=True, slots=True)
class KnownDoor:
    """A known door: its number or range, its letter, its postcode and its city."""

    low: int
    high: int
    suffix: str
    number: str
    postcode: str
    city: str
    point: Point


@dataclass(frozen=True, slots=True)
class Door:
    """The position of a house number, its precision, and the address of the nearest known door."""

    point: Point
    precision: Literal["house", "interpolated"]
    confidence: float
    number: str
    postcode: str
    city: str


def house(houses: list[KnownDoor], number: HouseNumber, parts: AddressParts) -> list[Door]:
    """Return the doors of a house number; empty if no door has it.

    A door is the house itself if it has the same number and letter, or the number as an end of its
    range. A door with another letter, or with the number inside its range, gives only an
    interpolated position. Doors of one number that are far apart are several answers: a long road
    may start again at 1 in each town.
    """
    same = [house for house in houses if house.low == number.low == house.high == number.high]
    exact = [house for house in same if house.suffix == number.suffix]
    ranged = [
        house
        for house in houses
        if house.low < house.high
        and house.low <= number.high
        and number.low <= house.high
        and ((number.low - house.low) % 2 == 0 or number.low < number.high)
    ]
    twin = [h for h in ranged if (h.low, h.high) == (number.low, number.high)]
    ends = [h for h in ranged if number.low in {h.low, h.high} or number.high in {h.low, h.high}]
    for doors_found, sure in ((twin, 1.0), (exact, 1.0), (ends, 0.9)):
        if doors_found:
            return [_medoid(group, sure) for group in _groups(doors_found, parts)]
    spanned = [
        house
        for house in houses
        if number.low <= house.low <= number.high and (house.low - number.low) % 2 == 0
    ]
    for doors_found, sure in ((same, 0.9), (ranged, 0.88), (spanned, 0.85)):
        if doors_found:
            doors = [_medoid(group, sure) for group in _groups(doors_found, parts)]
            return [replace(door, precision="interpolated") for door in doors]
    return []


def _groups(houses: list[KnownDoor], parts: AddressParts) -> list[list[KnownDoor]]:
    """Return groups of doors that are near each other.

    Only doors with the postcode of the address are used. If there are none, only doors in its city
    are used, and if there are none either, all doors.
    """
    code, city = fold_postcode(parts.postcode), fold(parts.city)
    agreeing = [house for house in houses if code and fold_postcode(house.postcode) == code]
    agreeing = agreeing or [house for house in houses if city and fold(house.city) == city]
    groups: list[list[KnownDoor]] = []
    for house in agreeing or houses:
        near = [g for g in groups if distance_m(g[0].point, house.point) <= TOGETHER_M]
        if near:
            near[0].append(house)
        else:
            groups.append([house])
    return groups


def _medoid(houses: list[KnownDoor], sure: float) -> Door:
    """Return the door nearest to all others; less confident if the doors are far apart."""
    best = min(houses, key=lambda a: sum(distance_m(a.point, b.point) for b in houses))
    apart = median(distance_m(best.point, house.point) for house in houses)
    return Door(
        best.point,
        "house",
        sure if apart <= 50 else sure * 0.85,
        number=best.number,
        postcode=best.postcode,
        city=best.city,
    )


def interpolated(houses: list[KnownDoor], number: HouseNumber, extent_m: int) -> Door | None:
    """Return a position between the nearest known numbers, on the number's own side if possible.

    Odd and even numbers are the two sides. None if no guess is better than the street's middle.
    """
    by_number: defaultdict[int, list[KnownDoor]] = defaultdict(list)
    for house in houses:
        for end in {house.low, house.high}:
            by_number[end].append(house)
    wanted = number.low
    guesses: list[tuple[float, Point, KnownDoor]] = []
    for side in (0, 1):
        numbers = sorted(n for n in by_number if n % 2 == (wanted + side) % 2)
        below = max((n for n in numbers if n < wanted), default=None)
        above = min((n for n in numbers if n > wanted), default=None)
        if below is not None and above is not None and above - below <= MOST_BETWEEN:
            a, b = _spot(by_number[below]), _spot(by_number[above])
            share = (wanted - below) / (above - below)
            point = Point(
                lat=a.point.lat + (b.point.lat - a.point.lat) * share,
                lon=a.point.lon + (b.point.lon - a.point.lon) * share,
            )
            # A guess half-way between two doors is wrong by half their distance at most, and
            # mostly by much less.
            error = distance_m(a.point, b.point) * min(share, 1 - share) * BETWEEN
            error += side * ACROSS_M
            guesses.append((error, point, a if share < 0.5 else b))
        elif numbers:
            last = min(numbers, key=lambda n: abs(n - wanted))
            nearest = _spot(by_number[last])
            pace = _pace_m(by_number, numbers)
            error = BEYOND_M + abs(last - wanted) * pace + side * ACROSS_M
            guesses.append((error, nearest.point, nearest))
    if not guesses:
        return None
    error, point, neighbour = min(guesses, key=lambda guess: guess[0])
    if error > max(300.0, extent_m / 2):
        return None  # no better than the middle of the street
    return Door(
        point,
        "interpolated",
        max(0.35, 0.85 - error / 300),
        number=_number_text(number),
        postcode=neighbour.postcode,
        city=neighbour.city,
    )


def _spot(houses: list[KnownDoor]) -> KnownDoor:
    """Return the door nearest to all others."""
    return min(houses, key=lambda a: sum(distance_m(a.point, b.point) for b in houses))


def _pace_m(by_number: dict[int, list[KnownDoor]], numbers: list[int]) -> float:
    """Return the metres between a number and the next, on one side of the street."""
    if len(numbers) < 2:
        return 8.0
    ends = _spot(by_number[numbers[0]]).point, _spot(by_number[numbers[-1]]).point
    return max(1.0, min(30.0, distance_m(*ends) / (numbers[-1] - numbers[0])))


def _number_text(number: HouseNumber) -> str:
    span = f"{number.low}-{number.high}" if number.high > number.low else str(number.low)
    return f"{span} {number.suffix.upper()}".strip()
