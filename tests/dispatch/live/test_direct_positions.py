"""Positions are taken directly, with the same refusals as in the usual way."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from dispatch.fleet.models import Driver
from dispatch.live import services
from dispatch.live.models import LastPosition, Position
from lastmile.asgi import application
from lastmile.core.clock import now
from lastmile.core.models import CallCount
from lastmile.core.tenancy import RetailerRef
from tenants.people.services import create_key
from tenants.permissions import KeyRole
from tests.core.serving import served
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import act, make_phone, send
from tests.notifications.test_direct_views import direct_calls

__all__ = ["direct_calls"]
PATH = "/api/v1/positions/"


@pytest.fixture
def port(fresh_db: str, retailer: RetailerRef, settings: Any) -> Iterator[int]:
    with served(application) as listening:
        settings.PORT = listening
        yield listening
    connections.close_all()


@pytest.fixture
def driver(port: int, retailer: RetailerRef) -> Driver:
    """Return a driver at work."""
    driver = make_driver()
    make_shift(
        vehicle=make_vehicle(hub=driver.hub, external_id="van-1"),
        driver=driver,
        starts_at=now() - dt.timedelta(hours=1),
        ends_at=now() + dt.timedelta(hours=2),
    )
    (answer,) = send(make_phone(driver), act("shift_started", now() - dt.timedelta(minutes=30)))
    assert answer.status == "stored"
    return driver


def point(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "at": now().isoformat(), "lat": 38.72, "lon": -9.14} | more


def call(port: int, host: str, path: str = PATH, body: Any = None, **headers: str) -> Any:
    """Send a call; return its status and its body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Host": host, "Content-Type": "application/json"} | headers
        line.request("GET" if body is None else "POST", path, raw, sent)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def app_of(driver: Driver, **changes: str) -> dict[str, str]:
    """Return the headers of the driver's app: the cookie of the phone, and a token."""
    link = services.make_login_link(driver=driver)
    key = services.take_login_link(secret=link.secret, agent="Android Chrome/130.0").key
    token = "k" * 32
    names = settings.DRIVER_COOKIE_NAME, settings.CSRF_COOKIE_NAME
    return {"Cookie": f"{names[0]}={key}; {names[1]}={token}", "X-CSRFToken": token} | changes


def test_the_app_of_a_driver_sends_positions_directly(
    port: int, retailer: RetailerRef, driver: Driver, direct_calls: list[str]
) -> None:
    body = {"driver": driver.public_id, "sent_at": now().isoformat(), "positions": [point()]}
    status, answer = call(port, retailer.domain, body=body, **app_of(driver))
    assert status == 200, answer
    assert json.loads(answer)["results"][0]["status"] == "stored"
    assert direct_calls == [PATH]
    assert LastPosition.objects.get().run.driver == driver


def test_a_key_sends_positions_of_a_fleet_directly(
    port: int, retailer: RetailerRef, driver: Driver, direct_calls: list[str]
) -> None:
    _key, secret = create_key(role=KeyRole.INTEGRATION, name="GPS")
    body = {"positions": [point(vehicle="external_id:van-1")]}
    bearer = {"Authorization": f"Bearer {secret}"}
    status, answer = call(port, retailer.domain, body=body, **bearer)
    assert (status, json.loads(answer)["results"][0]["status"]) == (200, "stored")
    assert direct_calls == [PATH]


def test_a_tracker_sends_single_points_directly(
    port: int, retailer: RetailerRef, driver: Driver, direct_calls: list[str]
) -> None:
    key = services.add_tracker(driver=driver).key
    query = f"/osmand/?id={key}&lat=38.7&lon=-9.1&timestamp={int(now().timestamp())}"
    assert call(port, retailer.domain, query) == (200, b"OK\n")
    assert call(port, retailer.domain, query, b"") == (200, b"OK\n")
    assert direct_calls == ["/osmand/", "/osmand/"]
    assert Position.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "changes", "body"),
    [
        (403, {"X-CSRFToken": "wrong"}, {"positions": []}),
        (401, {"Cookie": ""}, {"positions": []}),
        (401, {"Cookie": "", "Authorization": "Bearer no"}, {"positions": []}),
        (400, {}, b"{"),
        (422, {}, {"positions": "none"}),
        (422, {}, {"positions": [], "place": 1}),
        (409, {}, {"positions": [], "driver": "drv_other"}),
    ],
)
def test_refusals_are_those_of_the_usual_way(
    port: int, retailer: RetailerRef, driver: Driver, direct_calls: list[str],
    status: int, changes: dict[str, str], body: Any,
) -> None:  # fmt: skip
    headers = app_of(driver, **changes)
    spanish = headers | {"Accept-Language": "es"}
    answer = call(port, retailer.domain, body=body, **spanish)
    assert (answer[0], direct_calls) == (status, [])
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = Client(enforce_csrf_checks=True).generic(
        "POST", PATH, raw, "application/json", headers=spanish | {"Host": retailer.domain}
    )
    assert (usual.status_code, usual.content) == answer


def test_an_unknown_tracker_is_refused_and_counted_once(
    port: int, retailer: RetailerRef, direct_calls: list[str]
) -> None:
    assert call(port, retailer.domain, "/osmand/?id=nobody&lat=1&lon=1")[0] == 404
    assert direct_calls == []
    assert CallCount.objects.get(scope="tracker.unknown").calls == 1
