"""Staff settle disputes; a compartment is free only when the cabinet saw it empty."""

from __future__ import annotations

import pytest

from dispatch.live.models import Incident
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.errors import ReservationMoveNotAllowed, ReservationRefused
from lockers.models import LockerReservation
from lockers.rolls import invariants
from lockers.selectors import boxes_by_state
from lockers.services.disputes import settle_dispute
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import refused
from tests.drain import drain
from tests.factories.fleet import make_hub
from tests.factories.live import at
from tests.factories.lockers import Station, make_bank, make_reservation, make_station, pin_of
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

LIST = "/console/lockers/disputes/"


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def order_state(row: LockerReservation) -> str:
    return Order.objects.get(pk=row.order_id).state


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def late_deposit(retailer: RetailerRef) -> tuple[LockerReservation, Station]:
    """Return a reservation whose parcel was put in after it had been cancelled."""
    bank = make_bank(2)
    row = make_reservation(bank, order=make_order(hub=bank.hub.public_id))
    station = make_station(retailer, bank)
    station.deposit(pin_of(row, "courier"))
    services.cancel_reservation(reservation=row, cause="api")
    station.cabinet.sync()
    assert state(row) == "disputed"
    row.refresh_from_db()
    return row, station


def parcel_taken(retailer: RetailerRef) -> tuple[LockerReservation, Station]:
    """Return a reservation whose parcel was taken out without a code."""
    bank = make_bank(1)
    row = make_reservation(bank, order=make_order(hub=bank.hub.public_id))
    station = make_station(retailer, bank)
    box = station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    services.send_command(bank=bank, kind="open", compartment=row.compartment)
    station.cabinet.sync()
    station.hardware.take(box)
    station.cabinet.close(box)
    station.cabinet.sync()
    assert state(row) == "disputed"
    row.refresh_from_db()
    return row, station


def test_a_late_parcel_that_is_inside_can_be_collected(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    row, station = late_deposit(retailer)
    settle_dispute(reservation=row, outcome="inside", reason="The courier looked")
    assert (state(row), order_state(row)) == ("ready", "awaiting_collection")
    incident = Incident.objects.get()
    assert (incident.state, incident.settled_how) == ("settled", "The courier looked")
    entry = AuditEntry.objects.get(act="locker.settle_dispute")
    assert entry.changes["reason"]["after"] == "The courier looked"
    station.cabinet.sync()
    assert station.collect(pin_of(row)) == ["p"]
    station.cabinet.sync()
    assert (state(row), order_state(row)) == ("collected", "delivered")
    held()


def test_a_parcel_of_an_ended_order_is_for_a_courier_whatever_staff_choose(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    row, station = late_deposit(retailer)
    assert row.order is not None
    cancel_order(order=row.order)
    drain(jobs=False)
    settle_dispute(reservation=row, outcome="inside", reason="Seen")
    assert (state(row), order_state(row)) == ("courier_to_collect", "cancelled")
    station.cabinet.sync()
    assert station.collect(pin_of(row, "returner")) == ["p"]
    held()


@pytest.mark.parametrize(
    ("outcome", "after", "order"),
    [
        ("collected", "collected", "delivered"),
        ("lost", "lost", "failed"),
        ("not_ours", "cancelled", "awaiting_collection"),
    ],
)
def test_a_compartment_seen_empty_is_free_once_its_dispute_is_settled(
    retailer: RetailerRef, clock: SetClock, outcome: str, after: str, order: str
) -> None:
    clock(at(8))
    row, _station = parcel_taken(retailer)
    assert boxes_by_state(row.bank)["unknown"] == 1
    settle_dispute(reservation=row, outcome=outcome, reason="The shopper called")
    assert (state(row), order_state(row)) == (after, order)
    assert boxes_by_state(row.bank)["free"] == 1
    held()


@pytest.mark.parametrize("outcome", ["collected", "lost", "not_ours"])
def test_a_compartment_not_seen_empty_gets_no_parcel_by_what_staff_say(
    retailer: RetailerRef, clock: SetClock, outcome: str
) -> None:
    clock(at(8))
    row, _station = late_deposit(retailer)
    settle_dispute(reservation=row, outcome=outcome, reason="Told by telephone")
    counts = boxes_by_state(row.bank)
    assert (counts["free"], counts["unknown"]) == (1, 1)
    held()


def test_a_dispute_is_settled_once_and_with_a_reason(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    row, _station = late_deposit(retailer)
    settle_dispute(reservation=row, outcome="take_out", reason="Seen")
    with refused(ReservationMoveNotAllowed):
        settle_dispute(reservation=row, outcome="inside", reason="Seen")
    assert state(row) == "courier_to_collect"
    held()


def test_a_parcel_is_not_settled_into_a_compartment_with_another_one(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    row, station = late_deposit(retailer)
    other = make_reservation(row.bank)
    box = station.deposit(pin_of(other, "courier")) if station.cabinet.sync() else ""
    station.cabinet.sync()
    assert state(other) == "ready"
    with refused(ReservationRefused, match="Another parcel is recorded"):
        settle_dispute(reservation=row, outcome="inside", reason="Seen", compartment=box)
    assert state(row) == "disputed"


def test_the_queue_tells_what_happened_and_its_page_settles_it(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    row, _station = late_deposit(retailer)
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    page = desk.get(LIST).content.decode()
    assert "A parcel was put in after the reservation had ended." in page
    assert row.bank.name in page
    assert row.public_id not in desk.get(f"{LIST}?bank=bnk_none").content.decode()
    here = f"/console/lockers/reservations/{row.public_id}/"
    form = {"outcome": "take_out", "compartment": "", "reason": ""}
    assert desk.post(f"{here}settle/", form).status_code == 422
    assert state(row) == "disputed"
    assert desk.post(f"{here}settle/", form | {"reason": "Seen"}).status_code == 302
    assert state(row) == "courier_to_collect"
    assert "Nothing to settle" in desk.get(LIST).content.decode()


def test_a_member_of_another_hub_sees_no_dispute(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    row, _station = late_deposit(retailer)
    stranger = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert row.public_id not in stranger.get(LIST).content.decode()
