"""An order in a locker on the shopper's page: state, code behind the step-up, more time, move."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.orders.models import CommonStop, Order
from lastmile.core import clock as clocks
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lockers import codes, services
from lockers.errors import CodeNotValid
from lockers.models import (
    CodeGrant,
    LockerAccount,
    LockerBank,
    LockerReservation,
    VendorReservation,
)
from lockers.policy import LockerPolicy
from lockers.services import codes as codes_service
from lockers.services.sweeping import look_after_lockers
from notifications.handlers import on_event
from notifications.models import Message
from tenants.people.services import set_section
from tenants.sections import section_of
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
    values = {"large": 2, "point": Point(lat=LAT + north, lon=LON)} | fields
    return make_bank(0, hub=order.hub, **values)


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
    for wrong in ("bnk_0", "\x00", "../x"):
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
    shopper = ShopperBrowser(order)
    confirm(shopper)
    assert shopper.post("locker/move/", bank=other.public_id).status_code == 303
    assert moments_after("locker.reservation.moved") == ["locker_moved"]
    new = LockerReservation.objects.get(moved_from=row)
    station = deposit(retailer, other, new)
    assert station.collect(pin_of(new)) == ["p"]
    assert station.cabinet.sync()
    assert moments_after("locker.parcel.ready") == ["locker_moved"], "it is collected by now"


def to_move(order: Order) -> ShopperBrowser:
    """Return a confirmed browser of an order that is kept at a bank."""
    shopper = ShopperBrowser(order)
    confirm(shopper)
    return shopper


def test_another_locker_has_the_terms_of_a_first_choice_and_its_price_is_shown(
    order: Order, bank: LockerBank
) -> None:
    set_section(section=section_of(LockerPolicy), policy=LockerPolicy(choice_price_minor=199))
    bank_near(order, north=0.004, name="Estação")
    counter = bank_near(order, north=0.003, name="Balcão", kind="counter")
    reserve(order, bank)
    shopper = to_move(order)
    page = shopper.text("locker/move/")
    assert "Estação" in page
    assert "1,99" in page
    assert "There by" in page
    assert shopper.post("locker/move/", bank=counter.public_id).status_code == 303
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.option, promise.price_minor, promise.cause) == ("hub", 199, "shopper")
    assert promise.place.key == f"at:{counter.public_id}"


def test_another_locker_has_room_for_all_parcels_or_is_not_offered(
    order: Order, bank: LockerBank
) -> None:
    small = bank_near(order, north=0.003, name="Pequeno", large=1)
    bank_near(order, north=0.004, name="Estação")
    reserve(order, bank)
    reserve(order, bank)
    page = to_move(order).text("locker/move/")
    assert "Estação" in page
    assert "Pequeno" not in page
    assert small.active


def test_a_move_that_is_sent_twice_is_one_move(order: Order, bank: LockerBank) -> None:
    other = bank_near(order, north=0.004, name="Estação")
    reserve(order, bank)
    shopper = to_move(order)
    for _time in range(2):
        moved = shopper.post("locker/move/", bank=other.public_id)
        assert moved.headers["Location"].endswith("?done=moved#locker")
    states = LockerReservation.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["moved", "hard_held"]


def test_a_locker_that_filled_up_since_the_page_is_refused_and_nothing_changes(
    order: Order, bank: LockerBank
) -> None:
    other = bank_near(order, north=0.004, name="Estação", large=1)
    row = reserve(order, bank)
    shopper = to_move(order)
    make_reservation(other)
    answer = shopper.post("locker/move/", bank=other.public_id)
    assert answer.status_code == 409
    assert "can no longer take your order" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "hard_held"


def test_an_order_on_a_published_route_moves_with_its_stop_in_one_act_or_not_at_all(
    order: Order, bank: LockerBank
) -> None:
    other = bank_near(order, north=0.004, name="Estação")
    row = reserve(order, bank)
    Order.objects.filter(pk=order.pk).update(state="planned")
    shopper = to_move(order)
    LockerBank.objects.filter(pk=other.pk).update(hours="We 10:00-20:00")
    assert shopper.post("locker/move/", bank=other.public_id).status_code == 409
    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.state, order.state) == ("hard_held", "planned")
    LockerBank.objects.filter(pk=other.pk).update(hours="")
    assert shopper.post("locker/move/", bank=other.public_id).status_code == 303
    order.refresh_from_db()
    assert order.state == "ready"
    assert CommonStop.objects.get(order=order).key == other.public_id


def test_a_bank_of_a_network_shows_no_code_of_ours_and_says_who_sends_it(
    order: Order, bank: LockerBank
) -> None:
    LockerBank.objects.update(kind="vendor", network="InPost")
    bank.refresh_from_db()
    row = reserve(order, bank)
    assert row.generation == 0
    account = LockerAccount.objects.create(vendor="inpost")
    VendorReservation.objects.create(
        account=account, reference=row.public_id, reservation=row, point="W1", tracking="6200123"
    )
    LockerReservation.objects.update(
        state="ready", deposited_at=clocks.now(), collect_by=clocks.now() + dt.timedelta(days=2)
    )
    shopper = to_move(order)
    for path in ("", "locker/code/"):
        page = shopper.text(path)
        assert "InPost sends you the code" in page, path
        assert "Show my pickup code" not in page
        assert "Make a new code" not in page
    assert "6200123" in shopper.text()
    assert "Keep it a day longer" not in shopper.text()
    shopper.post("locker/new-code/")
    row.refresh_from_db()
    assert row.generation == 0
    with pytest.raises(CodeNotValid):
        services.rotate_codes(reservation=row)


def test_only_the_first_look_at_a_code_writes_and_it_writes_the_log_alone(
    order: Order, bank: LockerBank, retailer: RetailerRef
) -> None:
    deposit(retailer, bank, reserve(order, bank))
    shopper = to_move(order)
    code = code_on(shopper)
    assert CodeGrant.objects.filter(role="shopper").count() == 1
    with CaptureQueriesContext(connection) as queries:
        assert code_on(shopper) == code
    statements = [query["sql"] for query in queries if "locker" in query["sql"].lower()]
    assert statements
    assert all(sql.startswith("SELECT") and "FOR " not in sql for sql in statements)


def test_a_new_code_is_made_for_parcels_that_wait_and_for_no_other(
    order: Order, bank: LockerBank, retailer: RetailerRef
) -> None:
    first, second = reserve(order, bank), reserve(order, bank)
    deposit(retailer, bank, first)
    LockerReservation.objects.filter(pk=first.pk).update(state="ready")
    before = second.generation
    shopper = to_move(order)
    shopper.post("locker/new-code/")
    first.refresh_from_db()
    second.refresh_from_db()
    assert second.generation == before
    assert first.generation > 1


def test_more_time_is_not_offered_once_one_parcel_had_all_of_it(
    order: Order, bank: LockerBank
) -> None:
    rows = [reserve(order, bank), reserve(order, bank)]
    LockerReservation.objects.update(
        state="ready", deposited_at=clocks.now(), collect_by=clocks.now() + dt.timedelta(days=2)
    )
    assert "Keep it a day longer" in ShopperBrowser(order).text()
    LockerReservation.objects.filter(pk=rows[0].pk).update(extensions=1)
    assert "Keep it a day longer" not in ShopperBrowser(order).text()


def test_the_page_of_an_order_whose_locker_takes_it_no_more_lets_the_shopper_choose_again(
    order: Order, bank: LockerBank
) -> None:
    bank_near(order, north=0.004, name="Estação")
    row = reserve(order, bank)
    assert "can no longer take your order" not in ShopperBrowser(order).text()
    LockerReservation.objects.filter(pk=row.pk).update(
        state="rejected", reason="no_capacity", ended_at=clocks.now()
    )
    page = ShopperBrowser(order).text()
    assert "can no longer take your order" in page
    assert "Choose again" in page


def test_tokens_have_real_times_for_a_retailer_whose_clock_is_another(
    order: Order, bank: LockerBank, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = reserve(order, bank)
    deposit(retailer, bank, row)
    row.refresh_from_db()
    ahead = dt.timedelta(days=30)
    monkeypatch.setattr(codes_service, "real_time_of", lambda at: at - ahead)
    shown = services.show_code(reservation=row, role="shopper")
    token = codes.read_token(bytes(LockerBank.objects.get().code_key or b""), shown.token)
    assert shown.expires_at == row.collect_by
    assert token.expires_s == int((shown.expires_at - ahead).timestamp())
