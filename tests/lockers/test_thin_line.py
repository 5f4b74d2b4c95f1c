"""An order goes to a locker: reservation, courier, deposit, shopper, collection; and to expiry."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.models import Order
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.errors import CodeNotValid, NoFreeCompartment
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.rolls import invariants
from lockers.selectors import boxes_by_state
from lockers.services.sweeping import look_after_lockers
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.factories.live import at
from tests.factories.lockers import Station, make_bank, make_reservation, make_station, pin_of
from tests.factories.orders import make_order
from tests.people import key_client


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def order_state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def counts(bank: LockerBank) -> dict[str, int]:
    return {name: n for name, n in boxes_by_state(bank).items() if n}


def test_an_order_is_reserved_deposited_and_collected(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(2)
    order = make_order()
    api = key_client(retailer)
    body = {
        "bank": bank.public_id, "order": order.public_id, "width_mm": 300, "height_mm": 60,
        "depth_mm": 200,
    }  # fmt: skip
    answer = api.post("/api/v1/locker-reservations/", body)
    assert answer.status_code == 201, answer.json()
    shown = answer.json()
    assert (shown["state"], shown["number"]) == ("hard_held", "2")  # the low door 1 is kept
    row = LockerReservation.objects.get(public_id=shown["id"])
    promise = Order.objects.get(pk=order.pk).promise
    assert promise is not None
    assert (promise.option, promise.place.text) == ("locker", bank.name)
    assert counts(bank) == {"free": 1, "held": 1}

    station = make_station(retailer, bank)
    code = api.post(f"/api/v1/locker-reservations/{row.public_id}/codes/", {"role": "courier"})
    assert code.status_code == 201, code.json()
    courier = code.json()["pin"]
    with pytest.raises(CodeNotValid):
        pin_of(row, "shopper")  # nothing is inside yet
    assert station.deposit(courier) == "2"
    assert state(row) == "hard_held"  # nobody is told before the journal arrived
    clock(at(9))
    assert station.cabinet.sync()
    assert (state(row), order_state(order)) == ("ready", "awaiting_collection")
    assert counts(bank) == {"free": 1, "occupied": 1}
    assert kinds(row.public_id)[-2:] == ["locker.parcel.deposited", "locker.parcel.ready"]
    held()

    assert station.cabinet.sync()
    assert station.collect(pin_of(row)) == ["p"]
    assert station.cabinet.sync()
    assert (state(row), order_state(order)) == ("collected", "delivered")
    assert counts(bank) == {"free": 2}
    assert station.cabinet.type_pin(courier).word == "wrong"
    held()


def test_a_parcel_that_nobody_collects_expires_and_a_courier_takes_it_out(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(1)
    order = make_order()
    row = make_reservation(bank, order=order)
    station = make_station(retailer, bank)
    station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    shopper = pin_of(row)
    for hours, reminders in ((23, 0), (25, 1), (49, 2), (67, 3)):
        clock(at(8) + dt.timedelta(hours=hours))
        assert station.cabinet.sync()
        look_after_lockers()
        assert LockerReservation.objects.get(pk=row.pk).reminders == reminders
    clock(at(8) + dt.timedelta(hours=73))
    assert station.cabinet.sync()
    look_after_lockers()
    assert state(row) == "collect_expired"
    assert kinds(row.public_id).count("locker.parcel.reminder_due") == 3
    station.cabinet.sync()
    assert station.cabinet.type_pin(shopper).word == "wrong"
    assert station.collect(pin_of(row, "returner")) == ["p"]
    station.cabinet.sync()
    assert (state(row), counts(bank)) == ("returned", {"free": 1})
    held()


def test_no_code_is_in_an_event_or_in_a_row(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    bank = make_bank(1)
    row = make_reservation(bank)
    station = make_station(retailer, bank)
    courier = pin_of(row, "courier")
    station.deposit(courier)
    station.cabinet.sync()
    shopper = pin_of(row)
    station.cabinet.sync()
    station.collect(shopper)
    station.cabinet.sync()
    texts = [str(event.data) for event in Event.objects.all()]
    for model in (LockerReservation, *(field.related_model for field in row._meta.related_objects)):
        texts += [str(values) for values in model.objects.values()]
    for _path, headers, sent in station.wire.sent:
        texts += [str(headers), sent.decode()]
    assert not [text for text in texts if courier in text or shopper in text]


def test_a_full_bank_refuses_with_alternates_and_a_queue_is_served_in_order(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, other = make_bank(1), make_bank(1)
    first = make_reservation(bank)
    with pytest.raises(NoFreeCompartment) as refused:
        make_reservation(bank, alternates=[other.public_id])
    assert refused.value.data["reason"] == "no_capacity"
    assert refused.value.data["alternates"] == [other.public_id]
    waits = [make_reservation(bank, queue_s=3600) for _n in range(2)]
    assert [state(row) for row in waits] == ["queued", "queued"]
    services.cancel_reservation(reservation=first, cause="test")
    look_after_lockers()
    assert [state(row) for row in waits] == ["hard_held", "queued"]
    clock(at(9, 1))
    look_after_lockers()
    assert [state(row) for row in waits] == ["hard_held", "hold_expired"]
    held()


def test_a_soft_hold_ends_without_a_sweep_and_a_hard_one_stays(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(1)
    soft = make_reservation(bank, mode="soft")
    clock(at(8, 11))
    hard = make_reservation(bank)
    assert (state(soft), hard.compartment) == ("soft_held", soft.compartment)
    look_after_lockers()
    assert (state(soft), state(hard)) == ("hold_expired", "hard_held")
    clock(at(8) + dt.timedelta(hours=73))
    look_after_lockers()
    assert state(hard) == "deposit_expired"
    held()


def test_a_confirmed_soft_hold_is_hard_and_moves_to_another_bank(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, other = make_bank(1), make_bank(1)
    order = make_order()
    row = make_reservation(bank, mode="soft", order=order)
    assert Order.objects.get(pk=order.pk).promise is None
    services.confirm_hold(reservation=row)
    moved = services.move_to_bank(reservation=row, bank=other)
    assert (state(row), state(moved), moved.moved_from) == ("moved", "hard_held", row)
    promise = Order.objects.get(pk=order.pk).promise
    assert promise is not None
    assert promise.place.text == other.name
    assert Compartment.objects.filter(bank=bank, state="empty").count() == 1
    assert counts(bank) == {"free": 1}
    held()


def test_a_token_works_once_and_for_fifteen_minutes(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    bank = make_bank(1)
    first, second = services.make_token(bank=bank), services.make_token(bank=bank)
    station = Station(retailer, bank)
    assert not station.cabinet.provision(first.secret)  # the newer one ended it
    assert station.cabinet.provision(second.secret)
    assert not station.cabinet.provision(second.secret)
    third = services.make_token(bank=bank)
    clock(at(8, 16))
    assert not station.cabinet.provision(third.secret)
    device = bank.devices.get()
    assert device.state == "live"
    assert bytes(device.key).hex() == station.cabinet.state["key"]
