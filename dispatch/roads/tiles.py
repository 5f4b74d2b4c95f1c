"""The base map: vector tiles made from a network, without an outside server. PURE.

Layers: ``streets`` (lines; class, kind, name), ``water`` and ``park`` (polygons; name).
``kind`` groups the classes for a style: highway, main, local, path.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.memory import Memory
from dispatch.roads.mvt import EXTENT, Layer
from dispatch.roads.network import Network, load
from dispatch.roads.rules import CLASS_ID, CLASSES
from dispatch.roads.streets import E7

MIN_ZOOM: Final = 8
MAX_ZOOM: Final = 14  # higher zooms enlarge these tiles; one unit is half a metre at this zoom
BUFFER: Final = (
    64  # units drawn beyond the edge, so that lines and labels continue in the next tile
)
CACHE_BYTES: Final = 32 * 1024 * 1024
# kind of street on the map -> its road classes
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "highway": ("motorway", "motorway_link", "trunk", "trunk_link"),
    "main": ("primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link"),
    "local": ("unclassified", "residential", "living_street", "road", "service", "pedestrian"),
    "path": ("track", "cycleway", "footway", "path", "bridleway", "steps", "corridor", "ferry"),
}
_FROM_ZOOM: Final[dict[str, int]] = {
    **dict.fromkeys(CLASSES, 14),
    **dict.fromkeys(("motorway", "trunk", "primary"), 8),
    **dict.fromkeys(("motorway_link", "trunk_link", "secondary"), 10),
    **dict.fromkeys(("tertiary", "primary_link", "secondary_link"), 11),
    **dict.fromkeys(
        ("residential", "unclassified", "living_street", "pedestrian", "road", "ferry"), 12
    ),
}
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names}
_ZOOM_OF_CLASS: Final = np.array([_FROM_ZOOM[name] for name in CLASSES])
_FULL: Final = 1 << 30  # width of the world in mercator units: 4096 units a tile at zoom 18

Geometries = npt.NDArray[Any]


def tile(name: str, z: int, x: int, y: int, var: Path | str | None = None) -> bytes:
    """Return one vector tile; empty bytes if the network has nothing to draw there.

    Raises
    ------
    ValueError
        If z is not from MIN_ZOOM to MAX_ZOOM, or x or y is outside the world.
    """
    if not (MIN_ZOOM <= z <= MAX_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise ValueError(f"There is no tile {z}/{x}/{y}: zooms are {MIN_ZOOM} to {MAX_ZOOM}.")
    network = load(name, var)
    key = (str(network.folder), z, x, y)
    data = _cache.get(key)
    if data is None:
        data = _drawing(network.folder).tile(z, x, y)
        _cache.put(key, data)
    return data


def tilejson(name: str, var: Path | str | None = None) -> dict[str, object]:
    """Return the TileJSON of a network, for MapLibre, without the ``tiles`` addresses.

    The addresses should contain ``version``, because a tile of one version never changes.
    """
    info = load(name, var).info
    return {
        "tilejson": "3.0.0",
        "name": info.title,
        "version": f"1.0.{int(info.version)}",
        "attribution": info.attribution,
        "bounds": list(info.bbox),
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [
            {
                "id": "streets",
                "fields": {
                    "class": "OSM highway class",
                    "kind": "highway, main, local or path",
                    "name": "String",
                },
            },
            {"id": "water", "fields": {"name": "String"}},
            {"id": "park", "fields": {"name": "String"}},
        ],
    }


def mercator(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return degrees in web mercator: the world is a square of side 1, y points down."""
    lat = np.radians(lonlat[:, 1])
    y = 0.5 - np.log(np.tan(math.pi / 4 + lat / 2)) / (2 * math.pi)
    return np.column_stack([lonlat[:, 0] / 360 + 0.5, y])


class Drawing:
    """The streets and areas of a network in mercator units, ready to be cut into tiles."""

    def __init__(self, network: Network) -> None:
        streets = network.streets
        self.streets = streets
        self.corners = mercator(streets.shape / E7) * _FULL
        starts = streets.first[:-1]
        self.low = np.minimum.reduceat(self.corners, starts)
        self.high = np.maximum.reduceat(self.corners, starts)
        self.zoom = _ZOOM_OF_CLASS[streets.road_class]
        self.areas = _areas(network.folder / "areas.json")

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Return one tile: cut, simplified and encoded."""
        unit = _FULL >> z
        corner = np.array([x * unit, y * unit], np.float64)
        scale = EXTENT / unit
        reach = BUFFER / scale
        inside = (
            (self.zoom <= z)
            & (self.high >= corner - reach).all(axis=1)
            & (self.low <= corner + unit + reach).all(axis=1)
        )
        body = b""
        for kind in ("water", "park"):
            body += self._area_layer(kind, corner, scale)
        return body + self._street_layer(np.flatnonzero(inside), corner, scale)

    def _street_layer(
        self, rows: npt.NDArray[np.int64], corner: npt.NDArray[np.float64], scale: float
    ) -> bytes:
        import shapely

        layer = Layer("streets")
        if not len(rows):
            return b""
        streets = self.streets
        size = np.diff(streets.first)[rows]
        start = np.repeat(streets.first[rows] - (np.cumsum(size) - size), size)
        spots = (self.corners[start + np.arange(int(size.sum()))] - corner) * scale
        lines: Geometries = np.atleast_1d(
            np.asarray(shapely.linestrings(spots, indices=np.repeat(np.arange(len(rows)), size)))
        )
        key = np.column_stack([_RANK[streets.road_class[rows]], streets.name[rows]])
        kinds, group = np.unique(key, axis=0, return_inverse=True)
        by_group = np.argsort(group, kind="stable")
        cuts = np.searchsorted(group[by_group], np.arange(len(kinds) + 1))
        many: Geometries = np.array(
            [
                shapely.multilinestrings(lines[by_group[a:b]])
                for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
            ]
        )
        # A short piece has no room for a label, so pieces of one street are joined.
        whole = shapely.line_merge(many, directed=False)
        least, most = -BUFFER, EXTENT + BUFFER
        cut = shapely.clip_by_rect(shapely.simplify(whole, 3.0), least, least, most, most)
        for (order, name), shape in zip(kinds.tolist(), cut, strict=True):
            road_class = CLASSES[_ORDER[order]]
            properties: dict[str, str | int] = {
                "class": road_class,
                "kind": _KIND_OF[road_class],
            }
            if name:
                properties["name"] = streets.names[name]
            layer.add("line", _parts(shape), properties)
        return layer.encoded()

    def _area_layer(self, kind: str, corner: npt.NDArray[np.float64], scale: float) -> bytes:
        import shapely

        layer = Layer(kind)
        least, most = corner - BUFFER / scale, corner + (EXTENT + BUFFER) / scale
        names, shapes = self.areas[kind]
        if not len(shapes):
            return b""
        near = shapely.intersects(shapes, shapely.box(*least, *most))
        for at in np.flatnonzero(near):
            cut = shapely.intersection(shapes[at], shapely.box(*least, *most))
            tile_units = shapely.transform(cut, lambda spots: (spots - corner) * scale)
            simple = shapely.orient_polygons(shapely.simplify(tile_units, 3.0))
            rings = [
                np.rint(shapely.get_coordinates(ring)).astype(np.int64)[:-1]
                for part in shapely.get_parts(simple)
                if part.geom_type == "Polygon"
                for ring in (part.exterior, *part.interiors)
            ]
            layer.add("polygon", rings, {"name": names[at]} if names[at] else {})
        return layer.encoded()


# Streets drawn later are on top: small streets first, motorways last.
_ORDER: Final = sorted(range(len(CLASSES)), key=lambda at: -at)
_RANK: Final = np.argsort(np.array(_ORDER))


def _parts(shape: Any) -> list[npt.NDArray[np.int64]]:
    import shapely

    return [
        np.rint(shapely.get_coordinates(part)).astype(np.int64)
        for part in shapely.get_parts(shape)
        if part.geom_type == "LineString"
    ]


def _areas(file: Path) -> dict[str, tuple[list[str], Geometries]]:
    import shapely

    areas: dict[str, tuple[list[str], list[Any]]] = {"water": ([], []), "park": ([], [])}
    for kind, name, ring in json.loads(file.read_text(encoding="utf-8")):
        shape = shapely.Polygon(mercator(np.array(ring, np.float64) / E7) * _FULL)
        areas[kind][0].append(name)
        areas[kind][1].append(shapely.make_valid(shape))
    return {kind: (names, np.array(shapes, object)) for kind, (names, shapes) in areas.items()}


@lru_cache(maxsize=4)
def _drawing(folder: Path) -> Drawing:
    return Drawing(load(folder.parent.name, folder.parents[2]))


def _size(tile: bytes) -> int:
    return len(tile) + 200  # 200 bytes for the key and the entry of the table


_cache: Memory[bytes] = Memory(CACHE_BYTES, _size)
assert set(_KIND_OF) == set(CLASS_ID), "each road class belongs to one kind"
