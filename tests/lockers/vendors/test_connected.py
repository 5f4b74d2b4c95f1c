"""A network connected: its account, its points, and reservations that follow what it reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from dispatch.orders.models import Order
from lastmile.core.clock import real_now
from lastmile.core.jobs import enqueue
from lastmile.core.models import Job
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerAccount, LockerBank, LockerReservation, VendorReservation
from lockers.services import accounts, cancel_reservation, keep_vendor_report
from lockers.services.disputes import settle_dispute
from lockers.services.vendor_following import (
    CANCEL,
    POINTS,
    POLL,
    RESERVE,
    ask_network,
    ask_to_cancel,
    follow_network,
    request_polling,
)
from lockers.services.vendor_points import PLACES, add_places
from lockers.states import ReservationState
from lockers.vendors.inpost.adapter import InPost
from lockers.vendors.inpost.reading import read_call
from tenants.permissions import Role
from tests.factories.fleet import make_hub
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.orders import make_order
from tests.fake_inpost import ORGANIZATION, SECRET, TOKEN, FakeInPost
from tests.people import add_member, logged_in

S = ReservationState
PAGE = "/console/lockers/networks/inpost/"


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeInPost]:
    with FakeInPost() as one:
        settings.LOCKER_VENDOR_URLS = {"inpost": one.base_url}
        yield one


@pytest.fixture
def account(retailer: RetailerRef, fake: FakeInPost) -> LockerAccount:
    return accounts.put_account(
        vendor="inpost",
        facts={"organization": ORGANIZATION, "country": "PL", "is_sandbox": False},
        token=TOKEN,
        call_secret=SECRET,
        is_on=True,
    )


def held_at_point(*, with_order: bool = False) -> LockerReservation:
    bank = make_bank(
        0, kind="vendor", network="inpost", external_id="inpost:TST01A", capabilities=[]
    )
    assert add_places(vendor="inpost") == 1
    order = make_order(hub=bank.hub.public_id) if with_order else None
    return make_reservation(bank, order=order)


def run(kind: str) -> Job:
    job = Job.objects.filter(kind=kind, state="queued").get()
    run_job(job.public_id)
    job.refresh_from_db()
    return job


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def reserved(fake: FakeInPost, *, with_order: bool = False) -> tuple[LockerReservation, Any]:
    row = held_at_point(with_order=with_order)
    ask_network(reservation=row)
    assert run(RESERVE).state == "succeeded"
    return row, VendorReservation.objects.get(reservation=row)


def report(fake: FakeInPost, account: LockerAccount, status: str, minutes: int = 0) -> None:
    """Let the network call us about its last shipment, as the callback does."""
    at = real_now() + dt.timedelta(minutes=minutes)
    call = read_call(fake.tell(fake.shipments[-1], status, at))
    keep_vendor_report(account=account, call=call)
    row = VendorReservation.objects.get(vendor_id=call.status.vendor_id)
    follow_network(row=row)


def test_the_secrets_of_an_account_are_sealed_and_an_empty_field_keeps_them(
    retailer: RetailerRef, fake: FakeInPost
) -> None:
    desk = logged_in(retailer, add_member(Role.MANAGER))
    form = {"organization": ORGANIZATION, "country": "PL", "token": TOKEN, "is_on": "on"}
    assert desk.post(PAGE, form | {"token": ""}).status_code == 422
    assert desk.post(PAGE, form | {"organization": "x y"}).status_code == 422
    assert not LockerAccount.objects.exists()
    assert desk.post(PAGE, form | {"call_secret": SECRET}).status_code == 302
    assert desk.post(PAGE, form | {"token": "", "version": "1"}).status_code == 302
    account = LockerAccount.objects.get()
    assert account.secrets == {"token": TOKEN, "calls": [SECRET]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets::text FROM lockers_lockeraccount")
        assert TOKEN not in cursor.fetchone()[0]
    page = desk.get(PAGE).content.decode()
    assert TOKEN not in page
    assert SECRET not in page
    assert "/callbacks/inpost/" in page


def test_the_test_button_tells_a_right_token_from_a_wrong_one(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    desk = logged_in(retailer, add_member(Role.MANAGER))
    page = desk.post(f"{PAGE}test/", follow=True).content.decode()
    assert "the token is right" in page
    fake.script("error_before", "error_before")
    page = desk.post(f"{PAGE}test/", follow=True).content.decode()
    assert "did not answer" in page


def test_dispatchers_do_not_see_the_accounts(retailer: RetailerRef, account: LockerAccount) -> None:
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    assert desk.get(PAGE).status_code == 403
    assert desk.post(f"{PAGE}test/").status_code == 403
    assert desk.get("/console/lockers/networks/other/").status_code in {403, 404}


def test_the_points_are_imported_twice_with_the_same_result(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    make_hub(lat=50.06, lon=19.94, zone="Europe/Warsaw")
    for _n in range(2):
        enqueue(POINTS, subject=account.public_id)
        job = run(POINTS)
        assert job.state == "succeeded", job.detail
        run("lockers.import")
        add_places(vendor="inpost")
    banks = LockerBank.objects.filter(kind="vendor", network="inpost")
    assert banks.count() > 0
    assert all(bank.external_id and bank.external_id.startswith("inpost:") for bank in banks)
    assert {bank.compartments.count() for bank in banks} == {3 * PLACES}
    account.refresh_from_db()
    assert account.listed_at is not None


def test_a_hold_is_made_at_the_network_once_though_its_answer_was_lost(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    ask_network(reservation=row)
    fake.script("reset_after")
    job = run(RESERVE)
    assert job.state == "queued"  # it is tried again
    at_vendor = VendorReservation.objects.get(reservation=row)
    assert at_vendor.first_tried_at is not None
    long_ago = real_now() - dt.timedelta(minutes=5)
    VendorReservation.objects.update(first_tried_at=long_ago, last_tried_at=long_ago)
    Job.objects.filter(pk=job.pk).update(due_at=long_ago)
    run_job(job.public_id)
    at_vendor.refresh_from_db()
    assert at_vendor.vendor_id is not None
    assert [one["reference"] for one in fake.shipments] == [row.public_id]


def test_a_refusal_of_the_network_ends_the_reservation_with_its_reason(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
    LockerReservation.objects.filter(pk=row.pk).update(weight_g=90_000)
    ask_network(reservation=row)
    run(RESERVE)
    row.refresh_from_db()
    assert (row.state, row.reason) == (S.REJECTED, "weight_exceed")
    assert VendorReservation.objects.get().attention
    desk = logged_in(retailer, add_member(Role.MANAGER))
    assert row.public_id in desk.get("/console/lockers/networks/").content.decode()


def test_a_reservation_follows_the_reports_to_its_collection(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake, with_order=True)
    order = Order.objects.get(pk=row.order_id)
    VendorReservation.objects.update(occurred_at=real_now() - dt.timedelta(minutes=10))
    report(fake, account, "confirmed", -9)
    assert state(row) == S.AWAITING_DEPOSIT
    report(fake, account, "ready_to_pickup", -6)
    assert state(row) == S.READY
    order.refresh_from_db()
    assert order.state == "awaiting_collection"
    report(fake, account, "delivered", -3)
    order.refresh_from_db()
    assert (state(row), order.state) == (S.COLLECTED, "delivered")
    report(fake, account, "ready_to_pickup", -5)  # an old report that comes late
    assert state(row) == S.COLLECTED


def test_a_parcel_that_arrives_after_the_cancellation_is_disputed(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake)
    cancel_reservation(reservation=row, cause="api")
    ask_to_cancel(reservation=row)
    report(fake, account, "ready_to_pickup")
    assert state(row) == S.DISPUTED


def test_a_network_that_does_not_call_is_asked(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake)
    fake.shipments[-1]["status"] = "ready_to_pickup"
    enqueue(POLL)
    assert run(POLL).state == "succeeded"
    assert state(row) == S.READY


# --- Calls that end badly ---------------------------------------------------------------------
def cancel(row: LockerReservation) -> None:
    """Cancel here, and do what follows from the event."""
    cancel_reservation(reservation=row, cause="api")
    ask_to_cancel(reservation=row)


def kill(job: Job) -> None:
    """Do what the reaper does after a worker died."""
    Job.objects.filter(pk=job.pk).update(state="queued", lease_token=None, lease_until=None)


def let_calls_settle() -> None:
    long_ago = real_now() - dt.timedelta(minutes=5)
    rows = VendorReservation.objects.filter(first_tried_at__isnull=False)
    rows.update(first_tried_at=long_ago, last_tried_at=long_ago)
    Job.objects.filter(state="queued").update(due_at=long_ago)


def die_after_sending(monkeypatch: pytest.MonkeyPatch, *, also: Any = lambda: None) -> None:
    """Let the worker die when the network has the reservation, before we know its answer."""
    real = InPost.reserve

    def reserve(self: InPost, request: Any) -> Any:
        real(self, request)
        also()
        monkeypatch.setattr(InPost, "reserve", real)
        raise SystemExit

    monkeypatch.setattr(InPost, "reserve", reserve)


def queued(kind: str) -> int:
    return Job.objects.filter(kind=kind, state="queued").count()


def test_a_worker_that_dies_while_it_reserves_makes_no_second_shipment(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost, monkeypatch: Any
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    die_after_sending(monkeypatch)
    with pytest.raises(SystemExit):
        run(RESERVE)
    kill(Job.objects.get(kind=RESERVE))
    assert run(RESERVE).state == "succeeded"
    assert [one["reference"] for one in fake.shipments] == [row.public_id]
    at_vendor = VendorReservation.objects.get()
    assert (at_vendor.vendor_id, at_vendor.first_tried_at) == ("9000001", None)


def test_a_call_that_was_surely_not_sent_is_sent_again_without_a_wait(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    fake.script("busy")
    assert run(RESERVE).state == "queued"
    assert VendorReservation.objects.get().first_tried_at is None
    let_calls_settle()
    assert run(RESERVE).state == "succeeded"
    assert len(fake.shipments) == 1


def test_a_cancellation_while_the_network_reserves_reaches_the_network(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost, monkeypatch: Any
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    real = InPost.reserve

    def reserve(self: InPost, request: Any) -> Any:
        fake.hidden_for_lists = {row.public_id}
        answer = real(self, request)
        cancel(row)
        assert run(CANCEL).state == "queued"  # too early: no list has the shipment yet
        return answer

    monkeypatch.setattr(InPost, "reserve", reserve)
    run(RESERVE)
    let_calls_settle()
    assert run(CANCEL).state == "succeeded"
    assert [one["status"] for one in fake.shipments] == ["canceled"]


@pytest.mark.parametrize("first", [RESERVE, CANCEL])
def test_what_an_unclear_call_reserved_is_looked_up_and_cancelled_not_made_again(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost, monkeypatch: Any, first: str
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    die_after_sending(monkeypatch, also=lambda: cancel(row))
    with pytest.raises(SystemExit):
        run(RESERVE)
    kill(Job.objects.get(kind=RESERVE))
    assert run(first).state == "succeeded"
    if first == RESERVE:
        assert run(CANCEL).state == "succeeded"
    assert [one["status"] for one in fake.shipments] == ["canceled"]
    assert VendorReservation.objects.get().state == "cancelled"


def test_a_cancelled_reservation_whose_call_never_arrived_is_never_sent(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    fake.script("reset_before")
    run(RESERVE)
    cancel(row)
    let_calls_settle()
    assert run(RESERVE).state == "succeeded"
    assert run(CANCEL).state == "succeeded"
    assert fake.shipments == []
    assert VendorReservation.objects.get().first_tried_at is None


def test_a_fault_of_the_account_rejects_nothing_and_is_tried_again_when_it_is_mended(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
    ask_network(reservation=row)
    accounts.put_account(vendor="inpost", facts=account.facts, token="wrong", is_on=True)
    job = run(RESERVE)
    assert (job.state, state(row)) == ("queued", S.HARD_HELD)
    at_vendor = VendorReservation.objects.get()
    assert (at_vendor.attention, at_vendor.code) == (True, "token_invalid")
    Job.objects.filter(pk=job.pk).update(
        state="failed", finished_at=real_now(), reason="It gave up."
    )
    accounts.put_account(vendor="inpost", facts=account.facts, token=TOKEN, is_on=True)
    assert request_polling()
    run(POLL)
    assert run(RESERVE).state == "succeeded"
    assert len(fake.shipments) == 1
    assert not VendorReservation.objects.get().attention


def test_a_cancellation_that_an_outage_stopped_is_asked_for_again_and_a_refused_one_is_not(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake)
    cancel(row)
    Job.objects.filter(kind=CANCEL).update(
        state="failed", finished_at=real_now(), reason="It gave up."
    )
    assert request_polling()
    run(POLL)
    fake.shipments[-1]["status"] = "confirmed"  # bought meanwhile: InPost refuses
    assert run(CANCEL).state == "succeeded"
    for _n in range(2):
        assert request_polling()
        run(POLL)
        assert queued(CANCEL) == 0
        at_vendor = VendorReservation.objects.get()
        assert (at_vendor.attention, at_vendor.cancel_refused) == (True, True)
        assert at_vendor.code == "invalid_action", "staff must still look at it"


def test_a_dispute_that_staff_settled_begins_again_only_with_another_word(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake)
    cancel(row)
    report(fake, account, "ready_to_pickup")
    assert state(row) == S.DISPUTED
    row.refresh_from_db()
    settle_dispute(reservation=row, outcome="not_ours", reason="The parcel is another one.")
    assert state(row) == S.CANCELLED
    enqueue(POLL)
    run(POLL)
    report(fake, account, "ready_to_pickup", 1)
    assert state(row) == S.CANCELLED
    VendorReservation.objects.update(occurred_at=real_now() - dt.timedelta(minutes=1))
    report(fake, account, "delivered")
    assert state(row) != S.CANCELLED
