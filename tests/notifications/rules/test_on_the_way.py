"""On the way a shopper is told what matters: nearly there, late, arriving; never three in a row."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from uuid import uuid4

import pytest

from dispatch.live.models import Arrival, Run
from dispatch.orders.models import Option, Order, Promise
from lastmile.core.clock import now
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.tenancy import RetailerRef
from lastmile.core.wiring import load
from notifications.catalogue.moments import BY_KEY, moments_of
from notifications.handlers import on_event
from notifications.models import Message
from notifications.rules.on_the_way import ON_THE_WAY
from tests.dispatch.conftest import SetClock
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send
from tests.notifications.making import set_policy, switch_on
from tests.portal.tracking.shoppers import promise


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    """The third order of a route; its run left at nine, and its window is 10:00 to 12:00."""
    shift, orders = make_day(3)
    assert shift.driver is not None
    promise(orders[2])
    Promise.objects.update(made_at=at(0))
    clock(at(9))
    send(make_phone(shift.driver), act("shift_started", at(8)), act("left_hub", at(9)))
    return Order.objects.get(pk=orders[2].pk)


def expect(order: Order, minutes: float, before: int) -> None:
    """Write the expected arrival of an order."""
    expected_at = now() + dt.timedelta(minutes=minutes)
    Arrival.objects.update_or_create(
        order=order,
        defaults={
            "run": Run.objects.get(),
            "stop": "stp_test",
            "place_in_route": before + 1,
            "expected_at": expected_at,
            "low_at": expected_at - 5 * MINUTE,
            "high_at": expected_at + 5 * MINUTE,
            "stops_before": before,
            "computed_at": now(),
        },
    )


def event(order: Order, kind: str = "arrival.changed", **data: Any) -> DomainEvent:
    facts = {"stops_before": 0, "late_minutes": 0} | data
    return DomainEvent(
        public_id=f"evt_{uuid4().hex[:20]}", kind=kind, subject=order.public_id, actor="",
        occurred_at=now(), data=facts, position=1, lane=Lane.PERSON,
    )  # fmt: skip


def moments_started(order: Order, kind: str = "arrival.changed", **data: Any) -> list[str]:
    """Return the moments that an event starts for an order as it is now."""
    row, fact = Order.objects.get(pk=order.pk), event(order, kind, **data)
    return [one.key for one in moments_of(kind) if load(one.applies)(fact, row)]


def still(order: Order, moment: str) -> str:
    row = Order.objects.get(pk=order.pk)
    return str(load(BY_KEY[moment].still_true)(Message(moment=moment), row))


def report(kind: str, minute: int, order: Order, **more: Any) -> None:
    phone = make_phone(Run.objects.get().driver)
    (answer,) = send(phone, act(kind, at(9, minute), order, **more))
    assert answer.status == "stored", answer.problem


def test_near_is_told_when_few_stops_or_minutes_are_left(order: Order) -> None:
    expect(order, 90, 5)
    assert moments_started(order) == []
    expect(order, 60, 2)
    assert moments_started(order) == ["near"]
    expect(order, 19, 5)
    assert moments_started(order) == ["near"]
    set_policy(near_stops=1, near_minutes=10)
    assert moments_started(order) == []


def test_arriving_is_told_to_the_next_stop_ten_minutes_before(order: Order) -> None:
    set_policy(near_stops=0, near_minutes=5)
    expect(order, 9, 1)
    assert moments_started(order) == []
    expect(order, 12, 0)
    assert moments_started(order) == ["near"]
    expect(order, 9, 0)
    assert moments_started(order) == ["near", "arriving"], (
        "the later one replaces the one that waits"
    )
    assert "near" in BY_KEY["arriving"].replaces


def test_a_delay_is_told_before_it_happens_once_and_when_it_grows(
    order: Order, clock: SetClock
) -> None:
    switch_on("sms")
    expect(order, 170, 2)  # 11:50, in time
    assert moments_started(order, "arrival.late", late_minutes=5) == []
    expect(order, 195, 2)  # 12:15
    assert moments_started(order, "arrival.late", late_minutes=15) == ["delayed"]
    on_event(event(order, "arrival.late", late_minutes=15))
    assert moments_started(order, "arrival.late", late_minutes=40) == []
    assert moments_started(order, "arrival.late", late_minutes=45) == ["delayed"]
    assert still(order, "delayed") == ""
    expect(order, 170, 2)
    assert still(order, "delayed") == "no_longer_true"


def test_nothing_is_told_after_the_arrival_or_to_who_collects(order: Order) -> None:
    expect(order, 9, 0)
    Promise.objects.update(option=Option.LOCKER)
    assert moments_started(order) == []
    Promise.objects.update(option=Option.WINDOW)
    assert moments_started(order) == ["near", "arriving"]
    assert still(order, "near") == still(order, "arriving") == ""
    report("arrived", 20, order)
    assert moments_started(order) == []
    assert still(order, "near") == still(order, "arriving") == "no_longer_true"


def test_no_three_texts_come_in_a_quarter_of_an_hour(order: Order, clock: SetClock) -> None:
    """A short route: the vehicle leaves, is near at once, and arrives some minutes later."""
    switch_on("sms")
    on_event(event(order, "order.out"))
    for minute in range(1, 16):
        clock(at(9, minute))
        expect(order, 16 - minute, 0 if minute > 5 else 2)
        on_event(event(order))
    rows = Message.objects.filter(order=order, moment__in=ON_THE_WAY).order_by("made_at")
    waiting = rows.exclude(state="skipped")
    assert [row.moment for row in waiting][:1] == ["out_for_delivery"]
    assert waiting.count() <= 2
    gaps = [b.made_at - a.made_at for a, b in itertools.pairwise(waiting)]
    assert all(gap >= 15 * MINUTE for gap in gaps)


def test_on_a_long_route_each_moment_is_told_once(order: Order, clock: SetClock) -> None:
    switch_on("sms")
    on_event(event(order, "order.out"))
    Message.objects.update(state="accepted")
    for minute in range(20, 60, 2):
        clock(at(9, minute))
        expect(order, 60 - minute, 2 if minute < 50 else 0)
        on_event(event(order))
        Message.objects.filter(moment__in=ON_THE_WAY).exclude(state="skipped").update(
            state="accepted"
        )
    rows = Message.objects.filter(order=order, moment__in=ON_THE_WAY).order_by("made_at")
    assert [row.moment for row in rows] == ["out_for_delivery", "near", "arriving"]
