"""A purchase in a real browser: from the basket of the demo shop to a promise, on two origins."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, set_pin
from dispatch.planning.services import reconcile_day
from dispatch.slots.models import Slot
from lastmile.core import clock
from lastmile.core.tenancy import RetailerRef
from portal.choice.demo import PRODUCTS
from portal.choice.demo_shop.config import Address, ShopConfig, ShopsConfig
from portal.choice.demo_shop.server import ShopServer
from tenants.people.services import create_key
from tenants.permissions import KeyRole
from tests.browser.accessibility import violations
from tests.browser.live import Live, live_server
from tests.factories import make_order, make_shift, make_slot, make_vehicle
from tests.factories.fleet import LAT, LON

pytestmark = pytest.mark.browser(maps=False)
ADDRESS = "Rua do Alecrim 12, Lisboa"
#: Collects what the shop's own policy forbids, and blocks storage.
_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
  Object.defineProperty(window, name, { get() { throw new Error(name + " is blocked"); } });
}
"""


@pytest.fixture(scope="module")
def shop_live(
    template_database: str, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Live]:
    """Run a server of its own: the shop's slots and orders would change other tests' pages."""
    with django_db_blocker.unblock(), live_server(template_database, orders=3) as house:  # type: ignore[attr-defined]
        yield house


@dataclass
class DemoShop:
    """The running shop, and the problems that its pages report."""

    live: Live
    port: int
    problems: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext, language: str = "en") -> Page:
        """Open the shop's page in a browser that blocks cookies of other sites."""
        context.add_init_script(_LISTEN)
        page = context.new_page()
        blocked = {"enableThirdPartyCookieRestriction": True}
        blocked |= dict.fromkeys(
            ("disableThirdPartyCookieMetadata", "disableThirdPartyCookieHeuristics"), True
        )
        context.new_cdp_session(page).send("Network.setCookieControls", blocked)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._note)
        page.goto(f"http://shop.localhost:{self.port}/verdura/?lang={language}")
        return page

    def _note(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind in {"error", "warning"}:
            self.problems.append(f"{kind}: {text}")


@pytest.fixture(scope="module")
def served_shop(shop_live: Live) -> Iterator[DemoShop]:
    """Serve the shop of retailer t1, which offers four times in two days."""
    empty = ShopsConfig(api_port=shop_live.port, shops=())
    server = ShopServer(empty, 0)
    origin = f"http://shop.localhost:{server.own_port}"
    server.config = replace(empty, shops=(shop_live.do(lambda ref: make_shop(ref, origin)),))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield DemoShop(shop_live, server.own_port)
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(served_shop: DemoShop) -> DemoShop:
    served_shop.problems.clear()
    return served_shop


def make_shop(ref: RetailerRef, origin: str) -> ShopConfig:
    """Make slots, a known address and the two keys; return the shop's configuration."""
    hub = Hub.objects.get()
    known = make_order(place=PlaceDraft(text=ADDRESS), hub=hub.public_id)
    set_pin(order=known, lat=LAT + 0.002, lon=LON + 0.002)
    cancel_order(order=known)
    van = make_vehicle(hub=hub)
    date = clock.local_date(clock.now(), hub.zone) + dt.timedelta(days=3)
    starts_at = clock.local_instant(date, 8 * 60, hub.zone)
    make_shift(vehicle=van, starts_at=starts_at, ends_at=starts_at + dt.timedelta(hours=12))
    # The slots of the other tests' world can no longer be booked.
    Slot.objects.filter(opens_at__gt=clock.now()).update(book_until_at=clock.now())
    for opens in (10 * 60 + 5, 14 * 60 + 5, 17 * 60 + 5):
        make_slot(hub=hub, service_date=date, opens=opens, closes=opens + 120, base_minor=390)
    make_slot(hub=hub, service_date=date + dt.timedelta(days=1), opens=10 * 60 + 5, closes=11 * 60,
              option="curbside", base_minor=0)  # fmt: skip
    reconcile_day(hub=hub, service_date=date)
    _row, checkout = create_key(name="Shop", role=KeyRole.CHECKOUT, origins=[origin])
    _row, integration = create_key(name="Shop", role=KeyRole.INTEGRATION)
    return ShopConfig(
        name="verdura", title="Verdura", host=ref.domain, zone=hub.zone, country="PT",
        currency="EUR", language="en", hue=145, addresses=(Address(text=ADDRESS),),
        checkout_key=checkout,
        integration_key=integration, products=PRODUCTS["verdura"],
    )  # fmt: skip


def slots(page: Page) -> Locator:
    return page.locator(".slot[tabindex]")


def ready(page: Page) -> Page:
    expect(slots(page).first).to_be_visible(timeout=20_000)
    return page


def newest_order(live: Live) -> tuple[str, str, str, int | None, str]:
    """Return number, option, slot, price and cause of the newest order's promise."""

    def read(_ref: RetailerRef) -> tuple[str, str, str, int | None, str]:
        order = Order.objects.select_related("promise").latest("pk")
        promise = order.promise
        assert promise is not None, "the order has no promise"
        number = order.external_id or ""
        return number, promise.option, promise.slot, promise.price_minor, promise.cause

    return live.do(read)


@pytest.mark.parametrize(
    ("language", "thanks"),
    [("en", "Thank you for your order"), ("es", "Gracias por su pedido"), ("ar", "شكرًا لطلبك")],
)
def test_s21_from_the_basket_to_a_promise_on_another_origin_without_cookies_or_storage(
    shop: DemoShop, context: BrowserContext, language: str, thanks: str
) -> None:
    page = ready(shop.open(context, language))
    assert violations(page) == []
    page.locator("[name=name]").fill("Ana Prueba")
    page.locator("[name=name]").press("Tab")
    slots(page).first.click()
    expect(page.locator(".kept")).to_be_visible(timeout=20_000)
    session = page.evaluate("document.querySelector('lastmile-picker').session")
    page.reload()
    expect(page.locator(".kept")).to_be_visible(timeout=20_000)
    assert page.evaluate("document.querySelector('lastmile-picker').session") == session
    assert page.locator("[name=name]").input_value() == "Ana Prueba"
    delivery = page.locator('[data-sum="delivery"]').inner_text()
    assert re.search("3[.,]90", delivery), "the price of the total is the price that is held"
    page.locator('[data-id="confirm"]').click()
    expect(page.locator(".kept.chosen")).to_be_visible(timeout=20_000)
    page.reload()
    expect(page.locator(".kept.chosen")).to_be_visible(timeout=20_000)
    assert page.evaluate("violations") == []
    page.locator("button.buy").click()
    expect(page.locator("h1")).to_have_text(thanks, timeout=20_000)
    assert violations(page) == []
    number, option, slot, price, cause = newest_order(shop.live)
    assert number in page.locator(".muted").first.inner_text()
    assert (option, price, cause) == ("window", 390, "choice")
    assert slot.startswith("slt_")
    assert {cookie["domain"] for cookie in context.cookies()} == {"shop.localhost"}
    page.locator("a.buy").click()
    expect(page).to_have_url(re.compile(r"//t1\.localhost:\d+/t/[a-z2-7]{32}/"))
    assert shop.problems == []


def test_with_the_keyboard_alone_and_without_confirming_first(
    shop: DemoShop, context: BrowserContext
) -> None:
    page = ready(shop.open(context))
    page.locator("[name=name]").focus()
    page.keyboard.type("Rui")
    for _n in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.localName") == "lastmile-picker":
            break
    inner = "document.querySelector('lastmile-picker').shadowRoot.activeElement.className"
    while page.evaluate(inner) != "slot":
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(".kept")).to_be_visible(timeout=20_000)
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
    page.locator("button.buy").focus()
    page.keyboard.press("Enter")  # the shop's script confirms what is held
    expect(page.locator("h1")).to_have_text("Thank you for your order", timeout=20_000)
    assert newest_order(shop.live)[1] == "window"
    assert shop.problems == []


def test_without_a_time_the_shop_says_what_is_missing_and_keeps_the_basket(
    shop: DemoShop, context: BrowserContext
) -> None:
    page = ready(shop.open(context))
    page.locator("[name=count-oil]").fill("3")
    page.locator("[name=name]").fill("Eva")
    page.locator("button.buy").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose and confirm a delivery time.")
    assert page.locator("[name=count-oil]").input_value() == "3"


def test_the_sum_follows_the_option_and_the_basket(shop: DemoShop, context: BrowserContext) -> None:
    page = ready(shop.open(context))
    total = page.locator('[data-sum="total"]')
    before = total.inner_text()
    slots(page).first.click()
    expect(page.locator('[data-sum="delivery"]')).to_contain_text("3.90", timeout=20_000)
    assert total.inner_text() != before
    page.locator(".day:not([aria-disabled])").nth(1).click()
    slots(page).first.click()
    expect(page.locator('[data-sum="delivery"]')).to_have_text("Free", timeout=20_000)
    expect(total).to_have_text(before)
    page.locator("[name=count-box]").fill("4")
    page.locator("[name=count-box]").press("Tab")
    expect(total).not_to_have_text(before)
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
