"""Callbacks are verified, handled once, and acknowledged only after their commit."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest
from django.test import Client

from lastmile.core.callbacks import KEPT, Answer, Incoming, forget_callbacks, receive
from lastmile.core.clock import now
from lastmile.core.errors import Unavailable
from lastmile.core.models import CallbackRecord
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.core.wired import PostOffice, traces
from tests.dispatch.helpers import race

pytestmark = pytest.mark.usefixtures("retailer", "wiring")


def body(key: str = "c-1", parcel: str = "p-1", **more: Any) -> bytes:
    return json.dumps({"id": key, "parcel": parcel, "at": "2026-11-29T10:00:00Z"} | more).encode()


def signed(content: bytes, secret: bytes = PostOffice.secret) -> str:
    return hmac.new(secret, content, hashlib.sha256).hexdigest()


def call(
    ref: RetailerRef, content: bytes, signature: str | None = None, vendor: str = "post-office"
) -> Any:
    """Send a callback as the vendor does, without session and CSRF token."""
    client = Client(enforce_csrf_checks=True, headers={"host": ref.domain})
    headers = {"x-signature": signed(content) if signature is None else signature}
    return client.post(
        f"/callbacks/{vendor}/", content, content_type="application/json", headers=headers
    )


def test_a_repeated_callback_has_one_effect_and_the_same_answer(
    retailer: RetailerRef,
) -> None:
    first, again = call(retailer, body()), call(retailer, body())
    assert (first.status_code, first.json()) == (200, {"status": "stored"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert traces() == ["p-1"]
    assert call(retailer, body("c-2", "p-2")).status_code == 200
    assert traces() == ["p-1", "p-2"]


@pytest.mark.parametrize("signature", ["", "0" * 64, signed(body(), b"another secret")])
def test_a_bad_signature_is_refused_and_nothing_is_stored(
    retailer: RetailerRef, signature: str
) -> None:
    answer = call(retailer, body(), signature)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    assert answer["Content-Type"] == "application/problem+json"
    assert (traces(), CallbackRecord.objects.count()) == ([], 0)


def test_a_changed_body_needs_a_new_id(retailer: RetailerRef) -> None:
    call(retailer, body())
    answer = call(retailer, body(parcel="p-9"))
    assert (answer.status_code, answer.json()["code"]) == (409, "callback_changed")
    assert traces() == ["p-1"]


def test_a_vendor_may_read_an_answer_of_its_own(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Answer(content="<Response/>", content_type="text/xml")
    monkeypatch.setattr(PostOffice, "reply", own, raising=False)
    for answer in (call(retailer, body()), call(retailer, body())):
        assert (answer.status_code, answer.content) == (200, b"<Response/>")
        assert answer["Content-Type"] == "text/xml"
    assert call(retailer, body(), "wrong")["Content-Type"] == "application/problem+json"
    assert traces() == ["p-1"]


def test_the_parameters_of_the_address_are_read_from_its_path() -> None:
    incoming = Incoming(path="/callbacks/x/?m=1&c=&m=2", headers={}, body=b"")
    assert incoming.query.getlist("m") == ["1", "2"]
    assert incoming.query["c"] == ""


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff\xfe", body(key=""), body(key="k" * 201)]
)
def test_an_unreadable_callback_is_refused_and_may_be_sent_again(
    retailer: RetailerRef, content: bytes
) -> None:
    assert call(retailer, content).status_code == 422
    assert (traces(), CallbackRecord.objects.count()) == ([], 0)


def test_an_unknown_vendor_and_another_method_are_refused(retailer: RetailerRef) -> None:
    assert call(retailer, body(), vendor="nobody").status_code == 404
    client = Client(headers={"host": retailer.domain})
    assert client.get("/callbacks/post-office/").status_code == 405
    assert traces() == []


def test_a_call_that_fails_half_way_is_not_acknowledged_and_may_come_again(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise Unavailable("The service is unavailable.")

    monkeypatch.setattr(PostOffice, "during", [fails])
    answer = call(retailer, body())
    assert answer.status_code == 503
    assert (traces(), CallbackRecord.objects.count()) == ([], 0)
    monkeypatch.setattr(PostOffice, "during", [])
    assert call(retailer, body()).status_code == 200
    assert traces() == ["p-1"]


def test_the_same_id_at_two_retailers_is_two_callbacks(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    call(retailer, body())
    call(other, body())
    assert traces() == ["p-1"]
    with retailer_context(other):
        assert traces() == ["p-1"]


def test_repetitions_at_the_same_time_take_effect_once(
    fresh_db: str, retailer: RetailerRef
) -> None:
    incoming = Incoming(
        path="/callbacks/post-office/", headers={"x-signature": signed(body())}, body=body()
    )
    answers = race(retailer, lambda _n: receive("post-office", incoming), 8)
    assert sorted(map(str, answers)) == ["False"] * 7 + ["True"]
    assert traces() == ["p-1"]


def test_old_callback_records_are_deleted(retailer: RetailerRef) -> None:
    call(retailer, body())
    assert forget_callbacks() == {"callbacks": 0}
    CallbackRecord.objects.update(received_at=now() - KEPT - dt.timedelta(hours=1))
    assert forget_callbacks() == {"callbacks": 1}
