"""The board in a real browser: keyboard use, publishing, undoing, and two browsers at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dispatch.live.services import following
from dispatch.live.services.following import Follower
from dispatch.planning.models import Plan
from dispatch.planning.services import publish_plan
from lastmile.asgi import application
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.core.serving import served
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.dispatch.planning.test_plans import day_of, plan
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY, make_order
from tests.people import add_member, logged_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session", autouse=True)
def database_first(django_db_setup: None) -> None:
    """Set up the database before the browser, so that the browser's event loop ends first."""


@pytest.fixture(autouse=True)
def sync_in_a_test_that_drives_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow Django's sync calls: Playwright's sync API keeps an event loop in this thread."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def house(fresh_db: str, retailer: RetailerRef, settings: Any) -> Iterator[str]:
    """Run the server on a port; sockets accept only this origin."""
    with served(application) as port:
        settings.PORT = port
        yield f"http://{retailer.domain}:{port}"


def workers(ref: RetailerRef, *, jobs: bool = False) -> None:
    """Run the workers' jobs in another thread, because this one has Playwright's event loop."""

    def work() -> None:
        try:
            with retailer_context(ref):
                drain(jobs=jobs)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def enter(context: BrowserContext, house: str, desk: Client) -> Page:
    """Return a page whose browser is signed in."""
    context.add_cookies([{"name": "sid", "value": desk.cookies["sid"].value, "url": house}])
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))  # type: ignore[attr-defined]
    return page


def open_board(page: Page, house: str, draft: Plan) -> None:
    page.goto(f"{house}/console/{draft.hub.public_id}/{DAY}/")
    page.wait_for_selector("#board-frame[data-ready]")


def settled(page: Page) -> None:
    """Wait until htmx has processed the loaded content, so that it handles the forms in it."""
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-swapping")).to_have_count(0)


def order_of_stops(page: Page) -> list[str]:
    rows: list[Any] = page.locator(".stop").evaluate_all("rows => rows.map(r => r.dataset.order)")
    return rows


def test_a_stop_is_moved_published_and_undone_by_keyboard_alone(
    context: BrowserContext, house: str, retailer: RetailerRef
) -> None:
    draft = plan(day_of(5, shifts=1))
    page = enter(context, house, logged_in(retailer, add_member(Role.DISPATCHER)))
    open_board(page, house, draft)
    page.locator(".route summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".stop")
    before = order_of_stops(page)

    page.locator(f"#down-{before[0]}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board")).to_have_attribute("data-version", "2")
    settled(page)
    assert order_of_stops(page) == [before[1], before[0], *before[2:]]
    expect(page.locator(f"#down-{before[0]}")).to_be_focused()

    page.locator("#board-undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board")).to_have_attribute("data-version", "3")
    settled(page)
    assert order_of_stops(page) == before

    page.locator(f"#move-{before[0]}").focus()
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer")
    expect(drawer).to_be_visible()
    settled(page)
    drawer.get_by_label("Position").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.locator("#board")).to_have_attribute("data-version", "4")
    expect(drawer).to_be_hidden()
    assert order_of_stops(page) == [*before[1:], before[0]]

    page.locator("#board-publish").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board-publish-now")).to_be_visible()
    settled(page)
    page.locator("#board-publish-now").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".board-version .status")).to_contain_text("Published")
    expect(page.locator("#board-revise")).to_be_visible()
    draft.refresh_from_db()
    assert draft.status == "published"
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_colleague_sees_the_edit_and_a_stale_edit_names_its_author(
    browser: Browser, house: str, retailer: RetailerRef
) -> None:
    draft = plan(day_of(5, shifts=1))
    workers(retailer)
    pages = []
    for role in (Role.DISPATCHER, Role.MANAGER):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = enter(context, house, logged_in(retailer, add_member(role)))
        open_board(page, house, draft)
        expect(page.locator("#board-frame")).to_have_attribute("data-live", "true")
        page.locator(".route summary").click()
        page.wait_for_selector(".stop")
        pages.append(page)
    ana, bruno = pages
    first = order_of_stops(ana)[0]
    ana.locator(f"#down-{first}").click()
    expect(ana.locator("#board")).to_have_attribute("data-version", "2")
    # Bruno's board has not been updated yet, so his edit names the version that he sees.
    bruno.locator(f"#down-{first}").click()
    expect(bruno.locator("#board-news")).to_contain_text("A dispatcher moved an order")
    expect(bruno.locator("#board")).to_have_attribute("data-version", "2")
    ana.locator(f"#down-{first}").click()
    expect(ana.locator("#board")).to_have_attribute("data-version", "3")
    workers(retailer)
    expect(bruno.locator("#board")).to_have_attribute("data-version", "3")
    assert order_of_stops(bruno) == order_of_stops(ana)
    for page in pages:
        assert page.faults == []  # type: ignore[attr-defined]
        page.context.close()


@pytest.mark.usefixtures("clock")
def test_the_member_who_updates_a_plan_is_redirected_to_the_draft(
    context: BrowserContext, house: str, retailer: RetailerRef
) -> None:
    new_plan = publish_plan(plan=plan(day_of(5)))
    make_order(hub=new_plan.hub.public_id)
    page = enter(context, house, logged_in(retailer, add_member(Role.DISPATCHER)))
    workers(retailer)
    open_board(page, house, new_plan)
    expect(page.locator("#board-frame")).to_have_attribute("data-live", "true")
    expect(page.locator("#board-changes")).to_contain_text("1 new order")
    settled(page)
    page.locator("#board-fit").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board-job progress")).to_be_visible()
    expect(page.locator("#board-fit")).to_be_hidden()
    workers(retailer, jobs=True)
    expect(page.locator(".board-against")).to_contain_text("1 order added", timeout=20_000)
    expect(page.locator(".board-version .status")).to_contain_text("Draft")
    expect(page.locator("#board-fit")).to_have_count(0)
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_vehicle_appears_moves_and_says_how_old_its_place_is(
    context: BrowserContext, house: str, retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(9))
    shift, _orders = make_day(2)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)))
    take(phone, point(at(8, 56), lat=38.72, heading_deg=90))
    page = enter(context, house, logged_in(retailer, add_member(Role.DISPATCHER)))
    page.goto(f"{house}/console/{shift.hub.public_id}/{DAY}/")
    panel = page.locator("[data-part=vehicles]")
    panel.locator("summary").click()
    aged = re.compile(rf"{re.escape(shift.vehicle.name)} last seen \d+ min\. ago")
    expect(panel.locator("li")).to_have_text(aged)
    place = """() => {
        const map = document.querySelector('.board-canvas').lastmileMap;
        const [{ to, heading }] = map.vehicles.known.values();
        return [to.lat, heading];
    }"""
    page.locator(".map-vehicle").wait_for(state="attached")
    assert page.evaluate(place) == [38.72, 90]

    def move(when: Any, lat: float) -> None:
        with retailer_context(retailer):
            cache.delete(following._LEASE)
            take(phone, point(when, lat=lat))
            Follower().tell_once()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(move, at(8, 59), 38.73).result()
        page.wait_for_function(f"() => ({place})()[0] === 38.73")
        assert page.evaluate(place) == [38.73, None]  # no arrow without a heading
        pool.submit(connections.close_all).result()
    assert page.faults == []  # type: ignore[attr-defined]
