"""The driver's app in a phone-sized browser: a whole day, without a network, and accidents."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dispatch.live.models import Device
from dispatch.live.services import revoke_device
from lastmile.core.clock import real_now
from lastmile.core.tenancy import RetailerRef
from tests.browser.accessibility import violations
from tests.browser.driving import (
    PHONE,
    DriverWorld,
    acts_of,
    attempts_of,
    choose,
    everything_sent,
    logged_in,
    make_driver_day,
    new_link,
    publish_in_order,
    ready,
    tap,
)
from tests.browser.live import Live
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser(maps=False)
_SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, label')]
    .filter((e) => e.checkVisibility() && !e.matches('.toasts *, .skip, .field label'))
    .filter((e) => !(e.matches('input') && e.closest('label')))
    .map((e) => [e.textContent.trim() || e.id, Math.round(e.getBoundingClientRect().height)])
    .filter(([, height]) => height < 48)"""
_TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Return a phone: a profile of its own, with touch."""
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day())


def stored_on_phone(page: Page, world: DriverWorld) -> list[str]:
    """Return what the phone keeps of a driver: small values and the day, then the acts."""
    stored: list[str] = page.evaluate(
        """async (name) => {
        const db = await new Promise((done) => {
            const asked = indexedDB.open(name);
            asked.onsuccess = () => done(asked.result);
        });
        const all = (store) => new Promise((done) => {
            const asked = db.transaction(store).objectStore(store).getAll();
            asked.onsuccess = () => done(JSON.stringify(asked.result));
        });
        const found = [await all('kept'), await all('acts')];
        db.close();
        return found;
    }""",
        f"lastmile-driver-{world.driver}",
    )
    return stored


def on_the_road(page: Page) -> None:
    """Begin the shift and leave the hub."""
    tap(page, "Start shift")
    tap(page, "Leave the hub")
    expect(page.get_by_role("button", name="Arrived")).to_be_visible()


def deliver(page: Page) -> None:
    """Deliver the next stop with its two taps; return when the phone has kept both."""
    heading = page.get_by_role("heading", level=1)
    before = heading.inner_text()
    tap(page, "Arrived")
    tap(page, "Delivered")
    expect(heading).not_to_have_text(before)


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


def test_a_double_tap_is_one_tap_and_a_quick_tap_elsewhere_counts(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    bar = page.locator("[data-part=actions]")
    bar.get_by_role("button", name="Arrived").dblclick()  # the second tap is not "Delivered"
    expect(bar.get_by_role("button", name="Delivered")).to_be_visible()
    choose(page, "Not delivered")  # at once, and it counts
    page.get_by_role("button", name="Nobody at home").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5")
    assert page.url.endswith("#now"), "the second tap opened something of the next stop"
    everything_sent(page)
    first = world.orders[0]
    assert [act for act in acts_of(live, world) if act[1]] == [
        ("arrived", first),
        ("failed", first),
    ]


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
    # The new page can get a request out before the browser takes its network away. Its answer is
    # lost, so that the phone sends those entries again, and they must count once.
    assert all(outcomes in ([], ["delivered"]) for outcomes in attempts_of(live, world).values())
    page.locator("[data-part=unsent]").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("10 entries are not sent yet")
    phone.set_offline(False)
    everything_sent(page)
    assert attempts_of(live, world) == {order: ["delivered"] for order in world.orders}
    doors = [(kind, order) for order in world.orders for kind in ("arrived", "delivered")]
    assert acts_of(live, world) == [("shift_started", ""), ("left_hub", ""), *doors]


def test_r04_after_the_log_in_has_expired_nothing_is_lost_and_a_new_log_in_sends_it(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)

    def expire(_ref: RetailerRef) -> None:
        Device.objects.filter(driver__public_id=world.driver).update(expires_at=real_now())

    live.do(expire)
    phone.set_offline(False)
    expect(page.get_by_text("This phone is logged out")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-part=unsent]")).to_have_text("2 not sent")
    deliver(page)  # the driver goes on
    expect(page.locator("[data-part=unsent]")).to_have_text("4 not sent")
    _path, code = new_link(live, world)
    page.get_by_role("link", name="Log in", exact=True).click()
    page.get_by_label("Code").fill(f" {code[:4].lower()}-{code[4:]} ")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 3 of 5", timeout=20_000)
    everything_sent(page)
    done = attempts_of(live, world)
    assert [done[order] for order in world.orders[:3]] == [["delivered"], ["delivered"], []]


def test_a_revoked_phone_deletes_its_addresses_at_once_and_keeps_unsent_work(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)
    live.do(lambda _ref: revoke_device(device=Device.objects.get(driver__public_id=world.driver)))
    phone.set_offline(False)
    expect(page.get_by_text("This phone is logged out")).to_be_visible(timeout=20_000)
    expect(page.locator("main")).not_to_contain_text("Rua")
    expect(page.locator("[data-part=unsent]")).to_have_text("2 not sent")
    assert "Rua" not in "".join(stored_on_phone(page, world))
    _path, code = new_link(live, world)
    page.get_by_role("link", name="Log in", exact=True).click()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5", timeout=20_000)
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]


def test_r04_two_drivers_share_a_phone_and_each_sends_only_the_own_work(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    other = live.do(lambda _ref: make_driver_day(stops=2, name="Eva Lopes"))
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)
    page.close()
    phone.set_offline(False)
    # The first driver's work is not sent, because no page of the app is open meanwhile.
    page = logged_in(live, phone, other)
    on_the_road(page)
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[0]] == []
    assert {kind for kind, _order in acts_of(live, other)} == {"shift_started", "left_hub"}
    page.get_by_role("link", name="More").click()
    expect(page.get_by_text("2 entries of other drivers wait on this phone.")).to_be_visible()
    assert "Rua" not in page.locator("main").inner_text()
    page.close()
    page = phone.new_page()
    page.goto(live.retailer + new_link(live, world)[0])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5", timeout=20_000)
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]
    assert attempts_of(live, other) == {order: [] for order in other.orders}


def test_r12_a_changed_route_reaches_the_phone_and_the_driver_confirms_it(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    first, second, *others = world.orders
    left_out = others.pop()
    live.do(lambda _ref: publish_in_order([second, first, *others]))
    banner = page.locator("[data-part=banners]")
    expect(banner).to_contain_text("Your route has changed", timeout=10_000)
    expect(banner).to_contain_text("1 stop was removed")
    expect(banner).to_contain_text("1 stop moved")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 1 of 4")
    banner.get_by_role("button", name="Got it").click()
    expect(banner).not_to_contain_text("Your route has changed")
    everything_sent(page)
    assert acts_of(live, world)[-1] == ("plan_confirmed", "")
    deliver(page)
    everything_sent(page)
    done = attempts_of(live, world)
    assert (done[second], done[first], done[left_out]) == (["delivered"], [], [])


def test_log_out_deletes_the_addresses_and_sends_what_waits_first(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    phone.set_offline(True)
    deliver(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="More").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Rua")).to_have_count(0)
    stored = stored_on_phone(page, world)
    assert "Rua" not in stored[0] + stored[1]
    assert stored[1].count('"delivered"') == 1, "log-out must not delete an unsent act"
    phone.set_offline(False)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="Log in on this phone")).to_be_visible(timeout=40_000)
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]
    assert live.do(
        lambda _ref: Device.objects.filter(
            driver__public_id=world.driver, revoked_at__isnull=True
        ).count()
    ) == 0  # fmt: skip


def test_r05_what_the_phone_does_not_keep_is_not_called_done(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    tap(page, "Arrived")
    everything_sent(page)
    page.evaluate(
        """() => {
        IDBObjectStore.prototype.realAdd = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = () => {
            throw new DOMException('full', 'QuotaExceededError');
        };
    }"""
    )
    tap(page, "Delivered")
    expect(page.get_by_text("Not stored: Delivered")).to_be_visible()
    expect(page.get_by_text("The storage of this phone is full")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 1 of 5")
    expect(page.get_by_role("button", name="Delivered")).to_be_visible()
    page.evaluate("() => { IDBObjectStore.prototype.add = IDBObjectStore.prototype.realAdd; }")
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5")
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]


def test_r01_after_the_storage_is_wiped_the_stops_are_open_and_say_so(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)
    page.evaluate(
        """async (names) => {
        for (const name of names) indexedDB.deleteDatabase(name);
    }""",
        ["lastmile-driver", f"lastmile-driver-{world.driver}"],
    )
    page.close()
    phone.set_offline(False)
    page = phone.new_page()
    page.goto(f"{live.retailer}/driver/")
    expect(page.get_by_text("This phone lost what it had stored")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 1 of 5")
    expect(page.get_by_text("Not received from this phone", exact=True)).to_be_visible()
    assert attempts_of(live, world)[world.orders[0]] == []


def test_r07_a_new_version_takes_over_after_one_start_and_keeps_the_queue(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    deliver(page)
    phone.route("**/driver/acts/", lambda route: route.abort())  # the queue waits meanwhile
    phone.set_offline(False)
    page.evaluate(
        """async () => {
        await caches.open('driver /static/of-last-year/');
        window.isOld = true;
        // Another address makes another worker, as another content does.
        await navigator.serviceWorker.register('/driver/sw.js?next', { scope: '/driver/' });
    }"""
    )
    page.wait_for_function("() => !window.isOld", timeout=30_000)  # the app has loaded again
    ready(page)
    expect(page.locator("[data-part=unsent]")).to_have_text("2 not sent")
    caches = page.evaluate("() => caches.keys()")
    assert len(caches) == 1, "the files of old versions stay on the phone"
    phone.unroute("**/driver/acts/")
    give_up_at = time.monotonic() + 40  # a last reload may hide the count before all is sent
    while not attempts_of(live, world)[world.orders[0]] and time.monotonic() < give_up_at:
        page.wait_for_timeout(100)
    everything_sent(page)
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_every_screen_is_accessible_large_enough_and_fits(
    live: Live, phone: BrowserContext, world: DriverWorld, language: str
) -> None:
    page = logged_in(live, phone, world)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{live.retailer}/driver/?lang={language}")
    ready(page)
    direction = "rtl" if language == "ar" else "ltr"
    expect(page.locator("html")).to_have_attribute("dir", direction)
    order = world.orders[1]
    faults = []
    for view in ("now", "list", "loading", "unsent", "more", "defect", f"stop/{order}",
                 f"fail/{order}", f"correct/{order}"):  # fmt: skip
        page.evaluate("(view) => { location.hash = view; }", view)
        page.wait_for_timeout(50)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            faults += [f"{view} {scheme}: {fault}" for fault in violations(page)]
        faults += [f"{view}: small {small}" for small in page.evaluate(_SMALL)]
        if page.evaluate(_TOO_WIDE) > 0:
            faults.append(f"{view}: scrolls sideways")
    assert faults == []


def test_a_route_is_delivered_with_the_keyboard_alone(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)

    def press(name: str) -> None:
        target = page.locator(f"[data-part=actions] button:has-text('{name}')")
        expect(target).not_to_have_attribute("aria-disabled", "true")
        for _step in range(40):
            page.keyboard.press("Tab")
            if target.evaluate("(el) => el === document.activeElement"):
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} cannot be reached with Tab")

    for name in ("Start shift", "Leave the hub", "Arrived", "Delivered", "Arrived"):
        press(name)
    expect(page.get_by_role("button", name="Delivered")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 5")


def test_a_code_that_is_wrong_says_so_and_a_used_link_is_no_link(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = phone.new_page()
    path, _code = new_link(live, world)
    for _look in range(2):  # a look, also by the preview of a chat program, changes nothing
        assert page.goto(live.retailer + path).status == 200  # type: ignore[union-attr]
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile("/driver/"))
    assert page.goto(live.retailer + path).status == 404  # type: ignore[union-attr]
    expect(page.get_by_role("link", name="Type a code")).to_be_visible()
    page.goto(f"{live.retailer}/driver/login/")
    page.get_by_label("Code").fill("AAAA 2222")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("used, expired or wrong")).to_be_visible()
    assert violations(page) == []
