"""Tells whether a place that was found is in the town of the address. PURE."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from dispatch.roads.addresses import AddressParts, fold, fold_postcode
from lastmile.core.geo import Point, distance_m

Town = Literal["same", "other", "unknown", "unasked"]
NEAR_CITY_M: Final = 6_000
_TOWNS: Final = ("city", "town", "village", "municipality")
_DEGREE_M: Final = 111_000


@dataclass(frozen=True, slots=True)
class Located:
    """The point, city and postcode of a place; city and postcode are "" if unknown."""

    point: Point
    city: str
    postcode: str


def town_of(
    db: sqlite3.Connection,
    parts: AddressParts,
    place: Located,
    street_cities: Collection[str],
    street_postcodes: Collection[str],
) -> Town:
    """Return whether a place is in the town of the address.

    The city of the place decides, or an equal postcode. A quarter counts as its town if it is near;
    another town never does. If the place has no city, the nearest town decides.
    """
    wanted = fold(parts.city.split(",")[0])
    if not wanted:
        return "unasked"
    city = fold(place.city)
    if city == wanted or (not city and wanted in street_cities):
        return "same"
    code = fold_postcode(parts.postcode)
    if code and (code == fold_postcode(place.postcode) or code in street_postcodes):
        return "same"
    named = _places_called(db, wanted)
    near = any(distance_m(spot, place.point) <= NEAR_CITY_M for spot, _kind in named)
    is_town = any(kind in _TOWNS for _spot, kind in named)
    if city:
        apart = is_town and any(kind in _TOWNS for _spot, kind in _places_called(db, city))
        return "same" if near and not apart else "other"
    if not named:
        return "unknown"
    if near and not is_town:
        return "same"
    return "same" if _nearest_town(db, place.point) == wanted else "other"


def is_place(db: sqlite3.Connection, key: str) -> bool:
    """Return True if a folded name is that of a town, a quarter or a city of an address."""
    return any(kind != "postcode" for _point, kind in _places_called(db, key))


def _places_called(db: sqlite3.Connection, key: str) -> list[tuple[Point, str]]:
    rows = db.execute("SELECT lat, lon, kind FROM place WHERE key = ? LIMIT 20", (key,))
    return [(Point(lat=lat, lon=lon), kind) for lat, lon, kind in rows]


def _nearest_town(db: sqlite3.Connection, point: Point) -> str:
    """Return the folded name of the nearest city, town or village; "" if there is none."""
    marks = ", ".join("?" * len(_TOWNS))
    rows = db.execute(f"SELECT key, lat, lon FROM place WHERE kind IN ({marks})", _TOWNS)  # noqa: S608
    spots = [(distance_m(point, Point(lat=lat, lon=lon)), key) for key, lat, lon in rows]
    return min(spots)[1] if spots else ""


def nearest_place(db: sqlite3.Connection, point: Point, within_m: float) -> str:
    """Return the name of the nearest named place, such as a quarter, within a distance; else ""."""
    high = within_m / _DEGREE_M
    wide = high / max(0.01, math.cos(math.radians(point.lat)))
    rows = db.execute(
        "SELECT name, lat, lon FROM place WHERE kind != 'postcode'"
        " AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?",
        (point.lat - high, point.lat + high, point.lon - wide, point.lon + wide),
    )
    spots = [(distance_m(point, Point(lat=lat, lon=lon)), name) for name, lat, lon in rows]
    near = [spot for spot in spots if spot[0] <= within_m]
    return min(near)[1] if near else ""
