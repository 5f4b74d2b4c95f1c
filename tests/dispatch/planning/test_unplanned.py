"""On the evening before, a day with orders and without a plan is noted once."""

from __future__ import annotations

import datetime as dt

from dispatch.fleet.models import Hub
from dispatch.orders.services import cancel_order
from dispatch.planning.models import Plan, UnplannedDay
from dispatch.planning.services import forget_days, note_unplanned_days
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY

EVE = DAY - dt.timedelta(days=1)


def at(hour: int, minute: int = 0, day: dt.date = EVE) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def noted() -> list[tuple[str, dict[str, object]]]:
    events = Event.objects.filter(kind="day.unplanned").order_by("pk")
    return [(event.subject, event.data) for event in events]


def test_a_day_without_a_plan_is_noted_once_in_the_evening(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub = make_hub()
    order = make_order()
    clock(at(17, 59))
    assert note_unplanned_days() == 0
    clock(at(18))
    assert note_unplanned_days() == 1
    assert note_unplanned_days() == 0
    assert noted() == [(hub.public_id, {"service_date": DAY.isoformat(), "orders": 1})]
    assert order.service_date == DAY


def test_the_evening_begins_by_the_clock_of_the_hub(retailer: RetailerRef, clock: SetClock) -> None:
    make_hub(zone="Asia/Tokyo")
    make_order()
    clock(at(8, 59))
    assert note_unplanned_days() == 0
    clock(at(9))
    assert note_unplanned_days() == 1


def test_a_published_day_and_a_day_without_orders_are_not_noted(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub = make_hub()
    make_order()
    make_hub(name="Empty", lat=10.0, lon=10.0)
    clock(at(19))
    Plan.objects.create(
        hub=hub,
        service_date=DAY,
        number=1,
        status=Plan.Status.PUBLISHED,
        published_at=at(16),
        origin_at=at(0, day=DAY),
        currency="EUR",
    )
    assert note_unplanned_days() == 0
    assert noted() == []


def test_a_cancelled_order_needs_no_plan(retailer: RetailerRef, clock: SetClock) -> None:
    make_hub()
    cancel_order(order=make_order())
    clock(at(20))
    assert note_unplanned_days() == 0


def test_the_note_is_forgotten_with_its_day(retailer: RetailerRef, clock: SetClock) -> None:
    make_hub()
    make_order()
    clock(at(20))
    note_unplanned_days()
    clock(at(20, day=DAY + dt.timedelta(days=30)))
    forget_days()
    assert not UnplannedDay.objects.exists()
    assert Hub.objects.exists()
