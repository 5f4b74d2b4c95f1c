"""Direct views: the same answers as in the usual way, with few of the middlewares."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client

from lastmile.asgi import application
from lastmile.core.http import direct
from lastmile.core.tenancy import RetailerRef
from notifications.models import ProviderReport
from tenants.models import Retailer
from tests.core.serving import served
from tests.notifications.test_twilio_callbacks import DELIVERED, FORM, PATH, add_account, signature

Answer = tuple[int, str, bytes]


@pytest.fixture
def port(fresh_db: str, retailer: RetailerRef, settings: Any) -> Iterator[int]:
    add_account()
    with served(application) as listening:
        settings.PORT = listening
        yield listening
    connections.close_all()


@pytest.fixture
def direct_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of the calls that a direct view has answered."""
    paths: list[str] = []
    call_view = direct._call_view

    def noted(request: Any) -> Any:
        response = call_view(request)
        paths.append(request.path)
        return response

    monkeypatch.setattr(direct, "_call_view", noted)
    for key in ("_chain", "_threads"):
        direct_app().__dict__.pop(key, None)
    yield paths  # type: ignore[misc]
    direct_app().__dict__.pop("_chain", None)


def direct_app() -> direct.DirectViews:
    app: direct.DirectViews = application.application_mapping["http"]
    return app


def call(port: int, host: str, **changes: Any) -> Answer:
    """Send a signed report; ``changes`` are other headers, body, path or method."""
    body = changes.pop("body", urlencode(DELIVERED).encode())
    path, method = changes.pop("path", PATH), changes.pop("method", "POST")
    headers = {
        "Host": host,
        "Content-Type": FORM,
        "X-Twilio-Signature": signature(f"http://{host}:{port}{PATH}", DELIVERED),
    } | changes
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.headers["Content-Type"] or "", answer.read()
    finally:
        line.close()


def test_a_call_of_a_program_is_answered_directly_and_kept(
    port: int, retailer: RetailerRef, direct_calls: list[str]
) -> None:
    status, kind, body = call(port, retailer.domain)
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert b"<Response/>" in body
    assert direct_calls == ["/callbacks/twilio/"]
    assert ProviderReport.objects.get().state == "delivered"


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Twilio-Signature": "wrong"},
        {"Content-Type": "application/json"},
        {"body": b"\xff\xfe"},
        {"path": "/callbacks/nobody/"},
        {"Host": "nobody.localhost"},
        {"Host": ""},
        {"method": "GET", "body": None},
        {"body": b"x=" + b"a" * 70_000},
    ],
)
def test_refusals_are_those_of_the_usual_way(
    port: int, retailer: RetailerRef, changes: dict[str, Any]
) -> None:
    sent = dict(changes)
    answer = call(port, retailer.domain, **dict(sent))
    path, method = sent.pop("path", PATH), sent.pop("method", "POST")
    body = sent.pop("body", urlencode(DELIVERED).encode()) or b""
    headers = {"Host": retailer.domain, "Content-Type": FORM} | sent
    headers.setdefault(
        "X-Twilio-Signature", signature(f"http://{retailer.domain}:{port}{PATH}", DELIVERED)
    )
    usual = Client(raise_request_exception=False).generic(
        method, path, body, headers.pop("Content-Type"), headers=headers
    )
    assert answer[0] == usual.status_code >= 400
    assert answer[1] == usual["Content-Type"]
    assert not ProviderReport.objects.exists()


def test_a_suspended_retailer_is_closed_to_programs_at_once(
    port: int, retailer: RetailerRef
) -> None:
    assert call(port, retailer.domain)[0] == 200
    Retailer.objects.filter(schema_name=retailer.schema).update(status="suspended")
    assert call(port, retailer.domain)[0] == 503
    Retailer.objects.filter(schema_name=retailer.schema).update(status="active")
    assert call(port, retailer.domain)[0] == 200


def test_a_new_token_of_an_account_holds_at_once(port: int, retailer: RetailerRef) -> None:
    assert call(port, retailer.domain)[0] == 200
    account = add_account(channel="whatsapp", settings={"account_sid": "AC2"})
    assert call(port, retailer.domain)[0] == 200
    type(account).objects.filter(channel="sms").delete()
    assert call(port, retailer.domain)[0] == 403
    account.settings = {"account_sid": DELIVERED["AccountSid"]}
    account.save()
    assert call(port, retailer.domain)[0] == 200


def test_the_operators_host_has_no_callbacks(port: int, direct_calls: list[str]) -> None:
    assert call(port, "localhost")[0] == 404
    assert direct_calls == []


def test_a_fault_is_answered_in_the_usual_way_with_the_same_body(
    port: int, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: Any) -> None:
        raise OSError("no database")

    app = direct_app()
    monkeypatch.setattr(app, "_answer", lambda *_arguments: None)
    assert call(port, retailer.domain)[0] == 200
    assert ProviderReport.objects.count() == 1
    monkeypatch.undo()
    monkeypatch.setitem(app.__dict__, "_chain", break_down)
    assert call(port, retailer.domain)[0] == 200
