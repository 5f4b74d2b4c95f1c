"""Expected arrivals of runs: one row for each open stop, in the order of visiting."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.live import selectors, services
from dispatch.live.eta import FRESH
from dispatch.live.models import Arrival, Device, Forecast, Run
from dispatch.live.points import read_point
from dispatch.live.services import watching
from dispatch.orders.models import Order
from dispatch.planning.models import Route
from dispatch.roads.matrix import DETOUR, STRAIGHT_KPH
from lastmile.core.erasing import Person
from lastmile.core.geo import Point, distance_m
from lastmile.core.models import Event
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.random_days import MOST_STEPS, check_day, left, random_steps
from tests.drain import drain
from tests.factories.fleet import LAT, LON
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")


def told_stops() -> list[tuple[str, int]]:
    rows = Event.objects.filter(kind="arrival.changed").order_by("pk")
    return [(event.subject, event.data["stops_before"]) for event in rows]


def test_each_open_stop_of_a_run_has_an_arrival_and_an_ended_one_has_none(clock: SetClock) -> None:
    shift, (first, second, third) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(phone, act("left_hub", at(8, 22)))
    drain(jobs=False)
    run = Run.objects.get(shift=shift)
    rows = selectors.arrivals_of_day(shift.hub, DAY)[shift.pk]
    assert [(row.order, row.stops_before) for row in rows] == [
        (first.public_id, 0), (second.public_id, 1), (third.public_id, 2)
    ]  # fmt: skip
    assert all(row.low_at <= row.expected_at <= row.high_at for row in rows)
    assert rows[0].expected_at == at(8, 42)
    assert told_stops() == [(first.public_id, 0), (second.public_id, 1), (third.public_id, 2)]

    clock(at(8, 50))
    send(phone, act("arrived", at(8, 42), first), act("delivered", at(8, 50), first))
    drain(jobs=False)
    assert selectors.arrival_of_order(first.pk) is None
    arrival = selectors.arrival_of_order(second.pk)
    assert arrival is not None
    assert (arrival.run, arrival.stops_before) == (run.public_id, 0)

    send(phone, act("back_at_hub", at(8, 51)), act("shift_ended", at(8, 52)))
    drain(jobs=False)
    assert not Arrival.objects.exists()
    assert not Forecast.objects.exists()


def test_a_vehicle_that_has_not_left_is_expected_by_staff_and_not_by_shoppers(
    clock: SetClock,
) -> None:
    shift, (first, *_rest) = make_day(3)
    assert shift.driver is not None
    clock(at(8, 5))
    send(make_phone(shift.driver), act("shift_started", at(8, 5)))
    drain(jobs=False)
    assert len(selectors.arrivals_of_day(shift.hub, DAY)[shift.pk]) == 3
    assert selectors.arrival_of_order(first.pk) is None
    assert told_stops() == []


def point(when: dt.datetime, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "at": when.isoformat(), "lat": LAT + 0.02, "lon": LON} | fields


def take(device: Device, *items: object) -> None:
    source = services.PointSource(public_id=device.public_id, driver_pk=device.driver_id)
    services.take_positions(source=source, points=[read_point(item) for item in items])


def expected(order: Order) -> dt.datetime:
    return Arrival.objects.get(order=order).expected_at


def test_the_rest_of_the_way_begins_at_the_last_position(clock: SetClock) -> None:
    run, phone, (first, *_rest) = left(clock)
    clock(at(8, 30))
    take(phone, point(at(8, 30)))
    services.update_arrivals(run)
    row = Arrival.objects.get(order=first)
    assert row.position_at == at(8, 30)
    metres = distance_m(Point(lat=LAT + 0.02, lon=LON), order_point(first))
    driving_s = metres * DETOUR * 3.6 / STRAIGHT_KPH["van"]
    assert (row.expected_at - at(8, 30)).total_seconds() == pytest.approx(driving_s, abs=1)


def order_point(order: Order) -> Point:
    place = order.delivery_place
    assert place.lat is not None
    assert place.lon is not None
    return Point(lat=place.lat, lon=place.lon)


def test_r15_late_points_in_any_order_leave_the_arrivals_as_the_newest_one_makes_them(
    clock: SetClock,
) -> None:
    """R15: while late points arrive in any order, the ETA uses the newest valid position."""
    run, phone, (first, *_rest) = left(clock)
    clock(at(8, 40))
    track = [
        point(at(8, 22) + n * dt.timedelta(seconds=6), lat=LAT + n / 9_000) for n in range(180)
    ]
    take(phone, *track)
    services.update_arrivals(run)
    in_order = expected(first)
    random.Random(15).shuffle(track)
    late = [point(dt.datetime.fromisoformat(one["at"]), lat=one["lat"] + 0.2) for one in track]
    for n in range(0, len(late), 20):
        take(phone, *[{**one, "lat": one["lat"] - 0.2} for one in late[n : n + 20]])
        services.update_arrivals(run)
        assert expected(first) == in_order
    newest = Arrival.objects.get(order=first).position_at
    assert newest == at(8, 22) + 179 * dt.timedelta(seconds=6)


def test_an_old_position_no_longer_counts_and_the_last_act_does(clock: SetClock) -> None:
    run, phone, (first, *_rest) = left(clock)
    take(phone, point(at(8, 22)))
    clock(at(8, 22) + FRESH - MINUTE)
    services.update_arrivals(run)
    assert Arrival.objects.get(order=first).position_at == at(8, 22)
    clock(at(8, 22) + FRESH + MINUTE)
    services.update_arrivals(run)
    row = Arrival.objects.get(order=first)
    assert (row.position_at, row.expected_at) == (None, at(8, 42)), "by the act"


def test_r24_breaks_that_are_not_taken_delay_the_stops_behind_them(clock: SetClock) -> None:
    """R24: all ETAs behind a stop contain every break not yet taken."""
    shift, (first, second, _third) = make_day(3)
    assert shift.driver is not None
    pause = {"starts_at": at(8, 50).isoformat(), "ends_at": at(9, 20).isoformat(), "after": 1}
    Route.objects.filter(shift=shift).update(breaks=[pause])
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(phone, act("left_hub", at(8, 22)))
    drain(jobs=False)
    run = Run.objects.get(shift=shift)
    service = dt.timedelta(seconds=first.service_s)
    assert expected(first) == at(8, 42)
    assert expected(second) == at(8, 42) + service + 45 * MINUTE
    clock(at(8, 42))
    send(phone, act("break_started", at(8, 42)))
    services.update_arrivals(run)
    assert expected(first) == at(9, 12) + 20 * MINUTE, "the break ends at 9:12"
    clock(at(9, 12))
    send(phone, act("break_ended", at(9, 12)))
    services.update_arrivals(run)
    assert expected(second) == expected(first) + service + 15 * MINUTE


def test_goods_that_were_missing_at_loading_are_not_expected(clock: SetClock) -> None:
    shift, (first, second, third) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(
        phone,
        act("not_loaded", at(8, 20), orders=[second.public_id], missing="missing"),
        act("left_hub", at(8, 22)),
    )
    drain(jobs=False)
    rows = Arrival.objects.order_by("place_in_route")
    assert [(row.order_id, row.stops_before) for row in rows] == [(first.pk, 0), (third.pk, 1)]


def test_a_cancelled_order_is_no_longer_expected(clock: SetClock) -> None:
    _run, phone, (first, second, _third) = left(clock)
    send(phone, act("failed", at(8, 22), second, reason="refused"))
    drain(jobs=False)
    assert not Arrival.objects.filter(order=second).exists()
    assert Arrival.objects.get(order=first).stops_before == 0


def test_the_arrivals_of_many_runs_cost_the_same_number_of_queries(clock: SetClock) -> None:
    def queries(runs: int) -> int:
        clock(at(8, 22))
        for _n in range(runs):
            shift, _orders = make_day(3)
            assert shift.driver is not None
            send(make_phone(shift.driver), act("left_hub", at(8, 22)))
        drain(jobs=False)
        clock(at(8, 24))
        with CaptureQueriesContext(connection) as captured:
            assert services.update_due_arrivals() == Run.objects.count()
            assert services.update_due_arrivals() == 0
        return len(captured)

    few = queries(1)
    assert few <= 30
    assert queries(4) == few


def test_a_run_is_computed_again_only_after_15_seconds(clock: SetClock) -> None:
    left(clock)
    assert services.update_due_arrivals() == 0
    clock(at(8, 22) + dt.timedelta(seconds=14))
    assert services.update_due_arrivals() == 0
    clock(at(8, 22) + dt.timedelta(seconds=16))
    assert services.update_due_arrivals() == 1
    clock(at(14))
    assert services.update_due_arrivals() == 1
    clock(at(23, 59))
    assert services.update_due_arrivals() == 0, "nobody ended it, and its shift is long over"


def test_a_position_that_moves_the_next_arrival_by_more_than_a_minute_asks_for_it(
    clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, phone, _orders = left(clock)
    hints: list[Any] = []
    monkeypatch.setattr(watching, "publish", lambda task, **options: hints.append(options))
    clock(at(8, 30))
    take(phone, point(at(8, 30)))
    services.update_arrivals(run)
    seen = selectors.places_of_day(run.shift.hub.public_id, DAY)
    assert watching.ask_for_moved(seen) == []
    clock(at(8, 35))
    take(phone, point(at(8, 35)))  # it does not move for five minutes
    seen = selectors.places_of_day(run.shift.hub.public_id, DAY)
    assert watching.ask_for_moved(seen) == [run.public_id]
    watching.ask_for_moved(seen)
    assert [one["kwargs"]["runs"] for one in hints] == [[run.pk]], "it is asked for once"


def test_arrivals_are_erased_with_the_shopper_and_forgotten_with_age(clock: SetClock) -> None:
    _run, _phone, (first, *_rest) = left(clock)
    person = Person(shoppers=(), orders=(first.public_id,), external_ids=(), texts=())
    assert services.erase_person(person)["arrivals"] == 1
    assert services.forget_arrivals() == {"arrivals": 0}
    clock(at(8) + dt.timedelta(days=3))
    assert services.forget_arrivals() == {"arrivals": 2}
    assert not Forecast.objects.exists()


@pytest.mark.parametrize("seed", range(1, 13))
def test_r25_after_each_of_many_random_events_the_arrivals_are_in_order(
    clock: SetClock, seed: int
) -> None:
    """R25: low <= ETA <= high, times never fall along the route, ended stops have none.

    `make proof arrivals` plays 100,000 events; these are the first days of it.
    """
    assert check_day(clock, random_steps(seed)) == MOST_STEPS
