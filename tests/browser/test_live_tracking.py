"""A shopper's page while the driver comes: it follows, and survives a cut connection."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from dispatch.fleet.models import Driver
from dispatch.live.approach import snapped
from dispatch.live.models import Device, Run
from dispatch.live.points import read_point
from dispatch.live.services import PointSource, following, take_positions
from dispatch.live.services.arrivals import update_arrivals
from dispatch.live.services.following import Follower
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef
from tests.browser.accessibility import violations
from tests.browser.driving import PHONE, DriverWorld, make_driver_day
from tests.browser.live import Live
from tests.browser.test_live_board import drive
from tests.browser.watch import Watch
from tests.drain import drain
from tests.factories.fleet import LAT, LON

pytestmark = pytest.mark.browser(maps=False)
M = 1 / 111_195  # degrees of latitude in a metre


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day(stops=3))


def link(live: Live, world: DriverWorld, stop: int) -> str:
    def read(_ref: RetailerRef) -> str:
        return shopper_secret(Order.objects.get(public_id=world.orders[stop]))

    return f"{live.retailer}/t/{live.do(read)}/"


def move(live: Live, world: DriverWorld, south_m: float, *, heading: int = 0) -> None:
    """Send a position of the driver, south of the first door, and tell the open pages."""

    def play(_ref: RetailerRef) -> None:
        driver = Driver.objects.get(public_id=world.driver)
        device = Device.objects.filter(driver=driver).last()
        assert device is not None
        point = {
            "id": str(uuid4()), "at": now().isoformat(), "lat": LAT - south_m * M, "lon": LON,
            "heading_deg": heading,
        }  # fmt: skip
        source = PointSource(public_id=device.public_id, driver_pk=driver.pk, device=device)
        (answer,) = take_positions(source=source, points=[read_point(point)])
        assert answer.status == "stored", answer
        update_arrivals(Run.objects.get(driver=driver))
        cache.delete(following._LEASE)
        Follower().tell_once()
        drain(jobs=False)

    live.do(play)


def seen_at(south_m: float) -> int:
    """Return the metres that the page names for a position south of the first door."""
    place = snapped(Point(lat=LAT - south_m * M, lon=LON))
    return round(distance_m(place, Point(lat=LAT, lon=LON)) / 50) * 50


class Line:
    """The sockets of a page: they can be cut, and stay cut until they are let through again."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self.open: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/v1/track/**", self._accept)

    def _accept(self, line: WebSocketRoute) -> None:
        if self.is_cut:
            line.close(code=1013)
            return
        line.connect_to_server()
        self.open.append(line)

    def cut(self) -> None:
        self.is_cut = True
        for line in self.open:
            line.close(code=1001)
        self.open.clear()


@pytest.fixture
def phone(browser: Browser, live: Live) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale="en-GB")  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def answer(page: Page) -> Any:
    return expect(page.get_by_role("heading", level=1))


def test_the_page_follows_the_driver_to_the_door(
    live: Live, phone: Page, page: Page, world: DriverWorld
) -> None:
    watch = Watch(phone.context, live.port)
    phone.goto(link(live, world, 0))
    page.goto(link(live, world, 1))
    answer(phone).to_contain_text("Your order should arrive today")
    phone.evaluate("window.sameDocument = true")
    drive(live, world, "shift_started")
    drive(live, world, "left_hub")
    move(live, world, 900)
    answer(phone).to_have_text(re.compile(r"Arriving between .* and .*, you are the next stop\."))
    answer(page).to_contain_text("one stop away")
    move(live, world, 890)  # the page has said by now that it follows this vehicle
    where = phone.locator("[data-part=where]")
    expect(where).to_contain_text(f"About {seen_at(890)} m from your address")
    expect(phone.locator(".live-map .map")).to_be_visible()
    move(live, world, 800)
    assert seen_at(800) < seen_at(890)
    expect(where).to_contain_text(f"About {seen_at(800)} m from your address")
    assert violations(phone) == []

    drive(live, world, "arrived", 0)
    answer(phone).to_have_text("The driver is at your address.")
    expect(phone.locator(".live-map")).to_be_hidden()
    drive(live, world, "delivered", 0)
    answer(phone).to_contain_text("Delivered today at")
    expect(phone.get_by_role("heading", name="How was your delivery?")).to_be_visible()
    answer(page).to_contain_text("you are the next stop")
    expect(page.locator(".live-map")).to_be_hidden()
    assert phone.evaluate("window.sameDocument"), "the page was not loaded again"
    assert [one for one in watch.take() if "GL Driver Message" not in one] == []


def test_a_page_says_that_it_is_cut_off_and_is_right_again_at_once(
    live: Live, phone: Page, world: DriverWorld
) -> None:
    """Field row R26."""
    line = Line(phone)
    drive(live, world, "shift_started")
    drive(live, world, "left_hub")
    move(live, world, 3_000)
    phone.goto(link(live, world, 0))
    expect(phone.locator("#live")).to_have_attribute("data-live", "live")
    expect(phone.locator(".live-map .map")).to_be_visible()
    phone.context.set_offline(True)
    line.cut()
    note = phone.locator("[data-part=connection]")
    expect(note).to_contain_text("No connection. We keep trying.")
    expect(note).to_contain_text(re.compile(r"This is what we knew \d+ sec\S* ago"))
    drive(live, world, "arrived", 0)
    drive(live, world, "delivered", 0)
    answer(phone).to_contain_text("you are the next stop")
    line.is_cut = False
    phone.context.set_offline(False)
    began = dt.datetime.now(dt.UTC)
    answer(phone).to_contain_text("Delivered today at")
    assert dt.datetime.now(dt.UTC) - began < dt.timedelta(seconds=10)
    expect(phone.locator(".live-map")).to_be_hidden()
    expect(note).to_be_hidden()


def test_without_scripts_the_page_has_the_same_facts(
    live: Live, browser: Browser, world: DriverWorld
) -> None:
    drive(live, world, "shift_started")
    drive(live, world, "left_hub")
    move(live, world, 2_000)
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(link(live, world, 0))
    answer(page).to_contain_text("you are the next stop")
    where = page.locator("[data-part=where]")
    expect(where).to_contain_text("About 2,0 km from your address, seen at ")
    expect(page.get_by_role("link", name="Update this page")).to_be_visible()
    page.goto(link(live, world, 2))
    answer(page).to_contain_text("two stops away")
    expect(where).to_be_hidden()
    context.close()
