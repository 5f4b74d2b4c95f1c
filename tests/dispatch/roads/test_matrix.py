"""Travel times, distances and lines in small test towns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.roads import hierarchy, matrix
from dispatch.roads.network import load
from dispatch.roads.rules import Profile, posted_kph
from lastmile.core.geo import Point, distance_m
from tests.dispatch.roads.town import Town, grid, spot


def travel(var: Path, *points: Point, profile: Profile = "van", **kw: int) -> matrix.TravelMatrix:
    return matrix.travel(points, network="town", profile=profile, var=var, **kw)


def line_m(line: list[tuple[float, float]]) -> float:
    places = [Point(lon=lon, lat=lat) for lon, lat in line]
    return sum(distance_m(a, b) for a, b in pairwise(places))


def one_way_ring(**tags: str) -> Town:
    """Return a square ring, one-way counter-clockwise: (0,0), (10,0), (10,10), (0,10)."""
    town = Town()
    a, b = town.node(0, 0), town.node(10, 0)
    c, d = town.node(10, 10), town.node(0, 10)
    for ends in ((a, b), (b, c), (c, d), (d, a)):
        town.way(*ends, oneway="yes", name=f"Side {ends[0]}", **tags)
    return town


def test_a_one_way_street_is_one_way_for_vans_and_not_on_foot(tmp_path: Path) -> None:
    one_way_ring().build(tmp_path)
    here, there = spot(2, 0), spot(8, 0)
    van = travel(tmp_path, here, there).distance_m
    foot = travel(tmp_path, here, there, profile="foot").distance_m
    assert van[0, 1] == pytest.approx(distance_m(here, there), rel=0.01)
    assert van[1, 0] > 5 * van[0, 1], "the way back goes around the ring"
    assert foot[1, 0] == foot[0, 1] == van[0, 1]


@pytest.mark.parametrize(
    "tags", [{"oneway__bicycle": "no"}, {"cycleway": "opposite_lane"}], ids=["tag", "old tag"]
)
def test_a_bicycle_rides_against_a_one_way_street_only_where_a_sign_allows(
    tmp_path: Path, tags: dict[str, str]
) -> None:
    here, there = spot(2, 0), spot(8, 0)
    one_way_ring().build(tmp_path / "plain")
    one_way_ring(**tags).build(tmp_path / "signed")
    plain = travel(tmp_path / "plain", here, there, profile="cargo_bike").distance_m
    signed = travel(tmp_path / "signed", here, there, profile="cargo_bike").distance_m
    assert plain[1, 0] > 5 * plain[0, 1]
    assert signed[1, 0] == signed[0, 1]


def test_a_roundabout_is_one_way_without_a_tag(tmp_path: Path) -> None:
    town = grid(3)
    ring = [town.node(5 + x, 5 + y) for x, y in ((0, 0), (2, 0), (2, 2), (0, 2))]
    town.way(*ring, ring[0], junction="roundabout", highway="tertiary")
    town.way(9, ring[0], highway="tertiary")
    town.build(tmp_path)
    around = travel(tmp_path, spot(6, 5), spot(7, 6)).distance_m
    quarter = distance_m(spot(6, 5), spot(7, 5)) + distance_m(spot(7, 5), spot(7, 6))
    assert around[0, 1] == pytest.approx(quarter, rel=0.02)
    assert around[1, 0] == pytest.approx(3 * quarter, rel=0.02)


def test_a_street_closed_for_cars_is_open_on_foot(tmp_path: Path) -> None:
    town = grid(3)
    gap = town.node(20, 0)
    town.way(3, gap, motor_vehicle="no", name="Quiet Lane")
    town.build(tmp_path)
    end = spot(20, 0)
    assert travel(tmp_path, spot(0, 0), end).snapped_m[1] > 1000, "the van stops at the lane"
    assert travel(tmp_path, spot(0, 0), end, profile="foot").snapped_m[1] <= 1


def test_an_island_is_left_out_because_it_cannot_be_left(tmp_path: Path) -> None:
    town = grid(4)
    town.way(town.node(6, 0), town.node(6, 1), name="Island")
    info = town.build(tmp_path)
    assert info.counts["van_nodes_outside"] == 2
    times = travel(tmp_path, spot(0, 0), spot(6, 0.5))
    assert times.source == "roads"
    assert times.snapped_m[1] == pytest.approx(distance_m(spot(6, 0.5), spot(3, 0.5)), abs=2)


@pytest.mark.parametrize(
    "text", ["NaN", "nan", "inf", "none", "0", "-50", "signals", "1e9", "PT:urban", ""]
)
def test_a_broken_limit_counts_as_unknown(text: str) -> None:
    assert posted_kph(text) == 0


def test_broken_limits_leave_every_weight_finite_and_positive(tmp_path: Path) -> None:
    grid(3, maxspeed="NaN").build(tmp_path / "broken")
    grid(3).build(tmp_path / "plain")
    broken = load("town", tmp_path / "broken").graph("van")
    assert broken is not None
    assert np.isfinite(broken.kph).all()
    assert (broken.arc_times_ds(None) >= 1).all()
    pair = (spot(0, 0), spot(2, 2))
    assert (
        travel(tmp_path / "broken", *pair).duration_s
        == travel(tmp_path / "plain", *pair).duration_s
    ).all()


def test_a_limit_in_miles_is_read_in_miles() -> None:
    assert posted_kph("30 mph") == 48
    assert posted_kph("50") == 50


def test_the_peak_is_slower_than_the_night_for_a_van_and_not_on_foot(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    pair = (spot(0, 0), spot(3, 3))
    night = travel(tmp_path, *pair, depart_minute=3 * 60).duration_s[0, 1]
    peak = travel(tmp_path, *pair, depart_minute=8 * 60).duration_s[0, 1]
    free = travel(tmp_path, *pair).duration_s[0, 1]
    assert night == free < peak
    walk = {
        int(travel(tmp_path, *pair, profile="foot", depart_minute=h * 60).duration_s[0, 1])
        for h in (3, 8)
    }
    assert len(walk) == 1


def test_without_a_network_straight_lines_are_used_and_named() -> None:
    a, b = spot(0, 0), spot(10, 0)
    result = matrix.travel([a, b], network=None, profile="van")
    assert result.source == "straight_line"
    assert result.note_code == "no_network"
    assert "straight lines times 1.4" in result.note
    assert result.distance_m[0, 1] == pytest.approx(distance_m(a, b) * 1.4, abs=1)
    assert result.duration_s[0, 1] == pytest.approx(result.distance_m[0, 1] * 3.6 / 28, abs=1)
    assert result.duration_s[0, 0] == 0


def test_an_unknown_network_is_named_in_the_note(tmp_path: Path) -> None:
    result = matrix.travel([spot(0, 0)] * 2, network="nowhere", profile="van", var=tmp_path)
    assert result.source == "straight_line"
    assert result.note_code == "unknown_network"
    assert "nowhere" in result.note


def test_a_place_far_from_every_street_is_named_and_the_others_use_roads(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    result = travel(tmp_path, spot(0, 0), spot(90, 90), spot(3, 3))
    assert result.uncovered == (1,)
    assert result.source == "roads"
    assert result.note_code == "some_uncovered"
    near = travel(tmp_path, spot(0, 0), spot(3, 3))
    assert result.duration_s[0, 2] == near.duration_s[0, 1]
    assert result.distance_m[0, 1] == pytest.approx(
        distance_m(spot(0, 0), spot(90, 90)) * 1.4, abs=1
    )


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Draw random streets on a small grid, some missing, one-way, a loop or a dead end."""
    size = draw(st.integers(2, 5))
    town = Town()
    for y in range(size):
        for x in range(size):
            town.node(x + draw(st.floats(0, 0.4)), y + draw(st.floats(0, 0.4)))
    for at in range(1, size * size + 1):
        for to in (at + 1 if at % size else 0, at + size):
            kind = draw(st.sampled_from(["both", "both", "both", "yes", "-1", "none"]))
            if to and to <= size * size and kind != "none":
                way = draw(st.sampled_from(["residential", "primary", "service"]))
                town.way(at, to, highway=way, oneway=kind if kind != "both" else "no")
    corner = [1, town.node(-1, 0), town.node(-1, -1), 1]
    town.way(*corner, oneway=draw(st.sampled_from(["yes", "no"])), name="Loop")
    return town


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(town=towns(), data=st.data())
def test_hierarchy_and_dijkstra_agree_exactly_and_lines_have_the_stated_length(
    town: Town, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("town")
    town.build(var)
    graph = load("town", var).graph("van")
    assert graph is not None
    assert graph.shape is not None
    coordinate = st.floats(-1, 5)
    points = [spot(data.draw(coordinate), data.draw(coordinate)) for _ in range(7)]
    snaps = graph.snap(points)
    weighted = graph.at(data.draw(st.sampled_from([None, 8])))
    assert (weighted.table(snaps) == weighted.table(snaps, oracle=True)).all()
    whole = matrix.travel(points, network="town", profile="van", var=var)
    for at, leg in enumerate(matrix.legs(points, network="town", profile="van", var=var)):
        assert leg.duration_s == whole.duration_s[at, at + 1]
        assert line_m(leg.line) == pytest.approx(leg.distance_m, abs=6, rel=0.02)


def test_the_network_gives_the_same_results_without_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [spot(0.2, 0), spot(3, 1.6), spot(1.4, 2)]
    grid(4).build(tmp_path / "with")

    def missing(*_args: object) -> None:
        raise ImportError("no wheel for this machine")

    monkeypatch.setattr(hierarchy, "order_nodes", missing)
    grid(4).build(tmp_path / "without")
    graph = load("town", tmp_path / "without").graph("van")
    assert graph is not None
    assert graph.shape is None
    a, b = travel(tmp_path / "with", *points), travel(tmp_path / "without", *points)
    assert (a.duration_s == b.duration_s).all()
    assert (a.distance_m == b.distance_m).all()


def test_no_place_and_one_place_give_results(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    assert travel(tmp_path).duration_s.shape == (0, 0)
    assert travel(tmp_path, spot(0, 0)).duration_s.tolist() == [[0]]
    assert matrix.legs([spot(0, 0)], network="town", profile="van", var=tmp_path) == []


def test_a_route_starts_and_ends_at_its_places_and_follows_the_streets(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    (line,) = matrix.route_geometry([spot(0.5, 0), spot(2, 1.5)], "town", "van", tmp_path)
    ends = [Point(lon=lon, lat=lat) for lon, lat in (line[0], line[-1])]
    assert distance_m(ends[0], spot(0.5, 0)) < 1
    assert distance_m(ends[1], spot(2, 1.5)) < 1
    for lon, lat in line:
        x, y = (lon - spot(0, 0).lon) * 1000, (lat - spot(0, 0).lat) * 1000
        assert min(abs(x - round(x)), abs(y - round(y))) < 0.01, "every corner is on a street"


def test_results_are_cached_and_read_only(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    first = travel(tmp_path, spot(0, 0), spot(2, 2))
    assert travel(tmp_path, spot(0, 0), spot(2, 2)) is first
    with pytest.raises(ValueError, match="read-only"):
        first.duration_s[0, 1] = 1
