"""A shopper sees the driver's position only while the driver is on the way to that shopper."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import pytest

from dispatch.live.approach import (
    ApproachRules,
    Way,
    WayStop,
    shown_to,
    snapped,
    stops_before,
)
from dispatch.live.models import LastPosition, Run
from dispatch.live.policy import TrackingPolicy
from dispatch.live.selectors.approach import approach_of, shown_places
from dispatch.orders.models import Direction, Option, Order, Promise
from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.factories.live import MINUTE, act, at, make_day, make_phone, publish, send
from tests.factories.orders import make_order
from tests.portal.tracking.shoppers import promise

LEFT, NOW = at(9), at(10)
SOON = NOW - dt.timedelta(seconds=30)
HERE = Point(lat=38.72, lon=-9.14)


def door(north_m: float) -> Point:
    return Point(lat=HERE.lat + north_m / 111_195, lon=HERE.lon)


def stop(order: str, north_m: float, **fields: object) -> WayStop:
    values = {"order": order, "door": door(north_m), "is_open": True} | fields
    return WayStop(**values)  # type: ignore[arg-type]


def way(*stops: WayStop, **fields: object) -> Way:
    values = {"left_at": LEFT, "stops": stops, "at": NOW, "place": HERE} | fields
    return Way(**values)  # type: ignore[arg-type]


A, B, C = stop("a", 2_000), stop("b", 4_000), stop("c", 6_000)
DONE = replace(A, is_open=False, arrived_at=at(9, 30), departed_at=at(9, 35))


def who_sees(seen: Way, rules: ApproachRules | None = None, now: dt.datetime = NOW) -> list[str]:
    rules = rules or ApproachRules()
    return [one.order for one in seen.stops if shown_to(one.order, seen, rules, now)]


def test_only_the_next_shopper_sees_the_driver() -> None:
    assert who_sees(way(A, B, C)) == ["a"]
    assert who_sees(way(DONE, B, C)) == ["b"]
    assert who_sees(way(DONE, B, C), ApproachRules(stops_ahead=1)) == ["b", "c"]
    assert who_sees(way(A, B, C), ApproachRules(is_on=False)) == []
    assert stops_before((DONE, B, C), "c") == 1
    assert stops_before((DONE, B, C), "a") is None


def test_nobody_sees_a_driver_who_is_at_a_door() -> None:
    at_a = replace(A, arrived_at=at(9, 59))
    assert who_sees(way(at_a, B, C), ApproachRules(stops_ahead=5)) == []
    out_of_turn = replace(C, arrived_at=at(9, 59))
    assert who_sees(way(A, B, out_of_turn), ApproachRules(stops_ahead=5)) == []


def test_an_arrival_without_a_report_hides_only_its_own_stop_after_the_next_delivery() -> None:
    skipped = replace(A, arrived_at=at(9, 20))
    done = replace(B, is_open=False, arrived_at=at(9, 30), departed_at=at(9, 40))
    assert who_sees(way(skipped, done, C), ApproachRules(stops_ahead=1)) == ["c"]


def test_a_position_from_before_the_last_departure_is_not_of_this_way() -> None:
    assert who_sees(way(DONE, B, at=at(9, 34))) == []
    assert who_sees(way(DONE, B, at=at(9, 36)), now=at(9, 37)) == ["b"]
    assert who_sees(way(A, B, at=LEFT - MINUTE), now=LEFT) == []


def test_a_position_that_is_too_old_or_of_the_future_is_not_shown() -> None:
    assert who_sees(way(A), now=NOW + 5 * MINUTE) == ["a"]
    assert who_sees(way(A), now=NOW + 5 * MINUTE + dt.timedelta(seconds=1)) == []
    assert who_sees(way(A), now=NOW - 2 * MINUTE) == []


def test_a_place_that_tells_where_somebody_else_lives_is_not_shown() -> None:
    assert who_sees(way(stop("a", 2_000), stop("b", 80))) == []
    assert who_sees(way(stop("a", 2_000), stop("b", 120))) == ["a"]
    done_here = replace(DONE, door=door(30))
    assert who_sees(way(done_here, B)) == []
    same_house = stop("b", 60)
    assert who_sees(way(done_here, same_house)) == ["b"], "the shopper's own house"


def test_orders_that_nobody_follows_see_no_driver() -> None:
    assert who_sees(way(replace(A, is_followed=False), B), ApproachRules(stops_ahead=1)) == ["b"]


def test_a_place_is_snapped_to_fifty_metres_and_says_no_more_than_that() -> None:
    chance = random.Random(7)
    for _n in range(500):
        real = Point(lat=chance.uniform(-70, 70), lon=chance.uniform(-179, 179))
        shown = snapped(real)
        assert distance_m(real, shown) <= 36  # half of the diagonal of a cell
        assert snapped(shown) == shown
    near = {snapped(Point(lat=HERE.lat + n / 2e6, lon=HERE.lon)) for n in range(2_000)}
    assert 2 <= len(near) <= 4  # of 110 m


# --- with rows -----------------------------------------------------------------------------------
@pytest.fixture
def day(retailer: RetailerRef, clock: SetClock) -> list[Order]:
    """Three orders on a route; the run left at nine, and a position is one minute old."""
    shift, orders = make_day(3)
    assert shift.driver is not None
    clock(NOW)
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)), act("left_hub", LEFT))
    take(phone, point(SOON, lat=39.0, heading_deg=97))
    return orders


def who_is_told(orders: list[Order]) -> list[int]:
    """Return the numbers of the orders whose shoppers see a position, by both ways to ask."""
    for order in orders:
        order.refresh_from_db()
    alone = [n for n, one in enumerate(orders) if (look := approach_of(one)) and look.place]
    together = shown_places([run.public_id for run in Run.objects.all()])
    assert sorted(together) == sorted(orders[n].public_id for n in alone)
    return alone


def set_tracking(**settings: Any) -> None:
    set_section(section=section_of(TrackingPolicy), policy=TrackingPolicy(**settings))


def drive(orders: list[Order], kind: str, minute: int, stop: int, **more: object) -> None:
    phone = make_phone(Run.objects.get().driver)
    (answer,) = send(phone, act(kind, at(9, minute), orders[stop], **more))
    assert answer.status == "stored", answer.problem


def test_the_position_follows_the_acts_of_the_driver(day: list[Order]) -> None:
    assert who_is_told(day) == [0]
    first = approach_of(day[0])
    assert first is not None
    assert first.place is not None
    assert (first.stops_before, first.is_here, first.place.heading_deg) == (0, False, 90)
    assert abs(first.place.lat - 39.0) < 0.0005
    drive(day, "arrived", 50, 0)
    assert who_is_told(day) == []
    assert getattr(approach_of(day[0]), "is_here", None) is True
    drive(day, "delivered", 55, 0)
    assert who_is_told(day) == [1]
    assert getattr(approach_of(day[2]), "stops_before", None) == 1
    drive(day, "failed", 57, 1, reason="no_access")
    assert who_is_told(day) == [2]


def test_before_leaving_and_after_coming_back_nothing_is_shown(
    retailer: RetailerRef, clock: SetClock
) -> None:
    shift, orders = make_day(2)
    assert shift.driver is not None
    clock(NOW)
    phone = make_phone(shift.driver)
    assert who_is_told(orders) == []
    send(phone, act("shift_started", at(8)))
    take(phone, point(SOON, lat=39.0))
    assert who_is_told(orders) == []
    send(phone, act("left_hub", at(9, 30)))
    assert who_is_told(orders) == [0]
    send(phone, act("back_at_hub", at(9, 58)))
    assert who_is_told(orders) == []


def test_the_policy_of_the_retailer_decides(day: list[Order]) -> None:
    set_tracking(stops_ahead=1)
    assert who_is_told(day) == [0, 1]
    set_tracking(shows_position=False)
    assert who_is_told(day) == []
    set_tracking(oldest_minutes=1)
    LastPosition.objects.update(at=NOW - 2 * MINUTE)
    assert who_is_told(day) == []


def test_collected_orders_and_another_van_show_nothing(day: list[Order]) -> None:
    promise(day[0], 11, 13)
    assert who_is_told(day) == [0]
    Promise.objects.update(option=Option.LOCKER)  # no service lets such an order on the road
    assert who_is_told(day) == []
    Promise.objects.update(option=Option.WINDOW)
    shift = Run.objects.get().shift
    other, _more = make_day(1, hub=shift.hub)
    publish(shift.hub, {shift: day[1:], other: day[:1]})
    assert who_is_told(day) == [1]


def test_a_return_is_followed_too(retailer: RetailerRef, clock: SetClock) -> None:
    shift, orders = make_day(1)
    assert shift.driver is not None
    back = make_order(hub=shift.hub.public_id, direction=Direction.RETURN)
    publish(shift.hub, {shift: [back, *orders]})
    clock(NOW)
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)), act("left_hub", LEFT))
    take(phone, point(SOON, lat=39.0))
    rows = [Order.objects.get(pk=back.pk), *orders]
    assert who_is_told(rows) == [0]
    send(phone, act("picked_up", at(9, 55), back))
    assert who_is_told(rows) == [1]


def test_runs_of_another_retailer_are_unknown(day: list[Order], other: RetailerRef) -> None:
    run = Run.objects.get().public_id
    with retailer_context(other):
        assert shown_places([run]) == {}
