"""Reading positions: units, unknown values, clocks, jumps. No database."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.live.gps_clients import read_body, read_query
from dispatch.live.points import (
    WEEKS_LOST,
    BadPoint,
    PointDraft,
    PointFlag,
    flag_names,
    newest,
    read_point,
    with_flags,
    with_true_time,
)

NOW = dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC)
SECRET = "m" * 32
VAN_MPS = 70 / 3.6  # a van at 70 km/h
VAN_KN = 70 / 1.852


def item(**fields: Any) -> dict[str, Any]:
    values = {"id": str(uuid4()), "at": NOW.isoformat(), "lat": 38.72, "lon": -9.14}
    return values | fields


def draft(**fields: Any) -> PointDraft:
    read = read_point(item(**fields))
    assert isinstance(read, PointDraft), read
    return read


def only(points: Any) -> PointDraft:
    (point,) = points
    assert isinstance(point, PointDraft), point
    return point


def test_r18_a_van_at_70_has_the_same_speed_in_every_form() -> None:
    stamp, text = str(int(NOW.timestamp())), "2026-11-23T10:00:00.000+00:00"
    place = {"id": SECRET, "lat": "38.72", "lon": "-9.14", "altitude": "30", "bearing": "271.4"}
    osmand = place | {"timestamp": f"{stamp}000", "hdop": "4.0", "speed": f"{VAN_MPS:.2f}"}
    client = place | {
        "timestamp": stamp, "accuracy": "4.0", "speed": f"{VAN_KN:.3f}", "batt": "81"
    }  # fmt: skip
    coords = {
        "latitude": 38.72, "longitude": -9.14, "accuracy": 4, "speed": VAN_MPS, "heading": 271.4
    }  # fmt: skip
    newer = {"device_id": SECRET, "location": {"timestamp": text, "coords": coords}}
    position = {
        "fixTime": text, "valid": True, "latitude": 38.72, "longitude": -9.14, "accuracy": 4,
        "speed": VAN_KN, "course": 271.4,
    }  # fmt: skip
    forwarded = {"device": {"uniqueId": SECRET}, "position": position}
    own = draft(speed_mps=VAN_MPS, heading_deg=271.4, accuracy_m=4)
    for sent in (read_query(osmand), read_query(client), read_body(newer), read_body(forwarded)):
        point = only(sent.points)
        assert sent.secret == SECRET
        assert point.speed_mps == pytest.approx(19.4, abs=0.1)
        assert (point.at, point.lat, point.lon) == (NOW, own.lat, own.lon)
        assert (point.heading_deg, point.accuracy_m) == (271, 4)
    assert own.speed_mps == pytest.approx(19.4, abs=0.1)


@pytest.mark.parametrize(
    "place",
    [(0, 0), (91, 0), (0, 181), (None, 5), ("NaN", 5), (float("nan"), 5), (True, 5), ([], {})],
)
def test_r17_a_place_that_is_unknown_is_never_a_position(place: tuple[Any, Any]) -> None:
    read = read_point(item(lat=place[0], lon=place[1]))
    assert isinstance(read, BadPoint)
    assert read.code == "no_fix"


@pytest.mark.parametrize("unknown", [-1, None, float("nan"), "", "x", True, 1e9])
def test_r17_an_unknown_speed_or_heading_is_not_read_as_a_number(unknown: Any) -> None:
    read = draft(speed_mps=unknown, heading_deg=unknown, accuracy_m=unknown)
    assert (read.speed_mps, read.heading_deg, read.accuracy_m) == (None, None, None)


def test_north_and_standing_are_values() -> None:
    read = draft(speed_mps=0, heading_deg=360, accuracy_m=0)
    assert (read.speed_mps, read.heading_deg, read.accuracy_m) == (0, 0, 0)


def test_a_repetition_from_a_gps_app_has_the_same_id_and_other_places_have_others() -> None:
    query = {"id": SECRET, "lat": "38.72", "lon": "-9.14", "timestamp": "1790000000"}
    first, again = (only(read_query(query).points) for _n in range(2))
    moved = only(read_query(query | {"lat": "38.7201"}).points)
    later = only(read_query(query | {"timestamp": "1790000001"}).points)
    other = only(read_query(query | {"id": "n" * 32}).points)
    assert first.client_id == again.client_id
    assert len({point.client_id for point in (first, moved, later, other)}) == 4


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("text", "malformed"),
        ({"id": 5}, "id_missing"),
        (item(id="no uuid"), "id_missing"),
        (item(at="yesterday"), "time_missing"),
        (item(at=None), "time_missing"),
        (item(speed=3), "field_unknown"),
        (item(vehicle=5), "vehicle_unknown"),
    ],
)
def test_a_malformed_position_says_what_is_wrong(sent: Any, code: str) -> None:
    read = read_point(sent)
    assert isinstance(read, BadPoint)
    assert read.code == code


@pytest.mark.parametrize(
    "body",
    [None, [], 5, {}, {"device_id": 5}, {"device_id": SECRET, "location": 5},
     {"device_id": SECRET, "location": [5, {"coords": 5}]}, {"position": {}, "device": 5},
     {"position": 5, "device": {"uniqueId": SECRET}},
     {"position": {"valid": False}, "device": {"uniqueId": SECRET}}],
)  # fmt: skip
def test_a_strange_body_of_a_gps_app_gives_no_position(body: Any) -> None:
    assert not [point for point in read_body(body).points if isinstance(point, PointDraft)]


def test_r13_a_live_point_with_lost_weeks_gets_the_time_of_receipt() -> None:
    true = with_true_time(draft(at=(NOW - WEEKS_LOST).isoformat()), None, NOW)
    assert (true.at, true.flags) == (NOW, PointFlag.CLOCK_SKEW)
    old = with_true_time(draft(at=(NOW - dt.timedelta(days=900)).isoformat()), None, NOW)
    assert old.at == NOW - dt.timedelta(days=900)  # only old, so it belongs to no run


def test_a_wrong_clock_is_corrected_by_the_time_of_sending() -> None:
    fast = NOW + dt.timedelta(hours=3)
    queued = draft(at=(fast - dt.timedelta(minutes=30)).isoformat())
    true = with_true_time(queued, fast, NOW)
    assert true.at == NOW - dt.timedelta(minutes=30)
    assert true.flags == PointFlag.CLOCK_SKEW | PointFlag.LATE
    future = with_true_time(draft(at=fast.isoformat()), None, NOW)
    assert (future.at, future.flags) == (NOW, PointFlag.CLOCK_SKEW)
    exact = with_true_time(draft(), NOW + dt.timedelta(seconds=20), NOW)
    assert (exact.at, exact.flags) == (NOW, PointFlag(0))


def drive(count: int) -> list[PointDraft]:
    """Return a drive north at 12 m/s, a point each ten seconds."""
    return [
        draft(at=(NOW + n * dt.timedelta(seconds=10)).isoformat(), lat=38.72 + n * 0.00108)
        for n in range(count)
    ]


def test_an_impossible_speed_is_a_jump_and_the_drive_goes_on_after_it() -> None:
    points = drive(6)
    far = draft(at=(NOW + dt.timedelta(seconds=25)).isoformat(), lat=38.75)
    checked = with_flags([*points, far], None)
    assert [point for point in checked if point.flags & PointFlag.JUMP] == [
        point for point in checked if point.client_id == far.client_id
    ]
    assert len(checked) == 7
    last = newest(checked)
    assert last is not None
    assert last.client_id == points[-1].client_id


def test_a_point_from_a_radio_cell_is_no_last_position() -> None:
    rough = with_true_time(draft(accuracy_m=2500), None, NOW)
    assert flag_names(int(rough.flags)) == ["rough"]
    assert newest([rough]) is None


def test_a_point_behind_the_newest_is_shuffled_whatever_the_order_in_the_batch() -> None:
    points = drive(5)
    mixed = random.Random(3).sample(points[:4], 4)
    checked = with_flags(mixed, points[4])
    assert [point.at for point in checked] == [point.at for point in points[:4]]
    assert {point.flags for point in checked} == {PointFlag.SHUFFLED}


def test_an_id_is_read_in_every_form_of_a_uuid() -> None:
    name = uuid4()
    assert draft(id=str(name).upper()).client_id == UUID(str(name))
