"""Reports of couriers are never lost: the parcel is where it is, and staff hears of any doubt."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.live.models import Incident
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import Compartment, LockerReservation
from lockers.services import couriers
from lockers.services.changing import HERE, set_box
from lockers.services.sweeping import look_after_lockers
from lockers.services.told import settle_told
from lockers.states import BoxState
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import act, at, send
from tests.factories.lockers import make_station
from tests.lockers.courier.test_acts import Round, all_is_well, go_offline, make_round


def why() -> list[str]:
    return [row.params["why"] for row in Incident.objects.filter(kind="locker_dispute")]


def test_a_deposit_behind_a_door_that_nobody_knows_is_a_dispute(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    reserved = it.row().compartment
    send(it.phone, it.put_in(door="77"))
    drain()
    assert (it.row().state, why()) == ("disputed", ["door_unknown"])
    assert it.row().compartment == reserved, "nobody else gets it: the parcel may be in there"
    all_is_well()


def test_a_deposit_of_a_parcel_that_lost_its_door_is_a_dispute_once_the_cabinet_is_silent(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    make_station(retailer, it.bank)
    sent = it.put_in(door="77")
    LockerReservation.objects.filter(pk=it.row().pk).update(
        state="queued", compartment=None, queued_until=at(9) + dt.timedelta(days=1)
    )
    send(it.phone, sent)
    drain()
    assert it.row().state == "queued", "the cabinet may still report it"
    go_offline(it.bank)
    assert (it.row().state, why()) == ("disputed", ["door_unknown"])
    all_is_well()


@pytest.mark.parametrize("ends", ["time over", "cancelled"])
def test_a_told_deposit_outlives_the_end_of_its_reservation(
    retailer: RetailerRef, clock: SetClock, ends: str
) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    if ends == "time over":
        LockerReservation.objects.update(deposit_by=at(9, 1))
    send(it.phone, it.put_in())
    drain()
    if ends == "cancelled":
        services.cancel_reservation(reservation=it.row(), cause="order_cancelled")
    clock(at(9, 2))
    assert station.cabinet.sync()
    look_after_lockers()
    assert it.row().state == ("hard_held" if ends == "time over" else "cancelled")
    assert it.row(1).state == ("deposit_expired" if ends == "time over" else "hard_held")
    clock(at(9, 11))
    assert station.cabinet.sync()
    look_after_lockers()
    assert (it.row().state, why()) == ("disputed", ["only_courier_told"])
    all_is_well()


def test_a_told_deposit_whose_door_another_parcel_has_stops_no_other(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=3)
    station = make_station(retailer, it.bank)
    other = it.row(1).compartment
    assert other is not None
    couriers.tell_deposit(reservation=it.row(0), door=other.number, at=at(9))
    couriers.tell_deposit(reservation=it.row(2), door="", at=at(9))
    station.deposit(_courier_pin(it, 1))
    assert station.cabinet.sync()
    assert it.row(1).state == "ready"
    clock(at(9, 11))
    assert station.cabinet.sync()
    assert settle_told() == 2
    assert [it.row(n).state for n in range(3)] == ["disputed", "ready", "disputed"]
    assert it.row(0).compartment is None
    all_is_well()


def _courier_pin(it: Round, place: int) -> str:
    return services.show_code(reservation=it.row(place), role="courier").pin


def test_what_was_told_is_settled_once(retailer: RetailerRef, clock: SetClock) -> None:
    it = make_round(clock)
    make_station(retailer, it.bank)
    send(it.phone, it.put_in())
    drain()
    go_offline(it.bank)
    assert settle_told() == 0
    clock(at(9) + dt.timedelta(hours=2))
    assert settle_told() == 0
    assert it.state() == ("ready", "awaiting_collection")


def test_told_deposits_are_settled_with_the_same_few_reads(
    retailer: RetailerRef, clock: SetClock
) -> None:
    def reads(orders: int) -> int:
        it = make_round(clock, orders=orders, boxes=orders)
        make_station(retailer, it.bank)
        for place in range(orders):
            couriers.tell_deposit(reservation=it.row(place), door="", at=at(9))
        clock(at(9, 11))
        LockerReservation.objects.filter(bank=it.bank).update(state="deposit_expired")
        LockerReservation.objects.filter(bank=it.bank).update(ended_at=at(9))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert settle_told() == orders
        locks = [q["sql"] for q in queries if "FOR NO KEY UPDATE" in q["sql"]]
        tables = ('FROM "orders_order"', 'FROM "lockers_compartment"')
        return sum(any(table in sql for table in tables) for sql in locks)

    assert reads(2) == reads(8), "the locks of a batch are taken at once"


def test_a_fault_that_comes_after_staff_has_looked_is_not_told_again(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    first = it.row().compartment
    assert first is not None
    clock(at(9, 30))
    box = Compartment.objects.get(pk=first.pk)
    set_box(box, state=BoxState.BLOCKED, cause="staff", source=HERE)
    set_box(box, state=BoxState.EMPTY, cause="staff", source=HERE)
    clock(at(10))
    couriers.tell_fault(reservation=it.row(), door=first.number, problem="broken", at=at(9))
    assert it.row().compartment == first
    assert Compartment.objects.get(pk=first.pk).state == "empty"


def test_a_fault_that_was_settled_is_not_told_again_by_a_repetition(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=1, boxes=1, large=0)
    first = it.row().compartment
    assert first is not None
    for _time in range(2):
        couriers.tell_fault(reservation=it.row(), door=first.number, problem="broken", at=at(9))
        box = Compartment.objects.get(pk=first.pk)
        assert box.state == ("blocked" if _time == 0 else "empty")
        set_box(box, state=BoxState.EMPTY, cause="repaired", source=HERE)


def test_a_repeated_fault_does_not_take_the_new_door_away(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    first = it.row().compartment
    assert first is not None
    fault = act(
        "bank_fault", at(9), it.orders[0], reservation=it.row().public_id, door=first.number,
        problem="too_big",
    )  # fmt: skip
    send(it.phone, fault)
    drain()
    fresh = it.row().compartment
    assert fresh is not None
    couriers.tell_fault(reservation=it.row(), door=fresh.number, problem="too_big", at=at(9))
    assert it.row().compartment == fresh
