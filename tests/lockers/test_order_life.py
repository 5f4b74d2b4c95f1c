"""Reservations follow their order; an order follows its parcels out of the compartments."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.live.models import Incident
from dispatch.orders.drafts import AttemptDraft, PromiseDraft
from dispatch.orders.models import Order, Outcome
from dispatch.orders.services import (
    cancel_order,
    mark_planned,
    record_attempt,
    return_order,
    set_promise,
    try_again,
)
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import LockerReservation
from lockers.policy import LockerPolicy
from lockers.rolls import invariants
from lockers.selectors import boxes_by_state
from lockers.services.sweeping import look_after_lockers
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.drain import drain
from tests.factories.live import at
from tests.factories.lockers import Station, make_bank, make_reservation, make_station, pin_of
from tests.factories.orders import make_order


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def order_state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def inside(retailer: RetailerRef) -> tuple[Order, LockerReservation, Station]:
    """Return an order whose parcel is in the only compartment of its bank."""
    bank = make_bank(1)
    order = make_order()
    row = make_reservation(bank, order=order)
    station = make_station(retailer, bank)
    station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    drain(jobs=False)
    assert (state(row), order_state(order)) == ("ready", "awaiting_collection")
    return order, row, station


def test_a_cancelled_order_gives_its_compartments_back_and_its_codes_end(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, order = make_bank(3), make_order()
    rows = [make_reservation(bank, order=order) for _n in range(2)]
    other = make_reservation(bank, order=make_order())
    pin_of(rows[0], "courier")
    drain(jobs=False)
    assert [state(row) for row in rows] == ["hard_held", "hard_held"]
    cancel_order(order=order)
    drain(jobs=False)
    assert [state(row) for row in rows] == ["cancelled", "cancelled"]
    assert rows[0].grants.get().state == "ending"
    assert state(other) == "hard_held"
    assert boxes_by_state(bank)["free"] == 2
    held()


def test_an_order_that_is_to_be_delivered_at_the_door_holds_no_compartment(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, order = make_bank(2), make_order()
    row = make_reservation(bank, order=order)
    soft = make_reservation(bank, order=order, mode="soft")
    clock(at(8, 1))
    window = PromiseDraft(opens_at=at(14), closes_at=at(16), cause="shopper")
    set_promise(order=order, draft=window)
    drain(jobs=False)
    assert (state(row), state(soft)) == ("cancelled", "soft_held")
    assert row.changes.order_by("-pk")[0].cause == "other_option"
    held()


def test_a_reservation_that_is_newer_than_the_promise_stays(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """The shopper waits in a queue of a bank while the older promise still counts."""
    clock(at(8))
    bank, order = make_bank(1), make_order()
    set_promise(order=order, draft=PromiseDraft(opens_at=at(14), closes_at=at(16), cause="shopper"))
    make_reservation(bank)
    clock(at(8, 1))
    waits = make_reservation(bank, order=order, queue_s=3600)
    drain(jobs=False)
    assert state(waits) == "queued"


def test_another_bank_for_an_order_ends_the_hold_at_the_first_one(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    order = make_order()
    first = make_reservation(make_bank(1), order=order)
    clock(at(8, 1))
    second = make_reservation(make_bank(1), order=order)
    drain(jobs=False)
    assert (state(first), state(second)) == ("cancelled", "hard_held")


@pytest.mark.parametrize("how", ["returned", "again"])
def test_a_parcel_that_is_inside_is_a_duty_and_never_a_free_compartment(
    retailer: RetailerRef, clock: SetClock, how: str
) -> None:
    clock(at(8))
    order, row, station = inside(retailer)
    if how == "returned":
        return_order(order=order)
    else:
        try_again(order=order, service_date=dt.date(2026, 12, 1))
    drain(jobs=False)
    assert state(row) == "courier_to_collect"
    assert boxes_by_state(row.bank) | {"occupied": 1, "free": 0} == boxes_by_state(row.bank)
    before = order_state(order)
    station.cabinet.sync()
    assert station.collect(pin_of(row, "returner")) == ["p"]
    station.cabinet.sync()
    drain(jobs=False)
    assert (state(row), order_state(order)) == ("returned", before)
    assert boxes_by_state(row.bank)["free"] == 1
    held()


def test_an_order_delivered_at_the_door_disputes_the_parcel_inside_until_it_is_out(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    order, row, station = inside(retailer)
    pin = pin_of(row)
    draft = AttemptDraft(outcome=Outcome.DELIVERED, arrived_at=at(8), departed_at=at(8))
    record_attempt(order=order, draft=draft)
    drain(jobs=False)
    assert state(row) == "disputed"
    incident = Incident.objects.get()
    assert (incident.state, incident.params["why"]) == ("open", "order_delivered")
    station.collect(pin)
    station.cabinet.sync()
    incident.refresh_from_db()
    assert (state(row), incident.state, incident.settled_how) == (
        "collected", "settled", "parcel_out"
    )  # fmt: skip
    held()


@pytest.mark.parametrize(("rule", "after"), [("hub", "returned"), ("next_day", "ready")])
def test_the_order_of_an_expired_parcel_goes_where_the_setting_says(
    retailer: RetailerRef, clock: SetClock, rule: str, after: str
) -> None:
    clock(at(8))
    set_section(section=section_of(LockerPolicy), policy=LockerPolicy(after_uncollected=rule))
    order, row, station = inside(retailer)
    clock(at(8) + dt.timedelta(hours=73))
    station.cabinet.sync()
    look_after_lockers()
    drain(jobs=False)
    assert (state(row), order_state(order)) == ("collect_expired", "awaiting_collection")
    station.cabinet.sync()
    assert station.collect(pin_of(row, "returner")) == ["p"]
    station.wire.loses_answers = True  # the report is sent twice
    station.cabinet.sync()
    station.wire.loses_answers = False
    station.cabinet.sync()
    drain(jobs=False)
    order.refresh_from_db()
    assert (state(row), order.state) == ("returned", after)
    assert kinds(order.public_id).count(f"order.{after}") == 1
    if rule == "next_day":
        assert order.promise is None
        assert order.service_date is not None
        assert order.service_date > (at(8) + dt.timedelta(hours=73)).date()
        assert order.promises.count() == 1
    held()


def test_an_order_with_two_parcels_ends_with_the_last_one(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank, order = make_bank(2), make_order()
    rows = [make_reservation(bank, order=order) for _n in range(2)]
    station = make_station(retailer, bank)
    for row in rows:
        station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    clock(at(8) + dt.timedelta(hours=73))
    station.cabinet.sync()
    look_after_lockers()
    station.cabinet.sync()
    for row, expected in zip(rows, ("awaiting_collection", "returned"), strict=True):
        station.collect(pin_of(row, "returner"))
        station.cabinet.sync()
        assert order_state(order) == expected


def test_the_events_of_an_order_have_no_second_effect(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    order, row, _station = inside(retailer)
    return_order(order=order)
    assert [services.follow_order(order=order) for _n in range(3)] == [1, 0, 0]
    drain(jobs=False)
    assert row.changes.filter(after="courier_to_collect").count() == 1


def test_an_order_on_its_way_to_its_bank_keeps_its_hold(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(1)
    order = make_order(hub=bank.hub.public_id)
    row = make_reservation(bank, order=order)
    mark_planned(orders=[order.pk], plan="")
    drain(jobs=False)
    assert (state(row), order_state(order)) == ("hard_held", "planned")
