"""Parcels that must be taken out get a stop of their own where no delivery goes."""

from __future__ import annotations

import datetime as dt

from dispatch.live.selectors.days import day_of
from dispatch.orders.models import CommonStop, Order
from dispatch.planning.problem.day import order_input
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from lockers.courier.day import part_of
from lockers.services.pickups import plan_pickups
from lockers.services.sweeping import look_after_lockers
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import act, at, make_phone, publish, send
from tests.factories.lockers import make_reservation
from tests.factories.orders import DAY, make_order
from tests.lockers.courier.test_acts import Round, all_is_well, make_round

LATER = DAY + dt.timedelta(days=4)
TAKE_AT = dt.datetime.combine(LATER + dt.timedelta(days=1), dt.time(10), tzinfo=dt.UTC)


def expired(clock: SetClock) -> Round:
    """Return a bank with a parcel that nobody collected; it is the fourth day after."""
    it = make_round(clock)
    send(it.phone, it.put_in(0), it.put_in(1, minute=1))
    drain()
    clock(at(9) + dt.timedelta(days=4))
    return it


def pickups() -> list[Order]:
    rows = Order.objects.select_related("promise__place", "place", "hub", "common_stop")
    return list(rows.filter(direction="return").order_by("pk"))


def test_expired_parcels_get_a_stop_on_the_next_day_when_no_delivery_goes_there(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = expired(clock)
    look_after_lockers()
    (order,) = pickups()
    assert (order.state, order.hub, order.service_date) == (
        "ready", it.bank.hub, LATER + dt.timedelta(days=1)
    )  # fmt: skip
    assert order.place.point == it.bank.point
    planned = order_input(order)
    assert (planned.common, planned.collects) == (it.bank.public_id, True)
    assert planned.opens_at is not None
    look_after_lockers()
    drain()
    look_after_lockers()
    assert len(pickups()) == 1, "one stop takes all of them"
    (bank,) = part_of([order.public_id])["banks"]
    assert len(bank["takes_out"]) == 2
    assert all(parcel["pin"] for parcel in bank["takes_out"])


def test_no_stop_of_its_own_where_a_delivery_goes_on_that_day(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = expired(clock)
    order = make_order(hub=it.bank.hub.public_id)
    make_reservation(it.bank, order=order)
    drain()
    Order.objects.filter(pk=order.pk).update(service_date=LATER + dt.timedelta(days=1))
    stop = CommonStop.objects.get(order=order)
    assert (stop.key, stop.refused) == (it.bank.public_id, "")
    look_after_lockers()
    assert pickups() == []


def test_the_stop_ends_with_the_parcels_in_the_vehicle(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = expired(clock)
    look_after_lockers()
    (order,) = pickups()
    day = LATER + dt.timedelta(days=1)
    clock(TAKE_AT - dt.timedelta(hours=4))
    driver = make_driver(hub=it.bank.hub)
    shift = make_shift(
        vehicle=make_vehicle(hub=it.bank.hub), driver=driver,
        starts_at=TAKE_AT - dt.timedelta(hours=2),
    )  # fmt: skip
    publish(it.bank.hub, {shift: [order]}, day=day)
    phone = make_phone(driver)
    (stop,) = day_of(driver=driver, at=now()).stops
    assert (stop.direction, stop.common) == ("return", it.bank.public_id)
    clock(TAKE_AT)
    send(phone, act("arrived", TAKE_AT, order))
    for place in (0, 1):
        row = it.row(place)
        door = row.compartment.number if row.compartment else ""
        send(
            phone,
            act("taken_out", TAKE_AT, it.orders[place], reservation=row.public_id, door=door),
        )
    send(phone, act("picked_up", TAKE_AT + dt.timedelta(minutes=2), order))
    drain()
    assert [it.state(0), it.state(1)] == [("returned", "returned")] * 2
    assert Order.objects.get(pk=order.pk).state == "loaded"
    assert plan_pickups() == 0
    all_is_well()


def test_a_stop_without_parcels_is_cancelled(retailer: RetailerRef, clock: SetClock) -> None:
    it = expired(clock)
    look_after_lockers()
    for place in (0, 1):
        row = it.row(place)
        when = at(9) + dt.timedelta(days=4)
        door = row.compartment.number if row.compartment else ""
        send(
            it.phone, act("taken_out", when, it.orders[place], reservation=row.public_id, door=door)
        )
    drain()
    look_after_lockers()
    (order,) = pickups()
    assert order.state == "cancelled"
