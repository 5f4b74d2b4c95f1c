"""The console in a browser: preview and import of a file, set a pin, all by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.test_first_steps import tab_to
from tests.browser.watch import Watch
from tests.drain import drain

pytestmark = pytest.mark.browser
FILE = (
    b"order_id,name,address,lat,lon,date,from,to\n"
    b"B-1,Ana,Rua Augusta 1,38.71,-9.138,2026-12-01,09:00,12:00\n"
    b"B-2,Rui,Rua da Prata 2,95,-9.13,2026-12-01,,\n"
    b"B-3,<b>Zoe</b>,Beco desconhecido 9,,,2026-12-01,,\n"
)


def states(live: Live) -> dict[str, str]:
    """Return the present states of the orders in the file."""

    def read(_ref: RetailerRef) -> dict[str, str]:
        rows = Order.objects.filter(external_id__startswith="B-").order_by("external_id")
        return dict(rows.values_list("external_id", "state"))

    return live.do(read)


def test_a_file_is_previewed_imported_and_its_unknown_address_pinned(
    live: Live, page: Page, watch: Watch
) -> None:
    live.log_in(page.context, "dispatcher")
    page.goto(f"{live.retailer}/console/imports/")
    file = {"name": "monday.csv", "mimeType": "text/csv", "buffer": FILE}
    page.locator("input[type=file]").set_input_files(files=[file])  # type: ignore[list-item]
    assert violations(page) == []
    tab_to(page, "Preview")
    page.keyboard.press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible()
    live.do(lambda _ref: drain())
    expect(page.get_by_text("3 rows were read. Nothing has changed yet.")).to_be_visible()
    expect(page.get_by_text("from -90 to 90")).to_be_visible()
    assert states(live) == {}
    with page.expect_download() as download:
        page.get_by_role("link", name="Download with reasons").click()
    assert "B-2" in download.value.path().read_text("utf-8-sig")
    assert violations(page) == []
    tab_to(page, "Import 2 orders")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    live.do(lambda _ref: drain())
    expect(page.get_by_text("2 orders were imported.")).to_be_visible()
    assert states(live) == {"B-1": "ready", "B-3": "needs_pin"}
    _put_the_pin(page)
    assert states(live) == {"B-1": "ready", "B-3": "ready"}
    assert watch.take() == []


def _put_the_pin(page: Page) -> None:
    page.get_by_role("link", name="Set 1 pin").click()
    page.get_by_role("link", name="Beco desconhecido 9").click()
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
    tab_to(page, "lat")
    page.keyboard.type("38.7212")
    page.keyboard.press("Tab")
    page.keyboard.type("-9.1401")
    expect(page.locator(".map-pin")).to_be_visible()  # the map follows the numbers
    assert violations(page) == []
    tab_to(page, "Save pin", most=3)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The pin was saved, also for the next order")).to_be_visible()


def test_the_list_of_orders_works_with_arrow_keys_and_opens_a_drawer(
    live: Live, page: Page, watch: Watch
) -> None:
    live.log_in(page.context, "dispatcher")
    page.goto(f"{live.retailer}/console/orders/", wait_until="networkidle")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("L-100")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=L-100"))
    rows = page.locator("[data-row]")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("History")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(rows.nth(1)).to_be_focused()
    assert watch.take() == []


@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_of_fleet_have_no_serious_fault(
    live: Live, page: Page, watch: Watch, width: int
) -> None:
    live.log_in(page.context, "owner")
    page.set_viewport_size({"width": width, "height": 900})
    hub = live.world.names["hub"]
    paths = ["vehicles/", "vehicles/new/", f"hubs/{hub}/", "zones/new/", f"shifts/?hub={hub}"]
    for path in paths:
        page.goto(f"{live.retailer}/console/fleet/{path}")
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
    assert watch.take() == []
