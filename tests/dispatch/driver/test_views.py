"""The pages and the data of the driver's app: who gets in, and what the phone is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dispatch.fleet.models import Driver
from dispatch.live.models import Device, DriverAct
from dispatch.live.services import make_login_link, revoke_device
from dispatch.orders.models import AccessKind, Attempt, Order
from dispatch.orders.services import set_access
from lastmile.core.clock import real_now
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import act, at, make_day, publish
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

STATIC = Path("dispatch/driver/static/driver")


class Phone:
    """A phone's browser, with checks of form tokens as a server has them."""

    def __init__(self, ref: RetailerRef) -> None:
        self.browser = Client(headers={"host": ref.domain}, enforce_csrf_checks=True)
        self.token = ""

    def log_in(self, driver: Driver) -> None:
        """Use a new link of the driver."""
        link = make_login_link(driver=driver)
        path = f"/driver/login/{link.secret}/"
        page = self.browser.get(path)
        assert page.status_code == 200, page.content
        answer = self.submit(path, page.content.decode())
        assert (answer.status_code, answer.headers["Location"]) == (303, "/driver/#in")

    def submit(self, path: str, page: str, **fields: str) -> Any:
        """Send the form of a page."""
        match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert match is not None
        return self.browser.post(path, fields | {"csrfmiddlewaretoken": match[1]})

    def day(self, **headers: str) -> Any:
        """Ask for the day; remember the form token."""
        answer = self.browser.get("/driver/day/", headers=headers)
        if answer.status_code == 200:
            self.token = answer.json()["csrf"]
        return answer

    def send(self, *acts: Any, path: str = "/driver/acts/", **body: Any) -> Any:
        """Send acts as the app does."""
        content = {"phone_at": None, **body}
        if path == "/driver/acts/":
            content["acts"] = list(acts)
        return self.browser.post(
            path,
            json.dumps(content),
            content_type="application/json",
            headers={"X-CSRFToken": self.token},
        )


@pytest.fixture
def phone(retailer: RetailerRef) -> Phone:
    return Phone(retailer)


def driver_of(day: Any) -> Driver:
    driver = day[0].driver
    assert driver is not None
    return driver


def test_a_link_is_used_by_a_button_and_only_once(phone: Phone, clock: SetClock) -> None:
    clock(at(8))
    driver = driver_of(make_day(1))
    link = make_login_link(driver=driver)
    path = f"/driver/login/{link.secret}/"
    for _look in range(2):
        page = phone.browser.get(path)
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "private, no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert not Device.objects.exists()
    answer = phone.submit(path, page.content.decode())
    assert answer.status_code == 303
    cookie = answer.cookies[settings.DRIVER_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    used, unknown = phone.browser.get(path), phone.browser.get("/driver/login/nobody-knows-it/")
    assert (used.status_code, unknown.status_code) == (404, 404)
    assert _words(used) == _words(unknown)
    assert Device.objects.count() == 1


def test_a_short_code_works_as_it_is_typed(phone: Phone, clock: SetClock) -> None:
    clock(at(8))
    link = make_login_link(driver=driver_of(make_day(1)))
    page = phone.browser.get("/driver/login/").content.decode()
    wrong = phone.submit("/driver/login/", page, code="AAAA-AAAA")
    assert wrong.status_code == 422
    assert "AAAA-AAAA" in wrong.content.decode()
    right = f"{link.code[:4].lower()} {link.code[4:]}"
    assert phone.submit("/driver/login/", page, code=right).status_code == 303
    assert phone.submit("/driver/login/", page, code=right).status_code == 422


def test_the_day_of_the_driver_and_of_nobody_else(phone: Phone, clock: SetClock) -> None:
    clock(at(8))
    shift, orders = make_day(2)
    make_day(1)
    assert shift.driver is not None
    phone.log_in(shift.driver)
    answer = phone.day()
    body = answer.json()
    assert [stop["order"] for stop in body["stops"]] == [order.public_id for order in orders]
    assert body["device"] == Device.objects.get().public_id
    assert answer.headers["Cache-Control"] == "private, no-store"
    again = phone.day(**{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert phone.send(act("arrived", at(8), orders[0])).status_code == 200
    assert phone.day(**{"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_nobody_else_gets_a_day_or_sends_an_act(
    phone: Phone, retailer: RetailerRef, other: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    shift, orders = make_day(1)
    assert shift.driver is not None
    phone.log_in(shift.driver)
    key = phone.browser.cookies[settings.DRIVER_COOKIE_NAME].value
    member = logged_in(retailer, add_member("owner"))
    stranger = Client(headers={"host": retailer.domain})
    elsewhere = Client(headers={"host": other.domain})
    elsewhere.cookies[settings.DRIVER_COOKIE_NAME] = key
    for browser in (member, stranger, elsewhere):
        for answer in (
            browser.get("/driver/day/"),
            browser.post(
                "/driver/acts/",
                json.dumps({"acts": [act("delivered", at(8), orders[0])]}),
                content_type="application/json",
            ),
        ):
            assert answer.status_code == 401, answer.content
            assert answer.json()["code"] == "device_ended"
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert not DriverAct.objects.exists()
    with retailer_context(other):
        assert not DriverAct.objects.exists()


def test_a_revoked_phone_is_told_so_and_one_that_only_expired_is_not(
    phone: Phone, clock: SetClock
) -> None:
    clock(at(8))
    shift, _orders = make_day(1)
    phone.log_in(driver_of((shift, _orders)))
    device = Device.objects.get()
    Device.objects.update(expires_at=real_now())
    expired = phone.browser.get("/driver/day/")
    assert (expired.status_code, expired.json()["code"]) == (401, "device_ended")
    revoke_device(device=device)
    revoked = phone.browser.get("/driver/day/")
    assert (revoked.status_code, revoked.json()["code"]) == (401, "device_revoked")


def test_a_phone_is_a_driver_under_its_own_addresses_only(phone: Phone, clock: SetClock) -> None:
    clock(at(8))
    phone.log_in(driver_of(make_day(1)))
    assert phone.browser.get("/console/orders/").status_code == 302
    assert phone.browser.get("/api/v1/orders/").status_code == 401


def test_acts_need_the_form_token_and_count_once(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    shift, (order,) = make_day(1)
    assert shift.driver is not None
    phone.log_in(shift.driver)
    delivered = act("delivered", at(9), order)
    assert phone.send(delivered).status_code == 403
    assert not DriverAct.objects.exists()
    phone.day()
    first, second = phone.send(delivered), phone.send(delivered)
    assert first.json()["results"][0]["status"] == "stored"
    assert second.json()["results"][0]["status"] == "duplicate"
    assert Attempt.objects.filter(order=order).count() == 1
    assert Order.objects.get(pk=order.pk).state == "delivered"


def test_r04_acts_of_another_driver_are_not_taken_as_ours(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    shift, (order,) = make_day(1)
    other = make_driver(hub=shift.hub)
    phone.log_in(other)
    phone.day()
    assert shift.driver is not None
    answer = phone.send(act("delivered", at(9), order), driver=shift.driver.public_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "other_driver")
    assert not DriverAct.objects.exists()
    assert phone.send(act("break_started", at(9)), driver=other.public_id).status_code == 200


def test_r07_an_old_app_without_the_newer_members_is_taken(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    shift, (order,) = make_day(1)
    assert shift.driver is not None
    phone.log_in(shift.driver)
    phone.day()
    old = {**act("delivered", at(9), order), "member_of_an_old_app": [1, 2]}
    answer = phone.browser.post(
        "/driver/acts/",
        json.dumps({"acts": [old]}),  # no driver, no time of the phone
        content_type="application/json",
        headers={"X-CSRFToken": phone.token},
    )
    assert answer.json()["results"][0]["status"] == "stored"


def test_a_body_that_cannot_be_right_is_refused_and_changes_nothing(
    phone: Phone, clock: SetClock
) -> None:
    clock(at(9))
    phone.log_in(driver_of(make_day(1)))
    phone.day()
    headers = {"X-CSRFToken": phone.token}
    for body, status in (
        ("[]", 422), ("{", 400), ('{"acts": 1}', 422), (json.dumps({"acts": [{}] * 51}), 422),
        ('{"acts": [{"note": "\\u0000"}]}', 400),
        (json.dumps({"acts": [], "x": "x" * 300_000}), 422),
    ):  # fmt: skip
        answer = phone.browser.post(
            "/driver/acts/", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == status, (body[:40], answer.content)
        assert answer.json()["detail"]
    assert not DriverAct.objects.exists()


def test_a_gate_code_is_shown_at_the_stop_only_and_each_look_is_logged(
    phone: Phone, clock: SetClock
) -> None:
    clock(at(9))
    shift, (order,) = make_day(1)
    _other, (foreign,) = make_day(1)
    set_access(order=order, kind=AccessKind.GATE_CODE, code="1234#")
    set_access(order=foreign, kind=AccessKind.GATE_CODE, code="9999")
    phone.log_in(driver_of((shift,)))
    day = phone.day()
    assert "1234#" not in day.content.decode()
    assert day.json()["stops"][0]["has_code"] is True
    question = {"path": "/driver/codes/", "order": order.public_id}
    assert phone.send(**question).json()["code"] == "code_not_shown"
    looks = AuditEntry.objects.filter(act="access.reveal")
    assert not looks.exists()
    phone.send(act("arrived", at(9), order))
    assert phone.send(**question).json() == {"code": "1234#"}
    assert [entry.actor for entry in looks] == [driver_of((shift,)).public_id]
    assert phone.send(path="/driver/codes/", order=foreign.public_id).status_code == 404
    assert phone.send(path="/driver/codes/").status_code == 404
    phone.send(act("delivered", at(9), order))
    assert phone.send(**question).status_code in {404, 409}


def test_a_revoked_phone_and_a_phone_that_logged_out_get_401(
    phone: Phone, retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(9))
    driver = driver_of(make_day(1))
    phone.log_in(driver)
    phone.day()
    revoke_device(device=Device.objects.get())
    assert phone.day().status_code == 401
    other = Phone(retailer)
    other.log_in(driver)
    other.day()
    assert other.send(path="/driver/logout/").status_code == 200
    assert other.day().status_code == 401
    assert Device.objects.filter(revoked_at__isnull=True).count() == 0


def test_a_new_log_in_ends_the_one_that_its_cookie_replaces(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    shift, _orders = make_day(1)
    phone.log_in(driver_of((shift,)))
    phone.log_in(make_driver(hub=shift.hub))
    first, second = Device.objects.order_by("pk")
    assert first.revoked_at is not None
    assert second.revoked_at is None


def test_the_phone_tells_about_itself(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    phone.log_in(driver_of(make_day(1)))
    phone.day(**{"X-App-Version": "abc", "X-App-Installed": "1", "X-Storage-Kept": "0"})
    device = Device.objects.get()
    assert (device.app_version, device.installed, device.storage_kept) == ("abc", True, False)
    phone.day(**{"X-App-Installed": "maybe"})
    assert Device.objects.get().installed is True


def test_the_shell_holds_nothing_of_anybody(phone: Phone, clock: SetClock) -> None:
    clock(at(9))
    shift, (order,) = make_day(1)
    before = phone.browser.get("/driver/").content.decode()
    phone.log_in(driver_of((shift,)))
    page = phone.browser.get("/driver/")
    text = page.content.decode()
    nonce = re.compile(r'nonce="[^"]+"')
    assert nonce.sub("", text) == nonce.sub("", before), "the shell differs when logged in"
    assert "csrfmiddlewaretoken" not in text
    assert "X-CSRFToken" not in text
    for secret in (driver_of((shift,)).name, order.public_id, order.shopper.name):
        assert secret not in text


@pytest.mark.parametrize(("code", "direction"), [("en", "ltr"), ("es", "ltr"), ("ar", "rtl")])
def test_the_shell_has_every_text_in_the_reader_s_language(
    phone: Phone, code: str, direction: str
) -> None:
    text = phone.browser.get(f"/driver/?lang={code}").content.decode()
    assert f'dir="{direction}"' in text
    match = re.search(r'<script id="driver-texts"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert match is not None
    page = json.loads(match[1])
    assert page["language"] == code
    used = set()
    for script in [*STATIC.glob("*.js"), *STATIC.glob("views/*.js")]:
        used |= set(re.findall(r'\bt[n]?\("([a-z_]+)"', script.read_text()))
    assert used - set(page["texts"]) == set()
    by_browser = phone.browser.get("/driver/", headers={"Accept-Language": code})
    assert f'lang="{code}"' in by_browser.content.decode()


def test_the_worker_keeps_every_file_that_the_app_loads() -> None:
    worker = (STATIC / "sw.js").read_text()
    kept = set(re.findall(r'^  "([\w/.-]+)",$', worker, re.MULTILINE))
    own = {f"driver/{path.relative_to(STATIC)}" for path in STATIC.rglob("*.js")}
    assert own - {"driver/sw.js"} <= kept
    assert "driver/app.css" in kept


def test_the_manifest_names_icons_that_exist(phone: Phone) -> None:
    answer = phone.browser.get("/driver/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    body = json.loads(answer.content)
    assert (body["start_url"], body["scope"]) == ("/driver/", "/driver/")
    for icon in body["icons"]:
        assert (STATIC / icon["src"].rpartition("/")[2]).is_file()


def _words(answer: Any) -> str:
    """Return the page without what differs each time: nonces and tokens."""
    text = re.sub(r'nonce="[^"]*"', "", answer.content.decode())
    return re.sub(r'X-CSRFToken": "[^"]*"', "", text)


def test_a_scanned_parcel_of_another_vehicle_is_named_without_address_and_name(
    retailer: RetailerRef, phone: Phone
) -> None:
    shift, (first, _other) = make_day(2)
    assert shift.driver is not None
    phone.log_in(shift.driver)
    phone.day()
    van = make_vehicle(hub=shift.hub, name="Van 9")
    second = make_shift(vehicle=van, driver=make_driver(hub=shift.hub))
    order = make_order(hub=shift.hub.public_id, external_id="A-77")
    publish(shift.hub, {shift: [first], second: [order]})
    order.parcels.update(barcode="(00)340123450000000017")
    strange = make_order(hub=make_hub(name="Far").public_id, external_id="B-1")
    strange.parcels.update(barcode="STRANGE-1")

    def ask(code: str) -> Any:
        return phone.send(path="/driver/labels/", code=code).json()

    assert ask("00340123450000000017") == {"order": "A-77", "vehicle": "Van 9"}
    assert ask("STRANGE-1") == {"order": "", "vehicle": ""}
    assert ask("010950110153000310AB21CD") == {"order": "", "vehicle": ""}  # cut in two ways
    order.parcels.update(barcode="TWICE")
    first.parcels.update(barcode="TWICE")
    assert ask("TWICE") == {"order": "", "vehicle": ""}, "it was guessed"
    assert phone.send(path="/driver/labels/").json() == {"order": "", "vehicle": ""}


def test_the_tiles_of_the_map_are_for_phones_that_are_logged_in(phone: Phone) -> None:
    shift, _orders = make_day(1)
    assert shift.driver is not None
    address = "/driver/streets/none/1/10/487/392.pbf"
    assert phone.browser.get(address).status_code == 401
    phone.log_in(shift.driver)
    assert phone.browser.get(address).status_code == 404  # no such network
    assert phone.day().json()["streets"].keys() == {"tiles", "attribution"}
