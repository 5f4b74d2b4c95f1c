"""Calls that phones send often are answered directly, with the answers of the usual way."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from dispatch.live.models import DriverAct, Photo, Position
from dispatch.live.services import add_tracker, make_login_link, revoke_device, take_login_link
from lastmile.asgi import application
from lastmile.core.clock import now
from lastmile.core.http import direct
from lastmile.core.tenancy import RetailerRef
from tests.core.serving import served
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import sha
from tests.factories.live import act, at, make_day

CONTENT = bytes(range(256)) * 16
PHOTO = f"/driver/photos/{sha(CONTENT)}/"
POSITIONS = "/api/v1/positions/"


@pytest.fixture
def direct_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the calls that direct views have answered."""
    app: direct.DirectViews = application.application_mapping["http"]
    calls: list[str] = []
    call_view = direct._call_view

    def noted(request: Any) -> Any:
        response = call_view(request)
        calls.append(f"{request.method} {request.path}")
        return response

    monkeypatch.setattr(direct, "_call_view", noted)
    app.__dict__.pop("_chain", None)
    yield calls
    app.__dict__.pop("_chain", None)


class Wire:
    """A phone over HTTP: each call answers (status, headers, body)."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self.shift, (self.order, *_rest) = make_day(3)
        assert self.shift.driver is not None
        link = make_login_link(driver=self.shift.driver)
        phone = take_login_link(secret=link.secret)
        self.device = phone.device
        self.cookies = {settings.DRIVER_COOKIE_NAME: phone.key}
        self.token = ""
        day = self.call("GET", "/driver/day/")
        self.token = json.loads(day[2])["csrf"]
        self.cookies[settings.CSRF_COOKIE_NAME] = (
            day[1]["Set-Cookie"].partition("=")[2].partition(";")[0]
        )

    def headers(self, **changes: str) -> dict[str, str]:
        """Return the headers of a call; "" leaves one out."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        known = {"Host": self.host, "Cookie": cookies, "X-CSRFToken": self.token}
        return {name: value for name, value in (known | changes).items() if value}

    def call(self, method: str, path: str, body: bytes | None = None, **changes: str) -> Any:
        """Send a call."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, body, self.headers(**changes))
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    def usual(self, method: str, path: str, body: bytes | None = None, **changes: str) -> Any:
        """Send the same call in the usual way."""
        headers = self.headers(**changes)
        kind = headers.pop("Content-Type", "application/octet-stream")
        browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
        answer = browser.generic(method, path, body or b"", kind, headers=headers)
        return answer.status_code, answer.headers, answer.content


@pytest.fixture
def wire(fresh_db: str, retailer: RetailerRef, clock: SetClock, settings: Any) -> Iterator[Wire]:
    clock(at(9))
    with served(application) as port:
        settings.PORT = port
        yield Wire(port, retailer.domain)
    connections.close_all()


def json_call(wire: Wire, path: str, body: Any, **changes: str) -> Any:
    raw = json.dumps(body).encode()
    return wire.call("POST", path, raw, **{"Content-Type": "application/json"} | changes)


def delivered(wire: Wire) -> Any:
    proof = {"kind": "photo", "sha256": sha(CONTENT), "size": len(CONTENT)}
    return act("delivered", at(9), wire.order, proofs=[proof])


def test_a_delivery_with_photo_and_positions_is_taken_directly(
    wire: Wire, direct_calls: list[str]
) -> None:
    acts = {"phone_at": None, "acts": [delivered(wire)]}
    for status in ("stored", "duplicate"):
        answer = json_call(wire, "/driver/acts/", acts)
        assert answer[0] == 200
        assert [one["status"] for one in json.loads(answer[2])["results"]] == [status]
    assert wire.call("HEAD", PHOTO)[1]["Upload-Offset"] == "0"
    span = f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert wire.call("PUT", PHOTO, CONTENT, **{"Content-Range": span})[0] == 200
    there = wire.call("HEAD", PHOTO)
    assert (there[0], there[1]["Upload-Complete"], there[2]) == (200, "?1", b"")
    place = {"id": "0190d7a4-0000-4000-8000-000000000001", "at": at(9).isoformat()}
    body = {"positions": [place | {"lat": 38.7, "lon": -9.1, "accuracy_m": 5}]}
    assert json_call(wire, POSITIONS, body)[0] == 200
    key = add_tracker(driver=wire.shift.driver).key  # type: ignore[arg-type]
    moment = round(now().timestamp()) + 60
    path = f"/osmand/?id={key}&lat=38.71&lon=-9.1&timestamp={moment}"
    assert wire.call("POST", path, b"")[0] == 200
    assert wire.call("GET", path)[0] == 200
    assert direct_calls == [
        "POST /driver/acts/", "POST /driver/acts/", f"HEAD {PHOTO}", f"PUT {PHOTO}",
        f"HEAD {PHOTO}", f"POST {POSITIONS}", "POST /osmand/", "GET /osmand/",
    ]  # fmt: skip
    assert DriverAct.objects.get().driver == wire.shift.driver
    assert bytes(Photo.objects.get().content or b"") == CONTENT
    assert Position.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"X-CSRFToken": ""},
        {"X-CSRFToken": "x" * 32},
        {"Cookie": ""},
        {"Cookie": f"{settings.DRIVER_COOKIE_NAME}=drvkey_unknown"},
        {"Authorization": "Bearer lm_nobody"},
        {"Host": "nobody.localhost"},
        {"Origin": "https://shop.example"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/driver/acts/", b'{"acts": []}', "application/json"),
        ("PUT", PHOTO, b"x", "application/octet-stream"),
        ("HEAD", PHOTO, None, ""),
        ("POST", POSITIONS, b'{"positions": []}', "application/json"),
    ],
)
def test_refusals_are_those_of_the_usual_way(
    wire: Wire, method: str, path: str, body: bytes | None, kind: str, changes: dict[str, str]
) -> None:
    same = changes | ({"Content-Type": kind} if kind else {})
    answer, usual = wire.call(method, path, body, **same), wire.usual(method, path, body, **same)
    assert answer[0] == usual[0]
    for name in ("Content-Type", "WWW-Authenticate", "Cache-Control"):
        assert answer[1][name] == usual[1].get(name), name


def test_a_revoked_phone_is_refused_at_once(wire: Wire, direct_calls: list[str]) -> None:
    body: dict[str, Any] = {"phone_at": None, "acts": []}
    assert json_call(wire, "/driver/acts/", body)[0] == 200
    revoke_device(device=wire.device)
    status, _headers, content = json_call(wire, "/driver/acts/", body)
    assert (status, json.loads(content)["code"]) == (401, "device_revoked")
    assert len(direct_calls) == 2


def test_a_call_that_is_too_large_goes_the_usual_way(wire: Wire, direct_calls: list[str]) -> None:
    span = {"Content-Range": f"bytes 0-{600_000 - 1}/600000"}
    assert wire.call("PUT", PHOTO, bytes(600_000), **span)[0] == 422
    assert direct_calls == []
