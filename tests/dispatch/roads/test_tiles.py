"""Vector tiles are read by a second implementation that shares no code with the writer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch.roads import tiles
from tests.dispatch.roads.town import Town, grid, spot


@dataclass
class Feature:
    kind: int
    properties: dict[str, str | int]
    parts: list[list[tuple[int, int]]]


def number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    result: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = number(data, at)
        value, at = number(data, at)
        if key & 7 == 2:
            result.append((key >> 3, data[at : at + value]))
            at += value
        else:
            result.append((key >> 3, value))
    return result


def raw(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def numbers(data: bytes) -> list[int]:
    result, at = [], 0
    while at < len(data):
        value, at = number(data, at)
        result.append(value)
    return result


def parts(data: bytes) -> list[list[tuple[int, int]]]:
    """Return the lines or rings of a feature's geometry."""
    words = iter(numbers(data))
    x = y = 0
    result: list[list[tuple[int, int]]] = []
    for word in words:
        command, count = word & 7, word >> 3
        if command == 7:
            continue
        if command == 1:
            result.append([])
        for _ in range(count):
            dx, dy = next(words), next(words)
            x, y = x + (dx >> 1 ^ -(dx & 1)), y + (dy >> 1 ^ -(dy & 1))
            result[-1].append((x, y))
    return result


def read(tile: bytes) -> dict[str, list[Feature]]:
    layers: dict[str, list[Feature]] = {}
    for key, layer in fields(tile):
        assert key == 3
        assert isinstance(layer, bytes)
        layer_fields = fields(layer)
        name = next(v for k, v in layer_fields if k == 1 and isinstance(v, bytes)).decode()
        keys = [v.decode() for k, v in layer_fields if k == 3 and isinstance(v, bytes)]
        values = [
            v.decode() if isinstance(v, bytes) else v
            for k, body in layer_fields
            if k == 4 and isinstance(body, bytes)
            for _, v in fields(body)
        ]
        assert (5, 4096) in layer_fields
        assert (15, 2) in layer_fields
        layers[name] = []
        for k, feature in layer_fields:
            if k == 2 and isinstance(feature, bytes):
                inner = dict(fields(feature))
                tags = numbers(raw(inner[2]))
                properties = {keys[tags[i]]: values[tags[i + 1]] for i in range(0, len(tags), 2)}
                layers[name].append(Feature(int(inner[3]), properties, parts(raw(inner[4]))))
    return layers


def where(x: float, y: float, z: int) -> tuple[int, int, float, float]:
    """Return the tile (x, y) of a spot and the position in the tile (4096 units)."""
    point = spot(x, y)
    across = (point.lon / 360 + 0.5) * 2**z
    down = (0.5 - math.asinh(math.tan(math.radians(point.lat))) / (2 * math.pi)) * 2**z
    return int(across), int(down), across % 1 * 4096, down % 1 * 4096


def park_town() -> Town:
    town = grid(4)
    ring = [town.node(x, y) for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))]
    town.ways.append(((*ring, ring[0]), {"leisure": "park", "name": "Green"}))
    return town


def test_streets_are_at_their_position_with_their_names(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    x, y, across, down = where(1, 1, 14)
    streets = read(tiles.tile("town", 14, x, y, tmp_path))["streets"]
    named = {f.properties["name"]: f for f in streets}
    assert {"Row 1", "Column 1"} <= set(named)
    assert named["Row 1"].properties == {
        "class": "residential", "kind": "local", "name": "Row 1"
    }  # fmt: skip
    (row,) = named["Row 1"].parts
    assert all(abs(place[1] - down) < 3 for place in row), "a row runs level through the spot"
    (column,) = named["Column 1"].parts
    assert all(abs(place[0] - across) < 3 for place in column)


def test_a_street_with_many_junctions_is_one_line(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    x, y, *_ = where(1, 1, 13)
    streets = read(tiles.tile("town", 13, x, y, tmp_path))["streets"]
    assert len(streets) == 8
    assert all(len(f.parts) == 1 for f in streets)


def test_parks_are_rings_with_the_direction_that_the_format_requires(tmp_path: Path) -> None:
    park_town().build(tmp_path)
    x, y, *_ = where(0.5, 0.5, 14)
    (park,) = read(tiles.tile("town", 14, x, y, tmp_path))["park"]
    assert park.properties == {"name": "Green"}
    assert park.kind == 3
    (ring,) = park.parts
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
    assert area > 0, "an outer ring has a positive area in tile units"
    assert len(ring) == 4


def test_small_streets_appear_only_at_high_zooms(tmp_path: Path) -> None:
    town = grid(3)
    town.way(1, 9, highway="primary", name="High Road")
    town.build(tmp_path)
    names = {}
    for z in (9, 14):
        x, y, *_ = where(1, 1, z)
        layers = read(tiles.tile("town", z, x, y, tmp_path))
        names[z] = {f.properties.get("name") for f in layers["streets"]}
    assert names[9] == {"High Road"}
    assert "Row 1" in names[14]


def test_each_tile_stays_within_its_edge_and_buffer(tmp_path: Path) -> None:
    grid(5).build(tmp_path)
    x, y, *_ = where(0, 0, 14)
    seen = 0
    for tile_x in range(x - 1, x + 3):
        for tile_y in range(y - 3, y + 2):
            for layer in read(tiles.tile("town", 14, tile_x, tile_y, tmp_path)).values():
                for feature in layer:
                    for part in feature.parts:
                        seen += 1
                        assert all(-65 <= c <= 4096 + 65 for place in part for c in place)
    assert seen > 8


def test_a_tile_without_streets_is_empty_and_an_invalid_tile_is_refused(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    assert tiles.tile("town", 14, 0, 0, tmp_path) == b""
    for z, x, y in ((7, 0, 0), (15, 0, 0), (10, 1024, 0), (10, 0, -1)):
        with pytest.raises(ValueError, match="There is no tile"):
            tiles.tile("town", z, x, y, tmp_path)


def test_the_tilejson_names_the_attribution_and_the_version(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    tilejson = tiles.tilejson("town", tmp_path)
    assert tilejson["attribution"] == "© OpenStreetMap contributors"
    assert tilejson["maxzoom"] == 14
    grid(3).build(tmp_path)
    assert tiles.tilejson("town", tmp_path)["version"] != tilejson["version"]


def test_a_new_version_is_drawn_from_its_own_streets(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    x, y, *_ = where(1, 1, 14)
    before = tiles.tile("town", 14, x, y, tmp_path)
    grid(4).build(tmp_path)
    assert tiles.tile("town", 14, x, y, tmp_path) != before
