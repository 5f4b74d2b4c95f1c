"""A driver's day for browser tests: a shift that begins soon, a published plan, a log-in link."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page, expect

from dispatch.fleet.models import Driver, Shift
from dispatch.live.handlers import on_plan_published
from dispatch.live.models import DriverAct
from dispatch.live.services import make_login_link
from dispatch.orders.drafts import ParcelDraft, PlaceDraft, ShopperDraft
from dispatch.orders.models import Attempt, Order
from dispatch.orders.services import place_orders
from lastmile.core import clock
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.models import CallCount
from tests.browser.live import Live
from tests.drain import drain
from tests.factories.fleet import LAT, LON, make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import publish
from tests.factories.orders import make_draft

PHONE = {"width": 390, "height": 844}
_STREETS = ("Rua Augusta 12", "Rua da Prata 80", "Rua Garrett 7", "Rua do Ouro 33", "Rua Nova 5")
_NAMES = ("Ana Almeida", "Bruno Barros", "Carla Costa", "Duarte Dias", "Elisa Esteves")


@dataclass(frozen=True, slots=True)
class DriverWorld:
    """The public ids of a driver, the hub, and the orders in the sequence of the route."""

    driver: str
    hub: str
    orders: tuple[str, ...]


def make_driver_day(
    *,
    stops: int = 5,
    name: str = "Rui Costa",
    handover: str = "attended",
    prepare: Callable[[list[Order]], None] = lambda _orders: None,
) -> DriverWorld:
    """Make a shift that begins in ten minutes and publish its plan with some stops.

    ``prepare`` is called with the orders before the plan is published.
    """
    hub = make_hub(name="Cozinha", address="Rua da Cozinha 1, Lisboa")
    driver = make_driver(hub=hub, name=name)
    vehicle = make_vehicle(hub=hub, name="Van 1", parcels=60)
    starts_at = (clock.now() + dt.timedelta(minutes=10)).replace(second=0, microsecond=0)
    shift = make_shift(vehicle=vehicle, driver=driver, starts_at=starts_at)
    drafts = [
        make_draft(
            external_id=f"D-{driver.pk}-{n}",
            hub=hub.public_id,
            service_date=shift.service_date,
            shopper=ShopperDraft(name=_NAMES[n % 5]),
            place=PlaceDraft(
                text=f"{_STREETS[n % 5]}, Lisboa", lat=LAT + 0.004 * n, lon=LON + 0.003 * n
            ),
            parcels=(ParcelDraft(weight_g=1_200 + 300 * n, volume_cm3=4_000),),
            notes="Second door, blue bell" if n == 1 else "",
            handover=handover,
        )
        for n in range(stops)
    ]
    placed = place_orders(drafts, source="test")
    assert all(one.status == "placed" for one in placed), [one.problem for one in placed]
    orders = [one.order for one in placed if one.order is not None]
    prepare(orders)
    rows = Order.objects.in_bulk([order.pk for order in orders])
    publish(hub, {shift: [rows[order.pk] for order in orders]}, day=shift.service_date)
    drain()
    return DriverWorld(
        driver=driver.public_id,
        hub=hub.public_id,
        orders=tuple(order.public_id for order in orders),
    )


def publish_in_order(orders: list[str]) -> None:
    """Publish a new plan whose route has these orders, and tell its driver as the relay does."""
    rows = {order.public_id: order for order in Order.objects.filter(public_id__in=orders)}
    sequence = [rows[order] for order in orders]
    shift = Shift.objects.get(routes__stops__order=sequence[0], routes__plan__status="published")
    plan = publish(shift.hub, {shift: sequence}, day=shift.service_date)
    event = DomainEvent(
        public_id="evt_test", kind="plan.published", subject=plan.public_id, actor="",
        occurred_at=clock.now(), data={}, position=1, lane=Lane.BULK,
    )  # fmt: skip
    on_plan_published(event)


def new_link(live: Live, world: DriverWorld) -> tuple[str, str]:
    """Return the path of a new log-in link, and its short code. Earlier tries do not count."""

    def make(_ref: object) -> tuple[str, str]:
        CallCount.objects.filter(scope__startswith="driver.login").delete()
        new = make_login_link(driver=Driver.objects.get(public_id=world.driver))
        return f"/driver/login/{new.secret}/", new.code

    return live.do(make)


def logged_in(live: Live, context: BrowserContext, world: DriverWorld) -> Page:
    """Log a phone in with a link, as a driver does, and return the page of the app."""
    page = context.new_page()
    page.set_viewport_size(PHONE)
    path, _code = new_link(live, world)
    page.goto(live.retailer + path)
    page.get_by_role("button", name="Log in").click()
    ready(page)
    expect(page.get_by_role("button", name="Start shift")).to_be_visible(timeout=20_000)
    page.evaluate("async () => { await navigator.serviceWorker.ready }")
    page.wait_for_function("() => navigator.serviceWorker.controller", timeout=20_000)
    return page


def ready(page: Page) -> None:
    """Wait until the app has drawn its view."""
    page.locator("main[data-ready=true]").wait_for(timeout=20_000)


def tap(page: Page, name: str) -> None:
    """Tap one of the large actions at the bottom."""
    bar = page.locator("[data-part=actions]")
    bar.locator(f"button:has-text('{name}'):not([aria-disabled=true])").click(timeout=20_000)


def choose(page: Page, name: str) -> None:
    """Follow one of the links at the bottom."""
    page.locator("[data-part=actions]").get_by_role("link", name=name, exact=True).click()


def attempts_of(live: Live, world: DriverWorld) -> dict[str, list[str]]:
    """Return the outcomes that the server knows of each order of the route."""
    return live.do(
        lambda _ref: {
            order: list(
                Attempt.objects.filter(order__public_id=order)
                .order_by("number")
                .values_list("outcome", flat=True)
            )
            for order in world.orders
        }
    )


def acts_of(live: Live, world: DriverWorld) -> list[tuple[str, str]]:
    """Return kind and order of the acts of a driver, in the order in which they were recorded."""
    rows = live.do(
        lambda _ref: list(
            DriverAct.objects.filter(driver__public_id=world.driver)
            .order_by("pk")
            .values_list("kind", "order__public_id")
        )
    )
    return [(kind, order or "") for kind, order in rows]


def everything_sent(page: Page) -> None:
    """Wait until the app, once it is drawn, shows that nothing waits on the phone."""
    for _time in range(2):  # the app may load again between the first look and the second
        ready(page)
        expect(page.locator("[data-part=unsent]")).to_be_hidden(timeout=40_000)
