"""Finds streets by name in an address index: same name, other spellings, similar ones. PURE."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from dispatch.roads.addresses import exact_letters, fold, loose
from dispatch.roads.likeness import shared_words, similarity, trigrams
from lastmile.core.geo import Point

LEAST_ALIKE: Final = 0.3  # least similarity of two names; below it a person sees no likeness
MOST_SIMILAR: Final = 8


@dataclass(frozen=True, slots=True)
class Street:
    """A street of an index: its folded name, its name, its cities and postcodes (folded).

    ``point`` is its middle. ``extent_m`` is the diagonal of the box around it, in metres.
    """

    id: int
    key: str
    name: str
    city: str
    cities: frozenset[str]
    postcodes: frozenset[str]
    point: Point
    extent_m: int


_COLUMNS: Final = "id, key, name, city, cities, postcodes, lat, lon, extent_m"


def streets_named(db: sqlite3.Connection, name: str) -> list[tuple[Street, float]]:
    """Return the streets of this name, each with its likeness in (0, 1].

    If no street has exactly this name, or a spelling of it, return those that share words with it.
    """
    key = fold(name)
    if not key:
        return []
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM street WHERE key = ? LIMIT 50",  # noqa: S608 - fixed words
        (key,),
    ).fetchall()
    if not rows and _has_loose(db):
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM street WHERE loose = ? LIMIT 50",  # noqa: S608 - fixed words
            (loose(name),),
        ).fetchall()
    if rows:
        same = [_street(row) for row in rows]
        letters = exact_letters(name)
        as_written = [street for street in same if exact_letters(street.name) == letters]
        return [(street, 1.0) for street in as_written or same]
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


def streets_like(db: sqlite3.Connection, name: str) -> list[tuple[float, Street]]:
    """Return (similarity, street) of the streets with similar names, the most similar first."""
    key = fold(name)
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
    return alike[:MOST_SIMILAR]


def _has_loose(db: sqlite3.Connection) -> bool:
    """Return True if an index has the spellings of its names; those built before 2026-12 do not."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return bool(version >= 2)


def _street(row: tuple[int, str, str, str, str, str, float, float, int]) -> Street:
    number, key, name, city, cities, codes, lat, lon, extent = row
    return Street(
        number,
        key,
        name,
        city,
        frozenset(cities.split("|")) - {""},
        frozenset(codes.split("|")) - {""},
        Point(lat=lat, lon=lon),
        extent,
    )
