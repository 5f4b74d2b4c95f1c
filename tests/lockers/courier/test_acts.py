"""Acts of a courier at a bank: deposits, doors that cannot be used, parcels taken out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from dispatch.live.day import DayStop
from dispatch.live.models import Device, DriverAct, Incident, VisitProgress
from dispatch.live.selectors.days import day_of
from dispatch.live.services import take_acts
from dispatch.orders.models import Attempt, Order
from lastmile.core.clock import now, real_now
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.courier.day import part_of
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.rolls import invariants
from lockers.services.couriers import other_compartment
from lockers.services.sweeping import look_after_lockers
from lockers.simulator.cabinet import Cabinet
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import act, at, make_phone, publish, read, send
from tests.factories.lockers import make_bank, make_reservation, make_station
from tests.factories.orders import make_order


@dataclass
class Round:
    """A route with a stop at a bank: its phone, its bank, its orders and their reservations."""

    phone: Device
    bank: LockerBank
    orders: list[Order]

    def row(self, place: int = 0) -> LockerReservation:
        return self.orders[place].locker_reservations.order_by("-pk")[0]

    def state(self, place: int = 0) -> tuple[str, str]:
        order = Order.objects.get(pk=self.orders[place].pk)
        return self.row(place).state, order.state

    def put_in(self, place: int = 0, *, minute: int = 0, door: str = "") -> dict[str, object]:
        row = self.row(place)
        number = door or (row.compartment.number if row.compartment else "")
        return act(
            "deposited", at(9, minute), self.orders[place], reservation=row.public_id,
            door=number, last=True,
        )  # fmt: skip


def make_round(clock: SetClock, orders: int = 2, boxes: int = 4, large: int = 1) -> Round:
    clock(at(6))
    hub = make_hub()
    driver = make_driver(hub=hub)
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=driver)
    bank = make_bank(boxes, large=large, hub=hub)
    rows = [make_order(hub=hub.public_id) for _n in range(orders)]
    for order in rows:
        make_reservation(bank, order=order)
    publish(hub, {shift: [Order.objects.get(pk=order.pk) for order in rows]})
    clock(at(9))
    return Round(make_phone(driver), bank, rows)


def go_offline(cabinet_bank: LockerBank) -> None:
    long_ago = real_now() - dt.timedelta(hours=1)
    LockerBank.objects.filter(pk=cabinet_bank.pk).update(heard_at=long_ago)
    look_after_lockers()


def all_is_well() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_deposit_at_a_bank_without_a_cabinet_counts_by_the_courier(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    (answer,) = send(it.phone, it.put_in())
    assert answer.status == "stored"
    drain()
    assert it.state() == ("ready", "awaiting_collection")
    assert it.state(1) == ("hard_held", "out")
    (attempt,) = Attempt.objects.all()
    assert (attempt.outcome, attempt.departed_at) == ("deposited", at(9))
    assert VisitProgress.objects.get(order=it.orders[0]).outcome == "deposited"
    all_is_well()


def test_the_report_of_a_connected_cabinet_decides(retailer: RetailerRef, clock: SetClock) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    send(it.phone, it.put_in())
    drain()
    assert it.state() == ("hard_held", "out"), "nobody is told before the cabinet has seen it"
    parcel = part_of([it.orders[0].public_id])["banks"][0]["puts_in"][0]
    station.deposit(parcel["pin"])
    assert station.cabinet.sync()
    assert it.state() == ("ready", "awaiting_collection")
    assert Attempt.objects.count() == 1
    all_is_well()


def test_one_deposit_told_by_courier_and_cabinet_is_one_effect(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    pin = part_of([it.orders[0].public_id])["banks"][0]["puts_in"][0]["pin"]
    station.wire.is_cut = True
    station.deposit(pin)
    go_offline(it.bank)
    send(it.phone, it.put_in())
    drain()
    assert it.state() == ("ready", "awaiting_collection")
    station.wire.is_cut = False
    assert station.cabinet.sync()
    drain()
    assert it.state() == ("ready", "awaiting_collection")
    assert (Attempt.objects.count(), Incident.objects.filter(kind="locker_dispute").count()) == (
        1,
        0,
    )
    all_is_well()


def test_a_cabinet_that_never_reports_contradicts_the_courier(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    send(it.phone, it.put_in())
    drain()
    clock(at(9, 5))
    assert station.cabinet.sync()
    look_after_lockers()
    assert it.state() == ("hard_held", "out")
    clock(at(9, 11))
    assert station.cabinet.sync()
    look_after_lockers()
    assert it.state() == ("disputed", "out")
    incident = Incident.objects.get(kind="locker_dispute")
    assert incident.params["why"] == "only_courier_told"


def test_a_told_deposit_counts_once_the_cabinet_has_lost_its_connection(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    make_station(retailer, it.bank)
    send(it.phone, it.put_in())
    drain()
    go_offline(it.bank)
    assert it.state() == ("ready", "awaiting_collection")
    all_is_well()


def test_the_door_that_the_cabinet_saw_wins_over_the_one_that_the_courier_told(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    first = it.row().compartment
    assert first is not None
    pin = part_of([it.orders[0].public_id])["banks"][0]["puts_in"][0]["pin"]
    station.wire.is_cut = True
    station.deposit(pin)
    go_offline(it.bank)
    send(it.phone, it.put_in(door="5"))
    drain()
    assert it.row().compartment == Compartment.objects.get(bank=it.bank, number="5")
    station.wire.is_cut = False
    assert station.cabinet.sync()
    assert it.row().compartment == first
    assert it.state() == ("ready", "awaiting_collection")
    assert Compartment.objects.get(bank=it.bank, number="5").state == "unknown"
    all_is_well()


def test_a_week_offline_and_three_times_sent_is_one_effect_with_its_true_time(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    acts = [
        act("arrived", at(8, 50), it.orders[0]),
        it.put_in(0),
        it.put_in(1, minute=2),
    ]
    clock(at(9) + dt.timedelta(days=2))
    for _time in range(3):
        drafts = read(*reversed(acts))
        take_acts(device=it.phone, drafts=drafts)
        drain()
    assert [it.state(0), it.state(1)] == [("ready", "awaiting_collection")] * 2
    assert sorted(a.departed_at for a in Attempt.objects.all()) == [at(9), at(9, 2)]
    assert DriverAct.objects.count() == 3
    all_is_well()


def test_a_deposit_after_a_cancel_is_a_dispute_and_never_lost(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    sent = it.put_in()
    services.cancel_reservation(reservation=it.row(), cause="order_cancelled")
    send(it.phone, sent)
    drain()
    assert it.row().state == "disputed"
    assert Incident.objects.filter(kind="locker_dispute").count() == 1
    all_is_well()


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        ("broken", "blocked"),
        ("misaligned", "blocked"),
        ("occupied", "unknown"),
        ("too_big", "empty"),
    ],
)
def test_a_door_that_cannot_be_used_gives_another_one(
    retailer: RetailerRef, clock: SetClock, problem: str, state: str
) -> None:
    it = make_round(clock)
    first = it.row().compartment
    assert first is not None
    row = other_compartment(reservation=it.row(), door=first.number, problem=problem)
    assert row.compartment is not None
    assert row.compartment != first
    assert row.state == "hard_held"
    assert Compartment.objects.get(pk=first.pk).state == state
    if problem == "too_big":
        assert row.compartment.number == "5", "the larger one"
    again = other_compartment(reservation=it.row(), door=first.number, problem=problem)
    assert again.compartment == row.compartment, "told twice is one change"
    all_is_well()


def test_a_fault_that_was_recorded_offline_is_settled_at_sync(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    first = it.row().compartment
    assert first is not None
    fault = act(
        "bank_fault", at(9), it.orders[0], reservation=it.row().public_id, door=first.number,
        problem="broken",
    )  # fmt: skip
    for _time in range(2):
        send(it.phone, fault)
        drain()
    assert it.row().compartment != first
    assert it.state() == ("hard_held", "out")
    assert Compartment.objects.get(pk=first.pk).state == "blocked"


def test_a_fault_with_no_other_door_marks_the_door_and_keeps_the_reservation(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=1, boxes=1, large=0)
    first = it.row().compartment
    assert first is not None
    fault = act(
        "bank_fault", at(9), it.orders[0], reservation=it.row().public_id, door=first.number,
        problem="broken",
    )  # fmt: skip
    send(it.phone, fault)
    drain()
    assert it.row().state == "hard_held"
    assert Compartment.objects.get(pk=first.pk).state == "blocked"


def test_the_next_route_to_the_bank_takes_out_what_nobody_collected(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    send(it.phone, it.put_in(0))
    drain()
    clock(at(9) + dt.timedelta(days=4))
    look_after_lockers()
    assert it.row().state == "collect_expired"
    order = make_order(hub=it.bank.hub.public_id)
    make_reservation(it.bank, order=order)
    (bank,) = part_of([order.public_id])["banks"]
    (parcel,) = bank["takes_out"]
    assert (parcel["order"], parcel["is_inside"]) == (it.orders[0].public_id, True)
    assert len(parcel["pin"]) == 8
    taken = act(
        "taken_out", at(9) + dt.timedelta(days=4), it.orders[0], reservation=it.row().public_id,
        door=parcel["door"],
    )  # fmt: skip
    for _time in range(2):
        send(it.phone, taken)
        drain()
    assert it.state() == ("returned", "returned")
    assert Compartment.objects.get(bank=it.bank, number=parcel["door"]).state == "empty"
    all_is_well()


def test_the_day_has_doors_and_codes_that_open_a_cabinet_without_a_network(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    orders = [order.public_id for order in it.orders]
    (bank,) = part_of(orders)["banks"]
    assert part_of(orders) == {"banks": [bank]}, "the phone sees no change while nothing happens"
    station = make_station(retailer, it.bank)
    station.wire.is_cut = True
    opened = [station.deposit(parcel["pin"]) for parcel in bank["puts_in"]]
    assert opened == [parcel["door"] for parcel in bank["puts_in"]]
    assert {door["number"] for door in bank["doors"]} == set(opened)


def test_a_signed_token_tells_a_cabinet_that_never_heard_of_the_reservation(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=1)
    station = make_station(retailer, it.bank)
    station.wire.is_cut = True
    order = make_order(hub=it.bank.hub.public_id)
    make_reservation(it.bank, order=order)
    (bank,) = part_of([order.public_id])["banks"]
    (parcel,) = bank["puts_in"]
    cabinet: Cabinet = station.cabinet
    outcome = cabinet.scan(parcel["token"])
    assert (outcome.word, outcome.box) == ("opened", parcel["door"])


def test_a_route_without_a_bank_asks_the_database_twice(
    retailer: RetailerRef, clock: SetClock, django_assert_num_queries: object
) -> None:
    clock(at(8))
    order = make_order()
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert part_of([order.public_id]) == {"banks": []}


def stop_in_day(it: Round, place: int = 0) -> DayStop:
    """Return the stop of an order as the driver's app gets it."""
    day = day_of(driver=it.phone.driver, at=now())
    return next(stop for stop in day.stops if stop.order == it.orders[place].public_id)


def test_a_stop_ends_on_the_phone_when_the_cabinet_reports_before_the_tap(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    station = make_station(retailer, it.bank)
    send(it.phone, act("arrived", at(8, 55), it.orders[0]))
    pin = part_of([it.orders[0].public_id])["banks"][0]["puts_in"][0]["pin"]
    station.deposit(pin)
    assert station.cabinet.sync()
    drain()
    assert it.state() == ("ready", "awaiting_collection")
    stop = stop_in_day(it)
    assert (stop.outcome, stop.arrived_at, stop.is_mine) == ("deposited", at(8, 55), True)
    assert stop.departed_at == Attempt.objects.get().departed_at
    other = stop_in_day(it, 1)
    assert (other.outcome, other.arrived_at) == ("", None), "its parcel is still to come"
