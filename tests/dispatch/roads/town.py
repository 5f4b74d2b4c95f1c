"""A small town for tests, written as OSM XML; one step of its coordinates is about 100 m."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from dispatch.roads import build, osm
from dispatch.roads.store import NetworkInfo
from lastmile.core.geo import Point

STEP = 0.001
LAT, LON = 41.0, -8.6


def spot(x: float, y: float) -> Point:
    """Return the point x steps east and y steps north of the town's corner."""
    return Point(lat=LAT + y * STEP, lon=LON + x * STEP)


@dataclass
class Town:
    """Nodes, ways and relations of a town."""

    nodes: dict[int, tuple[float, float, Mapping[str, str]]] = field(default_factory=dict)
    ways: list[tuple[Sequence[int], Mapping[str, str]]] = field(default_factory=list)
    relations: list[tuple[Sequence[tuple[str, int, str]], Mapping[str, str]]] = field(
        default_factory=list
    )

    def node(self, x: float, y: float, tags: Mapping[str, str] | None = None) -> int:
        number = len(self.nodes) + 1
        self.nodes[number] = (x, y, tags or {})
        return number

    def way(self, *nodes: int, highway: str = "residential", **tags: str) -> None:
        plain_tags = {key.replace("__", ":"): value for key, value in tags.items()}
        self.ways.append((nodes, {"highway": highway, **plain_tags}))

    def write(self, path: Path) -> Path:
        def tags(mapping: Mapping[str, str]) -> str:
            return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in mapping.items())

        lines = ['<osm version="0.6" generator="test">']
        for number, (x, y, properties) in self.nodes.items():
            where = spot(x, y)
            lines.append(
                f'<node id="{number}" version="1" lat="{where.lat:.7f}" lon="{where.lon:.7f}">'
                f"{tags(properties)}</node>"
            )
        for at, (nodes, properties) in enumerate(self.ways, 1):
            refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
            lines.append(f'<way id="{at}" version="1">{refs}{tags(properties)}</way>')
        for at, (members, properties) in enumerate(self.relations, 1):
            refs = "".join(f'<member type="{t}" ref="{r}" role="{o}"/>' for t, r, o in members)
            lines.append(f'<relation id="{at}" version="1">{refs}{tags(properties)}</relation>')
        path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
        return path

    def build(self, var: Path, name: str = "town") -> NetworkInfo:
        var.mkdir(parents=True, exist_ok=True)
        city = osm.read(self.write(var / f"{name}.osm"))
        return build.build(city, name=name, origin=build.Origin("Town", "test"), var=var)


def grid(size: int, **tags: str) -> Town:
    """Return a town with streets along each line of a grid; node (x, y) is y * size + x + 1."""
    town = Town()
    for y in range(size):
        for x in range(size):
            town.node(x, y)
    for at in range(size):
        town.way(*range(at * size + 1, at * size + size + 1), name=f"Row {at}", **tags)
        town.way(*range(at + 1, size * size + 1, size), name=f"Column {at}", **tags)
    return town
