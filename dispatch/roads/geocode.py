"""Find a place by its address, over the streets and house numbers of a loaded network. PURE."""

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
SAME_PLACE_M: Final = 40  # two answers nearer to each other are one
LEAST_ALIKE: Final = 0.3  # of similar names; below it a person sees no likeness
MOST_SIMILAR: Final = 8
LOOK_FIRST: Final = 0.45  # a similar street is never sure enough for a pin (0.5)
QUARTER_M: Final = 3_000  # a named place farther away does not tell two streets apart


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer. ``confidence`` is in [0, 1]; below about 0.5 a person should look.

    Parameters
    ----------
    precision : str
        The house itself; between its neighbours' numbers; the middle of the street; the middle of
        a place or postcode; ``given`` for a point that came with the order or was kept for it.
    exact : bool
        The street has the very name that was asked for; False for one that is only similar.
    town : str
        Whether it lies in the town that was asked for: ``same``, ``other``, ``unknown`` where the
        data does not tell, ``unasked``.
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
    """Answers for an address, best first; empty when nothing is like it.

    Parameters
    ----------
    address : str or AddressParts
        One line of text, or its parts as a file's columns gave them.
    leave_out : collection of str
        Source ids ("n123", "w456") to pass over: how the geocoder is measured on what it knows.
    similar : bool
        Also offer streets whose names look like the one asked for, the most similar first; for a
        person to choose from. Ten times as slow.

    Raises
    ------
    UnknownNetwork
        When no such network is built here.
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
            # The street's data names no city: the one asked for speaks for what lies near it.
            likeness *= 1.0 if distance_m(around, street.point) <= NEAR_CITY_M else 0.7
        # Without its house, which of several streets of one name is meant is a guess.
        if number is not None and not street.cities:
            likeness /= math.sqrt(sum(other.key == street.key for other, _ in streets))
        for found in _in_street(db, street, likeness, number, parts, leave_out):
            exact = same_name(fold(parts.street), street.key)
            place = Located(found.point, found.city, found.postcode)
            town = town_of(db, parts, place, street.cities, street.postcodes)
            answers.append(replace(found, exact=exact, town=town))
    return answers


def _similar(
    db: sqlite3.Connection, parts: AddressParts, leave_out: Collection[str]
) -> list[Candidate]:
    """Streets whose names look like the one asked for, most alike first."""
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
    """Tell an answer without a town from its namesakes by the nearest named place."""
    if answer.city or answer.precision == "place":
        return answer
    name = nearest_place(db, answer.point, QUARTER_M)
    return replace(answer, label=f"{answer.label} ({name})") if name else answer


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
            KnownDoor(low, high, suffix, said, code, city, Point(lat=lat, lon=lon))
            for low, high, suffix, said, code, city, lat, lon, source in db.execute(
                "SELECT low, high, suffix, number, postcode, city, lat, lon, source FROM house"
                " WHERE street = ?",
                (street.id,),
            )
            if source not in leave_out
        ]
        doors = house(houses, number, parts)
        between = None if doors else interpolated(houses, number, street.extent_m)
        found = [between] if between is not None else doors
        if found:
            return [_at_door(street, door, trust) for door in found]
    # A short street is nearly an address; a long one only a direction.
    share = 0.6 if street.extent_m <= 250 else 0.45 if street.extent_m <= 1000 else 0.3
    if not parts.number:
        share += 0.15  # nothing more exact was asked for
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
    """How far postcode and city, where both sides tell them, speak for this street."""
    trust = 1.0
    code, city = fold_postcode(parts.postcode), fold(parts.city)
    if code and street.postcodes and code not in street.postcodes:
        trust *= 0.8
    if city and street.cities and city not in street.cities:
        # A suburb's name for the city's is common; another postcode as well is not.
        trust *= 0.9 if code in street.postcodes else 0.6
    return trust


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


def _label(street: str, number: str, postcode: str, city: str) -> str:
    head = f"{street} {number}".strip()
    tail = f"{postcode} {city}".strip()
    return f"{head}, {tail}" if tail else head


def _distinct(answers: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for answer in answers:
        if all(distance_m(answer.point, other.point) > SAME_PLACE_M for other in kept):
            kept.append(answer)
    return kept
