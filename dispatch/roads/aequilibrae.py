"""Read streets and people by zone from an AequilibraE project (SQLite with SpatiaLite blobs). PURE.

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

from dispatch.roads.city import City
from dispatch.roads.rules import CLASS_ID, GRAPHS, posted_kph, usable
from dispatch.roads.streets import E7, Way

Ring = list[tuple[float, float]]
_HEADER: Final = 39  # start, byte order, SRID, four bounds, marker 0x7c, then the class
_INNER: Final = 10**4  # corners of one link, at most


@dataclass(frozen=True, slots=True)
class PopulationZone:
    """Where people live: outer rings in (lon, lat) and how many live within them."""

    zone: int
    population: int
    rings: tuple[Ring, ...]


class _Blob:
    def __init__(self, blob: bytes) -> None:
        if len(blob) < _HEADER + 5 or blob[0] != 0 or blob[_HEADER - 1] != 0x7C:
            raise ValueError("A geometry is no SpatiaLite blob: the file is damaged.")
        self.blob, self.at = blob, _HEADER
        self.order = "<" if blob[1] == 1 else ">"

    def number(self) -> int:
        (found,) = struct.unpack_from(f"{self.order}I", self.blob, self.at)
        self.at += 4
        return int(found)

    def corners(self) -> Ring:
        count = self.number()
        flat = struct.unpack_from(f"{self.order}{2 * count}d", self.blob, self.at)
        self.at += 16 * count
        return list(zip(flat[::2], flat[1::2], strict=True))

    def polygon(self) -> Ring:
        """The outer ring; holes are passed over."""
        rings = [self.corners() for _ in range(self.number())]
        return rings[0]


def line_of(blob: bytes) -> Ring:
    """Corners of a LINESTRING blob."""
    reader = _Blob(blob)
    if reader.number() != 2:
        raise ValueError("A link's geometry is no plain LINESTRING.")
    return reader.corners()


def rings_of(blob: bytes) -> tuple[Ring, ...]:
    """Outer rings of a POLYGON or MULTIPOLYGON blob."""
    reader = _Blob(blob)
    kind = reader.number()
    if kind == 3:
        return (reader.polygon(),)
    if kind != 6:
        raise ValueError("A zone's geometry is neither POLYGON nor MULTIPOLYGON.")
    rings = []
    for _ in range(reader.number()):
        reader.at += 1  # entity mark 0x69
        if reader.number() != 3:
            raise ValueError("A zone's MULTIPOLYGON holds something else than polygons.")
        rings.append(reader.polygon())
    return tuple(rings)


def read(path: Path) -> tuple[City, list[PopulationZone]]:
    """Read a project database.

    Raises
    ------
    ValueError
        When the file is no such database or holds no usable street.
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
            "Give its project_database.sqlite."
        ) from fault
    city = City()
    for link in links:
        _add_link(city, Link(*link))
    if not city.ways:
        raise ValueError(f"{path.name} holds no street that any profile may use.")
    people = [PopulationZone(zone, int(count or 0), rings_of(blob)) for zone, count, blob in zones]
    return city, people


class Link(NamedTuple):
    """A row of the project's table of links: a street from node ``a`` to node ``b``."""

    number: int
    a: int
    b: int
    direction: int  # 1: from a to b alone, -1: from b to a alone, 0: both ways
    kind: str
    name: str | None
    speed_ab: object
    speed_ba: object
    line: bytes


def _add_link(city: City, link: Link) -> None:
    """Add a link to the city's ways, or count why it is left out."""
    if link.kind not in CLASS_ID:
        city.left_out[link.kind] = city.left_out.get(link.kind, 0) + 1
        return
    tags = {"highway": link.kind, "oneway": {1: "yes", -1: "-1"}.get(link.direction, "no")}
    along = against = 0
    for bit, graph in enumerate(GRAPHS):
        ahead, back = usable(graph, tags)
        along |= ahead << bit
        against |= back << bit
    line = [(round(lon * E7), round(lat * E7)) for lon, lat in line_of(link.line)]
    if not (along or against) or len(line) < 2:
        city.left_out["no access"] = city.left_out.get("no access", 0) + 1
        return
    inner = [-(link.number * _INNER + at) for at in range(1, len(line) - 1)]
    posted = [posted_kph(str(kph)) if kph else 0 for kph in (link.speed_ab, link.speed_ba)]
    nodes, name = [link.a, *inner, link.b], (link.name or "").strip()
    city.ways.append(Way(nodes, line, link.kind, name, along, against, *posted))


def write_people(path: Path, people: list[PopulationZone]) -> int:
    """Keep the zones beside the network; returns how many people they hold."""
    rows = [(zone.zone, zone.population, zone.rings) for zone in people]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return sum(zone.population for zone in people)


def read_people(path: Path) -> list[PopulationZone]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        PopulationZone(zone, count, tuple([(x, y) for x, y in ring] for ring in rings))
        for zone, count, rings in rows
    ]
