"""The doors of positions: batches of phones and keys, and the forms of GPS apps and servers."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from dispatch.api import gps, positions
from dispatch.fleet.models import Driver, Shift
from dispatch.live import services
from dispatch.live.models import Device, LastPosition, Position
from lastmile.core.logs import RedactingFormatter
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.services import create_key
from tenants.permissions import KeyRole
from tests.dispatch.conftest import SetClock
from tests.dispatch.driver.test_views import Phone
from tests.factories.fleet import make_driver, make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.people import KeyClient, add_member, key_client, logged_in

PATH = "/api/v1/positions/"


def point(when: dt.datetime, **fields: Any) -> dict[str, Any]:
    values = {"id": str(uuid4()), "at": when.isoformat(), "lat": 38.72, "lon": -9.14}
    return values | fields


def on_road(clock: SetClock) -> tuple[Shift, Driver]:
    """Begin a shift at eight and set the clock to ten."""
    shift, _orders = make_day(1)
    assert shift.driver is not None
    clock(at(10))
    send(make_phone(shift.driver), act("shift_started", at(8)))
    return shift, shift.driver


def sent_by(phone: Phone, items: list[Any], **more: Any) -> Any:
    """Send positions as the app does, with the cookie and the form token."""
    body = {"positions": items, "sent_at": at(10).isoformat()} | more
    return phone.browser.post(
        PATH, body, content_type="application/json", headers={"x-csrftoken": phone.token}
    )


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    items = answer.json()["results"]
    return [(one["problem"] or {}).get("code") or one["status"] for one in items]


def test_the_app_of_a_driver_sends_positions_with_its_cookie(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    phone = Phone(retailer)
    phone.log_in(driver)
    phone.day()
    items = [point(at(9, 59)), point(at(7))]
    answer = sent_by(phone, items)
    assert results(answer) == ["stored", "not_at_work"]
    assert [one["id"] for one in answer.json()["results"]] == [one["id"] for one in items]
    row = Position.objects.get()
    assert row.source == Device.objects.filter(driver=driver).latest("pk").public_id
    others = sent_by(phone, [point(at(9))], driver=make_driver().public_id)
    assert (others.status_code, others.json()["code"]) == (409, "other_driver")
    phone.token = ""
    assert sent_by(phone, [point(at(9))]).status_code == 403  # without a form token
    assert Position.objects.count() == 1


def test_only_a_driver_and_two_kinds_of_key_may_send(
    retailer: RetailerRef, clock: SetClock
) -> None:
    on_road(clock)
    body = json.dumps({"positions": [point(at(9, 59))]})
    stranger = Client(headers={"host": retailer.domain})
    assert stranger.post(PATH, body, content_type="application/json").status_code == 401
    member = logged_in(retailer, add_member())
    assert member.post(PATH, body, content_type="application/json").status_code == 403
    for role in (KeyRole.LOCKER, KeyRole.CARRIER):
        assert key_client(retailer, role).post(PATH, json.loads(body)).status_code == 403, role
    assert not Position.objects.exists()


def test_a_key_of_a_fleet_names_vehicles_that_it_may_see(
    retailer: RetailerRef, clock: SetClock
) -> None:
    shift, _driver = on_road(clock)
    vehicle = shift.vehicle
    vehicle.external_id = "VAN-7"
    vehicle.save(update_fields=["external_id"])
    names = [vehicle.public_id, "external_id:VAN-7", "external_id:nobody", "veh_x", ""]
    items = [point(at(9, 50 + n), vehicle=name) for n, name in enumerate(names)]
    assert results(key_client(retailer).post(PATH, {"positions": items})) == [
        "stored", "stored", "vehicle_unknown", "vehicle_unknown", "vehicle_unknown"
    ]  # fmt: skip
    elsewhere = key_client(retailer, hubs=[make_hub().public_id])
    again = [point(at(9, 40), vehicle=vehicle.public_id)]
    assert results(elsewhere.post(PATH, {"positions": again})) == ["vehicle_unknown"]
    assert Position.objects.count() == 2


def test_a_key_of_a_driver_sends_for_that_driver(retailer: RetailerRef, clock: SetClock) -> None:
    _shift, driver = on_road(clock)
    for ref, status in ((driver.public_id, 200), ("drv_nobody", 403)):
        _key, secret = create_key(name="Van", role=KeyRole.DRIVER, ref=ref)
        client = KeyClient(retailer, secret)
        assert client.post(PATH, {"positions": [point(at(9, 59))]}).status_code == status
    assert Position.objects.count() == 1


def test_two_retailers_take_no_positions_of_each_other(
    retailer: RetailerRef, other: RetailerRef, clock: SetClock
) -> None:
    shift, driver = on_road(clock)
    items = [point(at(9, 59), vehicle=shift.vehicle.public_id)]
    assert results(key_client(other).post(PATH, {"positions": items})) == ["vehicle_unknown"]
    tracker = services.add_tracker(driver=driver)
    browser = Client(headers={"host": retailer.domain})
    assert browser.get("/osmand/", query(tracker.key)).status_code == 200
    assert Position.objects.count() == 1
    with retailer_context(other):
        assert not Position.objects.exists()


def test_unknown_fields_and_too_many_positions_are_refused_by_name(
    retailer: RetailerRef, clock: SetClock
) -> None:
    shift, _driver = on_road(clock)
    client = key_client(retailer)
    good = point(at(9, 59), vehicle=shift.vehicle.public_id)
    refused = client.post(PATH, {"positions": [good], "extra": 1})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/extra")
    assert client.post(PATH, {"positions": [good] * 201}).status_code == 422
    assert client.post(PATH, {"positions": "many"}).status_code == 422
    assert not Position.objects.exists()
    assert results(client.post(PATH, {"positions": [good | {"x": 1}, 5, good]})) == [
        "field_unknown", "malformed", "stored"
    ]  # fmt: skip


def test_r20_without_the_database_the_answer_is_503_and_nothing_is_lost(
    retailer: RetailerRef, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift, driver = on_road(clock)
    client = key_client(retailer)
    tracker = services.add_tracker(driver=driver)
    body = {"positions": [point(at(9, 59), vehicle=shift.vehicle.public_id)]}
    browser = Client(headers={"host": retailer.domain})

    def away(**_kwargs: Any) -> Any:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(positions, "take_positions", away)
        patch.setattr(gps, "take_positions", away)
        assert client.post(PATH, body).status_code == 503
        assert browser.get("/osmand/", query(tracker.key)).status_code == 503
    assert results(client.post(PATH, body)) == ["stored"]
    assert browser.get("/osmand/", query(tracker.key)).status_code == 200
    assert Position.objects.count() == 2


# --- GPS apps and servers ------------------------------------------------------------------------
def query(key: str, when: dt.datetime | None = None, **fields: Any) -> dict[str, Any]:
    when = when or at(9, 58)
    values = {"id": key, "lat": "38.72", "lon": "-9.14", "timestamp": int(when.timestamp())}
    return values | {"speed": "19.44", "bearing": "90", "hdop": "5"} | fields


def client_json(key: str) -> dict[str, Any]:
    coords = {"latitude": 38.73, "longitude": -9.14, "speed": 19.44, "heading": 90, "accuracy": 5}
    return {"device_id": key, "location": {"timestamp": at(9, 57).isoformat(), "coords": coords}}


def forwarded(key: str) -> dict[str, Any]:
    position = {"fixTime": at(9, 56).isoformat(), "valid": True, "latitude": 38.74,
                "longitude": -9.14, "speed": 37.8, "course": 90, "accuracy": 5}  # fmt: skip
    return {"device": {"uniqueId": key, "name": "Van"}, "position": position}


def test_r19_query_form_and_json_are_taken_at_one_address(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    key = services.add_tracker(driver=driver).key
    browser = Client(headers={"host": retailer.domain}, enforce_csrf_checks=True)
    calls = [
        lambda: browser.get("/osmand/", query(key)),
        lambda: browser.post("/osmand/", query(key, at(9, 55))),
        lambda: browser.post(f"/osmand/?{urlencode(query(key, at(9, 54)))}"),
        lambda: browser.post("/osmand/", client_json(key), content_type="application/json"),
        lambda: browser.post("/osmand/", forwarded(key), content_type="application/json"),
    ]
    for count, call in enumerate(calls, 1):
        first, again = call(), call()  # R14: a repetition gets the same answer
        assert (first.status_code, first.content) == (200, b"OK\n")
        assert (again.status_code, again.content) == (200, b"OK\n")
        assert Position.objects.count() == count
    speeds = Position.objects.values_list("speed_mps", flat=True)
    assert list(speeds) == pytest.approx([19.44] * 5, abs=0.1)
    assert LastPosition.objects.get().at == at(9, 58)


def test_r19_a_body_that_nobody_can_read_is_on_the_list_of_phones_with_the_reason(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    tracker = services.add_tracker(driver=driver)
    browser = Client(headers={"host": retailer.domain})
    named = f"/osmand/?id={tracker.key}"
    bodies = [
        (b'{"v": 2, "fixes": []}', "application/json"),
        (b'{"broken', "application/json"),
        (b"[1, 2]", "application/json"),
        (json.dumps({"device_id": tracker.key, "location": [5]}).encode(), "application/json"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b"lat=38.72&lon=-9.14", "text/plain"),
    ]
    for body, kind in bodies:
        Device.objects.filter(pk=tracker.device.pk).update(refused_at=None, refused_code="")
        answer = browser.post(named, body, content_type=kind)
        assert (answer.status_code, answer.content) == (200, b"OK\n"), body
        row = Device.objects.get(pk=tracker.device.pk)
        assert row.refused_at is not None, body
        assert row.refused_code in {"position_malformed", "position_time_missing"}, body
    desk = logged_in(retailer, add_member())
    page = desk.get(reverse("fleet:phones", args=[driver.public_id]))
    assert "Its positions have no time." in page.content.decode()
    assert not Position.objects.exists()


def test_r19_new_shapes_of_the_stock_clients_are_taken(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    key = services.add_tracker(driver=driver).key
    browser = Client(headers={"host": retailer.domain})
    form = urlencode(query(key, at(9, 50))).encode()
    assert browser.post("/osmand/", form, content_type="text/plain").status_code == 200
    listed = [client_json(key), client_json(key)]
    listed[1]["location"]["timestamp"] = at(9, 51).isoformat()
    answer = browser.post("/osmand/", listed, content_type="application/json")
    assert answer.status_code == 200
    assert sorted(Position.objects.values_list("at", flat=True)) == [
        at(9, 50), at(9, 51), at(9, 57)
    ]  # fmt: skip


def test_r19_an_app_whose_batch_is_refused_is_on_the_list_of_phones(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    phone = Phone(retailer)
    phone.log_in(driver)
    phone.day()
    assert sent_by(phone, [point(at(9, 59))], new_field=1).status_code == 422
    device = Device.objects.filter(driver=driver).latest("pk")
    assert device.refused_code == "position_malformed"


def test_r19_a_tracker_that_calls_an_ended_address_is_on_the_list_of_phones(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    tracker = services.add_tracker(driver=driver)
    services.revoke_device(device=tracker.device)
    browser = Client(headers={"host": retailer.domain})
    assert browser.get("/osmand/", query(tracker.key)).status_code == 404
    row = Device.objects.get(pk=tracker.device.pk)
    assert row.refused_code == "key_ended"
    browser.get("/osmand/", query(tracker.key))
    assert Device.objects.get(pk=row.pk).refused_at == row.refused_at, "once a minute"


def test_r14_a_point_that_is_never_accepted_is_answered_like_a_stored_one(
    retailer: RetailerRef, clock: SetClock
) -> None:
    _shift, driver = on_road(clock)
    tracker = services.add_tracker(driver=driver)
    browser = Client(headers={"host": retailer.domain})
    key = tracker.key
    for bad in ({"lat": "0", "lon": "0"}, {"lat": "abc"}, {"timestamp": int(at(6).timestamp())}):
        answer = browser.get("/osmand/", query(key) | bad)
        assert (answer.status_code, answer.content) == (200, b"OK\n")
    assert Device.objects.get(pk=tracker.device.pk).refused_code == ""
    assert browser.get("/osmand/", query(key) | {"timestamp": "soon"}).status_code == 200
    assert Device.objects.get(pk=tracker.device.pk).refused_code == "position_time_missing"
    assert not Position.objects.exists()


def test_unknown_devices_are_limited_for_each_address(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(10))
    tracker = services.add_tracker(driver=make_driver())
    browser = Client(headers={"host": retailer.domain})
    statuses = [browser.get("/osmand/", query("m" * 32)).status_code for _n in range(61)]
    assert statuses == [404] * 60 + [429]
    away = browser.get("/osmand/", query("m" * 32), REMOTE_ADDR="198.51.100.7")
    assert away.status_code == 404
    assert browser.get("/osmand/", query(tracker.key)).status_code == 200
    services.revoke_device(device=tracker.device)
    assert browser.get("/osmand/", query(tracker.key)).status_code == 429


def test_the_key_of_a_tracker_is_in_no_log(
    fresh_db: str, retailer: RetailerRef, caplog: pytest.LogCaptureFixture, clock: SetClock
) -> None:
    clock(at(10))
    tracker = services.add_tracker(driver=make_driver())
    browser = Client(headers={"host": retailer.domain})
    with caplog.at_level(logging.DEBUG):
        browser.get("/osmand/", query(tracker.key))
        browser.get("/osmand/", query("k" * 32))
        browser.delete(f"/osmand/?{urlencode(query(tracker.key))}")
        logging.getLogger("x").warning("GET /osmand/?%s", urlencode(query(tracker.key)))
    lines = [RedactingFormatter().format(record) for record in caplog.records]
    assert lines
    assert not [line for line in lines if tracker.key in line or "k" * 32 in line]
    assert not [line for line in lines if "38.72" in line or "-9.14" in line]
    assert Device.objects.get(pk=tracker.device.pk).key_digest != tracker.key
