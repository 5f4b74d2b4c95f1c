"""Places that no vehicle can be sent to: far from streets, across water, or cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.roads import matrix, water
from dispatch.roads.added import travel_added
from dispatch.roads.doors import Door, doors_of
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point, distance_m
from tests.dispatch.roads.town import Town, grid, spot

HUB = spot(0, 0)


def door(var: Path, place: Point, profile: Profile = "van") -> Door:
    return doors_of([HUB, place], network="town", profile=profile, var=var)[1]


def fault(var: Path, place: Point, profile: Profile = "van") -> str:
    return door(var, place, profile).fault


def snapped_m(var: Path, place: Point, profile: Profile = "van") -> int:
    return int(matrix.travel([place], network="town", profile=profile, var=var).snapped_m[0])


def test_a_place_farther_than_100_m_from_every_street_is_said(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    near, far = spot(3, 3.8), spot(3, 3.95)
    assert door(tmp_path, near) == Door("", 89)
    assert door(tmp_path, far) == Door("no_street", 106)
    assert fault(tmp_path, spot(90, 90)) == "no_street"
    assert fault(tmp_path, far, "foot") == "no_street"


def test_without_a_network_that_has_the_hub_nothing_is_said(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    far = [spot(0, 0), spot(90, 90)]
    for name in ("", None, "nowhere"):
        assert [d.fault for d in doors_of(far, network=name, profile="van", var=tmp_path)] == [
            "",
            "",
        ]
    elsewhere = doors_of([spot(90, 90), spot(3, 5)], network="town", profile="van", var=tmp_path)
    assert [d.fault for d in elsewhere] == ["", ""]
    assert doors_of([], network="town", profile="van", var=tmp_path) == []


def test_a_place_beside_a_street_without_a_way_to_it_is_cut_off(tmp_path: Path) -> None:
    town = grid(4)
    town.way(town.node(3.6, 0), town.node(3.6, 2), name="Island Street")
    town.build(tmp_path)
    assert fault(tmp_path, spot(3.6, 1)) == "cut_off"
    assert fault(tmp_path, spot(3.2, 1)) == "", "beside the connected street"
    assert fault(tmp_path, spot(3.7, 1), "foot") == "cut_off"


def test_a_street_cut_off_for_vans_alone_is_reached_on_foot(tmp_path: Path) -> None:
    town = grid(4)
    lane, end = town.node(3.6, 0), town.node(3.6, 2)
    town.way(4, lane, highway="steps")
    town.way(lane, end, name="Stair Street")
    town.build(tmp_path)
    assert fault(tmp_path, spot(3.6, 1)) == ""
    assert fault(tmp_path, spot(3.6, 1), "foot") == ""


def river(*corners: tuple[float, float], **tags: str) -> Town:
    """Return a town of two streets north to south, at x = 0 and x = 1.2, joined in the north."""
    town = Town()
    west = [town.node(0, y) for y in (-1, 0, 1, 2)]
    east = [town.node(1.2, y) for y in (0, 1, 2)]
    town.way(*west, name="West Street")
    town.way(*east, name="East Street")
    town.way(west[-1], east[-1], name="Bridge")
    bank = [town.node(x, y) for x, y in corners]
    town.ways.append((bank, tags))
    return town


@pytest.mark.parametrize(
    "tags", [{"waterway": "river"}, {"waterway": "canal"}, {"natural": "coastline"}], ids=str
)
def test_a_place_goes_to_the_street_on_its_side_of_the_water(
    tmp_path: Path, tags: dict[str, str]
) -> None:
    river((0.4, -2), (0.4, 1.8), **tags).build(tmp_path)
    place = spot(0.5, 0.5)  # West Street is nearer, East Street is on this side
    assert snapped_m(tmp_path, place) == pytest.approx(distance_m(place, spot(1.2, 0.5)), abs=2)
    assert fault(tmp_path, place) == ""
    way = matrix.travel([spot(0, 0.5), place], network="town", profile="van", var=tmp_path)
    assert way.distance_m[0, 1] > 350, "over the bridge"


def test_a_place_with_water_before_every_near_street_is_said(tmp_path: Path) -> None:
    river((0.4, -2), (0.4, 1.8), waterway="river").build(tmp_path)
    assert fault(tmp_path, spot(0.45, -0.9)) == "across_water"


@pytest.mark.parametrize(
    "tags",
    [{"waterway": "stream"}, {"waterway": "river", "tunnel": "culvert"}, {"natural": "cliff"}],
    ids=str,
)
def test_a_stream_or_a_river_in_a_pipe_is_no_obstacle(tmp_path: Path, tags: dict[str, str]) -> None:
    river((0.4, -2), (0.4, 1.8), **tags).build(tmp_path)
    assert fault(tmp_path, spot(0.45, -0.9)) == ""


def test_a_garden_pond_is_walked_around_and_a_lake_is_not(tmp_path: Path) -> None:
    pond = [(0.3, -1.0), (0.4, -1.0), (0.4, -0.8), (0.3, -0.8), (0.3, -1.0)]
    lake = [(0.3, -6), (0.4, -6), (0.4, 1), (0.3, 1), (0.3, -6)]
    home = spot(0.5, -0.9)
    river(*pond, natural="water").build(tmp_path / "pond")
    river(*lake, natural="water").build(tmp_path / "lake")
    assert fault(tmp_path / "pond", home) == ""
    assert fault(tmp_path / "lake", home) == "across_water"


def test_a_lake_drawn_as_a_multipolygon_is_water(tmp_path: Path) -> None:
    town = river((0.4, -2), (0.4, 1.8), note="bank")
    members = [("way", len(town.ways), "outer")]
    town.relations.append((members, {"type": "multipolygon", "natural": "water"}))
    info = town.build(tmp_path)
    assert info.counts["shores"] == 1
    assert fault(tmp_path, spot(0.45, -0.9)) == "across_water"


def test_an_added_place_tells_its_fault(tmp_path: Path) -> None:
    grid(4).build(tmp_path)
    known = [HUB, spot(1, 1)]
    for place in (spot(3, 3), spot(3, 3.95), spot(90, 90)):
        one = travel_added(known, place, network="town", profile="van", var=tmp_path)
        assert one.fault == fault(tmp_path, place)


def test_the_nearest_dry_position_may_be_on_the_same_street(tmp_path: Path) -> None:
    town = Town()
    corner = town.node(0, 0)
    town.way(town.node(0, -3), corner, town.node(3, 0), name="Bend")
    # A short canal is between the place and the nearest position, but not near the bend.
    town.ways.append(([town.node(0.2, -1.2), town.node(0.2, -0.7)], {"waterway": "canal"}))
    town.build(tmp_path)
    home = spot(0.5, -0.95)
    assert distance_m(home, spot(0, -0.95)) < snapped_m(tmp_path, home) <= 100
    assert fault(tmp_path, home) == ""


@pytest.mark.parametrize(
    ("tags", "shore"),
    [
        ({"waterway": "river"}, True),
        ({"waterway": "ditch"}, False),
        ({"natural": "water"}, True),
        ({"landuse": "basin"}, True),
        ({"natural": "bay"}, True),
        ({"natural": "wood"}, False),
        ({"waterway": "river", "intermittent": "yes"}, False),
        ({"waterway": "canal", "tunnel": "yes"}, False),
    ],
)
def test_what_counts_as_a_shore(tags: dict[str, str], shore: bool) -> None:
    assert water.is_shore(tags) is shore
