"""The map of the route in the driver's app: with a network and without, and the list beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import violations
from tests.browser.driving import PHONE, DriverWorld, logged_in, make_driver_day, ready
from tests.browser.live import Live
from tests.browser.test_driver import on_the_road

pytestmark = pytest.mark.browser
#: How many stops the map shows, and how many points its line has.
DRAWN = """async () => {
    const map = document.querySelector('.driver-map').lastmileMap;
    if (!map?.shapes.stops) return [0, 0];
    const line = map.shapes.routes.features[0]?.geometry.coordinates.flat() ?? [];
    return [map.shapes.stops.features.length, line.length];
}"""
KEPT = """async () => {
    const names = await Promise.all((await caches.keys()).map(async (name) =>
        (await (await caches.open(name)).keys()).map((one) => one.url)));
    return names.flat().some((url) => url.endsWith('maplibre-gl.css'));
}"""


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Return a phone: a profile of its own, with touch."""
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day())


def until(page: Page, script: str, wanted: object) -> None:
    """Wait until a script returns a value."""
    value = None
    for _turn in range(200):
        value = page.evaluate(script)
        if value == wanted:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{value} and not {wanted}")


def test_the_map_shows_line_and_stops_also_without_a_network(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    until(page, KEPT, wanted=True)
    phone.set_offline(True)
    page.reload()
    ready(page)
    page.get_by_role("link", name="Stops").click()
    page.get_by_role("link", name="Show the map").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Map")
    until(page, f"async () => (await ({DRAWN})())[0]", wanted=5)
    assert page.evaluate(DRAWN)[1] > 1
    expect(page.locator(".driver-mapped")).to_contain_text("Rua Augusta 12")
    page.evaluate(
        """(id) => document.querySelector('.driver-map').dispatchEvent(
            new CustomEvent('map:select', { detail: { kind: 'stop', id } }))""",
        world.orders[2],
    )
    expect(page.locator(".driver-mapped")).to_contain_text("Rua Garrett 7")
    assert violations(page) == []
    page.get_by_role("link", name="Show the list").click()
    expect(page.locator(".driver-list li")).to_have_count(5)
