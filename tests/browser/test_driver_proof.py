"""Proof at the door in a phone-sized browser: photos without a network, and what is missing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, expect

from dispatch.live.models import DriverAct, Incident, Photo, Proof
from dispatch.live.selectors.proof import content_of
from dispatch.orders.models import Order
from tests.browser.accessibility import violations
from tests.browser.driving import (
    PHONE,
    DriverWorld,
    acts_of,
    attempts_of,
    everything_sent,
    logged_in,
    make_driver_day,
    ready,
    tap,
)
from tests.browser.live import Live
from tests.browser.test_driver import on_the_road
from tests.dispatch.live.pictures import door, jpeg, sha

pytestmark = pytest.mark.browser(maps=False)
DEMANDS: dict[int, dict[str, Any]] = {
    0: {"handover": "contactless"},
    1: {"signature": True},
    2: {"least_age": 18},
}


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Return a phone: a profile of its own, with touch."""
    context = browser.new_context(locale="en-GB", viewport=PHONE, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def world(live: Live) -> DriverWorld:
    """Return a day whose first three orders demand a photo, a signature and an age check."""

    def make(_ref: object) -> DriverWorld:
        day = make_driver_day(stops=3)
        for n, values in DEMANDS.items():
            Order.objects.filter(public_id=day.orders[n]).update(**values)
        return day

    return live.do(make)


def take_photo(page: Page, content: bytes, name: str = "door.jpg") -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/jpeg", "buffer": content}
    )


def at_door(page: Page) -> None:
    tap(page, "Arrived")
    expect(page.get_by_role("heading", name="Proof of delivery")).to_be_visible()


def photos_on_phone(page: Page, world: DriverWorld) -> list[str]:
    hashes: list[str] = page.evaluate(
        """async (name) => {
        const db = await new Promise((done) => {
            const asked = indexedDB.open(name);
            asked.onsuccess = () => done(asked.result);
        });
        const rows = await new Promise((done) => {
            const asked = db.transaction('photos').objectStore('photos').getAll();
            asked.onsuccess = () => done(asked.result);
        });
        db.close();
        const hex = (bytes) => [...new Uint8Array(bytes)]
            .map((one) => one.toString(16).padStart(2, '0')).join('');
        return Promise.all(rows.map(async ({ bytes }) =>
            hex(await crypto.subtle.digest('SHA-256', bytes))));
    }""",
        f"lastmile-driver-{world.driver}",
    )
    return hashes


def received(live: Live, world: DriverWorld) -> list[tuple[str, str, bool]]:
    """Return hash, state and whether the bytes that are here have that hash, of each photo."""
    return live.do(
        lambda _ref: [
            (photo.sha256, photo.state, photo.content is None or sha(photo.content) == photo.sha256)
            for photo in Photo.objects.filter(proofs__order__public_id__in=world.orders)
        ]
    )


def proofs_of(live: Live, world: DriverWorld) -> list[tuple[str, str]]:
    rows = Proof.objects.filter(order__public_id__in=world.orders).order_by("pk")
    return live.do(lambda _ref: list(rows.values_list("kind", "how")))


def incidents_of(live: Live, world: DriverWorld) -> list[tuple[str, str]]:
    rows = Incident.objects.filter(order__public_id__in=world.orders).order_by("pk")
    return live.do(lambda _ref: list(rows.values_list("kind", "order__public_id")))


def test_r06_a_photo_taken_offline_survives_a_kill_and_arrives_once_with_its_hash(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    everything_sent(page)
    phone.set_offline(True)
    at_door(page)
    take_photo(page, jpeg(door(31, size=(2400, 1800))))
    expect(page.get_by_text("Photos kept: 1")).to_be_visible()
    (taken,) = photos_on_phone(page, world)
    page.reload()  # before the delivery
    ready(page)
    expect(page.get_by_text("Photos kept: 1")).to_be_visible()
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 3")
    page.close(run_before_unload=False)  # the system kills the app
    page = phone.new_page()
    page.goto(f"{live.retailer}/driver/")
    ready(page)
    expect(page.locator("[data-part=unsent]")).to_have_text("3 not sent")
    assert photos_on_phone(page, world) == [taken]
    phone.set_offline(False)
    everything_sent(page)
    assert photos_on_phone(page, world) == []
    ((sha256, state, is_right),) = received(live, world)
    assert (sha256, is_right) == (taken, True)
    assert state in {"received", "kept"}
    assert attempts_of(live, world)[world.orders[0]] == ["delivered"]
    assert proofs_of(live, world) == [("photo", "")]
    assert incidents_of(live, world) == []


def ink_of(photo: Photo) -> float:
    """Return the share of dark pixels of a stored picture."""
    content = photo.content or content_of(photo)
    assert content is not None
    gray = Image.open(io.BytesIO(bytes(content))).convert("L")
    return sum(gray.histogram()[:128]) / (gray.width * gray.height)


def box_of(page: Page, pad: Locator) -> FloatRect:
    """Return where the pad is, in the middle of the screen, when nothing moves it any more."""
    # This notice comes when the browser has refused the position, and pushes the pad down.
    expect(page.get_by_text("Your position is not sent")).to_be_visible()
    before = None
    for _try in range(100):
        pad.evaluate("(pad) => pad.scrollIntoView({ block: 'center' })")
        box = pad.bounding_box()
        if box is not None and box == before:
            return box
        before = box
        page.wait_for_timeout(200)
    raise AssertionError("the pad moves all the time")


def test_a_signature_and_an_age_check_are_given_at_the_door(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    take_photo(page, jpeg(door(32)))
    expect(page.get_by_text("Photos kept: 1")).to_be_visible()
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 3")

    at_door(page)
    page.get_by_role("button", name="Keep signature").click()
    expect(page.get_by_text("The signature is empty")).to_be_visible()
    pad = page.locator("canvas.driver-pad")
    box = box_of(page, pad)
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 30 + 25 * step, box["y"] + 40 + 30 * (step % 2))
    page.mouse.up()
    page.set_viewport_size({"width": 844, "height": 390})  # R27: the phone is turned
    page.set_viewport_size(PHONE)
    pad.evaluate("(pad) => { pad.width = 801; pad.width = 800; }")  # and the browser empties it
    page.get_by_role("button", name="Keep signature").click()
    expect(page.get_by_text("Signed", exact=True)).to_be_visible()
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 3 of 3")

    at_door(page)
    tap(page, "Delivered")  # without the check it is asked for
    expect(page.get_by_text("must not be handed over")).to_be_visible()
    expect(page.get_by_role("button", name="Delivered without this proof")).to_have_count(0)
    page.locator("[data-part=actions]").get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Yes, checked").click()
    tap(page, "Delivered")
    expect(page.get_by_role("button", name="Back at the hub")).to_be_visible()
    everything_sent(page)
    assert proofs_of(live, world) == [("photo", ""), ("signature", ""), ("age", "pass")]
    assert incidents_of(live, world) == []
    signature = Photo.objects.filter(proofs__kind="signature")
    assert 0.002 < live.do(lambda _ref: ink_of(signature.get())) < 0.1


def test_a_delivery_without_its_proof_is_asked_for_and_told_to_staff(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    take_photo(page, b"\x00\x00\x00\x18ftypheic, which this browser cannot read", "photo.heic")
    expect(page.get_by_text("This is no photo that the phone can read")).to_be_visible()
    tap(page, "Delivered")
    expect(page.get_by_role("heading", level=1)).to_have_text("Proof is missing")
    assert violations(page) == []
    page.get_by_role("button", name="Delivered without this proof").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 3")
    at_door(page)
    tap(page, "Delivered")
    page.get_by_role("button", name="Not delivered: the proof is missing").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 3 of 3")
    everything_sent(page)
    first, second, _third = world.orders
    done = attempts_of(live, world)
    assert (done[first], done[second]) == (["delivered"], ["failed"])
    assert incidents_of(live, world) == [("proof_missing", first)]
    reasons = live.do(
        lambda _ref: [
            act.data["reason"]
            for act in DriverAct.objects.filter(kind="failed", order__public_id=second)
        ]
    )
    assert reasons == ["proof_missing"]


def test_r05_a_photo_that_does_not_fit_is_said_at_once_and_the_acts_go_on(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    page.evaluate(
        """() => {
        const put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function (value, key) {
            if (this.name === 'photos') throw new DOMException('full', 'QuotaExceededError');
            return key === undefined ? put.call(this, value) : put.call(this, value, key);
        };
    }"""
    )
    take_photo(page, jpeg(door(33)))
    expect(page.get_by_text("The photo was not kept")).to_be_visible()
    expect(page.get_by_text("The storage of this phone is full")).to_be_visible()
    expect(page.get_by_text("Photos kept")).to_have_count(0)
    everything_sent(page)
    assert ("arrived", world.orders[0]) in acts_of(live, world)


def test_r11_a_missing_proof_is_given_later_in_the_app(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    on_the_road(page)
    at_door(page)
    tap(page, "Delivered")
    page.get_by_role("button", name="Delivered without this proof").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop 2 of 3")
    everything_sent(page)
    page.goto(f"{live.retailer}/driver/#stop/{world.orders[0]}")
    expect(page.get_by_role("heading", name="Proof that is missing")).to_be_visible()
    assert violations(page) == []
    take_photo(page, jpeg(door(34)))
    expect(page.get_by_text("Photos kept: 1")).to_be_visible()
    page.reload()
    ready(page)
    page.get_by_role("button", name="Send the proof").click()
    expect(page.get_by_role("heading", name="Proof that is missing")).to_have_count(0)
    everything_sent(page)
    assert proofs_of(live, world) == [("photo", "")]
    rows = Incident.objects.filter(order__public_id=world.orders[0])
    assert live.do(lambda _ref: list(rows.values_list("kind", "state", "settled_how"))) == [
        ("proof_missing", "settled", "proof_given")
    ]


def test_a_defect_of_the_vehicle_is_told_with_a_photo(
    live: Live, phone: BrowserContext, world: DriverWorld
) -> None:
    page = logged_in(live, phone, world)
    tap(page, "Start shift")
    page.get_by_role("link", name="Report a defect").click()
    page.get_by_label("What is wrong with the vehicle?").fill("The left mirror is broken")
    take_photo(page, jpeg(door(35)))
    expect(page.get_by_text("Photos kept: 1")).to_be_visible()
    tap(page, "Report")
    expect(page.get_by_role("heading", name="Vehicle check")).to_have_count(0)
    everything_sent(page)
    rows = Incident.objects.filter(kind="vehicle_defect", driver__public_id=world.driver)
    photos = live.do(lambda _ref: [row.act.proofs.count() for row in rows if row.act])
    assert photos == [1]
    assert photos_on_phone(page, world) == []
