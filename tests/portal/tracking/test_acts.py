"""Ratings, arrivals at a curbside and the calendar file of the delivery page."""

from __future__ import annotations

import datetime as dt

import pytest
from icalendar import Calendar

from dispatch.orders.models import Option, Order
from dispatch.orders.services import cancel_order, change_order, mark_awaiting_collection
from lastmile.core.erasing import PersonQuery, erase_shopper, forget
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.tracking import rolls
from portal.tracking.models import CurbsideArrival, Rating
from portal.tracking.services import rate_delivery
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.dispatch.orders.actions import attempt, out
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY
from tests.people import add_member, logged_in
from tests.portal.tracking.shoppers import ShopperBrowser, promise, text_of

Shopper = type[ShopperBrowser]
NOON = dt.datetime.combine(DAY, dt.time(12), dt.UTC)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub(name="Alcântara", zone="Europe/Lisbon")
    return make_order()


@pytest.fixture
def delivered(order: Order, clock: SetClock) -> Order:
    clock(NOON)
    out(order)
    attempt(order)
    order.refresh_from_db()
    return order


@pytest.fixture
def pickup(order: Order, clock: SetClock) -> Order:
    promise(order, option=Option.CURBSIDE)
    clock(NOON - dt.timedelta(hours=3))
    return order


# --- ratings -----------------------------------------------------------------------------------
def test_a_delivery_is_rated_once_and_the_rating_can_be_changed(
    delivered: Order, shopper: Shopper
) -> None:
    reader = shopper(delivered)
    answer = reader.post("rate/", stars="4", comment="  Friendly driver. ")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/t/{reader.secret}/?done=rating#rating",
    )
    assert "Thank you. Your rating was saved." in reader.text(done="rating")
    reader.post("rate/", stars="4", comment="Friendly driver.")  # the same again
    reader.post("rate/", stars="2", comment="The milk was warm.")
    rating = Rating.objects.get()
    assert (rating.stars, rating.comment) == (2, "The milk was warm.")
    rated = Event.objects.filter(kind="delivery.rated").order_by("pk")
    assert [(e.data["stars"], e.data["first"]) for e in rated] == [(4, True), (2, False)]
    assert rated[0].actor == delivered.public_id
    assert "warm" not in str([e.data for e in rated])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose one to five stars."),
        ({"stars": "0"}, "Choose one to five stars."),
        ({"stars": "6"}, "Choose one to five stars."),
        ({"stars": "five"}, "Choose one to five stars."),
        ({"stars": "5", "comment": "x" * 1001}, "at most 1000 characters"),
        ({"stars": "5", "comment": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_a_wrong_rating_is_refused_with_a_sentence_and_keeps_what_was_typed(
    delivered: Order, shopper: Shopper, fields: dict[str, str], sentence: str
) -> None:
    before = Event.objects.count()
    answer = shopper(delivered).post("rate/", **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert (Rating.objects.count(), Event.objects.count()) == (0, before)
    if fields.get("comment", "").startswith("x"):
        assert fields["comment"] in answer.content.decode()


def test_only_a_delivered_order_is_rated_and_a_rating_is_final_after_seven_days(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    reader = shopper(order)
    assert "as soon as you have your goods" in text_of(reader.post("rate/", stars="5"))
    assert 'name="stars"' not in reader.get().content.decode()
    clock(NOON)
    out(order)
    attempt(order)
    order.refresh_from_db()
    rate_delivery(order=order, stars=5)
    clock(NOON + dt.timedelta(days=7, hours=1))
    assert "these have passed" in text_of(reader.post("rate/", stars="1"))
    assert Rating.objects.get().stars == 5
    assert "5 stars of 5" in reader.text()


# --- curbside ----------------------------------------------------------------------------------
def test_a_shopper_tells_the_way_then_the_bay_and_the_car(pickup: Order, shopper: Shopper) -> None:
    reader = shopper(pickup)
    reader.post("on-my-way/", minutes="15")
    assert "You are on your way" in reader.text()
    reader.post("here/", bay="3", car="Red Fiat")
    assert "You are here" in reader.text()
    arrival = CurbsideArrival.objects.get()
    assert (arrival.bay, arrival.car, arrival.minutes) == ("3", "Red Fiat", 15)
    assert kinds(pickup.public_id)[-2:] == ["curbside.on_the_way", "curbside.arrived"]
    assert "You told us that you are here" in reader.text()
    assert "Fiat" not in str(list(Event.objects.values_list("data", flat=True)))


def test_the_same_message_again_changes_nothing(pickup: Order, shopper: Shopper) -> None:
    reader = shopper(pickup)
    for _again in range(2):
        reader.post("on-my-way/", minutes="15")
    for _again in range(2):
        reader.post("here/", bay="3", car="")
    reader.post("on-my-way/", minutes="40")  # an old tab: the shopper is here already
    assert Event.objects.filter(kind__startswith="curbside.").count() == 2
    assert rolls.invariants() == {name: [] for name in rolls.invariants()}


def test_an_arrival_for_an_earlier_promise_is_forgotten(pickup: Order, shopper: Shopper) -> None:
    reader = shopper(pickup)
    reader.post("here/", bay="3", car="Red Fiat")
    promise(pickup, 11, 12, option=Option.CURBSIDE)
    assert "You are here" not in reader.text()
    reader.post("on-my-way/")
    arrival = CurbsideArrival.objects.get()
    assert (arrival.here_at, arrival.bay, arrival.car) == (None, "", "")
    assert arrival.promise == pickup.promise


@pytest.mark.parametrize(
    ("hour", "sentence"), [(5, "You can tell us from"), (23, "You can tell us from")]
)
def test_an_arrival_at_another_time_is_refused_and_names_the_times(
    pickup: Order, shopper: Shopper, clock: SetClock, hour: int, sentence: str
) -> None:
    clock(dt.datetime.combine(DAY, dt.time(hour), dt.UTC))
    answer = shopper(pickup).post("here/", bay="3")
    assert answer.status_code == 422
    assert "I am here" not in shopper(pickup).text()
    assert CurbsideArrival.objects.count() == 0
    assert sentence in text_of(answer)


def test_only_a_waiting_pickup_has_an_arrival(
    pickup: Order, shopper: Shopper, clock: SetClock
) -> None:
    by_van = make_order()
    promise(by_van)
    assert "not picked up at the curbside" in text_of(shopper(by_van).post("here/"))
    mark_awaiting_collection(orders=[pickup.pk])
    clock(NOON)
    attempt(pickup)
    assert "no longer waits for you" in text_of(shopper(pickup).post("here/"))
    wrong = shopper(pickup).post("on-my-way/", minutes="9999")
    assert wrong.status_code == 422
    assert CurbsideArrival.objects.count() == 0


# --- calendar ----------------------------------------------------------------------------------
def entry(reader: ShopperBrowser) -> tuple[str, dict[str, object]]:
    """Return the method and the entry of the calendar file."""
    answer = reader.get("delivery.ics")
    assert answer.status_code == 200
    calendar = Calendar.from_ical(answer.content)
    (event,) = calendar.walk("VEVENT")
    method = str(calendar["METHOD"])
    assert answer.headers["Content-Type"] == f"text/calendar; charset=utf-8; method={method}"
    names = ("UID", "SEQUENCE", "STATUS", "SUMMARY")
    return method, {name: str(event[name]) for name in names} | {
        "start": event["DTSTART"].dt,
        "end": event["DTEND"].dt,
        "zone": event["DTSTART"].params.get("TZID"),
    }


def test_s30_all_files_of_an_order_share_a_uid_and_each_change_raises_the_sequence(
    order: Order, shopper: Shopper
) -> None:
    reader = shopper(order)
    entries = [entry(reader)]
    promise(order, 10, 12)
    entries.append(entry(reader))
    promise(order, 14, 16)
    entries.append(entry(reader))
    cancel_order(order=order)
    entries.append(entry(reader))
    assert len({data["UID"] for _method, data in entries}) == 1
    assert [data["SEQUENCE"] for _method, data in entries] == ["1", "3", "5", "7"]
    assert [method for method, _data in entries] == ["PUBLISH", "PUBLISH", "PUBLISH", "CANCEL"]
    assert [data["STATUS"] for _method, data in entries] == [*["CONFIRMED"] * 3, "CANCELLED"]
    assert entries[3][1]["start"] == entries[2][1]["start"], "a cancel has the original times"
    assert entries[3][1]["end"] == entries[2][1]["end"]
    assert entries[2][1]["start"] == dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)
    assert entries[2][1]["zone"] == "Europe/Lisbon"
    assert b"BEGIN:VTIMEZONE" in reader.get("delivery.ics").content


def test_s30_orders_have_different_uids(order: Order, shopper: Shopper) -> None:
    assert entry(shopper(order))[1]["UID"] != entry(shopper(make_order()))[1]["UID"]


def test_an_order_without_a_date_has_no_calendar_file(
    retailer: RetailerRef, shopper: Shopper
) -> None:
    make_hub()
    reader = shopper(make_order(service_date=None))
    answer = reader.get("delivery.ics")
    assert answer.status_code == 404
    assert "This order has no date yet" in answer.content.decode()
    assert "delivery.ics" not in reader.get().content.decode()


# --- staff, erasing ----------------------------------------------------------------------------
def test_staff_see_rating_and_arrival_in_a_panel_and_strangers_do_not(
    pickup: Order, retailer: RetailerRef, other: RetailerRef, shopper: Shopper
) -> None:
    panel = f"/console/orders/{pickup.public_id}/feedback/"
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.get(panel).status_code == 204
    shopper(pickup).post("here/", bay="3", car="Red Fiat")
    page = reader.get(panel).content.decode()
    assert "The shopper is here" in page
    assert "Red Fiat" in page
    with retailer_context(other):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert stranger.get(panel).status_code == 404
    far = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert far.get(panel).status_code == 404


def test_comments_and_cars_are_erased_with_their_shopper_and_cars_after_90_days(
    delivered: Order, shopper: Shopper, clock: SetClock
) -> None:
    shopper(delivered).post("rate/", stars="4", comment="My dog is Rex")
    waiting = make_order()
    promise(waiting, option=Option.CURBSIDE)
    shopper(waiting).post("here/", bay="3", car="Red Fiat")
    cancel_order(order=waiting)
    erase_shopper(PersonQuery(shopper=delivered.shopper.public_id))
    assert (Rating.objects.get().stars, Rating.objects.get().comment) == (4, "")
    assert CurbsideArrival.objects.get().car == "Red Fiat"
    clock(NOON + dt.timedelta(days=91))
    forget()
    assert (CurbsideArrival.objects.get().car, CurbsideArrival.objects.get().bay) == ("", "")


def test_s30_a_date_that_the_shop_moves_raises_the_sequence_too(
    order: Order, shopper: Shopper
) -> None:
    reader = shopper(order)
    _method, before = entry(reader)
    change_order(order=order, service_date=DAY + dt.timedelta(days=2))
    _method, after = entry(reader)
    assert (before["SEQUENCE"], after["SEQUENCE"]) == ("1", "3")
    assert after["start"] == DAY + dt.timedelta(days=2)
    promise(Order.objects.get(pk=order.pk), 10, 12, DAY + dt.timedelta(days=2))
    assert int(str(entry(reader)[1]["SEQUENCE"])) > 3
