"""Find a place by its address, over the streets and house numbers of a loaded network. PURE."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, Literal

from dispatch.roads.addresses import (
    AddressParts,
    HouseNumber,
    fold,
    fold_postcode,
    house_number,
    parse,
)
from dispatch.roads.network import load
from lastmile.core.geo import Point, distance_m

__all__ = ["AddressParts", "Candidate", "find"]

Precision = Literal["house", "interpolated", "street", "place"]
# Numbers run apart on the two sides of a street: what asking the other side may cost. Measured on
# Helsinki: with 25 m 86 % of left-out addresses fall within 100 m, with 120 m 94 %, then no more.
ACROSS_M: Final = 120
BETWEEN: Final = 0.5  # doors are spread about evenly
BEYOND_M: Final = 30  # past the last known door nothing bounds the error from the other side
NEAR_CITY_M: Final = 6_000
SAME_PLACE_M: Final = 40  # two answers nearer to each other are one


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer. ``confidence`` is in [0, 1]; below about 0.5 a person should look.

    ``precision``: the house itself; between its neighbours' numbers; the middle of the street;
    the middle of a place or postcode.
    """

    point: Point
    label: str
    precision: Precision
    confidence: float
    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class _Street:
    id: int
    key: str
    name: str
    city: str
    cities: frozenset[str]
    postcodes: frozenset[str]
    point: Point
    extent_m: int


@dataclass(frozen=True, slots=True)
class _House:
    low: int
    high: int
    suffix: str
    number: str
    postcode: str
    city: str
    point: Point


def find(
    address: str | AddressParts,
    network: str,
    *,
    limit: int = 5,
    var: Path | str | None = None,
    leave_out: Collection[str] = (),
) -> list[Candidate]:
    """Answers for an address, best first; empty when nothing is like it.

    Parameters
    ----------
    address : str or AddressParts
        One line of text, or its parts as a file's columns gave them.
    leave_out : collection of str
        Source ids ("n123", "w456") to pass over: how the geocoder is measured on what it knows.

    Raises
    ------
    UnknownNetwork
        When no such network is built here.
    """
    parts = parse(address) if isinstance(address, str) else _whole(address)
    db = _open(load(network, var).folder / "addresses.sqlite")
    answers: list[Candidate] = []
    number = house_number(parts.number)
    streets = _streets(db, parts)
    around = _city_middle(db, parts)
    for street, likeness in streets:
        if around is not None and not street.cities:
            # The street's data names no city: the one asked for speaks for what lies near it.
            likeness *= 1.0 if distance_m(around, street.point) <= NEAR_CITY_M else 0.7
        # Without its house, which of several streets of one name is meant is a guess.
        if number is not None and not street.cities:
            likeness /= math.sqrt(sum(other.key == street.key for other, _ in streets))
        answers += _in_street(db, street, likeness, number, parts, leave_out)
    if not answers or max(answer.confidence for answer in answers) < 0.3:
        answers += _places(db, parts)
    answers.sort(key=lambda answer: -answer.confidence)
    return _distinct(answers)[:limit]


def _whole(parts: AddressParts) -> AddressParts:
    """Columns hold what they like: a number inside the street column is taken out of it."""
    if parts.number or not parts.street:
        return parts
    found = parse(parts.street)
    return AddressParts(
        found.street, found.number, parts.postcode or found.postcode, parts.city or found.city
    )


_local = threading.local()


def _open(path: Path) -> sqlite3.Connection:
    """This thread's read-only connection; a new version of the network has a new path."""
    held: dict[Path, sqlite3.Connection] = _local.__dict__.setdefault("held", {})
    if path not in held:
        while len(held) >= 8:
            held.pop(next(iter(held))).close()
        held[path] = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    return held[path]


_COLUMNS: Final = "id, key, name, city, cities, postcodes, lat, lon, extent_m"


def _streets(db: sqlite3.Connection, parts: AddressParts) -> list[tuple[_Street, float]]:
    """Streets of that name with their likeness in (0, 1]; of a part of that name, if none is."""
    key = fold(parts.street)
    if not key:
        return []
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE key = ? LIMIT 50",  # noqa: S608 - fixed words
        (key,),
    ).fetchall()
    if rows:
        return [(_street(row), 1.0) for row in rows]
    asked = key.split()
    long = [word for word in asked if len(word) >= 3]
    if not long:
        return []
    match = " ".join(f'"{word}"' for word in long)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE id IN"  # noqa: S608 - fixed words
        " (SELECT street FROM words WHERE words MATCH ? LIMIT 200)",
        (match,),
    ).fetchall()
    scored = []
    for row in rows:
        street = _street(row)
        words = street.key.split()
        shared = len(set(asked) & set(words))
        likeness = 2 * shared / (len(set(asked)) + len(set(words)))
        if likeness >= 0.5:
            scored.append((street, 0.9 * likeness))
    scored.sort(key=lambda pair: -pair[1])
    return scored[:20]


def _street(row: tuple[int, str, str, str, str, str, float, float, int]) -> _Street:
    number, key, name, city, cities, codes, lat, lon, extent = row
    return _Street(
        number,
        key,
        name,
        city,
        frozenset(cities.split("|")) - {""},
        frozenset(codes.split("|")) - {""},
        Point(lat=lat, lon=lon),
        extent,
    )


def _in_street(
    db: sqlite3.Connection,
    street: _Street,
    likeness: float,
    number: HouseNumber | None,
    parts: AddressParts,
    leave_out: Collection[str],
) -> list[Candidate]:
    trust = likeness * _agreement(street, parts)
    if number is not None:
        houses = [
            _House(low, high, suffix, said, code, city, Point(lat=lat, lon=lon))
            for low, high, suffix, said, code, city, lat, lon, source in db.execute(
                "SELECT low, high, suffix, number, postcode, city, lat, lon, source FROM house"
                " WHERE street = ?",
                (street.id,),
            )
            if source not in leave_out
        ]
        found = _house(houses, number, parts) or _interpolated(houses, number, street)
        if found is not None:
            return [
                replace(
                    found,
                    label=_label(street.name, found),
                    street=street.name,
                    city=found.city or street.city,
                    confidence=round(found.confidence * trust, 3),
                )
            ]
    # A short street is nearly an address; a long one only a direction.
    share = 0.6 if street.extent_m <= 250 else 0.45 if street.extent_m <= 1000 else 0.3
    if not parts.number:
        share += 0.15  # nothing more exact was asked for
    whole = Candidate(street.point, "", "street", round(share * trust, 3), street.name)
    whole = replace(whole, city=street.city)
    return [replace(whole, label=_label(street.name, whole))]


def _agreement(street: _Street, parts: AddressParts) -> float:
    """How far postcode and city, where both sides tell them, speak for this street."""
    trust = 1.0
    code, city = fold_postcode(parts.postcode), fold(parts.city)
    if code and street.postcodes and code not in street.postcodes:
        trust *= 0.8
    if city and street.cities and city not in street.cities:
        # A suburb's name for the city's is common; another postcode as well is not.
        trust *= 0.9 if code in street.postcodes else 0.6
    return trust


def _house(houses: list[_House], number: HouseNumber, parts: AddressParts) -> Candidate | None:
    """The house of that number, or the doors that stand for it.

    Only an object that says the number itself is the house: with its letter, or as an end of its
    range. Another letter, or a number inside a range, places it between doors that are known.
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
            return _medoid(found, sure, parts)
    spanned = [house for house in houses if number.low <= house.low <= number.high]
    for found, sure in ((same, 0.9), (ranged, 0.88), (spanned, 0.85)):
        if found:
            return replace(_medoid(found, sure, parts), precision="interpolated")
    return None


def _medoid(houses: list[_House], sure: float, parts: AddressParts) -> Candidate:
    """The middlemost of several doors; less sure the farther they lie apart."""
    code = fold_postcode(parts.postcode)
    told = [house for house in houses if code and fold_postcode(house.postcode) == code]
    houses = told or houses
    best = min(houses, key=lambda a: sum(distance_m(a.point, b.point) for b in houses))
    apart = median(distance_m(best.point, house.point) for house in houses)
    return Candidate(
        best.point,
        "",
        "house",
        sure if apart <= 50 else sure * 0.85,
        number=best.number,
        postcode=best.postcode,
        city=best.city,
    )


def _interpolated(houses: list[_House], number: HouseNumber, street: _Street) -> Candidate | None:
    """Between the nearest known numbers, on the number's own side of the street if it is known."""
    by_number: defaultdict[int, list[_House]] = defaultdict(list)
    for house in houses:
        for end in {house.low, house.high}:
            by_number[end].append(house)
    asked = number.low
    guesses: list[tuple[float, Point, _House]] = []
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
    if error > max(300.0, street.extent_m / 2):
        return None  # a guess no better than the middle of the street
    return Candidate(
        point,
        "",
        "interpolated",
        max(0.35, 0.85 - error / 300),
        number=_told(number),
        postcode=neighbour.postcode,
        city=neighbour.city,
    )


def _spot(houses: list[_House]) -> _House:
    return min(houses, key=lambda a: sum(distance_m(a.point, b.point) for b in houses))


def _pace_m(by_number: dict[int, list[_House]], known: list[int]) -> float:
    """Metres a number on this side of the street, as far as it is known."""
    if len(known) < 2:
        return 8.0
    ends = _spot(by_number[known[0]]).point, _spot(by_number[known[-1]]).point
    return max(1.0, min(30.0, distance_m(*ends) / (known[-1] - known[0])))


def _told(number: HouseNumber) -> str:
    span = f"{number.low}-{number.high}" if number.high > number.low else str(number.low)
    return f"{span} {number.suffix.upper()}".strip()


def _city_middle(db: sqlite3.Connection, parts: AddressParts) -> Point | None:
    """The middle of the city or postcode asked for, where the index knows it."""
    for key in (fold(parts.city), fold_postcode(parts.postcode)):
        row = db.execute("SELECT lat, lon FROM place WHERE key = ? LIMIT 1", (key,)).fetchone()
        if key and row:
            return Point(lat=row[0], lon=row[1])
    return None


def _places(db: sqlite3.Connection, parts: AddressParts) -> list[Candidate]:
    """The middle of the postcode, the city or a place called like the street."""
    asked = (
        (fold_postcode(parts.postcode), 0.25),
        (fold_postcode(parts.number) if len(parts.number) >= 4 else "", 0.25),
        (fold(parts.street), 0.4),
        (fold(parts.city), 0.15),
    )
    return [
        Candidate(Point(lat=lat, lon=lon), name, "place", sure)
        for key, sure in asked
        if key
        for name, lat, lon in db.execute(
            "SELECT name, lat, lon FROM place WHERE key = ? LIMIT 5", (key,)
        )
    ]


def _label(street: str, found: Candidate) -> str:
    head = f"{street} {found.number}".strip()
    tail = f"{found.postcode} {found.city}".strip()
    return f"{head}, {tail}" if tail else head


def _distinct(answers: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for answer in answers:
        if all(distance_m(answer.point, other.point) > SAME_PLACE_M for other in kept):
            kept.append(answer)
    return kept
