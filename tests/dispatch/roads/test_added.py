"""Travel to one more place is computed alone and equals the full matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.roads import added, hierarchy, matrix
from dispatch.roads.added import AddedPlace, travel_added
from dispatch.roads.memory import Memory
from dispatch.roads.network import Weighted
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from tests.dispatch.roads.test_matrix import towns
from tests.dispatch.roads.town import Town, grid, spot


def same(
    known: list[Point],
    new: Point,
    *,
    var: Path,
    network: str | None = "town",
    profile: Profile = "van",
    minute: int | None = None,
) -> AddedPlace:
    """Compare the result with the last row and column of the full matrix, and return it."""
    whole = matrix.travel(
        [*known, new], network=network, profile=profile, depart_minute=minute, var=var
    )
    alone = travel_added(
        known, new, network=network, profile=profile, depart_minute=minute, var=var
    )
    assert alone.to_s.tolist() == whole.duration_s[-1, :-1].tolist()
    assert alone.to_m.tolist() == whole.distance_m[-1, :-1].tolist()
    assert alone.from_s.tolist() == whole.duration_s[:-1, -1].tolist()
    assert alone.from_m.tolist() == whole.distance_m[:-1, -1].tolist()
    assert (alone.to_s.dtype, alone.from_m.dtype) == (np.int32, np.int32)
    return alone


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(town=towns(), data=st.data())
def test_one_place_alone_gets_the_same_times_as_in_the_full_matrix(
    town: Town, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("town")
    town.build(var)
    coordinate = st.floats(-1, 5)
    known = [spot(data.draw(coordinate), data.draw(coordinate)) for _ in range(7)]
    profile = data.draw(st.sampled_from(["van", "cargo_bike", "foot"]))
    for minute in (None, 8 * 60, 3 * 60):
        for new in (spot(data.draw(coordinate), data.draw(coordinate)), known[3]):
            same(known, new, var=var, profile=profile, minute=minute)


def test_the_hour_changes_the_times(tmp_path: Path) -> None:
    town = Town()
    a, b, c = town.node(0, 0), town.node(20, 0), town.node(40, 0)
    town.way(a, b, c, highway="primary")
    town.build(tmp_path)
    known, new = [spot(0, 0), spot(20, 0)], spot(39, 0)
    peak = same(known, new, var=tmp_path, minute=8 * 60)
    night = same(known, new, var=tmp_path, minute=3 * 60)
    assert peak.to_s[0] > night.to_s[0]


def test_the_result_is_the_same_without_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_args: object) -> None:
        raise ImportError("no wheel for this machine")

    monkeypatch.setattr(hierarchy, "order_nodes", missing)
    grid(5).build(tmp_path)
    known = [spot(0.2, 0), spot(3, 1.6), spot(1.4, 2), spot(4, 4)]
    for new in (spot(2.5, 3), spot(0.7, 0), known[1]):
        same(known, new, var=tmp_path, minute=17 * 60)


@pytest.mark.parametrize("network", ["", None, "nowhere"])
def test_without_a_network_straight_lines_are_used_and_named(
    tmp_path: Path, network: str | None
) -> None:
    known = [Point(lat=-29.9, lon=-71.25), Point(lat=-29.95, lon=-71.3)]
    alone = same(known, Point(lat=-29.91, lon=-71.2), var=tmp_path, network=network)
    assert (alone.source, alone.straight) == ("straight_line", ())
    assert alone.to_m.tolist() == alone.from_m.tolist()


def test_places_far_from_every_street_are_named_and_the_rest_goes_by_road(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    known = [spot(0, 0), spot(90, 90), spot(3, 3)]
    near = same(known, spot(2, 1), var=tmp_path)
    assert (near.source, near.straight) == ("roads", (1,))
    far = same(known, spot(-90, 90), var=tmp_path)
    assert (far.source, far.straight) == ("straight_line", ())
    assert far.snapped_m > 0
    lonely = same([spot(90, 90)], spot(2, 1), var=tmp_path)
    assert lonely.source == "straight_line"
    assert same([], spot(2, 1), var=tmp_path).to_s.shape == (0,)


def test_the_known_places_are_prepared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid(4).build(tmp_path)
    known = [spot(0, 0), spot(3, 3), spot(1, 2)]
    prepared: list[int] = []
    prepare = Weighted.known_places

    def counted(self: Weighted, snaps: object) -> object:
        prepared.append(1)
        return prepare(self, snaps)  # type: ignore[arg-type]

    monkeypatch.setattr(Weighted, "known_places", counted)
    monkeypatch.setattr(added, "_memory", Memory(added.CACHE_BYTES))
    tables: list[int] = []
    monkeypatch.setattr(Weighted, "table", lambda *_args, **_kwargs: tables.append(1))
    for new in (spot(2, 1), spot(1, 1), spot(0, 3)):
        travel_added(known, new, network="town", profile="van", var=tmp_path)
    assert len(prepared) == 1
    assert tables == [], "no table between the known places is made"


def test_the_cache_keeps_the_last_used_values_within_its_bytes() -> None:
    memory: Memory[np.ndarray] = Memory(100)  # type: ignore[type-arg]
    for name in ("a", "b", "c"):
        memory.put((name,), np.zeros(5))  # 40 bytes each
        memory.get(("a",))
    assert list(memory.held) == [("c",), ("a",)]
    assert memory.bytes() == 80
    memory.put(("c",), np.zeros(1))  # replaces the value before
    assert memory.bytes() == 48
