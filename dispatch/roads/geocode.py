"""Finds the place of an address in the address index of a network (geocoding). PURE."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from dispatch.roads.addresses import (
    AddressParts,
    HouseNumber,
    fold,
    fold_postcode,
    house_number,
    parse,
)
from dispatch.roads.houses import Door, KnownDoor, house, interpolated
from dispatch.roads.likeness import same_name, shared_words, similarity, trigrams
from dispatch.roads.network import load
from dispatch.roads.towns import NEAR_CITY_M, Located, Town, nearest_place, town_of
from lastmile.core.geo import Point, distance_m

__all__ = ["AddressParts", "Candidate", "find"]

Precision = Literal["house", "interpolated", "street", "place", "given"]
SAME_PLACE_M: Final = 40  # answers nearer to each other than this are the same place
LEAST_ALIKE: Final = 0.3  # least similarity of two names; below it a person sees no likeness
MOST_SIMILAR: Final = 8
LOOK_FIRST: Final = 0.45  # confidence of a similar street: below 0.5, so a person must check it
QUARTER_M: Final = 3_000  # farthest named place that is added to a label to tell two streets apart


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible place of an address.

    ``confidence`` is in [0, 1]; below about 0.5 a person should check the place.

    Parameters
    ----------
    precision : str
        ``house``: the house itself. ``interpolated``: between the neighbouring house numbers.
        ``street``: the middle of the street. ``place``: the middle of a place or postcode.
        ``given``: a point that came with the order or was saved for it.
    exact : bool
        True if the street has the same name as the address; False if it is only similar.
    town : str
        Is the place in the town of the address? ``same``, ``other``, ``unknown`` if the data does
        not tell, ``unasked`` if the address names no town.
    """

    point: Point
    label: str
    precision: Precision
    confidence: float
    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""
    exact: bool = False
    town: Town = "unasked"


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


def find(
    address: str | AddressParts,
    network: str,
    *,
    limit: int = 5,
    var: Path | str | None = None,
    leave_out: Collection[str] = (),
    similar: bool = False,
) -> list[Candidate]:
    """Return the possible places of an address, best first; empty if there is none.

    Parameters
    ----------
    address : str or AddressParts
        One line of text, or the parts from the columns of a file.
    leave_out : collection of str
        Source ids ("n123", "w456") to ignore. The benchmark of the geocoder uses this.
    similar : bool
        Also offer streets with similar names, the most similar first, for a person to choose
        from. Ten times slower.

    Raises
    ------
    UnknownNetwork
        If there is no such network.
    """
    parts = parse(address) if isinstance(address, str) else _whole(address)
    db = _open(load(network, var).folder / "addresses.sqlite")
    streets = _streets(db, parts)
    answers = _answers(db, streets, parts, leave_out)
    if not answers or max(answer.confidence for answer in answers) < 0.3:
        answers += _places(db, parts)
    answers.sort(key=lambda answer: -answer.confidence)
    if similar:
        if not any(answer.exact for answer in answers):
            answers = _similar(db, parts, leave_out) + answers
        answers = [_with_quarter(db, answer) for answer in _distinct(answers)[:limit]]
    return _distinct(answers)[:limit]


def _answers(
    db: sqlite3.Connection,
    streets: Sequence[tuple[_Street, float]],
    parts: AddressParts,
    leave_out: Collection[str],
) -> list[Candidate]:
    number = house_number(parts.number)
    around = _city_middle(db, parts)
    answers: list[Candidate] = []
    for street, likeness in streets:
        if around is not None and not street.cities:
            # The data gives the street no city: prefer streets near the city of the address.
            likeness *= 1.0 if distance_m(around, street.point) <= NEAR_CITY_M else 0.7
        # Without the building in the data, one of several streets with this name is a guess.
        if number is not None and not street.cities:
            likeness /= math.sqrt(sum(other.key == street.key for other, _ in streets))
        for answer in _in_street(db, street, likeness, number, parts, leave_out):
            exact = same_name(fold(parts.street), street.key)
            place = Located(answer.point, answer.city, answer.postcode)
            town = town_of(db, parts, place, street.cities, street.postcodes)
            answers.append(replace(answer, exact=exact, town=town))
    return answers


def _similar(
    db: sqlite3.Connection, parts: AddressParts, leave_out: Collection[str]
) -> list[Candidate]:
    """Return answers on streets with similar names, the most similar first."""
    key = fold(parts.street)
    match = " OR ".join(f'"{gram}"' for gram in dict.fromkeys(trigrams(key)))
    if not match:
        return []
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE id IN"  # noqa: S608 - fixed words
        " (SELECT street FROM words WHERE words MATCH ? ORDER BY rank LIMIT 200)",
        (match,),
    ).fetchall()
    alike = [(similarity(key, street.key), street) for street in map(_street, rows)]
    alike = [pair for pair in alike if pair[0] >= LEAST_ALIKE]
    alike.sort(key=lambda pair: -pair[0])
    return [
        answer
        for score, street in alike[:MOST_SIMILAR]
        for answer in _answers(db, [(street, LOOK_FIRST * score)], parts, leave_out)[:1]
    ]


def _with_quarter(db: sqlite3.Connection, answer: Candidate) -> Candidate:
    """Add the nearest named place to the label of an answer without a town.

    A person can then tell several streets of the same name apart.
    """
    if answer.city or answer.precision == "place":
        return answer
    name = nearest_place(db, answer.point, QUARTER_M)
    return replace(answer, label=f"{answer.label} ({name})") if name else answer


def _whole(parts: AddressParts) -> AddressParts:
    """Return the parts of an address; a house number in the street column is split off."""
    if parts.number or not parts.street:
        return parts
    split = parse(parts.street)
    return AddressParts(
        split.street, split.number, parts.postcode or split.postcode, parts.city or split.city
    )


_local = threading.local()


def _open(path: Path) -> sqlite3.Connection:
    """Return this thread's read-only connection to an index; a new version has a new path."""
    connections: dict[Path, sqlite3.Connection] = _local.__dict__.setdefault("held", {})
    if path not in connections:
        while len(connections) >= 8:
            connections.pop(next(iter(connections))).close()
        connections[path] = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    return connections[path]


_COLUMNS: Final = "id, key, name, city, cities, postcodes, lat, lon, extent_m"


def _streets(db: sqlite3.Connection, parts: AddressParts) -> list[tuple[_Street, float]]:
    """Return the streets of this name, each with its likeness in (0, 1].

    If no street has exactly this name, return streets that share words with it.
    """
    key = fold(parts.street)
    if not key:
        return []
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE key = ? LIMIT 50",  # noqa: S608 - fixed words
        (key,),
    ).fetchall()
    if rows:
        return [(_street(row), 1.0) for row in rows]
    long = [word for word in key.split() if len(word) >= 3]
    if not long:
        return []
    match = " ".join(f'"{word}"' for word in long)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE id IN"  # noqa: S608 - fixed words
        " (SELECT street FROM words WHERE words MATCH ? LIMIT 200)",
        (match,),
    ).fetchall()
    alike = [(street, shared_words(key, street.key)) for street in map(_street, rows)]
    scored = [(street, 0.9 * share) for street, share in alike if share >= 0.5]
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
            KnownDoor(low, high, suffix, number_text, code, city, Point(lat=lat, lon=lon))
            for low, high, suffix, number_text, code, city, lat, lon, source in db.execute(
                "SELECT low, high, suffix, number, postcode, city, lat, lon, source FROM house"
                " WHERE street = ?",
                (street.id,),
            )
            if source not in leave_out
        ]
        doors = house(houses, number, parts)
        between = None if doors else interpolated(houses, number, street.extent_m)
        matches = [between] if between is not None else doors
        if matches:
            return [_at_door(street, door, trust) for door in matches]
    # The middle of a short street is nearly the address; of a long street it is a rough guess.
    share = 0.6 if street.extent_m <= 250 else 0.45 if street.extent_m <= 1000 else 0.3
    if not parts.number:
        share += 0.15  # the address has no number: the street is all that was to be found
    label = _label(street.name, "", "", street.city)
    sure = round(share * trust, 3)
    return [Candidate(street.point, label, "street", sure, street.name, city=street.city)]


def _at_door(street: _Street, door: Door, trust: float) -> Candidate:
    return Candidate(
        door.point,
        _label(street.name, door.number, door.postcode, door.city),
        door.precision,
        round(door.confidence * trust, 3),
        street=street.name,
        number=door.number,
        postcode=door.postcode,
        city=door.city or street.city,
    )


def _agreement(street: _Street, parts: AddressParts) -> float:
    """Return a factor in (0, 1]: lower if the street has another postcode or city."""
    trust = 1.0
    code, city = fold_postcode(parts.postcode), fold(parts.city)
    if code and street.postcodes and code not in street.postcodes:
        trust *= 0.8
    if city and street.cities and city not in street.cities:
        # People often write a suburb instead of the city; then the postcode still agrees.
        trust *= 0.9 if code in street.postcodes else 0.6
    return trust


def _city_middle(db: sqlite3.Connection, parts: AddressParts) -> Point | None:
    """Return the middle of the address's city or postcode; None if the index has neither."""
    for key in (fold(parts.city), fold_postcode(parts.postcode)):
        row = db.execute("SELECT lat, lon FROM place WHERE key = ? LIMIT 1", (key,)).fetchone()
        if key and row:
            return Point(lat=row[0], lon=row[1])
    return None


def _places(db: sqlite3.Connection, parts: AddressParts) -> list[Candidate]:
    """Return the middle of the postcode, of the city, or of a place with the street's name."""
    keys = (
        (fold_postcode(parts.postcode), 0.25),
        (fold_postcode(parts.number) if len(parts.number) >= 4 else "", 0.25),
        (fold(parts.street), 0.4),
        (fold(parts.city), 0.15),
    )
    return [
        Candidate(Point(lat=lat, lon=lon), name, "place", sure)
        for key, sure in keys
        if key
        for name, lat, lon in db.execute(
            "SELECT name, lat, lon FROM place WHERE key = ? LIMIT 5", (key,)
        )
    ]


def _label(street: str, number: str, postcode: str, city: str) -> str:
    head = f"{street} {number}".strip()
    tail = f"{postcode} {city}".strip()
    return f"{head}, {tail}" if tail else head


def _distinct(answers: list[Candidate]) -> list[Candidate]:
    distinct: list[Candidate] = []
    for answer in answers:
        if all(distance_m(answer.point, other.point) > SAME_PLACE_M for other in distinct):
            distinct.append(answer)
    return distinct
