"""The driver's app at a bank of lockers, in a phone-sized browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dispatch.fleet.models import Shift
from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import LockerBank, LockerReservation
from lockers.services.couriers import tell_deposit
from lockers.services.pickups import plan_pickups
from tests.browser.driving import (
    PHONE,
    DriverWorld,
    attempts_of,
    everything_sent,
    logged_in,
    make_driver_day,
    tap,
)
from tests.browser.live import Live
from tests.drain import drain
from tests.factories.live import publish
from tests.factories.lockers import make_bank, make_reservation, make_station, pin_of
from tests.factories.orders import make_order

pytestmark = pytest.mark.browser(maps=False)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


def to_one_bank(orders: list[Order]) -> None:
    bank = make_bank(5, hub=orders[0].hub, name="Banco do Rossio")
    for order in orders:
        make_reservation(bank, order=order)
    drain()


@pytest.fixture
def world(live: Live) -> Iterator[DriverWorld]:
    """Return a route with three orders for one bank; its cabinet is taken away afterwards."""

    def make(_ref: RetailerRef) -> DriverWorld:
        return make_driver_day(stops=3, name="Rita Bank", prepare=to_one_bank)

    yield live.do(make)
    live.do(lambda _ref: LockerBank.objects.update(active=False))


def row_of(order: str) -> LockerReservation:
    return LockerReservation.objects.select_related("bank").get(order__public_id=order)


def test_no_order_at_a_bank_is_left_without_an_act(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    tap(page, "Start shift")
    tap(page, "Leave the hub")
    tap(page, "Arrived")
    expect(page.get_by_role("link", name="Not delivered")).to_have_count(3)
    everything_sent(page)
    first, second, third = world.orders

    def change(ref: RetailerRef) -> None:
        station = make_station(ref, row_of(first).bank)
        station.deposit(pin_of(row_of(first), "courier"))
        assert station.cabinet.sync(), "the cabinet reports before the driver taps"
        services.cancel_reservation(reservation=row_of(second), cause="test")
        drain()

    live.do(change)
    page.reload()
    lost = page.locator(f"li[data-order={second}]")
    expect(lost).to_contain_text("This parcel has no door here any more", timeout=20_000)
    expect(page.get_by_role("button", name="It is in door")).to_have_count(1)
    lost.get_by_role("link", name="Not delivered").click()
    page.get_by_role("button", name="Nobody at home").click()
    page.get_by_role("button", name="It is in door").click()
    expect(page.get_by_role("button", name="Back at the hub")).to_be_visible(timeout=20_000)
    everything_sent(page)
    done = attempts_of(live, world)
    assert (done[first], done[second], done[third]) == (["deposited"], ["failed"], [])


@pytest.fixture
def pickup(live: Live) -> Iterator[DriverWorld]:
    """Return a route with a door and a bank to which only a return goes, for one expired parcel."""

    def make(_ref: RetailerRef) -> DriverWorld:
        def prepare(orders: list[Order]) -> None:
            hub = orders[0].hub
            assert hub is not None
            bank = make_bank(3, hub=hub, name="Banco da Sé")
            old = make_reservation(bank, order=make_order(hub=hub.public_id))
            tell_deposit(reservation=old, door="", at=now())
            drain()
            LockerReservation.objects.filter(pk=old.pk).update(state="collect_expired")
            plan_pickups()

        world = make_driver_day(stops=1, name="Rita Vazia", prepare=prepare)
        bank = LockerBank.objects.get(name="Banco da Sé")
        visit = Order.objects.get(common_stop__key=bank.public_id, direction="return")
        door = Order.objects.get(public_id=world.orders[0])
        shift = Shift.objects.get(routes__stops__order=door, routes__plan__status="published")
        publish(shift.hub, {shift: [visit, door]}, day=shift.service_date)
        drain()
        return replace(world, orders=(visit.public_id, door.public_id))

    yield live.do(make)
    live.do(lambda _ref: LockerBank.objects.update(active=False))


def test_a_bank_to_which_only_a_return_goes_is_emptied_and_left(
    live: Live, phone: BrowserContext, pickup: DriverWorld
) -> None:
    page = logged_in(live, phone, pickup)
    tap(page, "Start shift")
    tap(page, "Leave the hub")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Stop 1 of 2")
    everything_sent(page)
    phone.set_offline(True)
    tap(page, "Arrived")
    expect(page.get_by_role("link", name="Not delivered")).to_be_visible()
    page.get_by_role("button", name="Taken out").click()
    tap(page, "Next stop")
    expect(heading).to_have_text("Stop 2 of 2")
    phone.set_offline(False)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    everything_sent(page)
    visit = pickup.orders[0]
    assert attempts_of(live, pickup)[visit] == ["picked_up"]

    def ends(_ref: RetailerRef) -> list[str]:
        drain()
        bank = LockerBank.objects.get(name="Banco da Sé")
        return list(LockerReservation.objects.filter(bank=bank).values_list("state", flat=True))

    assert live.do(ends) == ["returned"]
