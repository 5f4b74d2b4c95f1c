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
from lockers.services.vendor_following import (
    POINTS,
    POLL,
    RESERVE,
    ask_network,
    ask_to_cancel,
    follow_network,
)
from lockers.services.vendor_points import PLACES, add_places
from lockers.states import ReservationState
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
