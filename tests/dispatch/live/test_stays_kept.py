"""Arrivals and departures that only the positions show are kept, with their source."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from dispatch.live import services
from dispatch.live.models import Device, Run, VisitProgress
from dispatch.live.points import read_point
from dispatch.orders.models import Order
from lastmile.core.models import Event
from tests.dispatch.conftest import SetClock
from tests.factories.live import act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer")
Day = tuple[Device, list[Order]]


@pytest.fixture
def day(clock: SetClock) -> Day:
    """A phone on the road with two orders, at ten o'clock."""
    shift, orders = make_day(2)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)), act("left_hub", at(8, 20)))
    return phone, orders


def be_at(phone: Device, order: Order, first: dt.datetime, seconds: int, **moved: float) -> None:
    """Send a position every ten seconds from near the door of an order."""
    door = order.delivery_place.point
    assert door is not None
    source = services.PointSource(
        public_id=phone.public_id, driver_pk=phone.driver_id, device=phone
    )
    items: list[dict[str, Any]] = [
        {
            "id": str(uuid4()),
            "at": (first + dt.timedelta(seconds=second)).isoformat(),
            "lat": door.lat + moved.get("north_deg", 0),
            "lon": door.lon,
            "accuracy_m": 8,
        }
        for second in range(0, seconds + 1, 10)
    ]
    services.take_positions(source=source, points=[read_point(item) for item in items])


def drive_away(phone: Device, order: Order, first: dt.datetime) -> None:
    be_at(phone, order, first, 30, north_deg=0.02)


def look(clock: SetClock, when: dt.datetime) -> None:
    clock(when)
    services.note_stays(Run.objects.values_list("pk", flat=True))


def visit(order: Order) -> VisitProgress:
    return VisitProgress.objects.get(order=order)


def facts_of(kind: str, order: Order) -> list[dict[str, Any]]:
    rows = Event.objects.filter(kind=kind, subject=order.public_id).order_by("pk")
    return list(rows.values_list("data", flat=True))


def test_r23_a_forgotten_arrival_is_that_of_the_position_and_says_so(
    day: Day, clock: SetClock
) -> None:
    phone, (order, *_rest) = day
    be_at(phone, order, at(9), 60)
    look(clock, at(9, 1))
    row = visit(order)
    assert (row.arrived_at, row.arrived_from, row.stood_until_at) == (at(9), "position", None)
    assert [data["source"] for data in facts_of("visit.arrived", order)] == ["position"]
    clock(at(9, 5))
    send(phone, act("delivered", at(9, 4), order))
    attempt = order.attempts.get()
    assert (attempt.arrived_at, attempt.arrived_from) == (at(9), "position")


def test_the_end_of_the_stay_is_kept_when_the_vehicle_leaves(day: Day, clock: SetClock) -> None:
    phone, (order, *_rest) = day
    be_at(phone, order, at(9), 60)
    look(clock, at(9, 1))
    send(phone, act("delivered", at(9, 1), order))
    be_at(phone, order, at(9, 2), 60)
    drive_away(phone, order, at(9, 4))
    look(clock, at(9, 5))
    row = visit(order)
    assert (row.stood_from_at, row.stood_until_at) == (at(9), at(9, 3))
    assert row.departed_at == at(9, 1), "the time of the outcome stays"
    assert len(facts_of("visit.left", order)) == 1
    look(clock, at(9, 6))
    assert len(facts_of("visit.left", order)) == 1
    assert len(facts_of("visit.arrived", order)) == 1


def test_an_arrival_that_the_driver_told_of_is_not_replaced(day: Day, clock: SetClock) -> None:
    phone, (order, *_rest) = day
    be_at(phone, order, at(9), 120)
    look(clock, at(9, 2))
    send(phone, act("arrived", at(9, 1), order))
    row = visit(order)
    assert (row.arrived_at, row.arrived_from) == (at(9, 1), "tap")
    assert row.stood_from_at == at(9)
    send(phone, act("delivered", at(9, 2), order))
    assert (order.attempts.get().arrived_at, order.attempts.get().arrived_from) == (at(9, 1), "tap")


def test_an_arrival_told_far_from_the_door_is_flagged_with_its_distance(day: Day) -> None:
    phone, (order, other) = day
    door = order.delivery_place.point
    assert door is not None
    far = {"lat": door.lat + 0.005, "lon": door.lon, "accuracy_m": 10}
    send(phone, act("arrived", at(9), order, **far))
    assert visit(order).arrived_far_m == pytest.approx(556, abs=2)
    near = other.delivery_place.point
    assert near is not None
    send(phone, act("arrived", at(9, 30), other, lat=near.lat, lon=near.lon, accuracy_m=10))
    assert visit(other).arrived_far_m is None


def test_a_vehicle_that_leaves_without_an_outcome_is_no_longer_there(
    day: Day, clock: SetClock
) -> None:
    phone, (order, *_rest) = day
    be_at(phone, order, at(9), 60)
    look(clock, at(9, 1))
    drive_away(phone, order, at(9, 2))
    look(clock, at(9, 3))
    row = visit(order)
    assert (row.arrived_at, row.arrived_from) == (None, "")
    assert (row.stood_from_at, row.stood_until_at) == (at(9), at(9, 1))
    send(phone, act("delivered", at(9, 1), order))  # told of when the phone had a network again
    assert (visit(order).arrived_at, visit(order).arrived_from) == (at(9), "position")


def test_positions_that_come_after_the_run_complete_its_attempts(day: Day, clock: SetClock) -> None:
    phone, (order, other) = day
    clock(at(12))
    send(
        phone,
        act("delivered", at(9, 3), order),
        act("failed", at(9, 30), other, reason="no_access"),
    )
    send(phone, act("back_at_hub", at(10)), act("shift_ended", at(10, 5)))
    assert order.attempts.get().arrived_from == ""
    be_at(phone, order, at(9), 180)
    drive_away(phone, order, at(9, 5))
    services.note_stays(Run.objects.values_list("pk", flat=True), whole=True)
    attempt = order.attempts.get()
    assert (attempt.arrived_at, attempt.arrived_from) == (at(9), "position")
    assert order.attempts.count() == 1
    assert other.attempts.get().arrived_at == at(9, 30), "nothing is guessed without positions"
    send(phone, act("arrived", at(9, 1), order))
    assert (order.attempts.get().arrived_at, order.attempts.get().arrived_from) == (at(9, 1), "tap")


def test_a_run_that_has_just_ended_is_searched_also_without_a_hint(
    day: Day, clock: SetClock
) -> None:
    phone, (order, *_rest) = day
    be_at(phone, order, at(9), 60)
    drive_away(phone, order, at(9, 5))
    clock(at(9, 30))
    send(phone, act("delivered", at(9, 4), order), act("back_at_hub", at(9, 30)))
    assert not order.attempts.filter(arrived_from="position").exists()
    clock(at(9, 46))
    assert services.note_stays_of_ended() == 0
    clock(at(9, 44))
    assert services.note_stays_of_ended() > 0
    attempt = order.attempts.get()
    assert (attempt.arrived_at, attempt.arrived_from) == (at(9), "position")
    assert services.note_stays_of_ended() == 0


def test_late_positions_of_an_old_run_are_searched_also_without_a_hint(
    day: Day, clock: SetClock
) -> None:
    """A worker that is killed with the hint loses nothing: the run itself says what is open."""
    phone, (order, *_rest) = day
    clock(at(9, 30))
    send(phone, act("delivered", at(9, 4), order), act("back_at_hub", at(9, 30)))
    clock(at(12))
    be_at(phone, order, at(9), 60)
    drive_away(phone, order, at(9, 5))
    run = Run.objects.get()
    assert run.late_positions_at is not None
    assert services.note_stays_of_ended() > 0
    attempt = order.attempts.get()
    assert (attempt.arrived_at, attempt.arrived_from) == (at(9), "position")
    run.refresh_from_db()
    assert run.late_positions_at is None
    assert services.note_stays_of_ended() == 0


def test_positions_that_come_while_a_run_is_searched_are_searched_for_later(
    day: Day, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, (order, *_rest) = day
    clock(at(9, 30))
    send(phone, act("delivered", at(9, 4), order), act("back_at_hub", at(9, 30)))
    clock(at(12))
    drive_away(phone, order, at(9, 5))

    def search(*_runs: object, **_how: object) -> int:
        clock(at(12, 1))
        be_at(phone, order, at(9), 60)
        return 0

    monkeypatch.setattr("dispatch.live.services.stays.note_stays", search)
    services.note_stays_of_ended()
    marked_at = Run.objects.get().late_positions_at
    assert marked_at is not None
    assert marked_at >= at(12, 1)
