"""The delivery page: the answer first, then what happened; nothing changes by reading it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.orders.drafts import PlaceDraft, PromisedPlace, ShopperDraft
from dispatch.orders.models import Direction, Option, Order
from dispatch.orders.services import (
    cancel_order,
    mark_awaiting_collection,
    mark_out,
    mark_planned,
    return_order,
    try_again,
)
from dispatch.planning.models import Plan, Stop
from dispatch.planning.services import publish_plan
from lastmile.core.clock import now as clock_now
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.shopper.policy import ShopperPages
from portal.tracking.models import Rating
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY
from tests.portal.tracking.shoppers import ShopperBrowser, promise

Shopper = type[ShopperBrowser]


def at(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return make_order()


def test_a_day_without_a_time_that_has_passed_is_not_planned_any_more(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    clock(at(23))
    assert shopper(order).answer() == "Your delivery is planned for today."
    clock(at(13, day=DAY + dt.timedelta(days=1)))
    page = shopper(order).text()
    assert "Your delivery was planned for yesterday." in page
    assert "no delivery is recorded yet. Contact the shop" in page


def test_a_window_that_has_passed_was_planned(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    returned = make_order(direction=Direction.RETURN)
    pickup = make_order()
    for row, terms in ((order, {}), (returned, {}), (pickup, {"option": Option.CURBSIDE})):
        promise(row, **terms)
    clock(at(12, 1))
    when = "was planned for today, between 10:00 and 12:00."
    assert shopper(order).answer() == f"Your delivery {when}"
    assert shopper(returned).answer() == f"The pickup of your return {when}"
    assert shopper(pickup).answer() == f"Your pickup {when}"


def test_a_planned_arrival_that_has_passed_is_not_expected_any_more(
    retailer: RetailerRef, shopper: Shopper, clock: SetClock
) -> None:
    hub = day_of(3, shifts=1)
    order = Order.objects.order_by("pk")[1]
    publish_plan(plan=plan(hub))
    reader = shopper(order)
    assert "should arrive" in reader.answer()
    clock(at(23, 59))
    assert reader.answer().startswith("Your delivery was planned for today, between ")
    assert "no delivery is recorded yet" in reader.text()


# --- time zones ----------------------------------------------------------------------------------
def test_a_time_in_the_hour_that_comes_twice_names_its_offset(
    retailer: RetailerRef, shopper: Shopper, clock: SetClock
) -> None:
    hub = make_hub(zone="Europe/Lisbon")
    clock(dt.datetime(2027, 10, 30, 12, tzinfo=dt.UTC))
    day = dt.date(2027, 10, 31)  # at 02:00 the clocks go back to 01:00
    order = make_order(hub=hub.public_id, service_date=day)
    promise(order, 0, 1, day)
    sentence = "Your delivery is planned for tomorrow, between 01:00 (GMT+01:00) and"
    assert shopper(order).answer() == f"{sentence} 01:00 (GMT+00:00)."
    promise(order, 2, 3, day)
    assert shopper(order).answer().endswith("between 02:00 and 03:00.")


def test_an_order_without_a_hub_names_the_zone_of_its_times(
    retailer: RetailerRef, shopper: Shopper
) -> None:
    order = make_order(hub="", place=PlaceDraft(text="Rua Longe 1", lat=60.0, lon=20.0))
    promise(order)
    assert order.hub is None
    assert "All times here are local times of " in shopper(order).text()


def test_the_page_of_a_return_never_says_that_something_is_delivered(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    returned = make_order(direction=Direction.RETURN)
    reader = shopper(returned)
    clock(at(8))
    mark_planned(orders=[returned.pk], plan="pln_1")
    mark_out(orders=[returned.pk])
    page = reader.text()
    assert "We pick up your return today." in page
    assert "On our way to you" in page
    assert "You requested the pickup" in page
    for false in (
        "should arrive",
        "Your order is",
        "We received your order",
        "delivery is planned",
    ):
        assert false not in page, false


def test_a_van_that_broke_down_was_not_there(order: Order, shopper: Shopper) -> None:
    out(order)
    attempt(order, outcome="failed", reason="vehicle_broke_down")
    page = shopper(order).text()
    assert "It did not work: our vehicle broke down" in page
    assert "We were there" not in page


def test_the_page_answers_in_one_sentence_in_every_state(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    reader = shopper(order)
    assert reader.answer() == "Your delivery is planned for tomorrow."
    promise(order)
    assert reader.answer() == "Your delivery is planned for tomorrow, between 10:00 and 12:00."
    clock(at(8))
    assert reader.answer() == "Your delivery is planned for today, between 10:00 and 12:00."
    out(order)
    on_road = "Your order is on its way. We agreed on today, between 10:00 and 12:00."
    assert reader.answer() == on_road
    clock(at(11))
    attempt(order, outcome="failed", reason="not_home", departed_at=at(10, 40), arrived_at=at(10))
    assert reader.answer() == "We could not deliver: nobody was at home."
    try_again(order=order, service_date=DAY + dt.timedelta(days=3))
    assert reader.answer() == "Your delivery is planned for Thursday, 26 November."
    clock(at(12, day=DAY + dt.timedelta(days=3)))
    out(order)
    late = DAY + dt.timedelta(days=3)
    attempt(order, departed_at=at(11, 5, late), arrived_at=at(11, 0, late))
    assert reader.answer() == "Delivered today at 11:05."


def test_the_page_of_an_order_that_ended_says_how(order: Order, shopper: Shopper) -> None:
    cancel_order(order=order)
    assert shopper(order).answer() == "This delivery was cancelled."
    went_back = make_order()
    out(went_back)
    attempt(went_back, outcome="failed", reason="refused")
    return_order(order=went_back)
    assert shopper(went_back).answer() == "Your order went back to the shop."


def test_a_return_is_picked_up(retailer: RetailerRef, shopper: Shopper, clock: SetClock) -> None:
    make_hub()
    order = make_order(direction=Direction.RETURN)
    promise(order)
    reader = shopper(order)
    assert reader.answer() == "We pick up your return tomorrow, between 10:00 and 12:00."
    clock(at(12))
    mark_planned(orders=[order.pk], plan="pln_1")
    attempt(order, outcome="picked_up")
    assert reader.answer() == "We picked up your return and bring it to the shop."
    return_order(order=order)
    assert reader.answer() == "Your return is at the shop."


def test_a_pickup_names_the_place_and_is_never_called_a_delivery(
    order: Order, shopper: Shopper
) -> None:
    promise(order, option=Option.CURBSIDE)
    reader = shopper(order)
    assert reader.answer() == "You collect your order tomorrow, between 10:00 and 12:00."
    order.refresh_from_db()
    mark_awaiting_collection(orders=[order.pk])
    hub = order.hub
    assert hub is not None
    assert reader.answer() == f"Your order is ready. Collect it at {hub.name}."
    assert "Pickup at the curbside" in reader.text()


def test_a_time_that_has_passed_is_not_promised_again(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    promise(order)
    clock(at(12, 1))
    assert "This time has passed and no delivery is recorded yet." in shopper(order).text()


def test_the_planned_arrival_is_a_range_only_once_a_plan_is_published(
    retailer: RetailerRef, shopper: Shopper, clock: SetClock
) -> None:
    hub = day_of(3, shifts=1)
    order = Order.objects.order_by("pk")[1]
    draft = plan(hub)
    reader = shopper(order)
    assert reader.answer() == "Your delivery is planned for tomorrow."
    publish_plan(plan=Plan.objects.get(pk=draft.pk))
    stop = Stop.objects.get(plan=draft, order=order)
    sentence = reader.answer()
    assert sentence.startswith("Your order should arrive tomorrow between ")
    low, high = (dt.time.fromisoformat(word.strip(".")) for word in sentence.split()[-3::2])
    assert low < stop.starts_at.time() < high
    assert f"{stop.starts_at:%H:%M}" not in reader.text(), "a plan does not know the minute"
    assert "not a live position" in reader.text()


def test_a_plan_that_is_older_than_the_promise_shows_no_arrival_and_says_so(
    retailer: RetailerRef, shopper: Shopper, clock: SetClock
) -> None:
    hub = day_of(3, shifts=1)
    order = Order.objects.order_by("pk")[1]
    promise(order, 8, 12)
    publish_plan(plan=plan(hub))
    reader = shopper(order)
    assert reader.answer().startswith("Your order should arrive tomorrow between ")
    clock(clock_now() + dt.timedelta(minutes=5))
    promise(order, 8, 12, handover="contactless")
    assert reader.answer().startswith("Your order should arrive "), "the plan reads no handover"
    for opens, closes in ((14, 16), (7, 12)):
        promise(order, opens, closes)
        agreed = f"tomorrow, between {opens:02}:00 and {closes:02}:00."
        assert reader.answer() == f"Your delivery is planned for {agreed}"
        assert "The driver's plan is being updated to what we agreed." in reader.text()
        assert "not a live position" not in reader.text()
    promise(order, 8, 12)
    there = PromisedPlace(
        reference="work", text="Rua Nova 2", point=Point(lat=hub.lat + 0.01, lon=hub.lon)
    )
    assert reader.answer().startswith("Your order should arrive "), "the old time was agreed again"
    promise(order, 8, 12, place=there)
    assert "The driver's plan is being updated to what we agreed." in reader.text()


def test_s28_a_date_without_an_hour_is_the_same_day_in_every_zone(
    retailer: RetailerRef, shopper: Shopper
) -> None:
    for zone in ("Pacific/Pago_Pago", "UTC", "Pacific/Kiritimati"):
        hub = make_hub(name=zone, zone=zone)
        order = make_order(hub=hub.public_id, service_date=dt.date(2026, 12, 2))
        reader = shopper(order)
        assert reader.answer() == "Your delivery is planned for Wednesday, 2 December."
        assert "Wednesday, 2 December 2026" in reader.text()
        assert b"DTSTART;VALUE=DATE:20261202" in reader.get("delivery.ics").content


def test_s27_the_page_is_the_same_for_every_order_of_arrival(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    clock(at(14))
    out(order)
    attempt(order, departed_at=at(10, 30), arrived_at=at(10, 25))  # synced hours later
    reader = shopper(order)
    assert reader.answer() == "Delivered today at 10:30."
    before = reader.text()
    rows = list(Event.objects.filter(subject=order.public_id).order_by("pk"))
    Event.objects.filter(subject=order.public_id).delete()
    for row in reversed(rows):
        row.pk = None
        row.position = None
        row.save(force_insert=True)
    assert reader.text() == before


def test_s23_reading_every_address_changes_nothing(
    order: Order, shopper: Shopper, clock: SetClock
) -> None:
    clock(at(12))
    out(order)
    attempt(order)
    reader = shopper(order)
    reader.get()
    paths = ("", "rate/", "on-my-way/", "here/", "delivery.ics")
    with CaptureQueriesContext(connection) as queries:
        for path in paths:
            for read in (reader.client.get, reader.client.head):
                answer = read(
                    f"/t/{reader.secret}/{path}?stars=1&comment=x",
                    headers={"purpose": "prefetch", "sec-purpose": "prefetch"},
                )
                assert answer.status_code in {200, 302}, path
    changing = [q["sql"] for q in queries if not q["sql"].startswith(("SELECT", "SET ", "SHOW"))]
    assert [sql for sql in changing if "SAVEPOINT" not in sql] == []
    assert Rating.objects.count() == 0


def test_s24_the_page_loads_nothing_from_another_origin_and_has_no_canonical_link(
    order: Order, shopper: Shopper
) -> None:
    answer = shopper(order).get()
    page = answer.content.decode()
    assert 'rel="canonical"' not in page
    for loading in ("src=", "<link"):
        for part in page.split(loading)[1:]:
            assert "//" not in part.split(">", 1)[0].replace("http://www.w3.org/", ""), part[:200]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_link_alone_shows_no_unit_no_phone_no_notes(
    retailer: RetailerRef, shopper: Shopper
) -> None:
    make_hub()
    order = make_order(
        place=PlaceDraft(street="Rua Augusta", house_number="5", unit="4 esq", city="Lisboa",
                         lat=38.71, lon=-9.13),
        shopper=ShopperDraft(name="Rosa Pessoa", phone="+351912345678", email="rosa@example.org"),
        notes="Gate code 4711",
    )  # fmt: skip
    page = shopper(order).get().content.decode()
    assert "Rua Augusta 5, Lisboa" in page
    for private in ("4 esq", "912345678", "rosa@example.org", "4711", "Pessoa"):
        assert private not in page


def test_the_contact_of_the_shop_is_on_the_page_and_only_its_own(
    order: Order, shopper: Shopper, other: RetailerRef
) -> None:
    assert "Contact" in shopper(order).text()
    contact = ShopperPages(contact_phone="+351 21 000", contact_email="help@first.example")
    set_section(section=section_of(ShopperPages), policy=contact)
    page = shopper(order).get().content.decode()
    assert 'href="tel:+35121000"' in page
    assert "help@first.example" in page
    with retailer_context(other):
        make_hub()
        assert "help@first.example" not in shopper(make_order()).get().content.decode()


def test_the_page_costs_the_same_queries_for_long_histories(order: Order, shopper: Shopper) -> None:
    reader = shopper(order)
    reader.get()
    with CaptureQueriesContext(connection) as first:
        reader.get()
    for opens in range(8, 20):
        promise(order, opens, opens + 2)
    with CaptureQueriesContext(connection) as second:
        reader.get()
    assert len(second) <= len(first) <= 16
