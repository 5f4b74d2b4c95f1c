"""The word “requested”, which a shopper reads while a dispatcher decides about a late change."""

from __future__ import annotations

import pytest
from icalendar import Calendar

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.services import set_pin
from dispatch.planning.policy import PlanningPolicy
from dispatch.planning.services import publish_plan
from lastmile.core.tenancy import RetailerRef
from portal.choice.models import DeliverySession
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.planning.test_plans import plan
from tests.people import key_client
from tests.portal.choice.pages.test_choosing import book, fields_of, held
from tests.portal.tracking.shoppers import ShopperBrowser, heading


def a_dispatcher_decides() -> None:
    set_section(
        section=section_of(PlanningPolicy), policy=PlanningPolicy(publish_late_changes=False)
    )


def calendar_of(shopper: ShopperBrowser) -> tuple[str, int, str]:
    """Return status, sequence and description of the entry in the calendar file."""
    calendar = Calendar.from_ical(shopper.get("delivery.ics").content)
    (event,) = calendar.walk("VEVENT")
    return str(event["STATUS"]), int(event["SEQUENCE"]), str(event["DESCRIPTION"])


def test_a_late_change_reads_requested_on_every_page_until_a_dispatcher_publishes_it(
    shopper: ShopperBrowser, order: Order, hub: Hub, retailer: RetailerRef
) -> None:
    a_dispatcher_decides()
    publish_plan(plan=plan(hub))
    confirm = held(shopper, 14)
    page = shopper.get(confirm)
    assert heading(page) == "Request this time?"
    assert "the shop still has to confirm this time" in shopper.text(confirm)
    assert "Book this time" not in page.content.decode()
    shopper.post(confirm, way="attended", **fields_of(page))

    assert shopper.answer() == (
        "You requested your delivery for tomorrow, between 14:00 and 16:00."
    )
    text = shopper.text(done="booked")
    assert "This time is requested and not promised yet." in text
    assert "Your request is with the shop, which still has to confirm it." in text
    assert "Requested time" in text
    assert "Time requested: Mon, 23 Nov, 14:00–16:00" in text
    for promised in ("is booked", "Time agreed", "Agreed time", "should arrive", "we agreed"):
        assert promised not in text, promised
    assert "The time that you requested counts" in shopper.text("choose/")
    session = DeliverySession.objects.get()
    options = shopper.text(f"choose/{session.public_id}/")
    assert "Your requested time" in options
    assert "Your agreed time" not in options
    status, sequence, about = calendar_of(shopper)
    assert status == "TENTATIVE"
    assert about.startswith("Requested: the shop still has to confirm this time.")
    path = f"/api/v1/orders/{order.public_id}/"
    assert key_client(retailer).get(path).json()["requested"] is True

    publish_plan(plan=plan(hub))
    assert shopper.answer().startswith("Your order should arrive tomorrow between ")
    assert "requested" not in shopper.text().lower()
    assert calendar_of(shopper)[0] == "CONFIRMED"
    assert calendar_of(shopper)[1] > sequence, "calendars take the confirmed one"
    assert key_client(retailer).get(path).json()["requested"] is False


def test_a_corrected_pin_changes_nothing_that_the_shopper_reads(
    shopper: ShopperBrowser, order: Order, hub: Hub
) -> None:
    a_dispatcher_decides()
    book(shopper, 14)
    publish_plan(plan=plan(hub))
    before, answer = calendar_of(shopper), shopper.answer()
    assert before[0] == "CONFIRMED"
    planned = Order.objects.get(pk=order.pk)
    assert planned.state == "planned"
    set_pin(order=planned, lat=hub.lat + 0.005, lon=hub.lon - 0.004)
    assert calendar_of(shopper)[:2] == before[:2], "calendars ignore a sequence that falls"
    assert shopper.answer() == answer
    assert "requested" not in shopper.text().lower()


def test_the_sequence_of_the_calendar_file_never_falls_while_the_policy_is_switched(
    shopper: ShopperBrowser, hub: Hub
) -> None:
    publish_plan(plan=plan(hub))
    book(shopper, 14)
    entries = [calendar_of(shopper)]
    for publishes in (False, True, False):
        set_section(
            section=section_of(PlanningPolicy),
            policy=PlanningPolicy(publish_late_changes=publishes),
        )
        entries.append(calendar_of(shopper))
    publish_plan(plan=plan(hub))
    entries.append(calendar_of(shopper))
    assert [status for status, _sequence, _about in entries] == [
        "CONFIRMED", "TENTATIVE", "CONFIRMED", "TENTATIVE", "CONFIRMED",
    ]  # fmt: skip
    sequences = [sequence for _status, sequence, _about in entries]
    assert sequences == sorted(sequences)
    assert sequences[-1] > sequences[-2], "calendars take the plan that confirms the time"


def test_a_pickup_of_an_order_without_a_stop_needs_no_dispatcher(
    confirmed: ShopperBrowser, hub: Hub
) -> None:
    a_dispatcher_decides()
    assert heading(confirmed.get(held(confirmed, 17))) == "Book this time?"
    assert heading(confirmed.get(held(confirmed, 10))) == "Book this time?", "no plan is published"


def test_without_that_policy_nothing_is_only_requested(shopper: ShopperBrowser, hub: Hub) -> None:
    publish_plan(plan=plan(hub))
    assert heading(shopper.get(held(shopper, 14))) == "Book this time?"
    book(shopper, 14)
    assert "requested" not in shopper.text(done="booked").lower()
    assert calendar_of(shopper)[0] == "CONFIRMED"


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "Usted solicitó su entrega para mañana"), ("ar", "طلبت توصيل")],
)
def test_requested_is_said_in_the_readers_language(
    shopper: ShopperBrowser, hub: Hub, language: str, words: str
) -> None:
    a_dispatcher_decides()
    publish_plan(plan=plan(hub))
    book(shopper, 14)
    assert words in shopper.answer(lang=language)


def test_the_api_tells_before_and_after_the_order_that_a_time_is_only_requested(
    order: Order, hub: Hub, retailer: RetailerRef
) -> None:
    a_dispatcher_decides()
    publish_plan(plan=plan(hub))
    api = key_client(retailer)
    place = {"lat": hub.lat, "lon": hub.lon, "text": "Rua 1"}
    session = api.post("/api/v1/delivery-options/", {"place": place, "weight_g": 100}).json()
    offers = {row["option"]: row["id"] for row in session["offers"]}
    for option, expected in (("window", True), ("curbside", False)):
        held_now = api.post(
            "/api/v1/holds/", {"session": session["id"], "offer": offers[option]}
        ).json()
        assert held_now["requested"] is expected, option
