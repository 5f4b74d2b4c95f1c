"""The cases from the field that are about streets; they skip where the cases are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.roads import build, matrix, osm
from dispatch.roads.doors import doors_of
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from tests.shared import shared_data

HUB = Point(lat=-40.0, lon=-65.0023)
EAST = Point(lat=-40.0, lon=-64.993)
MARKET = Point(lat=-40.0, lon=-64.9975)
QUARTER = Point(lat=-39.9986, lon=-64.9953)
COMPOUND = Point(lat=-39.9975, lon=-64.998239)
ISLAND = Point(lat=-39.9919, lon=-64.9988)


def built(case: str, var: Path) -> None:
    file = shared_data("osm").parents[1] / "cases" / case
    if not file.exists():
        pytest.skip(f"the case {case} is not beside this checkout")
    build.build(osm.read(file), name="town", origin=build.Origin("Case", case), var=var)


@pytest.mark.parametrize(
    ("case", "place", "profile", "expected_m"),
    [
        ("12-bollard/bollard.osm", EAST, "van", 3_792),
        ("12-bollard/bollard.osm", EAST, "cargo_bike", 792),
        ("12-bollard/bollard.osm", EAST, "foot", 792),
        ("12-bollard/bollard_bike_yes.osm", EAST, "van", 3_792),
        ("12-bollard/bollard_bike_yes.osm", EAST, "cargo_bike", 792),
        ("12-bollard/gate_private.osm", EAST, "van", 3_792),
        ("14-pedestrian-delivery/delivery.osm", MARKET, "van", 409),
        ("14-pedestrian-delivery/destination.osm", MARKET, "van", 409),
        ("14-pedestrian-delivery/quarter.osm", QUARTER, "van", 752),
        ("15-gated-private/compound.osm", COMPOUND, "van", 624),
        ("15-gated-private/compound.osm", COMPOUND, "foot", 624),
    ],
)
def test_a_case_from_the_field_has_the_right_length(
    tmp_path: Path, case: str, place: Point, profile: Profile, expected_m: int
) -> None:
    built(case, tmp_path)
    way = matrix.travel([HUB, place], network="town", profile=profile, var=tmp_path)
    assert (way.source, way.snapped_m.tolist()) == ("roads", [0, 0])
    assert way.distance_m[0, 1] == way.distance_m[1, 0] == pytest.approx(expected_m, abs=3)
    assert [
        door.fault for door in doors_of([HUB, place], network="town", profile=profile, var=tmp_path)
    ] == ["", ""]


def test_an_island_is_reached_over_its_ferry_with_the_time_of_the_crossing(tmp_path: Path) -> None:
    built("17-island-ferry/island.osm", tmp_path)
    way = matrix.travel([HUB, ISLAND], network="town", profile="van", var=tmp_path)
    assert way.source == "roads"
    assert 1_200 < way.duration_s[0, 1] < 1_400, "20 minutes on board, and the streets"
    assert way.distance_m[0, 1] == pytest.approx(1_200, abs=10)
    assert not doors_of([HUB, ISLAND], network="town", profile="van", var=tmp_path)[1].fault
    (leg,) = matrix.legs([HUB, ISLAND], network="town", profile="van", var=tmp_path)
    assert [(ferry.name, ferry.duration_s) for ferry in leg.ferries] == [("Car ferry", 1_200)]
    busy = matrix.travel(
        [HUB, ISLAND], network="town", profile="van", depart_minute=8 * 60, var=tmp_path
    )
    assert busy.duration_s[0, 1] < way.duration_s[0, 1] + 60, "traffic does not slow a ferry"


def test_an_island_whose_ferry_does_not_take_the_vehicle_is_not_served_from_the_shore(
    tmp_path: Path,
) -> None:
    built("17-island-ferry/island.osm", tmp_path)
    door = doors_of([HUB, ISLAND], network="town", profile="cargo_bike", var=tmp_path)[1]
    assert door.fault == "no_street"
