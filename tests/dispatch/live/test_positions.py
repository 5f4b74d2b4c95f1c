"""Positions are stored once, judged by their own time, and the newest one is kept apart."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from dispatch.fleet.models import Shift
from dispatch.live import services
from dispatch.live.models import Device, LastPosition, Position, Run
from dispatch.live.points import NOT_LAST, PointFlag, PointResult, read_point
from dispatch.live.selectors import device_of_key, tracker_of_key
from dispatch.live.services.partitions import erase_positions, keep_coming_days, keep_days
from lastmile.core.erasing import Person
from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import race
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")


def point(when: dt.datetime, **fields: Any) -> dict[str, Any]:
    values = {"id": str(uuid4()), "at": when.isoformat(), "lat": 38.72, "lon": -9.14}
    return values | fields


def take(device: Device, *items: object, sent_at: dt.datetime | None = None) -> list[PointResult]:
    source = services.PointSource(
        public_id=device.public_id, driver_pk=device.driver_id, device=device
    )
    points = [read_point(item) for item in items]
    return services.take_positions(source=source, points=points, sent_at=sent_at)


def answers(results: list[PointResult]) -> list[str]:
    return [result.code or result.status for result in results]


def started(clock: SetClock, **fields: Any) -> tuple[Shift, Device]:
    """Begin a shift at eight and set the clock to ten."""
    shift, _orders = make_day(1, **fields)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)))
    return shift, phone


def track(run: Run) -> tuple[list[tuple[Any, ...]], float]:
    """Return the driven way of a run in the order of time, and its metres."""
    rows = [
        row for row in Position.objects.filter(run=run).order_by("at") if not row.flags & NOT_LAST
    ]
    steps = pairwise(Point(lat=row.lat, lon=row.lon) for row in rows)
    return [(row.at, row.lat, row.lon) for row in rows], sum(distance_m(*step) for step in steps)


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'live_position'::regclass ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def test_a_point_of_a_driver_at_work_is_stored_with_its_true_time(clock: SetClock) -> None:
    shift, phone = started(clock)
    assert partitions() == ["live_position_20261123"], "the first position need not make its day"
    sent = point(at(9, 59), accuracy_m=5, speed_mps=8.5, heading_deg=90)
    assert answers(take(phone, sent)) == ["stored"]
    row = Position.objects.get()
    assert (str(row.client_id), row.source, row.day) == (sent["id"], phone.public_id, DAY)
    assert (row.at, row.received_at, row.flags) == (at(9, 59), pytest.approx(at(10), abs=MINUTE), 0)
    assert (row.lat, row.lon, row.accuracy_m, row.speed_mps) == (38.72, -9.14, 5, 8.5)
    last = LastPosition.objects.get()
    assert (last.run.shift, last.at, last.heading_deg) == (shift, at(9, 59), 90)


def test_nothing_is_stored_outside_the_acts_that_begin_and_end_the_shift(clock: SetClock) -> None:
    _shift, phone = started(clock)
    send(phone, act("left_hub", at(8, 20)), act("shift_ended", at(9, 30)))
    times = [at(7, 59), at(8), at(9, 30), at(9, 31)]
    assert answers(take(phone, *map(point, times))) == [
        "not_at_work", "stored", "stored", "not_at_work"
    ]  # fmt: skip
    assert sorted(Position.objects.values_list("at", flat=True)) == [at(8), at(9, 30)]


def test_before_the_act_that_begins_the_shift_nothing_is_stored(clock: SetClock) -> None:
    shift, _orders = make_day(1)
    assert shift.driver is not None
    clock(at(9))
    phone = make_phone(shift.driver)
    assert answers(take(phone, point(at(9)))) == ["not_at_work"]
    assert not Position.objects.exists()
    assert not LastPosition.objects.exists()
    assert partitions() == []


def test_a_shift_that_nobody_ends_counts_for_two_hours_more(clock: SetClock) -> None:
    shift, phone = started(clock)
    until = shift.ends_at + 120 * MINUTE
    clock(until + 60 * MINUTE)
    late = [point(until), point(until + MINUTE)]
    assert answers(take(phone, *late)) == ["stored", "not_at_work"]


def test_a_driver_who_begins_hours_too_early_is_followed_from_two_hours_before(
    clock: SetClock,
) -> None:
    shift, _orders = make_day(1)
    assert shift.driver is not None
    first = shift.starts_at - 120 * MINUTE
    clock(at(10))
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", first - 60 * MINUTE))
    assert answers(take(phone, point(first - MINUTE), point(first))) == ["not_at_work", "stored"]


def test_r16_a_late_point_is_judged_by_its_own_time_alone(clock: SetClock) -> None:
    hub = make_driver().hub
    vehicle = make_vehicle(hub=hub)
    early = make_shift(vehicle=vehicle, driver=make_driver(hub=hub),
                       starts_at=at(6), ends_at=at(10))  # fmt: skip
    late = make_shift(vehicle=vehicle, driver=make_driver(hub=hub),
                      starts_at=at(10), ends_at=at(14))  # fmt: skip
    clock(at(15))
    for shift, begin, end in ((early, at(6), at(10)), (late, at(10, 10), at(14))):
        assert shift.driver is not None
        phone = make_phone(shift.driver)
        send(phone, act("shift_started", begin), act("shift_ended", end))
    source = services.PointSource(public_id="key_1", vehicles={"v": vehicle.pk})
    times = [at(13, 59), at(9), at(10, 5), at(10, 20), at(14, 1)]
    points = [read_point(point(when, vehicle="v")) for when in times]
    assert answers(services.take_positions(source=source, points=points)) == [
        "stored", "stored", "not_at_work", "stored", "not_at_work"
    ]  # fmt: skip
    whose = Position.objects.order_by("at").values_list("at", "run__shift")
    assert list(whose) == [(at(9), early.pk), (at(10, 20), late.pk), (at(13, 59), late.pk)]


def test_a_repeated_point_is_stored_once_and_answered_as_the_first(clock: SetClock) -> None:
    _shift, phone = started(clock)
    sent = point(at(9, 59))
    assert answers(take(phone, sent, sent)) == ["stored", "duplicate"]
    assert answers(take(phone, sent)) == ["duplicate"]
    assert Position.objects.count() == 1
    other = make_phone(phone.driver)
    assert answers(take(other, sent)) == ["stored"]  # ids are unique for a device


def test_r15_late_points_in_any_order_never_move_the_last_position_back(clock: SetClock) -> None:
    _shift, phone = started(clock)
    drive = [point(at(8) + n * dt.timedelta(seconds=6), lat=38.6 + n * 0.0005) for n in range(1000)]
    mixed = random.Random(7).sample(drive, len(drive))
    seen: list[dt.datetime] = []
    for start in range(0, len(mixed), 50):
        assert set(answers(take(phone, *mixed[start : start + 50]))) == {"stored"}
        seen.append(LastPosition.objects.get().at)
    assert seen == sorted(seen)
    newest = drive[-1]
    last = LastPosition.objects.get()
    assert (last.at.isoformat(), last.lat) == (newest["at"], pytest.approx(newest["lat"]))
    rows = list(Position.objects.order_by("at").values_list("lat", flat=True))
    assert rows == pytest.approx([one["lat"] for one in drive])
    in_order = make_phone(make_driver())  # another driver on the same way, with a good line
    shift = make_shift(vehicle=make_vehicle(hub=in_order.driver.hub), driver=in_order.driver)
    send(in_order, act("shift_started", at(8)))
    again = [one | {"id": str(uuid4())} for one in drive]
    for start in range(0, len(again), 50):
        take(in_order, *again[start : start + 50])
    assert track(Run.objects.get(shift=shift)) == track(Run.objects.exclude(shift=shift).get())
    flags = set(Position.objects.values_list("flags", flat=True))
    assert not any(flag & PointFlag.JUMP for flag in flags)
    assert any(flag & PointFlag.SHUFFLED for flag in flags)
    assert all(flag & PointFlag.LATE for flag in flags)


def test_a_jump_is_stored_with_its_flag_and_never_shown(clock: SetClock) -> None:
    _shift, phone = started(clock)
    take(phone, point(at(9, 59)))
    assert answers(take(phone, point(at(9, 59) + MINUTE / 2, lat=39.9))) == ["stored"]
    assert LastPosition.objects.get().lat == 38.72
    take(phone, point(at(10), lat=38.721))
    assert LastPosition.objects.get().lat == 38.721
    assert list(Position.objects.order_by("at").values_list("flags", flat=True)) == [
        0, PointFlag.JUMP, 0
    ]  # fmt: skip


def test_r13_a_point_from_the_year_2007_makes_no_partition_of_that_year(clock: SetClock) -> None:
    _shift, phone = started(clock)
    weeks = dt.timedelta(weeks=1024)
    live = point(at(10) - weeks)
    assert answers(take(phone, live, point(at(9) - weeks))) == ["stored", "not_at_work"]
    row = Position.objects.get()
    assert (row.flags, row.at, row.day) == (
        PointFlag.CLOCK_SKEW, pytest.approx(at(10), abs=MINUTE), DAY
    )  # fmt: skip
    assert partitions() == ["live_position_20261123"]


def test_a_wrong_clock_of_a_phone_is_corrected_by_the_time_of_sending(clock: SetClock) -> None:
    _shift, phone = started(clock)
    hour = 60 * MINUTE
    assert answers(take(phone, point(at(9) + 3 * hour), sent_at=at(10) + 3 * hour)) == ["stored"]
    assert Position.objects.get().at == pytest.approx(at(9), abs=MINUTE)


def test_a_batch_costs_the_same_statements_whatever_its_size(
    clock: SetClock, django_assert_num_queries: Any
) -> None:
    _shift, phone = started(clock)
    keep_days([DAY])
    batch = [point(at(9) + n * dt.timedelta(seconds=5)) for n in range(200)]
    with django_assert_num_queries(5):  # runs, BEGIN, INSERT, upsert, COMMIT
        take(phone, *batch)
    assert Position.objects.count() == 200


def test_a_device_that_sends_nonsense_is_on_the_list_with_the_reason(clock: SetClock) -> None:
    _shift, phone = started(clock)
    take(phone, point(at(9), lat=0, lon=0))
    assert Device.objects.get(pk=phone.pk).refused_code == ""  # no fix is normal
    assert answers(take(phone, {"lat": 1}, point(at(9)))) == ["id_missing", "stored"]
    row = Device.objects.get(pk=phone.pk)
    assert (row.refused_code, row.refused_at is not None) == ("position_id_missing", True)


def test_partitions_are_made_ahead_and_dropped_by_policy(clock: SetClock) -> None:
    _shift, phone = started(clock)
    assert keep_coming_days() == 4, "the day of the run is there"
    assert keep_coming_days() == 0
    assert partitions()[0] == "live_position_20261122"
    take(phone, point(at(9)))
    assert services.forget_positions() == {"days_of_positions": 0, "last_positions": 0}
    clock(at(9) + dt.timedelta(days=60))
    assert services.forget_positions() == {"days_of_positions": 1, "last_positions": 1}
    assert Position.objects.count() == 1  # the sixtieth day is kept
    clock(at(9) + dt.timedelta(days=61))
    assert services.forget_positions() == {"days_of_positions": 1, "last_positions": 0}
    assert not Position.objects.exists()
    assert "live_position_20261123" not in partitions()
    assert answers(take(phone, point(at(9, 1)))) == ["not_at_work"]  # it is not made again
    assert "live_position_20261123" not in partitions()


def test_erasing_a_shopper_deletes_the_positions_at_the_door_only(clock: SetClock) -> None:
    shift, orders = make_day(2)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 10)), act("arrived", at(9), orders[0]),
         act("delivered", at(9, 4), orders[0]), act("arrived", at(9, 20), orders[1]))  # fmt: skip
    take(phone, *(point(at(8, minute)) for minute in (20, 40)),
         *(point(at(9, minute)) for minute in (0, 2, 4, 20)))  # fmt: skip
    person = Person(shoppers=(orders[0].shopper.public_id,), orders=(orders[0].public_id,))
    assert erase_positions(person) == {"positions": 3}
    kept = Position.objects.order_by("at").values_list("at", flat=True)
    assert list(kept) == [at(8, 20), at(8, 40), at(9, 20)]
    assert LastPosition.objects.get().at == at(9, 20)


def test_the_key_of_a_tracker_opens_no_app_and_the_other_way_round() -> None:
    driver = make_driver()
    tracker = services.add_tracker(driver=driver)
    link = services.make_login_link(driver=driver)
    app = services.take_login_link(secret=link.secret)
    assert tracker_of_key(tracker.key) == tracker.device
    assert device_of_key(tracker.key) is None
    assert tracker_of_key(app.key) is None
    services.revoke_device(device=tracker.device)
    assert tracker_of_key(tracker.key) is None


def test_batches_over_four_connections_store_each_point_once(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, phone = started(clock)
    batch = [point(at(9) + n * dt.timedelta(seconds=5)) for n in range(40)]
    orders = [batch, batch[::-1], batch[20:] + batch[:20], batch]
    results = race(retailer, lambda n: answers(take(phone, *orders[n])), 4)
    assert not [one for one in results if isinstance(one, Exception)], results
    stored = sum(one.count("stored") for one in results)  # type: ignore[union-attr]
    assert (stored, Position.objects.count()) == (40, 40)
    assert LastPosition.objects.get().at.isoformat() == batch[-1]["at"]
    assert partitions() == ["live_position_20261123"]
