"""Acts on compartments and reservations: a taken compartment is told, and no two acts deadlock."""

from __future__ import annotations

import pytest

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import LockerReservation
from lockers.rolls import invariants
from lockers.services import counter, staff
from lockers.services.couriers import tell_deposit, tell_fault
from lockers.services.sweeping import look_after_lockers
from lockers.states import Mode, ReservationState
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds, race
from tests.drain import drain
from tests.factories.live import at
from tests.factories.lockers import (
    Station,
    make_bank,
    make_counter,
    make_reservation,
    make_station,
    pin_of,
)
from tests.factories.orders import make_order

S = ReservationState


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def door(row: LockerReservation) -> str:
    box = LockerReservation.objects.get(pk=row.pk).compartment
    return box.number if box else ""


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_queued_parcel_gets_a_place_that_another_one_holds(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_counter(1)
    holder = make_reservation(bank)
    waits = make_reservation(bank, queue_s=3600)
    assert state(waits) == S.QUEUED
    counter.shelve(reservation=waits, place="B1")
    assert (state(waits), door(waits)) == (S.READY, "B1")
    assert state(holder) == S.QUEUED
    held()


def test_a_door_whose_hold_is_over_can_be_chosen_before_the_sweep(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(2)
    row = make_reservation(bank)
    soft = make_reservation(bank, mode=Mode.SOFT)
    clock(at(9))
    staff.change_box(reservation=row, number="2" if door(row) == "1" else "1")
    assert door(row) != ""
    assert state(soft) == S.HOLD_EXPIRED
    held()


def test_a_place_with_a_parcel_is_refused_with_a_remedy(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_counter(2)
    rows = [make_reservation(bank) for _n in range(2)]
    counter.shelve(reservation=rows[0], place="B1")
    waits = make_reservation(bank, queue_s=3600)
    with pytest.raises(DomainError, match="another place"):
        counter.shelve(reservation=waits, place="B1")
    assert state(waits) == S.QUEUED
    held()


def test_a_parcel_that_waited_gets_its_promise_and_its_shopper_is_told(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, order = make_bank(1), make_order()
    first = make_reservation(bank)
    waits = make_reservation(bank, order=order, queue_s=7200)
    drain(jobs=False)
    order.refresh_from_db()
    assert order.promise is None
    services.cancel_reservation(reservation=first, cause="api")
    clock(at(8, 5))
    look_after_lockers()
    order.refresh_from_db()
    assert state(waits) == S.HARD_HELD
    assert order.promise is not None
    assert order.promise.place.key == f"at:{bank.public_id}"
    assert "locker.reservation.held" in kinds(waits.public_id)
    assert "order.promised" in kinds(order.public_id)
    held()


def test_acts_of_staff_couriers_and_the_sweep_do_not_wait_for_each_other_in_a_circle(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    """The doors of two parcels are exchanged by all that can write them, again and again."""
    clock(at(8))
    for turn in range(6):
        bank = make_bank(4)
        rows = [make_reservation(bank) for _n in range(2)]

        def act(n: int, rows: list[LockerReservation] = rows, turn: int = turn) -> str:
            one, other = rows[n % 2], rows[(n + 1) % 2]
            try:
                if n < 2:
                    staff.change_box(reservation=one, number=str(1 + (turn + n) % 4))
                elif n < 4:
                    tell_deposit(reservation=one, door=door(other), at=at(8))
                elif n < 6:
                    tell_fault(reservation=one, door=door(one), problem="too_big", at=at(8))
                else:
                    services.move_to_bank(reservation=one, bank=one.bank)
            except DomainError as refused:
                return refused.code
            return "done"

        results = race(retailer, act, 8)
        assert [one for one in results if isinstance(one, Exception)] == []
        held()


def test_a_cabinet_that_corrects_a_door_and_staff_do_not_deadlock(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    """A courier told of one door, its cabinet of another, while staff change the other parcel."""
    clock(at(8))
    for _turn in range(4):
        bank = make_bank(3)
        station = make_station(retailer, bank)
        rows = [make_reservation(bank) for _n in range(2)]
        station.cabinet.sync()
        station.wire.is_cut = True
        station.deposit(pin_of(rows[0], "courier"))
        tell_deposit(reservation=rows[0], door=door(rows[1]), at=at(8))
        station.wire.is_cut = False

        def act(n: int, rows: list[LockerReservation] = rows, station: Station = station) -> str:
            try:
                if n == 0:
                    station.cabinet.sync()
                elif n == 1:
                    staff.change_box(reservation=rows[1], number=door(rows[0]))
                else:
                    staff.change_box(reservation=rows[0], number="3")
            except DomainError as refused:
                return refused.code
            return "done"

        results = race(retailer, act, 3)
        assert [one for one in results if isinstance(one, Exception)] == []
        held()
