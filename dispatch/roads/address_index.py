"""Builds the address index of a network: an SQLite file with an FTS5 trigram index. PURE."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.addresses import exact_letters, fold, fold_postcode, house_number, loose
from dispatch.roads.city import AddressObject
from dispatch.roads.rules import CLASS_ID
from dispatch.roads.streets import E7, StreetArrays, metres_per_degree

APART_M: Final = 600  # parts of one street name that are farther apart are two streets
SCHEMA: Final = """
CREATE TABLE street (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, loose TEXT NOT NULL, name TEXT NOT NULL,
    city TEXT NOT NULL, cities TEXT NOT NULL, postcodes TEXT NOT NULL, lat REAL NOT NULL,
    lon REAL NOT NULL, extent_m INTEGER NOT NULL, houses INTEGER NOT NULL
);
CREATE TABLE house (
    street INTEGER NOT NULL REFERENCES street, low INTEGER NOT NULL, high INTEGER NOT NULL,
    suffix TEXT NOT NULL, number TEXT NOT NULL, postcode TEXT NOT NULL, city TEXT NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL, source TEXT NOT NULL
);
CREATE TABLE place (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5(key, street UNINDEXED, tokenize = 'trigram');
"""
INDEXES: Final = """
CREATE INDEX street_key ON street (key);
CREATE INDEX street_loose ON street (loose);
CREATE INDEX house_street ON house (street, low);
CREATE INDEX place_key ON place (key);
INSERT INTO words (key, street) SELECT key, id FROM street;
INSERT INTO words (words) VALUES ('optimize');
PRAGMA optimize;
PRAGMA user_version = 2;
"""
Plane = npt.NDArray[np.float64]


@dataclass(slots=True)
class _Name:
    """All street lines and houses of one street name, as ``exact_letters`` compares names."""

    names: Counter[str] = field(default_factory=Counter)
    spots: list[tuple[float, float]] = field(default_factory=list)
    houses: list[AddressObject] = field(default_factory=list)


def build(path: Path, streets: StreetArrays, objects: Sequence[AddressObject]) -> dict[str, int]:
    """Write the index and return the number of streets, addresses and places."""
    named = _by_name(streets, objects)
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        db.execute("BEGIN")
        scale = np.array(metres_per_degree(float(np.mean(streets.node_lonlat[:, 1])) / E7))
        count = sum(_write_name(db, key, group, scale) for key, group in named)
        places = _places(objects)
        db.executemany("INSERT INTO place (key, name, kind, lat, lon) VALUES (?,?,?,?,?)", places)
        db.commit()
        db.executescript(INDEXES)
        (houses,) = db.execute("SELECT count(*) FROM house").fetchone()
    return {"address_streets": count, "addresses": houses, "places": len(places)}


def _by_name(streets: StreetArrays, objects: Sequence[AddressObject]) -> list[tuple[str, _Name]]:
    named: defaultdict[tuple[str, str], _Name] = defaultdict(_Name)
    keys = [(fold(name), exact_letters(name)) for name in streets.names]
    ferry = CLASS_ID["ferry"]
    for at, (name, kind) in enumerate(
        zip(streets.name.tolist(), streets.road_class.tolist(), strict=True)
    ):
        if not name or kind == ferry:
            continue
        group = named[keys[name]]
        group.names[streets.names[name]] += 1
        line = streets.shape[streets.first[at] : streets.first[at + 1]]
        # The ends and every fourth corner are enough to find which lines belong together.
        picked = np.unique(np.concatenate([np.arange(0, len(line), 4), [len(line) - 1]]))
        group.spots += [(lon / E7, lat / E7) for lon, lat in line[picked].tolist()]
    for item in objects:
        if item.number and item.street:
            group = named[fold(item.street), exact_letters(item.street)]
            group.names[item.street] += 1
            group.houses.append(item)
    return [(key, group) for (key, _letters), group in named.items() if key]


def _write_name(
    db: sqlite3.Connection, key: str, group: _Name, scale: npt.NDArray[np.float64]
) -> int:
    spots = np.array(group.spots + [(house.lon, house.lat) for house in group.houses])
    label = clusters(spots * scale, APART_M)
    name = group.names.most_common(1)[0][0]
    lines = len(group.spots)
    for cluster in range(int(label.max()) + 1):
        rows = np.flatnonzero(label == cluster)
        on_line = rows[rows < lines]
        houses = [group.houses[row - lines] for row in rows[rows >= lines].tolist()]
        around = spots[on_line] if len(on_line) else spots[rows]
        middle = np.median(around, axis=0)
        lon, lat = around[np.hypot(*((around - middle) * scale).T).argmin()]
        cities = Counter(house.city for house in houses if house.city)
        codes = {fold_postcode(house.postcode) for house in houses if house.postcode}
        extent = np.hypot(*(np.ptp(spots[rows], axis=0) * scale))
        street = db.execute(
            "INSERT INTO street (key, loose, name, city, cities, postcodes, lat, lon, extent_m,"
            " houses) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                key,
                loose(name),
                name,
                cities.most_common(1)[0][0] if cities else "",
                "|".join(sorted({fold(city) for city in cities})),
                "|".join(sorted(codes)),
                float(lat),
                float(lon),
                int(extent),
                len(houses),
            ),
        ).lastrowid
        db.executemany(
            "INSERT INTO house VALUES (?,?,?,?,?,?,?,?,?,?)",
            [(street, *row) for house in houses for row in _house_rows(house)],
        )
    return int(label.max()) + 1


def _house_rows(house: AddressObject) -> list[tuple[object, ...]]:
    number = house_number(house.number)
    if number is None:
        return []
    return [
        (
            number.low,
            number.high,
            number.suffix,
            house.number,
            house.postcode,
            house.city,
            house.lat,
            house.lon,
            house.source_id,
        )
    ]


def clusters(spots: Plane, apart_m: float) -> npt.NDArray[np.int64]:
    """Return a group number for each spot (single-linkage clustering).

    Two spots are in one group if a chain of spots connects them in steps of ``apart_m`` or less.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = len(spots)
    if np.hypot(*np.ptp(spots, axis=0)) <= apart_m:
        return np.zeros(count, np.int64)
    pairs = cKDTree(spots).query_pairs(apart_m, output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs), np.int8), pairs.T), shape=(count, count))
    label: npt.NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return label


def _places(objects: Sequence[AddressObject]) -> list[tuple[str, str, str, float, float]]:
    """Return the named places, and the middle of each city and postcode found in addresses."""
    rows = [
        (fold(item.name), item.name, item.kind, item.lat, item.lon)
        for item in objects
        if not item.number and item.name
    ]
    place_keys = {key for key, *_ in rows}
    groups: defaultdict[tuple[str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for item in objects:
        if not item.number:
            continue
        if item.city and fold(item.city) not in place_keys:
            groups[fold(item.city), "city"].append((item.lat, item.lon, item.city))
        if item.postcode:
            code = fold_postcode(item.postcode)
            groups[code, "postcode"].append((item.lat, item.lon, item.postcode))
    for (key, kind), spots in groups.items():
        lat, lon = np.median([(a, b) for a, b, _ in spots], axis=0).tolist()
        rows.append((key, spots[0][2], kind, lat, lon))
    return [row for row in rows if row[0]]
