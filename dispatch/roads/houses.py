"""Find a house number among the known doors of one street, or between them. PURE."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, Literal

from dispatch.roads.addresses import AddressParts, HouseNumber, fold, fold_postcode
from lastmile.core.geo import Point, distance_m

# Numbers run apart on the two sides of a street: what asking the other side may cost. Measured on
# Helsinki: with 25 m 86 % of left-out addresses fall within 100 m, with 120 m 94 %, then no more.
ACROSS_M: Final = 120
BETWEEN: Final = 0.5  # doors are spread about evenly
BEYOND_M: Final = 30  # past the last known door nothing bounds the error from the other side
TOGETHER_M: Final = 300  # doors of one number within this are one address: entrances, a yard


@dataclass(frozen=True, slots=True)
class KnownDoor:
    """A known door: its number or range, its letter, and what its data says of the town."""

    low: int
    high: int
    suffix: str
    number: str
    postcode: str
    city: str
    point: Point


@dataclass(frozen=True, slots=True)
class Door:
    """Where a number is, how exactly that is known, and the address of the nearest known door."""

    point: Point
    precision: Literal["house", "interpolated"]
    confidence: float
    number: str
    postcode: str
    city: str


def house(houses: list[KnownDoor], number: HouseNumber, parts: AddressParts) -> list[Door]:
    """The house of that number, or the doors that stand for it.

    Only an object that says the number itself is the house: with its letter, or as an end of its
    range. Another letter, or a number inside a range, places it between doors that are known.
    Doors of one number that lie far apart are several answers: a long road counts again in each
    town.
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
    for found, sure in ((twin, 1.0), (exact, 1.0), (ends, 0.9)):
        if found:
            return [_medoid(group, sure) for group in _groups(found, parts)]
    spanned = [house for house in houses if number.low <= house.low <= number.high]
    for found, sure in ((same, 0.9), (ranged, 0.88), (spanned, 0.85)):
        if found:
            doors = [_medoid(group, sure) for group in _groups(found, parts)]
            return [replace(door, precision="interpolated") for door in doors]
    return []


def _groups(houses: list[KnownDoor], parts: AddressParts) -> list[list[KnownDoor]]:
    """Doors that agree best with postcode and city, those that lie together in one group."""
    code, city = fold_postcode(parts.postcode), fold(parts.city)
    told = [house for house in houses if code and fold_postcode(house.postcode) == code]
    told = told or [house for house in houses if city and fold(house.city) == city]
    groups: list[list[KnownDoor]] = []
    for house in told or houses:
        near = [g for g in groups if distance_m(g[0].point, house.point) <= TOGETHER_M]
        if near:
            near[0].append(house)
        else:
            groups.append([house])
    return groups


def _medoid(houses: list[KnownDoor], sure: float) -> Door:
    """The middlemost of several doors; less sure the farther they lie apart."""
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
    """Between the nearest known numbers, on the number's own side of the street if it is known."""
    by_number: defaultdict[int, list[KnownDoor]] = defaultdict(list)
    for house in houses:
        for end in {house.low, house.high}:
            by_number[end].append(house)
    asked = number.low
    guesses: list[tuple[float, Point, KnownDoor]] = []
    for side in (0, 1):
        known = sorted(n for n in by_number if n % 2 == (asked + side) % 2)
        below = max((n for n in known if n < asked), default=None)
        above = min((n for n in known if n > asked), default=None)
        if below is not None and above is not None:
            a, b = _spot(by_number[below]), _spot(by_number[above])
            share = (asked - below) / (above - below)
            point = Point(
                lat=a.point.lat + (b.point.lat - a.point.lat) * share,
                lon=a.point.lon + (b.point.lon - a.point.lon) * share,
            )
            # Half-way between two doors is at most half their distance wrong, mostly much less.
            error = distance_m(a.point, b.point) * min(share, 1 - share) * BETWEEN
            error += side * ACROSS_M
            guesses.append((error, point, a if share < 0.5 else b))
        elif known:
            last = min(known, key=lambda n: abs(n - asked))
            nearest = _spot(by_number[last])
            pace = _pace_m(by_number, known)
            error = BEYOND_M + abs(last - asked) * pace + side * ACROSS_M
            guesses.append((error, nearest.point, nearest))
    if not guesses:
        return None
    error, point, neighbour = min(guesses, key=lambda guess: guess[0])
    if error > max(300.0, extent_m / 2):
        return None  # a guess no better than the middle of the street
    return Door(
        point,
        "interpolated",
        max(0.35, 0.85 - error / 300),
        number=_told(number),
        postcode=neighbour.postcode,
        city=neighbour.city,
    )


def _spot(houses: list[KnownDoor]) -> KnownDoor:
    return min(houses, key=lambda a: sum(distance_m(a.point, b.point) for b in houses))


def _pace_m(by_number: dict[int, list[KnownDoor]], known: list[int]) -> float:
    """Metres a number on this side of the street, as far as it is known."""
    if len(known) < 2:
        return 8.0
    ends = _spot(by_number[known[0]]).point, _spot(by_number[known[-1]]).point
    return max(1.0, min(30.0, distance_m(*ends) / (known[-1] - known[0])))


def _told(number: HouseNumber) -> str:
    span = f"{number.low}-{number.high}" if number.high > number.low else str(number.low)
    return f"{span} {number.suffix.upper()}".strip()
