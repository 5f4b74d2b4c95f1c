"""Stays at a door, found in positions: no drive past is one, and no real stop is lost."""

from __future__ import annotations

import datetime as dt
import math
import random

import pytest

from dispatch.live.stays import Door, Seen, stays_at, stays_of_run
from lastmile.core.geo import Point, distance_m

DOOR = Point(lat=38.72, lon=-9.14)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
M_PER_DEG = 111_195.0


def seen(second: float, east_m: float, north_m: float, accuracy_m: float | None = 5) -> Seen:
    lat = DOOR.lat + north_m / M_PER_DEG
    lon = DOOR.lon + east_m / (M_PER_DEG * math.cos(math.radians(DOOR.lat)))
    return Seen(NOON + dt.timedelta(seconds=second), Point(lat=lat, lon=lon), accuracy_m)


def measured(
    rng: random.Random, way: list[tuple[float, float, float]], accuracy_m: float
) -> list[Seen]:
    """Return positions with the errors of a receiver: 68 % of them within the accuracy."""
    deviation = accuracy_m / 1.515
    return [
        seen(t, east + rng.gauss(0, deviation), north + rng.gauss(0, deviation), accuracy_m)
        for t, east, north in way
    ]


def past(rng: random.Random) -> list[tuple[float, float, float]]:
    """Drive past the door at 50 km/h on a street that is up to 20 m away."""
    every, away = rng.choice([1, 2, 5, 10, 15]), rng.uniform(-20, 20)
    start, speed = rng.uniform(0, every), 50 / 3.6
    times = [start + every * n for n in range(int(160 / every))]
    return [(t, speed * (t - 80), away) for t in times]


def stop(rng: random.Random) -> list[tuple[float, float, float]]:
    """Drive to the door, brake, stand for 40 s or more within 30 m of it, and drive on."""
    every, speed, stood_s = rng.choice([1, 2, 5, 10]), 10.0, rng.uniform(40, 300)
    parked = rng.uniform(-25, 25)
    brake = 1.5
    brake_s, brake_m = speed / brake, speed**2 / (2 * brake)
    drive_s = 40.0
    start = rng.uniform(0, every)
    way = []
    total = drive_s + brake_s + stood_s + brake_s + drive_s
    for n in range(int(total / every) + 1):
        t = start + every * n
        if t < drive_s:
            east = -brake_m - speed * (drive_s - t)
        elif t < drive_s + brake_s:
            left = drive_s + brake_s - t
            east = -brake * left**2 / 2
        elif t < drive_s + brake_s + stood_s:
            east = 0.0
        elif t < drive_s + 2 * brake_s + stood_s:
            driven_s = t - drive_s - brake_s - stood_s
            east = brake * driven_s**2 / 2
        else:
            east = brake_m + speed * (t - drive_s - 2 * brake_s - stood_s)
        way.append((t, east + parked, 8.0))
    return way


@pytest.mark.parametrize("accuracy_m", [5, 50])
def test_r23_a_thousand_drives_past_a_door_are_no_arrival(accuracy_m: float) -> None:
    rng = random.Random(23)
    wrong = sum(bool(stays_at(DOOR, measured(rng, past(rng), accuracy_m))) for _n in range(1_000))
    assert wrong == 0


@pytest.mark.parametrize("accuracy_m", [5, 50])
def test_r23_real_stops_give_one_arrival_and_one_departure(accuracy_m: float) -> None:
    rng = random.Random(23)
    right = 0
    for _n in range(1_000):
        stays = stays_at(DOOR, measured(rng, stop(rng), accuracy_m))
        right += len(stays) == 1 and stays[0].left_at is not None
    assert right >= 990


def kept_by_phone(way: list[Seen]) -> list[Seen]:
    """Return what the driver's app keeps: 15 m and 10 s, or a minute, after the last one."""
    kept: list[Seen] = []
    for one in way:
        if kept:
            elapsed = (one.at - kept[-1].at).total_seconds()
            moved = distance_m(one.place, kept[-1].place) >= 15
            if elapsed < 60 and not (elapsed >= 10 and moved):
                continue
        kept.append(one)
    return kept


def test_r23_the_few_positions_that_the_phone_keeps_are_enough() -> None:
    rng = random.Random(5)
    stays = [stays_at(DOOR, kept_by_phone(measured(rng, stop(rng), 8))) for _n in range(1_000)]
    assert sum(len(one) == 1 and one[0].left_at is not None for one in stays) >= 990
    passing = [kept_by_phone(measured(rng, past(rng), 8)) for _n in range(1_000)]
    assert not any(stays_at(DOOR, way) for way in passing)


def test_r23_a_bad_position_at_the_edge_ends_no_stay() -> None:
    at_door = [seen(10 * n, 50, 0) for n in range(30)]
    at_door[15] = seen(150, 80, 0)
    (stay,) = stays_at(DOOR, [*at_door, seen(300, 400, 0)])
    assert stay.arrived_at == NOON
    assert stay.left_at == NOON + dt.timedelta(seconds=290)


def test_a_vehicle_that_stands_farther_away_is_not_at_the_door() -> None:
    assert stays_at(DOOR, [seen(10 * n, 150, 0) for n in range(30)]) == []


def minute(number: float) -> dt.datetime:
    return NOON + dt.timedelta(minutes=number)


def test_each_of_several_doors_at_one_place_begins_where_the_one_before_ended() -> None:
    near = Point(lat=DOOR.lat + 20 / M_PER_DEG, lon=DOOR.lon)
    way = [seen(15 * n, 0, 0) for n in range(40)] + [seen(600, 900, 0), seen(610, 950, 0)]
    doors = [
        Door(key=1, point=DOOR, departed_at=minute(3)),
        Door(key=2, point=near, departed_at=minute(8)),
    ]
    stays = stays_of_run(doors, way)
    assert (stays[1].arrived_at, stays[1].left_at) == (minute(0), minute(3))
    assert (stays[2].arrived_at, stays[2].left_at) == (minute(3), minute(9.75))


def test_a_stay_near_two_open_doors_is_at_the_nearer_one() -> None:
    near = Point(lat=DOOR.lat + 40 / M_PER_DEG, lon=DOOR.lon)
    way = [seen(15 * n, 0, 5) for n in range(10)]
    assert set(stays_of_run([Door(key=1, point=near), Door(key=2, point=DOOR)], way)) == {2}
