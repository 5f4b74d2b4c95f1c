"""Reads streets and population zones from an AequilibraE project (SQLite, SpatiaLite blobs). PURE.

Source of the blob layout: SpatiaLite's BLOB-Geometry, https://www.gaia-gis.it/gaia-sins/BLOB-Geometry.html
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from dispatch.roads.access import way_bits
from dispatch.roads.city import City
from dispatch.roads.rules import CLASS_ID, posted_kph
from dispatch.roads.streets import E7, Way

Ring = list[tuple[float, float]]
_HEADER: Final = (
    39  # start, byte order, SRID, four bounds and the marker 0x7c come before the class
)
_INNER: Final = 10**4  # more corners than any link has; gives each inner corner its own node number


@dataclass(frozen=True, slots=True)
class PopulationZone:
    """A zone: its outer rings in (lon, lat), and the number of people who live there."""

    zone: int
    population: int
    rings: tuple[Ring, ...]


class _Blob:
    """A reader of one SpatiaLite geometry, from its first byte to its last."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < _HEADER + 5 or blob[0] != 0 or blob[_HEADER - 1] != 0x7C:
            raise ValueError("A geometry is not a SpatiaLite blob: the file is damaged.")
        self.blob, self.at = blob, _HEADER
        self.order = "<" if blob[1] == 1 else ">"

    def number(self) -> int:
        (value,) = struct.unpack_from(f"{self.order}I", self.blob, self.at)
        self.at += 4
        return int(value)

    def corners(self) -> Ring:
        count = self.number()
        flat = struct.unpack_from(f"{self.order}{2 * count}d", self.blob, self.at)
        self.at += 16 * count
        return list(zip(flat[::2], flat[1::2], strict=True))

    def polygon(self) -> Ring:
        """Return the outer ring of the next polygon; holes are skipped."""
        rings = [self.corners() for _ in range(self.number())]
        return rings[0]


def line_of(blob: bytes) -> Ring:
    """Return the corners of a LINESTRING blob."""
    reader = _Blob(blob)
    if reader.number() != 2:
        raise ValueError("The geometry of a link is not a plain LINESTRING.")
    return reader.corners()


def rings_of(blob: bytes) -> tuple[Ring, ...]:
    """Return the outer rings of a POLYGON or MULTIPOLYGON blob."""
    reader = _Blob(blob)
    kind = reader.number()
    if kind == 3:
        return (reader.polygon(),)
    if kind != 6:
        raise ValueError("The geometry of a zone is neither a POLYGON nor a MULTIPOLYGON.")
    rings = []
    for _ in range(reader.number()):
        reader.at += 1  # entity mark 0x69
        if reader.number() != 3:
            raise ValueError(
                "The MULTIPOLYGON of a zone contains geometries that are not polygons."
            )
        rings.append(reader.polygon())
    return tuple(rings)


def read(path: Path) -> tuple[City, list[PopulationZone]]:
    """Read the streets and population zones of a project database.

    Raises
    ------
    ValueError
        If the file is not such a database or contains no usable street.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        ) as db:
            links = db.execute(
                "SELECT link_id, a_node, b_node, direction, link_type, name, speed_ab, speed_ba,"
                " geometry FROM links"
            ).fetchall()
            zones = db.execute("SELECT zone_id, population, geometry FROM zones").fetchall()
    except sqlite3.DatabaseError as fault:
        raise ValueError(
            f"{path.name} cannot be read as an AequilibraE project ({fault}). "
            "Give the file project_database.sqlite of a project."
        ) from fault
    city = City()
    for link in links:
        _add_link(city, Link(*link))
    if not city.ways:
        raise ValueError(f"{path.name} contains no street that a vehicle or a person may use.")
    people = [PopulationZone(zone, int(count or 0), rings_of(blob)) for zone, count, blob in zones]
    return city, people


class Link(NamedTuple):
    """A row of the project's table ``links``: a street from node ``a`` to node ``b``."""

    number: int
    a: int
    b: int
    direction: int  # 1: only from a to b, -1: only from b to a, 0: both ways
    kind: str
    name: str | None
    speed_ab: object
    speed_ba: object
    line: bytes


def _add_link(city: City, link: Link) -> None:
    """Add a link to the city's ways, or count it under the reason why it is left out."""
    if link.kind not in CLASS_ID:
        city.left_out[link.kind] = city.left_out.get(link.kind, 0) + 1
        return
    tags = {"highway": link.kind, "oneway": {1: "yes", -1: "-1"}.get(link.direction, "no")}
    along, against, *_more = way_bits(tags)  # the project has no access tags
    line = [(round(lon * E7), round(lat * E7)) for lon, lat in line_of(link.line)]
    if not (along or against) or len(line) < 2:
        city.left_out["no access"] = city.left_out.get("no access", 0) + 1
        return
    inner = [-(link.number * _INNER + at) for at in range(1, len(line) - 1)]
    posted = [posted_kph(str(kph)) if kph else 0 for kph in (link.speed_ab, link.speed_ba)]
    nodes, name = [link.a, *inner, link.b], (link.name or "").strip()
    city.ways.append(Way(nodes, line, link.kind, name, along, against, *posted))


def write_people(path: Path, people: list[PopulationZone]) -> int:
    """Write the zones to a file and return the total number of people."""
    rows = [(zone.zone, zone.population, zone.rings) for zone in people]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return sum(zone.population for zone in people)


def read_people(path: Path) -> list[PopulationZone]:
    """Return the zones from a file of ``write_people``."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        PopulationZone(zone, count, tuple([(x, y) for x, y in ring] for ring in rings))
        for zone, count, rings in rows
    ]
