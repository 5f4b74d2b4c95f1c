"""The counter of a hub: scan in, shelf, scan out by code or identity, and dropped parcels."""

from __future__ import annotations

import pytest
from django.test import Client

from lastmile.core.tenancy import RetailerRef
from lockers import codes
from lockers.models import LockerBank, LockerReservation
from lockers.services import rotate_codes, show_code
from lockers.states import CodeRole, GrantState, Purpose, ReservationState
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.factories.fleet import make_hub
from tests.factories.lockers import (
    make_bank,
    make_counter,
    make_reservation,
    make_station,
    pin_of,
)
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

S = ReservationState
WRONG_PIN = "12345674"


def desk_of(retailer: RetailerRef, role: Role = Role.PICKER, **fields: object) -> Client:
    return logged_in(retailer, add_member(role, **fields))


def url_of(bank: LockerBank) -> str:
    return f"/console/lockers/{bank.public_id}/counter/"


def test_a_parcel_is_scanned_in_and_out_with_the_shoppers_code(retailer: RetailerRef) -> None:
    bank = make_counter()
    order = make_order(hub=bank.hub.public_id)
    row = make_reservation(bank, order=order, parcel_ref="P-1")
    desk = desk_of(retailer)
    page = desk.post(url_of(bank), {"code": "P-1"}).content.decode()
    assert '<p class="counter-place">B1</p>' in page
    form = {"act": "shelve", "reservation": row.public_id, "free": "B1", "place": "b2"}
    assert "On the shelf" in desk.post(url_of(bank), form).content.decode()
    assert desk.post(url_of(bank), form).status_code == 200  # a second time: nothing changes
    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.state, row.compartment.number) == (S.READY, "B2")  # type: ignore[union-attr]
    assert order.state == "awaiting_collection"
    page = desk.post(url_of(bank), {"code": pin_of(row)}).content.decode()
    assert "Hand it out" in page
    assert '<p class="counter-place">B2</p>' in page
    desk.post(url_of(bank), {"act": "hand", "pin": pin_of(row)})
    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.state, order.state) == (S.COLLECTED, "delivered")
    assert set(row.grants.values_list("state", flat=True)) == {GrantState.ENDED}


def test_the_text_of_a_qr_code_hands_out_and_an_old_one_does_not(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    row = make_reservation(bank, parcel_ref="P-1")
    desk.post(url_of(bank), {"act": "shelve", "reservation": row.public_id, "place": "B1"})
    old = show_code(reservation=row, role=CodeRole.SHOPPER).token
    rotate_codes(reservation=row)
    assert desk.post(url_of(bank), {"act": "hand", "pin": old}).status_code == 409
    row.refresh_from_db()
    assert row.state == S.READY
    token = show_code(reservation=row, role=CodeRole.SHOPPER).token
    assert "Hand it out" in desk.post(url_of(bank), {"code": token}).content.decode()
    desk.post(url_of(bank), {"act": "hand", "pin": token})
    row.refresh_from_db()
    assert row.state == S.COLLECTED


def test_wrong_codes_are_counted_and_the_code_of_another_parcel_hands_out_none(
    retailer: RetailerRef,
) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    rows = [make_reservation(bank, parcel_ref=f"P-{n}") for n in (1, 2)]
    for row in rows:
        desk.post(url_of(bank), {"act": "shelve", "reservation": row.public_id, "place":
                  row.compartment.number})  # type: ignore[union-attr]  # fmt: skip
    form = {"act": "code", "reservation": rows[0].public_id, "pin": pin_of(rows[1])}
    assert "Wrong parcel" in desk.post(url_of(bank), form).content.decode()
    for _n in range(5):
        assert desk.post(url_of(bank), form | {"pin": "12345674"}).status_code == 409
    right = desk.post(url_of(bank), form | {"pin": pin_of(rows[0])})
    assert right.status_code == 409  # locked for ten minutes
    assert LockerReservation.objects.filter(state=S.READY).count() == 2


def test_an_identity_check_hands_out_and_is_audited(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    row = make_reservation(bank, parcel_ref="P-1")
    desk.post(url_of(bank), {"act": "shelve", "reservation": row.public_id, "place": "B1"})
    form = {"act": "identity", "reservation": row.public_id}
    assert desk.post(url_of(bank), form).status_code == 409
    assert not AuditEntry.objects.filter(act="locker.identity").exists()
    desk.post(url_of(bank), form | {"checked": "1"})
    row.refresh_from_db()
    assert row.state == S.COLLECTED
    assert AuditEntry.objects.filter(act="locker.identity").count() == 1


def test_two_parcels_never_get_one_place(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    rows = [make_reservation(bank, parcel_ref=f"P-{n}") for n in (1, 2)]
    assert rows[1].compartment.number == "B2"  # type: ignore[union-attr]
    first = {"act": "shelve", "reservation": rows[0].public_id, "place": "B2"}
    assert desk.post(url_of(bank), first).status_code == 200  # the other hold moves away
    second = {"act": "shelve", "reservation": rows[1].public_id, "place": "B2"}
    assert desk.post(url_of(bank), second).status_code == 409
    assert desk.post(url_of(bank), second | {"place": "Z9"}).status_code == 409
    assert desk.post(url_of(bank), second | {"place": "B3"}).status_code == 200
    assert sorted(
        LockerReservation.objects.values_list("compartment__number", "state")
    ) == [("B2", S.READY), ("B3", S.READY)]  # fmt: skip


def test_a_dropped_parcel_waits_for_the_driver_and_its_order_stays(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    order = make_order(hub=bank.hub.public_id, external_id="A-77")
    before = order.state
    page = desk.post(url_of(bank), {"code": "A-77"}).content.decode()
    assert "not known here" in page
    page = desk.post(url_of(bank), {"act": "return", "code": "A-77"}).content.decode()
    row = LockerReservation.objects.get()
    assert (row.purpose, row.order) == (Purpose.RETURN, order)
    desk.post(url_of(bank), {"act": "shelve", "reservation": row.public_id, "free": "B1"})
    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.state, order.state, order.promise) == (S.COURIER_TO_COLLECT, before, None)
    assert "Give it to the driver" in desk.post(url_of(bank), {"code": "A-77"}).content.decode()
    desk.post(url_of(bank), {"act": "courier", "reservation": row.public_id})
    row.refresh_from_db()
    assert row.state == S.RETURNED
    assert bank.compartments.filter(state="empty").count() == 3


def test_a_shopper_drops_at_a_locker_with_the_returners_code_and_a_courier_collects(
    retailer: RetailerRef,
) -> None:
    bank = make_bank(2)
    station = make_station(retailer, bank)
    row = make_reservation(bank, purpose=Purpose.RETURN)
    station.cabinet.sync()
    assert station.cabinet.type_pin(pin_of_any(row, "courier")).word == "wrong"
    box = station.deposit(pin_of(row, "returner"))
    station.cabinet.sync()
    row.refresh_from_db()
    assert (row.state, row.compartment.number) == (S.COURIER_TO_COLLECT, box)  # type: ignore[union-attr]
    station.wire.is_cut = True
    assert station.cabinet.type_pin(pin_of_any(row, "returner")).word == "wrong"
    assert station.collect(pin_of(row, "courier")) == ["p"]
    station.wire.is_cut = False
    station.cabinet.sync()
    row.refresh_from_db()
    assert row.state == S.RETURNED


def pin_of_any(row: LockerReservation, role: str) -> str:
    """Return the PIN of a role, whether it is valid now or not."""
    row.bank.refresh_from_db()
    assert row.bank.code_key is not None
    return codes.pin(bytes(row.bank.code_key), row.public_id, role, row.generation)


@pytest.mark.parametrize("role", [Role.READONLY, Role.DRIVER])
def test_the_counter_is_for_those_who_work_there(retailer: RetailerRef, role: Role) -> None:
    bank = make_counter()
    row = make_reservation(bank, parcel_ref="P-1")
    form = {"act": "shelve", "reservation": row.public_id, "place": "B1"}
    assert desk_of(retailer, role).post(url_of(bank), form).status_code in {302, 403}
    other = desk_of(retailer, hubs=[make_hub().public_id])
    assert other.post(url_of(bank), form).status_code == 404
    row.refresh_from_db()
    assert row.state == S.HARD_HELD


def test_only_counters_have_the_page_and_its_list_is_searched(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    assert desk.get(url_of(make_bank(1))).status_code == 404
    make_reservation(bank, parcel_ref="P-1")
    assert "P-1" not in desk.get(url_of(bank)).content.decode()
    expected = f"{url_of(bank)}?show=expected"
    assert "P-1" in desk.get(expected).content.decode()
    assert "No parcel matches" in desk.get(f"{expected}&q=zzz").content.decode()


def test_a_wrong_code_leaves_the_page_as_it_is_with_the_cause(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    shown = desk.post(url_of(bank), {"code": WRONG_PIN})
    page = shown.content.decode()
    assert shown.status_code == 409
    assert "wrong or expired" in page
    assert 'name="code"' in page
    for _n in range(6):
        shown = desk.post(url_of(bank), {"code": WRONG_PIN})
    assert shown.status_code == 409, "also after too many"
    forged = desk.post(url_of(bank), {"code": f"{'a' * 40}.{'b' * 40}"})
    assert (forged.status_code, "wrong or expired" in forged.content.decode()) == (409, True)


def test_a_parcel_whose_number_looks_like_a_pin_can_be_dropped(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    page = desk.post(url_of(bank), {"code": WRONG_PIN}).content.decode()
    assert "A shopper returns it" in page
    desk.post(url_of(bank), {"act": "return", "code": WRONG_PIN})
    row = LockerReservation.objects.get()
    assert row.parcel_ref == WRONG_PIN
    page = desk.post(url_of(bank), {"code": WRONG_PIN}).content.decode()
    assert "Put it on the shelf" in page


def test_a_form_that_is_sent_again_drops_no_second_parcel(retailer: RetailerRef) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    for _n in range(2):
        page = desk.post(url_of(bank), {"act": "send", "code": "P-9"}).content.decode()
        assert "Put it on the shelf" in page
    row = LockerReservation.objects.get()
    form = {"act": "shelve", "reservation": row.public_id, "free": "B1"}
    desk.post(url_of(bank), form)
    desk.post(url_of(bank), {"act": "send", "code": "P-9"})
    assert LockerReservation.objects.count() == 1
    desk.post(url_of(bank), {"act": "courier", "reservation": row.public_id})
    desk.post(url_of(bank), {"act": "send", "code": "P-9"})
    assert LockerReservation.objects.count() == 2, "the same number comes back another day"


@pytest.mark.parametrize(
    "act", ["", "choose", "shelve", "code", "hand", "identity", "courier", "return", "send"]
)
def test_a_scanner_that_sends_nul_is_answered(retailer: RetailerRef, act: str) -> None:
    bank, desk = make_counter(), desk_of(retailer)
    row = make_reservation(bank, parcel_ref="P-1")
    nul = dict.fromkeys(("code", "reservation", "place", "free", "pin", "checked"), "P\x00-1")
    assert desk.post(url_of(bank), nul | {"act": act}).status_code < 500
    named = nul | {"act": act, "reservation": row.public_id}
    assert desk.post(url_of(bank), named).status_code < 500
