"""Scans in a phone-sized browser: by the camera, by typing, and by scanners that type."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from dispatch.live.models import DriverAct, Proof
from dispatch.live.policy import ProofPolicy
from dispatch.orders.models import Parcel
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.browser.accessibility import violations
from tests.browser.driving import (
    PHONE,
    DriverWorld,
    everything_sent,
    logged_in,
    make_driver_day,
    tap,
)
from tests.browser.live import Live
from tests.browser.test_driver import on_the_road

pytestmark = pytest.mark.browser(maps=False)
LABELS = Path("tests/dispatch/driver/labels")
SSCC = "340123450000000017"
#: The barcodes of the parcels, in the sequence of the route.
BARCODES = (
    f"(00){SSCC}", "(01)09501101530003(10)AB-12(21)S/77", "PK-0001-A", "PK-0002-B", "",
)  # fmt: skip
# The page's camera: a canvas that shows the picture in ``label``, black without one. It never
# answers while ``label`` is "silent", and is refused while it is "refused".
CAMERA = """() => {
    window.label = 'silent';
    navigator.mediaDevices.getUserMedia = () => {
        if (label === 'silent') return new Promise(() => {});
        if (label === 'refused') return Promise.reject(new DOMException('no', 'NotAllowedError'));
        const canvas = Object.assign(document.createElement('canvas'), { width: 900, height: 600 });
        const brush = canvas.getContext('2d');
        let shown = null, image = null;
        const draw = () => {
            if (label !== shown) {
                shown = label;
                image = label ? Object.assign(new Image(), { src: label }) : null;
            }
            brush.fillStyle = image?.complete ? '#fff' : '#000';
            brush.fillRect(0, 0, 900, 600);
            if (image?.complete) brush.drawImage(image, 100, 150);
        };
        setInterval(draw, 50);
        return Promise.resolve(canvas.captureStream(20));
    };
}"""


KEPT = """async () => {
    const found = await Promise.all((await caches.keys()).map(async (name) =>
        (await (await caches.open(name)).keys()).map((one) => one.url)));
    return found.flat().some((url) => url.endsWith('zxing_reader.wasm'));
}"""


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Return a phone: a profile of its own, with touch and with a camera that the test holds."""
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    context.add_init_script(f"({CAMERA})()")
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> DriverWorld:
    """Return a day whose parcels have barcodes, for a retailer that asks for a scan."""

    def make(_ref: object) -> DriverWorld:
        day = make_driver_day(stops=5)
        for order, barcode in zip(day.orders, BARCODES, strict=True):
            Parcel.objects.filter(order__public_id=order).update(barcode=barcode)
        set_section(section=section_of(ProofPolicy), policy=ProofPolicy(scan=True))
        return day

    return live.do(make)


def show(page: Page, name: str) -> None:
    """Hold a label before the camera."""
    content = base64.b64encode((LABELS / f"{name}.png").read_bytes()).decode()
    page.evaluate("(url) => { window.label = url; }", f"data:image/png;base64,{content}")


def scan(page: Page) -> Locator:
    page.get_by_role("button", name="Scan", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def at_door(page: Page) -> None:
    tap(page, "Arrived")
    expect(page.get_by_role("heading", name="Proof of delivery")).to_be_visible()


def deliver(page: Page, next_stop: str) -> None:
    expect(page.locator(".driver-proof").get_by_text("1 of 1 parcels scanned")).to_be_visible()
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text(next_stop)


def scanned(live: Live, world: DriverWorld) -> list[str]:
    """Return the orders with a scan as proof, in the sequence of the scans."""
    rows = Proof.objects.filter(order__public_id__in=world.orders, kind="scan").order_by("pk")
    return live.do(lambda _ref: list(rows.values_list("order__public_id", flat=True)))


def test_r10_every_kind_of_label_is_read_by_the_camera(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    names = ("sscc_gs1_128", "gs1_datamatrix", "qr", "code128")
    for number, name in enumerate(names, 1):
        at_door(page)
        show(page, name)
        scan(page)
        deliver(page, f"Stop {number + 1} of 5")
    everything_sent(page)
    assert scanned(live, world) == list(world.orders[:4])


def test_r09_without_a_picture_retry_the_systems_camera_and_typing_each_finish_the_scan(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    here = page.url
    dialog = scan(page)  # the camera never answers
    expect(dialog.get_by_text("The camera gives no picture")).to_be_visible(timeout=5_000)
    assert violations(page) == []
    show(page, "sscc_gs1_128")
    dialog.get_by_role("button", name="Try again").click()
    deliver(page, "Stop 2 of 5")

    at_door(page)
    page.evaluate("window.label = ''")  # a black picture
    dialog = scan(page)
    expect(dialog.get_by_text("The camera gives no picture")).to_be_visible(timeout=5_000)
    dialog.locator("input[type=file]").set_input_files(LABELS / "gs1_datamatrix.png")
    deliver(page, "Stop 3 of 5")

    at_door(page)
    page.evaluate("window.label = 'refused'")
    dialog = scan(page)
    expect(dialog.get_by_text("The camera gives no picture")).to_be_visible()
    dialog.get_by_label("Type the code of the parcel").fill("pk-0001-a")
    dialog.get_by_label("Type the code of the parcel").press("Enter")
    deliver(page, "Stop 4 of 5")
    assert page.url.partition("#")[0] == here.partition("#")[0]
    everything_sent(page)
    assert scanned(live, world) == list(world.orders[:3])


def test_a_slow_scanner_is_read_and_its_enter_presses_no_button(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    page.keyboard.type(f"00{SSCC}\n", delay=150)
    deliver(page, "Stop 2 of 5")
    everything_sent(page)
    assert scanned(live, world) == [world.orders[0]]


def test_r10_a_scanner_that_types_is_read_and_what_can_be_cut_in_two_ways_is_refused(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    page.keyboard.type(f"00{SSCC}\n")
    deliver(page, "Stop 2 of 5")
    at_door(page)
    page.keyboard.type("0109501101530003" + "10AB-12" + "21S/77\n")  # the separator is dropped
    expect(page.get_by_text("This label can be read in two ways")).to_be_visible()
    expect(page.get_by_text("Type the SSCC")).to_be_visible()
    expect(page.get_by_text("parcels scanned")).to_have_count(0)
    page.keyboard.type("0109501101530003" + "10AB-12")
    page.keyboard.press("Control+]")
    page.keyboard.type("21S/77\n")
    deliver(page, "Stop 3 of 5")
    at_door(page)
    page.keyboard.type(f"00{SSCC}\n")  # the parcel of the first stop
    expect(page.get_by_text("is for stop 1")).to_be_visible()
    expect(page.get_by_text("parcels scanned")).to_have_count(0)


def test_parcels_are_scanned_at_loading_in_reverse_order_and_a_strange_one_is_not_taken(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    tap(page, "Start shift")
    page.locator("[data-part=tabs]").get_by_role("link", name="Load").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("5 parcels to load")
    rows = page.locator(".driver-load .driver-number")
    expect(rows).to_have_text(["5", "4", "3", "2", "1"])
    show(page, "code128")
    dialog = scan(page)
    expect(dialog.get_by_text("Stop 4")).to_be_visible()
    dialog.get_by_label("Type the code of the parcel").fill(SSCC)
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("Stop 1")).to_be_visible()
    dialog.get_by_label("Type the code of the parcel").fill("NOBODY-1")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("This code is of no parcel here")).to_be_visible()
    dialog.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("3 parcels to load")
    tap(page, "All is loaded")
    page.wait_for_timeout(500)  # the app keeps the act a moment after the tap
    everything_sent(page)
    acts = live.do(
        lambda _ref: [
            (len(act.data["parcels"]), len(act.data.get("scans", [])))
            for act in DriverAct.objects.filter(kind="loaded").order_by("happened_at")
        ]
    )
    assert acts == [(1, 1), (1, 1), (3, 0)]


def loaded_ahead(page: Page) -> None:
    """Wait until the service worker keeps the reader of codes."""
    for _turn in range(200):
        if page.evaluate(KEPT):
            return
        page.wait_for_timeout(100)
    raise AssertionError("The reader of codes is not on the phone.")


def test_the_scanner_works_without_a_network_after_the_first_day(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    loaded_ahead(page)
    phone.set_offline(True)
    page.reload()
    at_door(page)
    show(page, "sscc_gs1_128")
    scan(page)
    deliver(page, "Stop 2 of 5")
    phone.set_offline(False)
    everything_sent(page)
    assert scanned(live, world) == [world.orders[0]]
