"""The board while drivers drive: it follows without a reload, and incidents are settled from it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dispatch.fleet.models import Driver
from dispatch.live.models import Incident
from dispatch.live.services import settle_incident
from dispatch.orders.models import Order
from dispatch.planning.models import Plan
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from tests.browser.accessibility import violations
from tests.browser.driving import PHONE, DriverWorld, make_driver_day
from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.drain import drain
from tests.factories.live import act, make_phone, send

pytestmark = pytest.mark.browser(maps=False)


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day())


def drive(live: Live, world: DriverWorld, kind: str, stop: int | None = None, **more: Any) -> None:
    """Send an act of the driver as a phone does, and let the workers tell the boards."""

    def play(_ref: RetailerRef) -> None:
        order = None if stop is None else Order.objects.get(public_id=world.orders[stop])
        phone = make_phone(Driver.objects.get(public_id=world.driver))
        (answer,) = send(phone, act(kind, now(), order, **more))
        assert answer.status == "stored", answer.problem
        drain(jobs=False)

    live.do(play)


def address(live: Live, world: DriverWorld) -> str:
    """Return the address of the board of the driver's day, with its route open."""

    def read(_ref: RetailerRef) -> str:
        plan = Plan.objects.get(stops__order__public_id=world.orders[0], status="published")
        day = f"/console/{world.hub}/{plan.service_date}/"
        return f"{day}?open={plan.routes.get().public_id}"

    return live.retailer + live.do(read)


def open_board(live: Live, page: Page, world: DriverWorld) -> None:
    page.goto(address(live, world))
    expect(page.locator("#board-frame")).to_have_attribute("data-live", "true")


def test_an_open_board_follows_the_driver_without_a_reload(
    live: Live, page: Page, world: DriverWorld, watch: Watch
) -> None:
    live.log_in(page.context, "dispatcher")
    open_board(live, page, world)
    page.evaluate("window.sameDocument = true")
    route = page.locator(".route")
    expect(route.locator(".route-progress")).to_be_empty()
    route.locator(".stop-what").nth(3).focus()

    drive(live, world, "left_hub")
    expect(route).to_contain_text("0 of 5 stops done")
    expect(route).to_contain_text("left ")
    drive(live, world, "arrived", 0)
    first = page.locator(f"#stop-{world.orders[0]}")
    expect(first).to_contain_text("At the door")
    drive(live, world, "delivered", 0)
    expect(route).to_contain_text("1 of 5 stops done")
    expect(first.locator(".stop-done")).to_contain_text("Delivered")
    drive(live, world, "failed", 1, reason="no_access")
    expect(route).to_contain_text("1 of 5 stops done, 1 failed")
    expect(page.locator(f"#stop-{world.orders[1]}")).to_contain_text("No way in")

    assert page.evaluate("window.sameDocument"), "the page was not loaded again"
    expect(route.locator("details")).to_have_attribute("open", "")
    expect(route.locator(".stop-what").nth(3)).to_be_focused()
    assert violations(page) == []


def test_an_incident_reaches_the_board_and_is_settled_from_there(
    live: Live, page: Page, world: DriverWorld, watch: Watch
) -> None:
    live.log_in(page.context, "dispatcher")
    open_board(live, page, world)
    drive(live, world, "not_loaded", orders=[world.orders[2]])
    page.get_by_role("link", name="1 incident", exact=True).click()
    expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
    row = page.locator(".incident")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Parcel missing")
    expect(row).to_contain_text("Look for it at the hub.")
    assert violations(page) == []
    row.get_by_label("What was done?").fill("Found behind the door")
    row.get_by_role("button", name="Settle").click()
    expect(page.get_by_text("The incident is settled.")).to_be_visible()
    expect(page.locator(".incident")).to_have_count(0)
    page.get_by_role("link", name="Settled", exact=True).click()
    expect(page.locator(".incident")).to_contain_text("Found behind the door")


def test_who_settles_second_is_told_and_the_first_word_stays(
    live: Live, page: Page, world: DriverWorld, watch: Watch
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    live.log_in(page.context, "dispatcher")
    drive(live, world, "vehicle_checked", ok=False, note="Left mirror broken")
    page.goto(f"{live.retailer}/console/incidents/?hub={world.hub}")
    row = page.locator(".incident")
    expect(row).to_contain_text("Left mirror broken")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0

    def settle(_ref: RetailerRef) -> None:
        incident = Incident.objects.get(hub__public_id=world.hub)
        settle_incident(incident=incident, how="Mirror replaced")

    live.do(settle)
    row.get_by_label("What was done?").fill("Another van goes")
    row.get_by_role("button", name="Settle").click()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    expect(page.locator(".incident")).to_have_count(0)
    how = live.do(lambda _ref: Incident.objects.get(hub__public_id=world.hub).settled_how)
    assert how == "Mirror replaced"


#: Keeps the sockets of the page, so that a test can break them.
_SOCKETS = """
window.sockets = [];
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...how) {
    super(...how);
    window.sockets.push(this);
  }
};
"""


def test_r26_a_board_without_a_connection_says_its_age_and_is_right_again_within_seconds(
    live: Live, page: Page, world: DriverWorld
) -> None:
    """R26: changes during a sleep are not lost, and the page says how old it is meanwhile."""
    page.add_init_script(_SOCKETS)
    live.log_in(page.context, "dispatcher")
    open_board(live, page, world)
    note = page.locator("[data-part=stale]")
    expect(note).to_be_hidden()
    page.context.set_offline(True)
    page.evaluate("() => window.sockets.forEach((one) => one.close())")
    expect(page.locator("#board-frame")).to_have_attribute("data-live", "false")
    drive(live, world, "left_hub")
    drive(live, world, "delivered", 0)
    expect(note).to_contain_text("No live connection. This is the state of", timeout=15_000)
    expect(page.locator(".route")).not_to_contain_text("stops done")
    page.context.set_offline(False)
    expect(page.locator(".route")).to_contain_text("1 of 5 stops done", timeout=5_000)
    expect(note).to_be_hidden()


def test_the_next_arrival_is_shown_beside_a_route(
    live: Live, page: Page, world: DriverWorld
) -> None:
    live.log_in(page.context, "dispatcher")
    open_board(live, page, world)
    drive(live, world, "left_hub")
    expect(page.locator(".route-progress")).to_contain_text("next stop ")
