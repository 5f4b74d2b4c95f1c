"""The page of a driver's phones: a link logs one phone in, a dispatcher can log it out."""

from __future__ import annotations

import re

import pytest
import segno
from django.test import Client

from dispatch.live.models import Device, LoginLink
from dispatch.live.services import make_login_link, take_login_link
from lastmile.core.qr import qr_code
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.factories import make_driver, make_hub
from tests.people import add_member, logged_in

AGENT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def page_of(driver: object) -> str:
    return f"/console/fleet/drivers/{driver.public_id}/phones/"  # type: ignore[attr-defined]


def test_a_link_from_the_page_logs_a_phone_in_once(desk: Client, retailer: RetailerRef) -> None:
    driver = make_driver(hub=make_hub(), name="<b>Nico</b>")
    assert "No phone yet" in desk.get(page_of(driver)).content.decode()
    assert LoginLink.objects.count() == 0, "a GET makes no link"

    answer = desk.post(page_of(driver))
    shown = answer.content.decode()
    assert "<b>Nico" not in shown
    assert answer.headers["Cache-Control"] == "private, no-store"
    (path,) = re.findall(r'value="https?://[^/"]+(/driver/login/[^"]+/)"', shown)
    (address,) = re.findall(rf'value="([^"]+{re.escape(path)})"', shown)
    assert f'd="{qr_code(address).path}"' in shown, "the QR code holds the same link"
    phone = Client(headers={"host": retailer.domain, "user-agent": AGENT})
    assert phone.get(path).status_code == 200
    assert Device.objects.count() == 0, "opening the link does not use it up"
    assert phone.post(path).status_code in {302, 303}
    assert phone.get("/driver/day/").status_code == 200
    assert phone.get(path).status_code == 404

    again = desk.get(page_of(driver)).content.decode()
    assert "Android, Chrome 130" in again
    assert path not in again, "the link is shown only once"


def test_a_qr_code_draws_each_dark_sign_of_the_text() -> None:
    text = "https://shop.example.test/driver/login/abc/"
    drawn = qr_code(text)
    rows = [bytearray(drawn.side) for _row in range(drawn.side)]
    for x, y, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", drawn.path):
        rows[int(y)][int(x) : int(x) + int(length)] = b"\x01" * int(length)
    expected = segno.make(text, error="m", micro=False).matrix_iter(border=4)
    assert [list(row) for row in rows] == [list(row) for row in expected]


def test_a_phone_that_a_dispatcher_logs_out_reads_nothing_more(
    desk: Client, retailer: RetailerRef
) -> None:
    driver = make_driver(hub=make_hub())
    new = take_login_link(secret=make_login_link(driver=driver).secret, agent=AGENT)
    path = f"{page_of(driver)}{new.device.public_id}/log-out/"
    assert desk.get(path).status_code == 405
    for _time in range(2):
        assert desk.post(path).status_code == 302
    new.device.refresh_from_db()
    assert new.device.revoked_at is not None
    assert "Logged out" in desk.get(page_of(driver)).content.decode()


def test_a_retired_driver_gets_no_link(desk: Client, retailer: RetailerRef) -> None:
    driver = make_driver(hub=make_hub(), active=False)
    answer = desk.post(page_of(driver))
    assert answer.status_code == 422
    assert "retired" in answer.content.decode()
    assert not LoginLink.objects.exists()


def test_readers_see_phones_but_make_no_link_and_strangers_see_nothing(
    retailer: RetailerRef, desk: Client
) -> None:
    hub, other = make_hub(), make_hub()
    driver = make_driver(hub=hub)
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.get(page_of(driver)).status_code == 200
    assert reader.post(page_of(driver)).status_code == 403
    elsewhere = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[other.public_id]))
    assert elsewhere.get(page_of(driver)).status_code == 404
    assert elsewhere.post(page_of(driver)).status_code == 404
    assert desk.get("/console/fleet/drivers/drv_unknown/phones/").status_code == 404
    assert Client(headers={"host": retailer.domain}).get(page_of(driver)).status_code == 302
    assert not LoginLink.objects.exists()


def test_a_phone_of_another_driver_cannot_be_logged_out_by_this_address(
    desk: Client, retailer: RetailerRef
) -> None:
    hub = make_hub()
    driver, colleague = make_driver(hub=hub), make_driver(hub=hub)
    new = take_login_link(secret=make_login_link(driver=colleague).secret, agent=AGENT)
    path = f"{page_of(driver)}{new.device.public_id}/log-out/"
    assert desk.post(path).status_code == 404
    new.device.refresh_from_db()
    assert new.device.revoked_at is None


def test_the_address_of_a_gps_app_is_shown_once_and_works(
    desk: Client, retailer: RetailerRef
) -> None:
    driver = make_driver(hub=make_hub())
    shown = desk.post(page_of(driver), {"what": "tracker"}).content.decode()
    (key,) = re.findall(r'id="tracker-key"[^>]*value="([a-z2-7]{32})"', shown)
    assert f"/osmand/?id={key}&amp;lat={{0}}&amp;lon={{1}}&amp;timestamp={{2}}" in shown
    device = Device.objects.get()
    assert (device.kind, device.driver, device.name) == ("tracker", driver, "GPS app")
    app = Client(headers={"host": retailer.domain})
    call = {"id": key, "lat": "38.7", "lon": "-9.1", "timestamp": "1790000000"}
    assert app.get("/osmand/", call).status_code == 200
    again = desk.get(page_of(driver)).content.decode()
    assert "GPS app" in again
    assert key not in again
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.post(page_of(driver), {"what": "tracker"}).status_code == 403
    assert Device.objects.count() == 1
