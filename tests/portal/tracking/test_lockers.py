"""An order in a locker on the shopper's page: state, code behind the step-up, more time, move."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from dispatch.orders.models import Order
from lastmile.core import clock as clocks
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import LockerBank, LockerReservation
from lockers.services.sweeping import look_after_lockers
from notifications.handlers import on_event
from notifications.models import Message
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub, make_order
from tests.factories.fleet import LAT, LON
from tests.factories.live import at
from tests.factories.lockers import (
    Station,
    make_bank,
    make_reservation,
    make_station,
    pin_of,
)
from tests.notifications.making import switch_on
from tests.portal.shopper.codes import let_codes_be_sent, newest_code
from tests.portal.tracking.shoppers import ShopperBrowser


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    """Return an order of a hub, in the morning of its day."""
    clock(at(8))
    return make_order(hub=make_hub(zone="Europe/Lisbon").public_id)


@pytest.fixture
def bank(order: Order) -> LockerBank:
    return bank_near(order, name="Mercado", address="Rua A 1", hours="Mo-Su 06:00-23:00")


def bank_near(order: Order, north: float = 0.002, **fields: object) -> LockerBank:
    point = Point(lat=LAT + north, lon=LON)
    return make_bank(0, large=2, hub=order.hub, point=point, **fields)


def reserve(order: Order, bank: LockerBank) -> LockerReservation:
    row = make_reservation(bank, order=order)
    order.refresh_from_db()
    return row


def deposit(ref: RetailerRef, bank: LockerBank, row: LockerReservation) -> Station:
    """Let a courier put the parcel in; return the cabinet, whose journal has arrived."""
    station = make_station(ref, bank)
    station.deposit(pin_of(row, "courier"))
    assert station.cabinet.sync()
    return station


def confirm(shopper: ShopperBrowser) -> None:
    let_codes_be_sent()
    shopper.post("confirm/", what="send")
    shopper.post("confirm/", code=newest_code(shopper.order))


def code_on(shopper: ShopperBrowser) -> str:
    """Return the code that the page shows."""
    page = shopper.get("locker/code/").content.decode()
    match = re.search(r'<bdi dir="ltr">([0-9 ]+)</bdi>', page)
    assert match, page[:3000]
    return match[1].replace(" ", "")


def moments_after(*kinds: str) -> list[str]:
    """Handle the events of lockers; return the moments that they told, in order."""
    for event in Event.objects.filter(kind__in=kinds).order_by("pk"):
        on_event(event)
    rows = Message.objects.filter(moment__startswith="locker_").order_by("pk")
    return list(rows.values_list("moment", flat=True))


def test_the_page_says_where_the_locker_is_and_offers_no_code_before_the_deposit(
    order: Order, bank: LockerBank
) -> None:
    reserve(order, bank)
    shopper = ShopperBrowser(order)
    page = shopper.text()
    for words in ("Mercado", "Rua A 1", "Mon – Sun", "Kept for you", "Another locker"):
        assert words in page, words
    assert "Show my pickup code" not in page
    confirm(shopper)
    assert "There is no code now" in shopper.text("locker/code/")


def test_the_code_is_behind_the_step_up_opens_the_door_and_is_nowhere_else(
    order: Order, bank: LockerBank, retailer: RetailerRef, caplog: pytest.LogCaptureFixture
) -> None:
    row = reserve(order, bank)
    station = deposit(retailer, bank, row)
    shopper = ShopperBrowser(order)
    page = shopper.text()
    assert "Ready for you" in page
    assert "Collect by" in page
    assert "Show my pickup code" in page
    away = shopper.get("locker/code/")
    assert away.status_code == 303
    assert "/confirm/" in away.headers["Location"]
    confirm(shopper)
    pin = code_on(shopper)
    answer = shopper.get("locker/code/")
    assert "no-store" in answer.headers["Cache-Control"]
    assert '<path stroke="#000"' in answer.content.decode()
    for path in ("", "status/"):
        assert pin not in shopper.get(path).content.decode().replace(" ", "")
    assert pin not in str(list(Event.objects.values_list("data", flat=True)))
    assert pin not in caplog.text
    assert station.collect(pin) == ["p"]
    assert station.cabinet.sync()
    order.refresh_from_db()
    assert order.state == "delivered"
    assert "You collected your order" in shopper.answer()


def test_a_new_code_ends_the_old_one(order: Order, bank: LockerBank, retailer: RetailerRef) -> None:
    deposit(retailer, bank, reserve(order, bank))
    shopper = ShopperBrowser(order)
    assert shopper.post("locker/new-code/").status_code == 303
    confirm(shopper)
    first = code_on(shopper)
    assert shopper.get("locker/new-code/").status_code == 303
    assert code_on(shopper) == first, "a link changes nothing"
    shopper.post("locker/new-code/")
    assert code_on(shopper) != first


def test_the_shopper_gets_more_time_once_also_after_the_time(
    order: Order, bank: LockerBank, retailer: RetailerRef, clock: SetClock
) -> None:
    row = reserve(order, bank)
    deposit(retailer, bank, row)
    clock(clocks.now() + dt.timedelta(hours=73))
    look_after_lockers()
    shopper = ShopperBrowser(order)
    assert "The time to collect it has passed" in shopper.text()
    assert shopper.get("locker/extend/").status_code == 302
    row.refresh_from_db()
    assert row.state == "collect_expired", "a link changes nothing"
    assert shopper.post("locker/extend/").headers["Location"].endswith("?done=extended#locker")
    row.refresh_from_db()
    assert (row.state, row.extensions) == ("ready", 1)
    assert "Keep it a day longer" not in shopper.text()
    again = shopper.post("locker/extend/")
    assert again.status_code == 409
    assert "cannot be extended again" in again.content.decode()


def test_the_shopper_moves_the_order_to_another_locker_until_the_deposit(
    order: Order, bank: LockerBank, retailer: RetailerRef
) -> None:
    other = bank_near(order, north=0.004, name="Estação")
    row = reserve(order, bank)
    shopper = ShopperBrowser(order)
    assert shopper.post("locker/move/", bank=other.public_id).status_code == 303
    row.refresh_from_db()
    assert row.state == "hard_held", "the link alone moves nothing"
    confirm(shopper)
    assert "Estação" in shopper.text("locker/move/")
    assert shopper.post("locker/move/").status_code == 422
    for wrong in (bank.public_id, "bnk_0", "\x00", "../x"):
        assert shopper.post("locker/move/", bank=wrong).status_code == 404, wrong
    moved = shopper.post("locker/move/", bank=other.public_id)
    assert moved.headers["Location"].endswith("?done=moved#locker")
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.place.text == "Estação"
    states = LockerReservation.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["moved", "hard_held"]
    deposit(retailer, other, LockerReservation.objects.get(state="hard_held"))
    assert shopper.post("locker/move/", bank=bank.public_id).status_code == 302
    assert "Another locker" not in shopper.text()


def test_ready_is_told_once_after_the_deposit_then_reminders_and_the_end(
    order: Order, bank: LockerBank, retailer: RetailerRef, clock: SetClock
) -> None:
    switch_on("sms")
    row = reserve(order, bank)
    station = make_station(retailer, bank)
    station.deposit(pin_of(row, "courier"))
    assert moments_after("locker.parcel.ready") == [], "the journal has not arrived"
    assert station.cabinet.sync()
    assert moments_after("locker.parcel.ready") == ["locker_ready"]
    start = clocks.now()
    for hours, count in ((25, 1), (49, 2), (67, 3)):
        clock(start + dt.timedelta(hours=hours))
        look_after_lockers()
        assert moments_after("locker.parcel.reminder_due").count("locker_reminder") == count
    clock(start + dt.timedelta(hours=73))
    look_after_lockers()
    assert moments_after("locker.parcel.collect_expired")[-1] == "locker_expired"


def test_another_bank_is_told_and_nothing_after_the_collection(
    order: Order, bank: LockerBank, retailer: RetailerRef
) -> None:
    switch_on("sms")
    other = bank_near(order, north=0.004, name="Estação")
    row = reserve(order, bank)
    services.move_order(order=order, bank=other)
    assert moments_after("locker.reservation.moved") == ["locker_moved"]
    new = LockerReservation.objects.get(moved_from=row)
    station = deposit(retailer, other, new)
    assert station.collect(pin_of(new)) == ["p"]
    assert station.cabinet.sync()
    assert moments_after("locker.parcel.ready") == ["locker_moved"], "it is collected by now"
