"""The driver's app in a phone-sized browser: a whole day, without a network, and accidents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.driving import (
    PHONE,
    DriverWorld,
    acts_of,
    attempts_of,
    choose,
    everything_sent,
    logged_in,
    make_driver_day,
    ready,
    tap,
)
from tests.browser.live import Live
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser(maps=False)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Return a phone: a profile of its own, with touch."""
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day())


def on_the_road(page: Page) -> None:
    """Begin the shift and leave the hub."""
    tap(page, "Start shift")
    tap(page, "Leave the hub")
    expect(page.get_by_role("button", name="Arrived")).to_be_visible()


def deliver(page: Page) -> None:
    """Deliver the next stop with the two taps that it takes."""
    tap(page, "Arrived")
    tap(page, "Delivered")


def test_a_new_driver_logs_in_with_a_link_and_delivers_with_two_taps(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    watch = Watch(phone, live.port)
    page = logged_in(live, phone, world)
    assert live.retailer + "/driver/" in page.url
    on_the_road(page)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Stop 1 of 5")
    deliver(page)
    expect(heading).to_have_text("Stop 2 of 5")
    everything_sent(page)
    first = world.orders[0]
    assert attempts_of(live, world)[first] == ["delivered"]
    assert acts_of(live, world) == [
        ("shift_started", ""), ("left_hub", ""), ("arrived", first), ("delivered", first),
    ]  # fmt: skip
    choose(page, "Not delivered")
    page.get_by_role("button", name="Nobody at home").click()
    expect(heading).to_have_text("Stop 3 of 5")
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[1]] == ["failed"]
    assert watch.take() == []


def test_r02_a_whole_route_without_a_network_arrives_exactly_once(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)
    expect(page.locator("[data-part=unsent]")).to_have_text("2 not sent")
    page.reload()  # no network: the app opens from the phone
    ready(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5")
    deliver(page)
    page.close(run_before_unload=False)  # the system kills the app
    page = phone.new_page()
    page.goto(f"{live.retailer}/driver/")
    ready(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 3 of 5")
    for _stop in range(3):
        deliver(page)
    expect(page.get_by_role("button", name="Back at the hub")).to_be_visible()
    expect(page.locator("[data-part=unsent]")).to_have_text("10 not sent")
    assert attempts_of(live, world) == {order: [] for order in world.orders}
    page.locator("[data-part=unsent]").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("10 entries are not sent yet")
    phone.set_offline(False)
    everything_sent(page)
    assert attempts_of(live, world) == {order: ["delivered"] for order in world.orders}
    doors = [(kind, order) for order in world.orders for kind in ("arrived", "delivered")]
    assert acts_of(live, world) == [("shift_started", ""), ("left_hub", ""), *doors]
