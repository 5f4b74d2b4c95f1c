"""The last metres on foot: where a vehicle stops, and the walk from there to the door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dispatch.roads import matrix
from dispatch.roads.added import travel_added
from dispatch.roads.doors import Door, doors_of
from dispatch.roads.walking import BESIDE_M, MOST_M, walk_s
from lastmile.core.geo import Point, distance_m
from tests.dispatch.roads.town import Town, spot

HUB = spot(0, 0)


def precinct(length: float, **tags: str) -> Town:
    """Return a street in the south, a lane in the east, and a pedestrian street to the north.

    The pedestrian street begins at the street, at x = 1, and is ``length`` steps long. The lane
    runs beside it at x = 1.5, about 42 m away.
    """
    town = Town()
    west, corner, east = town.node(0, 0), town.node(1, 0), town.node(6, 0)
    town.way(west, corner, east, name="South Street")
    town.way(corner, town.node(1, length), highway="pedestrian", name="Market Walk", **tags)
    town.way(east, town.node(6, 6), town.node(1.5, 6), town.node(1.5, 0.5), name="Back Lane")
    return town


def door(var: Path, place: Point, profile: str = "van") -> Door:
    return doors_of([HUB, place], network="town", profile=profile, var=var)[1]  # type: ignore[arg-type]


def travel(var: Path, *places: Point) -> matrix.TravelMatrix:
    return matrix.travel([HUB, *places], network="town", profile="van", var=var)


def test_a_door_in_a_pedestrian_street_is_reached_from_its_end_with_the_walk_timed(
    tmp_path: Path,
) -> None:
    precinct(4).build(tmp_path)
    place = spot(1.05, 2)  # 4 m beside the pedestrian street, 38 m from the lane
    walk = distance_m(spot(1, 0), spot(1, 2))
    reached = door(tmp_path, place)
    assert not reached.fault
    assert reached.walk_m == pytest.approx(walk + 4, abs=4)
    assert reached.walk_s == pytest.approx(reached.walk_m * 3.6 / 5, abs=1)
    times = travel(tmp_path, place)
    assert times.distance_m[0, 1] == pytest.approx(distance_m(HUB, spot(1, 0)), abs=3)
    drive_s = times.distance_m[0, 1] * 3.6 / 24
    assert times.duration_s[0, 1] == pytest.approx(drive_s + reached.walk_s, abs=2)
    assert times.duration_s[1, 0] == pytest.approx(times.duration_s[0, 1], abs=1)
    (leg,) = matrix.legs([HUB, place], network="town", profile="van", var=tmp_path)
    assert leg.walk_m == reached.walk_m


def test_a_door_in_a_street_where_deliveries_are_allowed_needs_no_walk(tmp_path: Path) -> None:
    precinct(4, motor_vehicle="delivery").build(tmp_path)
    assert door(tmp_path, spot(1.05, 2)).walk_m == 0
    assert travel(tmp_path, spot(1.05, 2)).distance_m[0, 1] > 250


def test_a_door_too_far_from_each_stop_on_foot_is_judged_by_the_straight_distance(
    tmp_path: Path,
) -> None:
    precinct(5).build(tmp_path)
    far = spot(0.95, 4.5)
    assert distance_m(spot(1, 0), spot(1, 4.5)) > MOST_M
    assert door(tmp_path, far) == Door("", door(tmp_path, far).away_m)
    assert door(tmp_path, far).away_m < 50, "beside the lane, which is within 100 m"


def test_a_door_over_a_hundred_metres_from_every_stop_is_reached_on_foot_or_said(
    tmp_path: Path,
) -> None:
    town = precinct(2.5)
    del town.ways[-1]
    town.build(tmp_path)
    assert door(tmp_path, spot(1.05, 2)).fault == ""
    assert door(tmp_path, spot(1.05, 2)).walk_m > 200
    assert door(tmp_path, spot(2.5, 2)).fault == "no_street", "no way on foot leads there"


def test_a_door_behind_a_bollard_is_walked_to_from_the_bollard(tmp_path: Path) -> None:
    town = Town()
    west, corner, east = town.node(0, 0), town.node(2, 0), town.node(6, 0)
    town.way(west, corner, east, name="South Street")
    bollard = town.node(2, 0.2, {"barrier": "bollard"})
    town.way(corner, bollard, town.node(2, 3), name="Closed Street")
    town.build(tmp_path)
    reached = door(tmp_path, spot(2, 1))
    assert reached == Door("", reached.away_m)
    assert reached.walk_m == pytest.approx(distance_m(spot(2, 0.2), spot(2, 1)), abs=4)


def test_people_step_from_a_pavement_to_the_street_beside_it(tmp_path: Path) -> None:
    town = precinct(4)
    a, b = town.node(1.65, 1), town.node(1.65, 3)  # 12 m from the lane
    town.way(a, b, highway="footway", name="Pavement")
    town.build(tmp_path)
    reached = door(tmp_path, spot(1.95, 2))  # 25 m from the pavement, 38 m from the lane
    assert reached.away_m < 160


def test_two_orders_at_one_door_share_the_walk(tmp_path: Path) -> None:
    precinct(4).build(tmp_path)
    place, next_door = spot(1.05, 2), spot(1.05, 2.1)
    times = travel(tmp_path, place, place, next_door).duration_s
    assert times[1, 2] == times[2, 1] == 0
    assert times[1, 3] > 200


def test_an_added_place_has_the_walks_of_the_table(tmp_path: Path) -> None:
    precinct(4).build(tmp_path)
    known = [HUB, spot(1.05, 2), spot(3, 0)]
    for new in (spot(1.05, 1), spot(1.05, 2), spot(4, 0)):
        whole = matrix.travel([*known, new], network="town", profile="van", var=tmp_path)
        one = travel_added(known, new, network="town", profile="van", var=tmp_path)
        assert one.to_s.tolist() == whole.duration_s[3, :3].tolist()
        assert one.from_s.tolist() == whole.duration_s[:3, 3].tolist()


def test_a_walk_begins_where_a_door_is_no_longer_beside_the_street() -> None:
    assert walk_s(np.array([0, BESIDE_M, BESIDE_M + 1, 100])).tolist() == [0, 0, 22, 72]
