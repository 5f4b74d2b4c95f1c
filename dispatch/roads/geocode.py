"""Finds the place of an address in the address index of a network (geocoding). PURE."""

from __future__ import annotations

import math
import re
import sqlite3
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from dispatch.roads.addresses import (
    AddressParts,
    HouseNumber,
    exact_letters,
    fold,
    fold_postcode,
    heads_of,
    house_number,
    loose,
    other_postcode,
    parse,
    readings,
    splits,
    town_of_text,
)
from dispatch.roads.houses import Door, KnownDoor, house, interpolated
from dispatch.roads.likeness import same_name
from dispatch.roads.named_streets import Street, streets_like, streets_named
from dispatch.roads.network import load
from dispatch.roads.towns import NEAR_CITY_M, Located, Town, is_place, nearest_place, town_of
from lastmile.core.geo import Point, distance_m

__all__ = ["AddressParts", "Candidate", "find"]

Precision = Literal["house", "interpolated", "street", "place", "given"]
SAME_PLACE_M: Final = 40  # answers nearer to each other than this are the same place
LOOK_FIRST: Final = 0.45  # confidence of a similar street: below 0.5, so a person must check it
POSTCODE_WORD: Final = re.compile(r"(?:[A-Z]{1,2}-)?\d{4,7}")
MOST_TOWN_WORDS: Final = 3  # of a town that is written before the street, without a comma
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
        True if the street has the same name as the address, or a spelling of it that cannot
        mislead; False if it is only similar.
    town : str
        Is the place in the town of the address? ``same``, ``other``, ``unknown`` if the data does
        not tell, ``unasked`` if the address names no town.
    other_postcode : bool
        True if the place is known to have another postcode than the address.
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
    other_postcode: bool = False


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
    ways = readings(parts)
    answers = _of_readings(db, ways, leave_out)
    if not any(answer.exact for answer in answers):
        ways += _town_first(db, parts)
        answers = _of_readings(db, ways, leave_out)
    if not answers or max(answer.confidence for answer in answers) < 0.3:
        answers += _places(db, parts)
    answers.sort(key=lambda answer: -answer.confidence)
    if similar:
        if not any(answer.exact for answer in answers):
            alike = [answer for one in ways for answer in _similar(db, one, leave_out)]
            answers = sorted(alike, key=lambda answer: -answer.confidence) + answers
        answers = [_with_quarter(db, answer) for answer in _distinct(answers)[:limit]]
    return _distinct(answers)[:limit]


def _of_readings(
    db: sqlite3.Connection, ways: Sequence[AddressParts], leave_out: Collection[str]
) -> list[Candidate]:
    """Return the answers of the readings with a street of exactly the name, else of the usual one.

    If several readings have one, all are answers: they may be rivals.
    """
    answers = [_answers(db, streets_named(db, one.street), one, leave_out) for one in ways]
    exact = [answer for group in answers for answer in group if answer.exact]
    return exact + [answer for answer in answers[0] if not answer.exact] if exact else answers[0]


def _town_first(db: sqlite3.Connection, parts: AddressParts) -> list[AddressParts]:
    """Return the readings of "Helsinki Kaivokatu 1": the words before the street name a town."""
    words = next(iter(heads_of(parts)), "").split()
    if words and POSTCODE_WORD.fullmatch(words[0]):  # 8001 Zürich Bahnhofstrasse 5
        words = words[1:]
    return [
        replace(
            parts, street=street, number=number, city=town_of_text(parts, " ".join(words[:count]))
        )
        for count in range(1, min(MOST_TOWN_WORDS + 1, len(words)))
        if is_place(db, fold(" ".join(words[:count])))
        for street, number in splits(" ".join(words[count:]))
        if number
    ]


def _answers(
    db: sqlite3.Connection,
    streets: Sequence[tuple[Street, float]],
    parts: AddressParts,
    leave_out: Collection[str],
) -> list[Candidate]:
    number = house_number(parts.number)
    around = _city_middle(db, parts)
    answers: list[Candidate] = []
    # "Boda-Strasse" may be meant for Bödastrasse, but not if there are both.
    names = {exact_letters(street.name) for street, likeness in streets if likeness == 1}
    is_one_name = len(names) < 2
    for street, likeness in streets:
        if around is not None and not street.cities:
            # The data gives the street no city: prefer streets near the city of the address.
            likeness *= 1.0 if distance_m(around, street.point) <= NEAR_CITY_M else 0.7
        # Without the building in the data, one of several streets with this name is a guess.
        if number is not None and not street.cities:
            likeness /= math.sqrt(sum(other.key == street.key for other, _ in streets))
        exact = is_one_name and (
            same_name(fold(parts.street), street.key) or loose(parts.street) == loose(street.name)
        )
        for answer in _in_street(db, street, likeness, number, parts, leave_out):
            place = Located(answer.point, answer.city, answer.postcode)
            town = town_of(db, parts, place, street.cities, street.postcodes)
            other = _has_other_postcode(street, answer, parts)
            answers.append(replace(answer, exact=exact, town=town, other_postcode=other))
    return answers


def _has_other_postcode(street: Street, answer: Candidate, parts: AddressParts) -> bool:
    """Return True if its door, or else each door of its street, has another postcode."""
    is_door = answer.precision == "house" and answer.postcode
    return other_postcode(parts.postcode, [answer.postcode] if is_door else street.postcodes)


def _similar(
    db: sqlite3.Connection, parts: AddressParts, leave_out: Collection[str]
) -> list[Candidate]:
    """Return answers on streets with similar names, the most similar first."""
    return [
        answer
        for score, street in streets_like(db, parts.street)
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
        split.street,
        split.number,
        parts.postcode or split.postcode,
        parts.city or split.city,
        parts.text or split.text,
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


def _in_street(
    db: sqlite3.Connection,
    street: Street,
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


def _at_door(street: Street, door: Door, trust: float) -> Candidate:
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


def _agreement(street: Street, parts: AddressParts) -> float:
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
