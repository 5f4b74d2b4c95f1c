"""A shopper's pages in a real browser: by keyboard, with scripts off, small and without shifts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect

from dispatch.fleet.models import Hub
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from dispatch.planning.services import reconcile_day
from lastmile.core.tenancy import RetailerRef
from tests.browser.live import Live
from tests.browser.test_first_steps import tab_to
from tests.browser.watch import Watch
from tests.factories.orders import make_order

pytestmark = pytest.mark.browser
MOST_BYTES = 100_000  # of a page's own first answers, without a map
#: The files that were asked for before the page was loaded; what follows it comes later.
_OF_FIRST_VIEW = """() => {
    const end = performance.getEntriesByType("navigation")[0].loadEventStart;
    const files = performance.getEntriesByType("resource");
    return files.filter((file) => file.startTime < end).map((file) => file.name);
}"""
_SHIFTS = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(one => { sum += one.value; }))
        .observe({type: 'layout-shift', buffered: true});
    setTimeout(() => done(sum), 200);
})"""


def new_secret(live: Live) -> str:
    """Place an order without a promise on a day with slots; return the secret of its link."""

    def place(_ref: RetailerRef) -> str:
        hub = Hub.objects.get(public_id=live.world.names["hub"])
        date = dt.date.fromisoformat(live.world.names["date"]) + dt.timedelta(days=1)
        order = make_order(hub=hub.public_id, service_date=date)
        reconcile_day(hub=hub, service_date=date)
        return shopper_secret(order)

    return live.do(place)


def show_deliveries(page: Page) -> Locator:
    """Show the offers at the door only, because a pickup needs a code; return their fields."""
    page.get_by_role("link", name="Delivery to your door").click()
    page.wait_for_url("**option=window")
    return page.locator("input[name=offer]")


@pytest.fixture
def scriptless(browser: Browser) -> Iterator[Page]:
    """Return a page of a phone that runs no scripts."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def test_a_shopper_books_moves_and_cancels_with_scripts_off(live: Live, scriptless: Page) -> None:
    page, secret = scriptless, new_secret(live)
    page.goto(f"{live.retailer}/t/{secret}/")
    page.get_by_role("button", name="Choose a time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("When may we come?")
    expect(page.get_by_text("Lowest CO2e")).to_be_visible()
    show_deliveries(page).first.check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(re.compile("Kept for you until"))).to_be_visible()
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("status").first).to_contain_text("Your time is booked")
    first = page.get_by_role("heading", level=1).text_content()
    page.get_by_role("link", name="Another time").click()
    page.get_by_role("button", name="Show the options").click()
    expect(page.get_by_text("Your agreed time")).to_be_visible()
    show_deliveries(page).nth(1).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Instead of")).to_be_visible()
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(first or "")
    page.get_by_role("link", name="Cancel the order").click()
    page.get_by_label("It comes too late").check()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This delivery was cancelled.")


def test_a_shopper_chooses_by_keyboard_alone(live: Live, page: Page, watch: Watch) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/")
    tab_to(page, "Choose a time")
    page.keyboard.press("Enter")
    page.locator("input[name=offer]").first.wait_for()
    tab_to(page, "Delivery to your door")
    page.keyboard.press("Enter")
    page.wait_for_url("**option=window")
    tab_to(page, "offer")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("input[name=offer]:checked")).to_have_count(1)
    tab_to(page, "Continue")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Book this time").wait_for()
    tab_to(page, "Book this time")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Your time is booked")
    assert watch.take() == []


def test_s26_back_after_a_change_shows_the_present_state(live: Live, page: Page) -> None:
    secret = new_secret(live)
    page.goto(f"{live.retailer}/t/{secret}/")
    page.get_by_role("button", name="Choose a time").click()
    show_deliveries(page).first.check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("status").first).to_contain_text("Your time is booked")
    booked = page.get_by_role("heading", level=1).text_content()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(booked or "")
    assert page.get_by_role("button", name="Book this time").count() == 0


def test_s26_a_page_from_the_browsers_memory_is_hidden_until_it_is_loaded_again(
    live: Live, page: Page
) -> None:
    page.goto(f"{live.retailer}/t/{live.world.names['choosing']}/")
    page.wait_for_load_state("networkidle")
    leave = "() => dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
    page.evaluate(leave)
    expect(page.locator("main")).to_be_hidden()
    page.evaluate("() => { window.old = true; }")
    with page.expect_navigation():
        page.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert page.evaluate("() => window.old") is None
    expect(page.locator("main")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/t/{shopper}/", "/t/{pickup}/", "/t/{choosing}/choose/{choosing-session}/"]
)
def test_a_shoppers_page_is_small_and_does_not_move(live: Live, page: Page, path: str) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live.retailer + path.format(**live.world.names))
    page.wait_for_load_state("networkidle")
    first = {page.url, *page.evaluate(_OF_FIRST_VIEW)}
    sizes = {answer.url: len(answer.body()) for answer in answers if answer.url in first}
    assert sum(sizes.values()) < MOST_BYTES, sizes
    assert page.evaluate(_SHIFTS) < 0.05


def test_a_delivery_is_rated_with_the_arrow_keys(live: Live, page: Page) -> None:
    page.goto(f"{live.retailer}/t/{live.world.names['delivered']}/")
    tab_to(page, "stars")
    page.keyboard.press("ArrowLeft")
    stars = page.locator("input[name=stars]:checked").get_attribute("value")
    tab_to(page, "comment")
    page.keyboard.type("Friendly")
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_role("status").first).to_contain_text("Your rating was saved")

    def rated(_ref: RetailerRef) -> str:
        order = Order.objects.get(rating__comment="Friendly")
        return str(order.rating.stars)

    assert live.do(rated) == stars
