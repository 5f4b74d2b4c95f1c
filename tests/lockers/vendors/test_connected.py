"""A network connected: its account, its points, and reservations that follow what it reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from dispatch.console.incident_words import text_of
from dispatch.live.models import Incident
from dispatch.live.states import IncidentKind
from dispatch.orders.models import CommonStop, Order
from lastmile.core.clock import real_now
from lastmile.core.jobs import enqueue
from lastmile.core.models import Job
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from lockers.errors import ReservationRefused
from lockers.models import LockerAccount, LockerBank, LockerReservation, VendorReservation
from lockers.selectors.nearest import Wanted, nearest_banks
from lockers.services import (
    BankDraft,
    accounts,
    cancel_reservation,
    confirm_hold,
    keep_vendor_report,
)
from lockers.services.disputes import settle_dispute
from lockers.services.network_calls import CANCEL, RESERVE, ask_network
from lockers.services.points import put_banks
from lockers.services.vendor_following import (
    POINTS,
    POLL,
    follow_report,
    request_polling,
)
from lockers.services.vendor_points import PLACES, add_places, follow_points
from lockers.states import ReservationState
from lockers.vendors.base import PointState, VendorError
from lockers.vendors.inpost.adapter import InPost
from lockers.vendors.inpost.reading import read_call
from tenants.permissions import Role
from tests.drain import drain
from tests.factories.fleet import make_hub
from tests.factories.lockers import PARCEL, make_bank, make_reservation
from tests.factories.orders import make_order
from tests.fake_inpost import ORGANIZATION, SECRET, TOKEN, FakeInPost
from tests.lockers.vendors.test_words import a_point
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
    assert add_places(banks=[bank]) == 1
    assert add_places(banks=[bank]) == 0
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
    assert run(RESERVE).state == "succeeded"
    return row, VendorReservation.objects.get(reservation=row)


def report(fake: FakeInPost, account: LockerAccount, status: str, minutes: int = 0) -> None:
    """Let the network call us about its last shipment, as the callback does."""
    at = real_now() + dt.timedelta(minutes=minutes)
    call = read_call(fake.tell(fake.shipments[-1], status, at))
    keep_vendor_report(account=account, call=call)
    row = VendorReservation.objects.get(vendor_id=call.status.vendor_id)
    follow_report(row=row)


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
    ask_network(row)
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
    held_at_point()
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
    real = InPost.reserve

    def reserve(self: InPost, request: Any) -> Any:
        fake.hidden_for_lists = {row.public_id}
        answer = real(self, request)
        cancel_reservation(reservation=row, cause="api")
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
    die_after_sending(monkeypatch, also=lambda: cancel_reservation(reservation=row, cause="api"))
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
    fake.script("reset_before")
    run(RESERVE)
    cancel_reservation(reservation=row, cause="api")
    let_calls_settle()
    assert run(RESERVE).state == "succeeded"
    assert run(CANCEL).state == "succeeded"
    assert fake.shipments == []
    assert VendorReservation.objects.get().first_tried_at is None


def test_a_fault_of_the_account_rejects_nothing_and_is_tried_again_when_it_is_mended(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point()
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
    cancel_reservation(reservation=row, cause="api")
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
    cancel_reservation(reservation=row, cause="api")
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


# --- Orders, points and accounts --------------------------------------------------------------
def test_an_order_that_its_network_refuses_late_is_not_planned_and_staff_are_told(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point(with_order=True)
    drain(jobs=False)
    stop = CommonStop.objects.get(order=row.order_id)
    assert stop.refused == ""
    LockerReservation.objects.filter(pk=row.pk).update(weight_g=90_000)
    run(RESERVE)
    drain(jobs=False)
    stop.refresh_from_db()
    assert (state(row), stop.refused) == (S.REJECTED, "no_compartment")
    incident = Incident.objects.get(kind=IncidentKind.LOCKER_REFUSED)
    assert (incident.order_id, incident.state) == (row.order_id, "open")
    assert incident.params["why"] == "weight_exceed"
    assert row.bank.name in text_of(incident).what


def test_a_cancellation_here_opens_no_incident_when_the_network_confirms_it(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake, with_order=True)
    cancel_reservation(reservation=row, cause="api")
    assert run(CANCEL).state == "succeeded"
    assert VendorReservation.objects.get().state == S.CANCELLED
    assert not Incident.objects.exists()


def test_an_account_that_is_off_sells_nothing_and_finishes_what_it_had(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row, _at = reserved(fake)
    wanted = Wanted(near=row.bank.point, size=PARCEL)
    assert [near.bank for near in nearest_banks(LockerBank.objects.all(), wanted, 5)] == [row.bank]
    soft = make_reservation(row.bank, mode="soft")
    accounts.put_account(vendor="inpost", facts=account.facts, is_on=False)
    assert nearest_banks(LockerBank.objects.all(), wanted, 5) == []
    with pytest.raises(ReservationRefused) as refused:
        make_reservation(row.bank)
    assert refused.value.data["reason"] == "site_offline"
    confirm_hold(reservation=soft)  # its shopper had it before
    waiting = VendorReservation.objects.get(reservation=soft)
    assert (waiting.attention, waiting.code) == (True, "account_off")
    fake.shipments[-1]["status"] = "ready_to_pickup"
    enqueue(POLL)
    run(POLL)
    assert state(row) == S.READY
    assert queued(RESERVE) == 0
    accounts.put_account(vendor="inpost", facts=account.facts, is_on=True)
    enqueue(POLL)
    run(POLL)
    assert run(RESERVE).state == "succeeded"
    waiting.refresh_from_db()
    assert (waiting.attention, len(fake.shipments)) == (False, 2)


def test_a_point_that_staff_closed_stays_closed_and_one_of_the_network_comes_back(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    closed, other = (point_bank(name) for name in ("TST01A", "TST02A"))
    LockerBank.objects.filter(pk=closed.pk).update(active=False)
    follow_points(account=account, points=[a_point("TST01A", state=PointState.CLOSED)])
    assert set(LockerBank.objects.values_list("active", flat=True)) == {False}
    listed = [a_point("TST01A"), a_point("TST02A")]
    assert follow_points(account=account, points=listed) == {"closed": 0, "opened": 1}
    import_again = BankDraft(
        name="New name", hub=closed.hub, point=closed.point, zone="Europe/Lisbon", country="PT",
        kind="vendor", network="inpost", external_id="inpost:TST01A",
    )  # fmt: skip
    put_banks([(import_again, ["name"])])
    closed.refresh_from_db()
    other.refresh_from_db()
    assert (closed.active, closed.name, other.active) == (False, "New name", True)


def test_a_point_that_cannot_be_read_is_not_closed(
    retailer: RetailerRef, account: LockerAccount
) -> None:
    for name in ("TST01A", "TST02A", "TST03A"):
        point_bank(name)
    listed = [a_point("TST01A")]
    assert follow_points(account=account, points=listed, unreadable=[""])["closed"] == 0
    changes = follow_points(account=account, points=listed, unreadable=["TST02A"])
    assert changes["closed"] == 1
    names = LockerBank.objects.filter(active=False).values_list("external_id", flat=True)
    assert list(names) == ["inpost:TST03A"]


def test_an_order_for_a_point_that_closes_leaves_its_plan(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost
) -> None:
    row = held_at_point(with_order=True)
    drain(jobs=False)
    follow_points(account=account, points=[a_point("TST01A", state=PointState.CLOSED)])
    assert CommonStop.objects.get(order=row.order_id).refused == "site_left"


def test_the_poll_asks_those_first_that_waited_longest_and_leaves_a_network_that_is_down(
    retailer: RetailerRef, account: LockerAccount, fake: FakeInPost, monkeypatch: Any
) -> None:
    bank = held_at_point().bank
    for _n in range(5):
        make_reservation(bank)
    questions: list[str] = []

    def down(self: InPost, vendor_id: str) -> Any:
        questions.append(vendor_id)
        raise VendorError("no answer", permanent=False)

    for number, at_vendor in enumerate(VendorReservation.objects.order_by("-pk")):
        at = real_now() - dt.timedelta(minutes=10 - number)
        VendorReservation.objects.filter(pk=at_vendor.pk).update(vendor_id=number, asked_at=at)
    monkeypatch.setattr(InPost, "status", down)
    for _n in range(2):
        enqueue(POLL)
        run(POLL)
    assert questions == ["0", "1", "2", "3", "4", "5"]


def point_bank(name: str) -> LockerBank:
    return make_bank(0, kind="vendor", network="inpost", external_id=f"inpost:{name}",
                     capabilities=[])  # fmt: skip
