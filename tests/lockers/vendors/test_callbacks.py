"""InPost's calls to us, over HTTP: signed ones are kept once, all others are refused with 403."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client

from lastmile.core.clock import real_now
from lastmile.core.tenancy import RetailerRef, retailer_context
from lockers.models import LockerAccount, VendorReport, VendorReservation
from lockers.services import forget_vendor_reports, note_unclear_call, note_vendor_answer
from lockers.services.vendor_reports import REPORT_DAYS
from lockers.vendors import registry
from lockers.vendors.base import VendorStatus
from lockers.vendors.inpost.adapter import InPost
from lockers.vendors.inpost.reading import status_of
from lockers.vendors.null import NullVendor
from lockers.vendors.registry import account_of, vendor_of
from tests.fake_inpost import CAPTURED, ORGANIZATION, SECRET, TOKEN, signed

PATH = "/callbacks/inpost/"
CREATED = VendorStatus(vendor_id="9000001", word="created")


@pytest.fixture
def account(retailer: RetailerRef) -> LockerAccount:
    return add_account()


def add_account(secret: str = SECRET) -> LockerAccount:
    return LockerAccount.objects.create(
        vendor="inpost",
        facts={"organization": ORGANIZATION, "country": "PL"},
        secrets={"token": TOKEN, "calls": [secret]},
        is_on=True,
    )


def body_of(status: str, at: dt.datetime, **changes: Any) -> bytes:
    call = CAPTURED["calls"]["shipment_status_changed"]
    payload = call["payload"] | {"status": status}
    written = at.strftime("%Y-%m-%d %H:%M:%S %z")
    return json.dumps(call | {"payload": payload, "event_ts": written} | changes).encode()


def post(ref: RetailerRef, body: bytes, **headers: str) -> Any:
    sent = {"host": ref.domain} | (headers or signed(body, real_now()))
    client = Client(headers=sent, raise_request_exception=False)
    return client.post(PATH, body, content_type="application/json")


def a_reservation(account: LockerAccount) -> VendorReservation:
    return VendorReservation.objects.create(account=account, reference="rsv_1", point="TST01A")


@pytest.mark.usefixtures("account")
def test_a_signed_call_is_kept_once_however_often_it_comes(retailer: RetailerRef) -> None:
    body = body_of("ready_to_pickup", real_now())
    answers = [post(retailer, body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    kept = VendorReport.objects.get()
    assert (kept.vendor_id, kept.word, kept.waiting) == ("9000001", "ready_to_pickup", True)


def test_a_call_that_is_not_signed_for_this_retailer_is_403_and_never_5xx(
    retailer: RetailerRef, other: RetailerRef, account: LockerAccount
) -> None:
    with retailer_context(other):
        add_account("another-secret")
    at = real_now()
    body = body_of("ready_to_pickup", at)
    foreign = body_of("ready_to_pickup", at, organization_id=12)
    huge = b'"' + b"a" * 70_000 + b'"'
    for answer in (
        post(other, body),
        post(retailer, body, nothing="x"),
        post(retailer, body, **{"x-inpost-signature": "x"}),
        post(retailer, body, **signed(body + b" ", at)),
        post(retailer, body, **signed(body, at - dt.timedelta(hours=3))),
        post(retailer, body, **signed(body, at) | {"x-inpost-signature": "A" * 9_000}),
        *(post(retailer, odd) for odd in (b"", b"{", b"[]", b"\xff", b"[" * 50_000, huge, foreign)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    account.is_on = False
    account.save()
    assert post(retailer, body).status_code == 403
    assert not VendorReport.objects.exists()
    with retailer_context(other):
        assert not VendorReport.objects.exists()


@pytest.mark.usefixtures("retailer")
def test_an_address_is_tested_by_a_get_only_where_the_vendor_does_so(
    retailer: RetailerRef,
) -> None:
    client = Client(headers={"host": retailer.domain})
    got = client.get(PATH)
    assert (got.status_code, got.content) == (200, b"")
    assert client.get("/callbacks/twilio/").status_code == 405
    assert client.get("/callbacks/nobody/").status_code == 405


def test_reports_that_come_before_the_answer_to_our_call_are_taken_with_it(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    row, at = a_reservation(account), real_now() - dt.timedelta(minutes=10)
    note_unclear_call(row=row, at=at)
    for minute, word in ((2, "ready_to_pickup"), (1, "confirmed")):  # the later one comes first
        assert post(retailer, body_of(word, at + dt.timedelta(minutes=minute))).status_code == 200
    row = note_vendor_answer(row=row, status=CREATED, at=at)
    row.refresh_from_db()
    assert (row.vendor_id, row.word, row.state) == ("9000001", "ready_to_pickup", "ready")
    assert row.first_tried_at is None
    assert row.tracking == "600000000000000000000001"
    assert not VendorReport.objects.filter(waiting=True).exists()


def test_an_old_report_does_not_move_a_reservation_back(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    row, at = a_reservation(account), real_now() - dt.timedelta(minutes=10)
    note_vendor_answer(row=row, status=CREATED, at=at)
    for minutes, word in ((5, "delivered"), (3, "ready_to_pickup"), (5, "pickup_reminder_sent")):
        post(retailer, body_of(word, at + dt.timedelta(minutes=minutes)))
    row.refresh_from_db()
    assert (row.word, row.state, row.attention) == ("delivered", "collected", False)
    post(retailer, body_of("ready_to_pickup", at + dt.timedelta(minutes=7)))
    row.refresh_from_db()
    assert (row.state, row.attention) == ("collected", True), "it began again: staff look"


def test_an_unknown_word_is_kept_and_leaves_the_state(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    row, at = a_reservation(account), real_now() - dt.timedelta(minutes=10)
    note_vendor_answer(row=row, status=status_of("9000001", "ready_to_pickup"), at=at)
    post(retailer, body_of("beamed_up", at + dt.timedelta(minutes=1)))
    row.refresh_from_db()
    assert (row.word, row.known, row.state, row.attention) == ("beamed_up", False, "ready", True)


def test_a_report_from_the_future_does_not_stop_the_next_ones(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    row = a_reservation(account)
    note_vendor_answer(row=row, status=CREATED, at=real_now())
    post(retailer, body_of("ready_to_pickup", real_now() + dt.timedelta(days=400)))
    row.refresh_from_db()
    assert row.occurred_at is not None
    assert row.occurred_at <= real_now()
    assert row.state == "ready"


def test_a_demo_never_reaches_a_network(
    account: LockerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(vendor_of(account), InPost)
    monkeypatch.setattr(registry, "is_trial", lambda _schema: True)
    assert isinstance(vendor_of(account), NullVendor)
    assert account_of("inpost") == account
    assert account_of("nobody") is None


def test_old_reports_are_forgotten(account: LockerAccount) -> None:
    old = real_now() - dt.timedelta(days=REPORT_DAYS, minutes=1)
    for number, at in enumerate((old, real_now())):
        VendorReport.objects.create(
            account=account, vendor_id=str(number), event="e", word="w", occurred_at=at,
            received_at=at,
        )  # fmt: skip
    assert forget_vendor_reports() == {"vendor_reports": 1}
    assert VendorReport.objects.get().vendor_id == "1"
