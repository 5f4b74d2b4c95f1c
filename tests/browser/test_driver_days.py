"""Ten days of a driver in a phone-sized browser, with the network cut half of the time.

Each day has doors and a bank of lockers, and its own trouble. At the end every order has one
outcome, nothing waits on the phone, and no act was refused.
"""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as NotInTime

from dispatch.fleet.models import Hub
from dispatch.live.models import Incident, Run
from dispatch.live.rolls import invariants as live_invariants
from dispatch.orders.models import Attempt, Order
from dispatch.orders.services import cancel_order
from lastmile.core import clock
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerBank, LockerReservation
from lockers.rolls import invariants as locker_invariants
from lockers.services.couriers import tell_deposit
from tests.browser.driving import (
    PHONE,
    DriverWorld,
    everything_sent,
    logged_in,
    make_driver_day,
    publish_in_order,
    ready,
)
from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.drain import drain
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.orders import make_order

pytestmark = pytest.mark.browser(maps=False)
#: What a driver taps, the first that can be tapped: of the screen, then at the bottom.
_SCREEN = re.compile("^(It is in door|Taken out)")
_BOTTOM = (
    "Start shift", "Leave the hub", "Arrived", "Delivered", "Next stop", "Back at the hub",
    "End shift",
)  # fmt: skip
_OVER = "Your shift has ended"
MOST_TAPS = 60


@dataclass
class Trial:
    """A day under way: its phone, its page, and what happens when."""

    live: Live
    phone: BrowserContext
    page: Page
    world: DriverWorld
    draw: random.Random
    taps: list[str] = field(default_factory=list)
    plan: list[bool] = field(default_factory=list)
    offline_taps: int = 0
    is_offline: bool = False

    def network(self, *, is_on: bool) -> None:
        self.is_offline = not is_on
        self.phone.set_offline(self.is_offline)

    def trouble(self) -> None:
        """Cut the network or bring it back; sometimes the system reloads or kills the app."""
        if not self.plan:  # with a network and without one, in turn
            self.plan = self.draw.sample([True, False], k=2)
        self.network(is_on=self.plan.pop())
        chance = self.draw.random()
        if chance < 0.15:
            self.page.reload()
        elif chance < 0.25:
            self.page.close(run_before_unload=False)
            self.page = self.phone.new_page()
            self.page.goto(f"{self.live.retailer}/driver/")
        ready(self.page)

    def tap(self) -> str:
        """Tap what comes next; return its words, "" if the day is over."""
        for _try in range(3):  # the page may be drawn again under the finger
            with contextlib.suppress(NotInTime):
                return self._tap()
        return self._tap()

    def _tap(self) -> str:
        page = self.page
        ready(page)
        if page.get_by_text(_OVER).is_visible():
            return ""
        got_it = page.locator("[data-part=banners]").get_by_role("button", name="Got it")
        on_screen = page.locator("main").get_by_role("button", name=_SCREEN)
        bottom = page.locator("[data-part=actions] button:not([aria-disabled=true])")
        wanted = page.locator(
            ", ".join(f"[data-part=actions] button:has-text('{name}')" for name in _BOTTOM)
        )
        expect(got_it.or_(on_screen).or_(wanted).first).to_be_visible(timeout=20_000)
        for choice in (got_it, on_screen, *(bottom.filter(has_text=name) for name in _BOTTOM)):
            if choice.count() and choice.first.is_visible():
                words = choice.first.inner_text().strip()
                before = page.locator("body").inner_text()
                choice.first.click(timeout=8_000)
                self.taps.append(words)
                self.offline_taps += self.is_offline
                with contextlib.suppress(NotInTime):  # the same words may come again
                    page.wait_for_function(
                        "before => document.body.innerText !== before", arg=before, timeout=4_000
                    )
                return words
        return "?"


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> Iterator[DriverWorld]:
    """Return a day with three doors and two orders for a bank that has an expired parcel too."""

    def prepare(orders: list[Order]) -> None:
        bank = make_bank(6, hub=orders[0].hub, name="Banco do Rossio")
        for order in orders[1:3]:
            make_reservation(bank, order=order)
        hub = orders[0].hub
        assert hub is not None
        old = make_reservation(bank, order=make_order(hub=hub.public_id))
        tell_deposit(reservation=old, door="", at=clock.now())
        drain()
        LockerReservation.objects.filter(pk=old.pk).update(state="collect_expired")

    yield live.do(lambda _ref: make_driver_day(stops=5, name="Rita Dias", prepare=prepare))
    live.do(lambda _ref: LockerBank.objects.update(active=False))


Event = Callable[[Trial], None]


def nothing(_trial: Trial) -> None:
    """The network is the only trouble."""


def cancelled_at_the_door(trial: Trial) -> None:
    """The order is cancelled when the driver is at its door, without a network."""

    def cancel(_ref: RetailerRef) -> None:
        order = Order.objects.get(public_id=trial.world.orders[3])
        Order.objects.filter(pk=order.pk).update(state="planned")
        order.refresh_from_db()
        cancel_order(order=order)
        drain()

    trial.live.do(cancel)


def published_again(trial: Trial) -> None:
    """The route is published in another sequence while the phone is offline."""
    first, second, third, fourth, fifth = trial.world.orders
    trial.live.do(lambda _ref: publish_in_order([first, second, third, fifth, fourth]))


def closes_at_noon(trial: Trial) -> None:
    """The hub has closed before the vehicle is back."""

    def close(_ref: RetailerRef) -> None:
        hours = {str(day): [["00:00", "00:01"]] for day in range(7)}
        Hub.objects.filter(public_id=trial.world.hub).update(hours=hours)

    trial.live.do(close)


def bank_goes_dark(trial: Trial) -> None:
    """The bank loses its connection."""
    trial.live.do(lambda _ref: LockerBank.objects.update(state="offline"))


def dropped_at_the_bank(trial: Trial) -> None:
    """A second parcel is to be taken out when the driver is there already."""

    def drop(_ref: RetailerRef) -> None:
        hub = Hub.objects.get(public_id=trial.world.hub)
        bank = LockerBank.objects.filter(hub=hub).latest("pk")
        row = make_reservation(bank, order=make_order(hub=hub.public_id))
        tell_deposit(reservation=row, door="", at=clock.now())
        drain()
        LockerReservation.objects.filter(pk=row.pk).update(state="courier_to_collect")

    trial.live.do(drop)


TRIALS: list[tuple[str, str, Event]] = [
    ("a usual day", "Arrived", nothing),
    ("a return at the bank", "It is in door", dropped_at_the_bank),
    ("the hub closes at noon", "Leave the hub", closes_at_noon),
    ("published again while offline", "Leave the hub", published_again),
    ("cancelled at the door", "It is in door", cancelled_at_the_door),
    ("the bank goes dark", "Arrived", bank_goes_dark),
    ("a usual day with another network", "Arrived", nothing),
    ("published again at the bank", "It is in door", published_again),
    ("the hub closes while at the bank", "Taken out", closes_at_noon),
    ("cancelled on the way", "Leave the hub", cancelled_at_the_door),
]


@pytest.mark.parametrize("seed", range(len(TRIALS)), ids=[name for name, _after, _do in TRIALS])
def test_a_day_with_the_network_cut_half_of_the_time_ends_with_one_outcome_for_each_order(
    live: Live, phone: BrowserContext, world: DriverWorld, seed: int
) -> None:
    _name, after, happen = TRIALS[seed]
    watch = Watch(phone, live.port)
    trial = Trial(live, phone, logged_in(live, phone, world), world, random.Random(seed))
    has_happened = False
    for _tap in range(MOST_TAPS):
        words = trial.tap()
        if not words:
            break
        if words.startswith(after) and not has_happened:
            everything_sent_or_offline(trial)
            happen(trial)
            has_happened = True
        trial.trouble()
    assert has_happened
    assert trial.taps[-1] == "End shift", trial.taps
    assert trial.offline_taps > len(trial.taps) // 5, "the network was there nearly all day"
    trial.network(is_on=True)
    trial.page.evaluate("() => dispatchEvent(new Event('online'))")
    everything_sent(trial.page)
    outcomes, refused, wrong = live.do(lambda _ref: state_of(world))
    assert refused == [], "what happened is recorded, never refused"
    assert wrong == {}
    for order, done in outcomes.items():
        assert done in (["delivered"], ["deposited"]) or "cancelled" in _name, (order, done)
    assert [line for line in watch.take() if "net::ERR_" not in line] == []


def everything_sent_or_offline(trial: Trial) -> None:
    """Let the server know what was tapped, if there is a network."""
    if not trial.is_offline:
        everything_sent(trial.page)


def state_of(world: DriverWorld) -> tuple[dict[str, list[str]], list[str], dict[str, list[str]]]:
    """Return the outcomes by order, the acts that had no effect, and the broken invariants."""
    drain()
    outcomes = {
        order: list(
            Attempt.objects.filter(order__public_id=order).values_list("outcome", flat=True)
        )
        for order in world.orders
    }
    refused = Incident.objects.filter(
        driver__public_id=world.driver, kind__in=["act_refused", "act_failed"]
    )
    wrong = {
        name: rows for name, rows in {**live_invariants(), **locker_invariants()}.items() if rows
    }
    assert Run.objects.get(driver__public_id=world.driver).ended_at is not None
    return outcomes, [str(row.params) for row in refused], wrong
