"""A shopper chooses a locker and sees the pickup code, in a real browser of a phone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatch.fleet.models import Hub
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from dispatch.planning.services import reconcile_day
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerBank, LockerReservation
from tests.browser.live import Live
from tests.factories.lockers import make_bank, make_station, pin_of
from tests.factories.orders import make_order
from tests.portal.shopper.codes import let_codes_be_sent, newest_code

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def lockers_of_this_test(live: Live) -> Iterator[None]:
    """Take the banks away again: the other tests share the retailer."""
    yield
    live.do(lambda _ref: LockerBank.objects.update(active=False))


def order_near_lockers(live: Live) -> str:
    """Place an order on a day with slots, with two banks near; return the secret of its link."""

    def place(_ref: RetailerRef) -> str:
        let_codes_be_sent()
        hub = Hub.objects.get(public_id=live.world.names["hub"])
        date = dt.date.fromisoformat(live.world.names["date"]) + dt.timedelta(days=1)
        order = make_order(hub=hub.public_id, service_date=date)
        reconcile_day(hub=hub, service_date=date)
        door = order.door.point
        assert door is not None
        for name, north, hours in (
            ("Mercado da Ribeira", 0.003, "Mo-Sa 07:00-22:00; Su 09:00-18:00"),
            ("Estação", 0.007, ""),
        ):
            make_bank(
                0,
                large=3,
                hub=hub,
                name=name,
                zone=hub.zone,
                address="Avenida 24 de Julho 49",
                access="Next to the main entrance",
                hours=hours,
                point=Point(lat=door.lat + north, lon=door.lon),
            )
        return shopper_secret(order)

    return live.do(place)


def type_code(live: Live, page: Page) -> None:
    """Ask for the step-up code, and type it."""
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    page.get_by_label("Code").fill(live.do(lambda _ref: newest_code()))
    page.get_by_role("button", name="Confirm").click()


def deposit(live: Live, secret: str) -> str:
    """Let a courier put the parcel into its locker; return the shopper's code."""

    def put(ref: RetailerRef) -> str:
        held = LockerReservation.objects.filter(state="hard_held")
        row = held.select_related("bank").latest("pk")
        station = make_station(ref, row.bank)
        station.deposit(pin_of(row, "courier"))
        assert station.cabinet.sync()
        row.refresh_from_db()
        assert row.state == "ready"
        assert Order.objects.get(pk=row.order_id).state == "awaiting_collection"
        return pin_of(row)

    return live.do(put)


def test_a_shopper_chooses_a_locker_and_sees_the_code_on_a_phone(
    live: Live, browser: Browser
) -> None:
    secret = order_near_lockers(live)
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{live.retailer}/t/{secret}/")
    page.get_by_role("button", name="Choose a time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How would you like to get it?")
    expect(page.get_by_text("1. Mercado da Ribeira")).to_be_visible()
    page.get_by_text("Show these places on a map").click()
    expect(page.get_by_text("Free").first).to_be_visible()
    page.get_by_label(re.compile("Mercado da Ribeira")).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collect it here?")
    page.get_by_role("button", name="Yes, collect it here").click()
    type_code(live, page)
    page.get_by_role("button", name="Yes, collect it here").click()
    expect(page.get_by_role("status").first).to_contain_text("Thank you")
    expect(page.get_by_role("heading", level=1)).to_contain_text("will be in the locker")
    pin = deposit(live, secret)
    page.goto(f"{live.retailer}/t/{secret}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is ready")
    page.get_by_role("link", name="Show my pickup code").click()
    expect(page.get_by_text(f"{pin[:4]} {pin[4:]}")).to_be_visible()
    expect(page.get_by_role("img", name="QR code for the reader of the locker")).to_be_visible()
    assert pin not in page.url
    context.close()
