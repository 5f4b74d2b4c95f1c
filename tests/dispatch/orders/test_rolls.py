"""Tests of the ledger, which lists all rows, and of invariants, which name broken rows."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from dispatch.fleet import rolls as fleet
from dispatch.orders import rolls as orders
from dispatch.orders import services
from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.models import Order, Parcel, Promise
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.event_graph import recorded_by
from tests.factories import make_hub, make_order, make_shift, make_window, make_zone

BROKEN = {
    "parcel_count equals the number of parcels": lambda o: Parcel.objects.filter(order=o).delete(),
    "each order has an event order.placed": lambda o: Event.objects.filter(
        subject=o.public_id
    ).delete(),
    "promises are numbered from 1 without a gap": lambda o: Promise.objects.filter(order=o).update(
        number=7
    ),
    "the current promise belongs to the order and is its last one": lambda o: (
        Promise.objects.create(
            order=o,
            number=2,
            option="window",
            place=o.place,
            opens_at=o.promise.opens_at,
            closes_at=o.promise.closes_at,
            cause="api",
            made_at=o.created_at,
        )
    ),
    "the state of an ended order agrees with its last attempt": (
        lambda o: Order.objects.filter(pk=o.pk).update(state="delivered")
    ),
    "an order that awaits collection has an event for it": (
        lambda o: Order.objects.filter(pk=o.pk).update(state="awaiting_collection")
    ),
}


def test_the_ledger_lists_all_rows(retailer: RetailerRef) -> None:
    hub = make_hub()
    zone, shift = make_zone(hub=hub), make_shift()
    order = make_order(hub=hub.public_id, window=make_window())
    assert orders.ledger() == {
        "orders": {order.public_id: "ready"}, "parcels": 1, "promises": 1, "attempts": 0,
    }  # fmt: skip
    fleet_ledger = fleet.ledger()
    assert fleet_ledger["zones"] == [zone.public_id]
    assert fleet_ledger["shifts"] == {shift.public_id: "scheduled"}
    assert hub.public_id in str(fleet_ledger["hubs"])


def test_valid_data_breaks_no_invariant(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window())
    services.mark_planned(orders=[order.pk], plan="pln_1")
    departed_at = dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC)
    services.record_attempt(
        order=order,
        draft=AttemptDraft(
            outcome="failed", reason="no_access", arrived_at=departed_at, departed_at=departed_at
        ),
    )
    make_shift()
    broken = {**orders.invariants(), **fleet.invariants()}
    assert set(broken) >= set(BROKEN)
    assert all(ids == [] for ids in broken.values()), broken


@pytest.mark.parametrize("name", BROKEN)
def test_an_invariant_names_the_order_that_breaks_it(retailer: RetailerRef, name: str) -> None:
    make_hub()
    order = make_order(window=make_window())
    sound = make_order(window=make_window())
    BROKEN[name](order)
    broken = orders.invariants()
    assert broken[name] == [order.public_id]
    assert sound.public_id not in str(broken)


def test_overlapping_shifts_are_named(retailer: RetailerRef) -> None:
    shift = make_shift()
    other = make_shift(vehicle=shift.vehicle, starts_at=shift.ends_at)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE fleet_shift DROP CONSTRAINT shift_one_vehicle")
    type(other).objects.filter(pk=other.pk).update(starts_at=shift.starts_at)
    broken = fleet.invariants()["the shifts of a vehicle do not overlap"]
    assert broken == sorted([shift.public_id, other.public_id])


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        ("dispatch.orders.services.cancel_order", {"order.cancelled"}),
        ("dispatch.orders.services.mark_planned", {"order.planned"}),
        (
            "dispatch.orders.services.place_orders",
            {"order.placed", "order.promised", "order.changed"},
        ),
        ("dispatch.orders.services.record_attempt", {"attempt.recorded", "order.delivered"}),
        ("dispatch.fleet.services.add_hub", {"hub.added"}),
        ("dispatch.fleet.services.cancel_shift", {"shift.cancelled"}),
    ],
)
def test_the_event_graph_contains_the_events_of_a_service(act: str, kinds: set[str]) -> None:
    assert kinds <= recorded_by(act, {})
