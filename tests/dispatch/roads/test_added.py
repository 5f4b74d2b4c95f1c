"""Travel to one more place is computed alone and equals the full matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.roads import added, hierarchy, matrix
from dispatch.roads.added import AddedPlace, KnownPlaces, travel_added, travel_to_known
from dispatch.roads.memory import Memory
from dispatch.roads.network import Graph, Snaps, Weighted
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


def test_the_known_places_are_snapped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid(4).build(tmp_path)
    known = [spot(0, 0), spot(3, 3), spot(1, 2)]
    snapped: list[int] = []
    snap = Graph.snap

    def counted(self: Graph, points: Sequence[Point]) -> Snaps:
        snapped.append(len(points))
        return snap(self, points)

    monkeypatch.setattr(Graph, "snap", counted)
    monkeypatch.setattr(added, "_memory", Memory(added.CACHE_BYTES))
    tables: list[int] = []
    monkeypatch.setattr(Weighted, "table", lambda *_args, **_kwargs: tables.append(1))
    for new in (spot(2, 1), spot(1, 1), spot(0, 3)):
        travel_added(known, new, network="town", profile="van", var=tmp_path)
    assert snapped == [3, 1, 1, 1]
    assert tables == [], "no table between the known places is made"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(town=towns(), data=st.data())
def test_places_can_be_added_and_replaced_and_many_lists_asked_at_once(
    town: Town, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("town")
    town.build(var)
    coordinate = st.floats(-1, 5)

    def place() -> Point:
        far = data.draw(st.integers(0, 9)) == 0
        return spot(80, 80) if far else spot(data.draw(coordinate), data.draw(coordinate))

    questions: list[tuple[list[Point], Profile, int | None]] = []
    lists: list[KnownPlaces] = []
    for profile, minute in (("van", 480), ("van", 480), ("van", 180), ("foot", None)):
        points = [place() for _ in range(data.draw(st.integers(0, 4)))]
        known = KnownPlaces(points, network="town", profile=profile, depart_minute=minute, var=var)
        for _ in range(3):
            at, point = data.draw(st.integers(0, len(points))), place()
            known = known.with_place(at, point)
            points[at : at + 1] = [point]
        questions.append((points, profile, minute))
        lists.append(known)
    new = place()
    for (points, profile, minute), travel in zip(
        questions, travel_to_known(new, lists), strict=True
    ):
        due = same(points, new, var=var, profile=profile, minute=minute)
        for name in ("to_s", "to_m", "from_s", "from_m"):
            assert getattr(travel, name).tolist() == getattr(due, name).tolist()
        assert (travel.source, travel.straight) == (due.source, due.straight)


def test_no_place_can_be_added_behind_a_gap(tmp_path: Path) -> None:
    known = KnownPlaces([spot(0, 0)], network="", profile="van", var=tmp_path)
    with pytest.raises(ValueError, match="gap"):
        known.with_place(2, spot(1, 1))
    assert len(known) == 1


def test_the_cache_keeps_the_last_used_values_within_its_bytes() -> None:
    memory: Memory[np.ndarray] = Memory(100)  # type: ignore[type-arg]
    for name in ("a", "b", "c"):
        memory.put((name,), np.zeros(5))  # 40 bytes each
        memory.get(("a",))
    assert list(memory.held) == [("c",), ("a",)]
    assert memory.bytes() == 80
    memory.put(("c",), np.zeros(1))  # replaces the value before
    assert memory.bytes() == 48
