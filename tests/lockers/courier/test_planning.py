"""Orders for a bank of lockers are planned to the bank, as one stop with its own service time."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub
from dispatch.live.models import Incident
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Cause, CommonStop, Order
from dispatch.orders.selectors import to_plan
from dispatch.orders.services import set_promise
from dispatch.planning.models import Plan, Stop
from dispatch.planning.problem.day import pin_of
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.services import editing
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.models import LockerBank
from lockers.policy import LockerPolicy
from lockers.services.banks import BankDraft, change_bank
from lockers.services.points import put_banks
from lockers.services.stops import refresh_stops
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import plan
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import at
from tests.factories.lockers import make_bank, make_counter, make_reservation
from tests.factories.orders import DAY, make_order

RULES = LockerPolicy()


@pytest.fixture(autouse=True)
def _morning(clock: SetClock) -> None:
    clock(at(5))


def hub_with_van(**fields: object) -> Hub:
    hub = make_hub(loading_s=600)
    make_shift(vehicle=make_vehicle(hub=hub, **fields), driver=make_driver(hub=hub))
    return hub


def to_bank(bank: LockerBank, hub: Hub, count: int = 1, **fields: object) -> list[Order]:
    """Make orders with a hard reservation at a bank, on the factories' day."""
    rows = []
    for _n in range(count):
        order = make_order(hub=hub.public_id)
        make_reservation(bank, order=order, **fields)
        rows.append(Order.objects.get(pk=order.pk))
    return rows


def stops_of(draft: Plan) -> list[Stop]:
    return list(Stop.objects.filter(plan=draft).order_by("route", "position"))


def test_parcels_of_one_bank_are_one_stop_at_the_bank(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(6, hub=hub)
    to_bank(bank, hub, 4)
    make_order(hub=hub.public_id)
    draft = plan(hub)
    assert (draft.orders_count, draft.unserved_count, draft.violations_count) == (5, 0, 0)
    stops = stops_of(draft)
    at_bank = [stop for stop in stops if stop.order.shared_stop]
    assert [pin_of(stop.order) for stop in at_bank] == [bank.point] * 4
    first, *others = at_bank
    assert [stop.position for stop in at_bank] == list(range(first.position, first.position + 4)), (
        "the bank is visited once"
    )
    assert first.departs_at - first.starts_at == dt.timedelta(seconds=RULES.stop_s + RULES.parcel_s)
    assert {stop.departs_at - stop.starts_at for stop in others} == {
        dt.timedelta(seconds=RULES.parcel_s)
    }
    assert {(stop.leg_travel_s, stop.leg_distance_m) for stop in others} == {(0, 0)}
    (route,) = draft.routes.all()
    legs = sum(stop.leg_travel_s for stop in stops)
    assert route.travel_s - legs < 3 * 3600, "the way back"
    spent = sum((stop.departs_at - stop.starts_at).total_seconds() for stop in stops)
    assert route.service_s == spent


def test_an_edit_by_hand_keeps_the_times_of_the_bank(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(6, hub=hub)
    orders = to_bank(bank, hub, 3)
    draft = plan(hub)
    edited = editing.take_off(plan=draft, version=None, order=orders[0].public_id)
    first, second = stops_of(edited)
    assert first.departs_at - first.starts_at == dt.timedelta(seconds=RULES.stop_s + RULES.parcel_s)
    assert second.departs_at - second.starts_at == dt.timedelta(seconds=RULES.parcel_s)
    assert not changes_since(PlanBasis(edited))


def test_the_hours_of_the_bank_are_its_window(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(2, hub=hub, hours="Mo-Su 14:00-16:00")
    to_bank(bank, hub, 2)
    draft = plan(hub)
    first = stops_of(draft)[0]
    stop = CommonStop.objects.get(order=first.order)
    assert stop.opens_at is not None
    assert stop.closes_at is not None
    assert stop.opens_at <= first.starts_at < stop.closes_at
    assert (draft.unserved_count, draft.violations_count) == (0, 0)


def test_the_deposit_time_ends_the_window(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(2, hub=hub)
    to_bank(bank, hub, 1, deposit_by=at(11))
    assert CommonStop.objects.get().closes_at == at(11)


def test_an_order_goes_to_the_bank_only_while_it_has_a_compartment(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(2, hub=hub)
    (order,) = to_bank(bank, hub)
    assert list(to_plan(hub, DAY)) == [order]
    services.cancel_reservation(reservation=order.locker_reservations.get(), cause="test")
    refresh_stops([order.pk])
    assert CommonStop.objects.get().refused == "no_compartment"
    assert list(to_plan(hub, DAY)) == []


def test_a_bank_that_is_closed_on_the_date_is_not_planned(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    bank = make_bank(2, hub=hub, hours="2020 Jan 01 10:00-12:00")
    to_bank(bank, hub)
    assert CommonStop.objects.get().refused == "closed"
    assert list(to_plan(hub, DAY)) == []


def test_an_order_that_is_brought_to_the_door_after_all_has_no_common_stop(
    retailer: RetailerRef,
) -> None:
    hub = hub_with_van()
    (order,) = to_bank(make_bank(2, hub=hub), hub)
    opens_at, closes_at = at(9), at(12)
    draft = PromiseDraft(opens_at=opens_at, closes_at=closes_at, cause=Cause.API)
    set_promise(order=order, draft=draft)
    assert Order.objects.get(pk=order.pk).shared_stop is None
    refresh_stops([order.pk])
    assert not CommonStop.objects.exists()


def test_a_bank_is_visited_twice_if_its_parcels_do_not_fit_into_one_vehicle(
    retailer: RetailerRef,
) -> None:
    hub = hub_with_van(parcels=3)
    make_shift(vehicle=make_vehicle(hub=hub, parcels=3), driver=make_driver(hub=hub))
    to_bank(make_bank(8, hub=hub), hub, 6)
    draft = plan(hub)
    assert (draft.orders_count, draft.unserved_count, draft.violations_count) == (6, 0, 0)
    for route in draft.routes.all():
        first = route.stops.order_by("position").first()
        assert first is not None
        assert first.departs_at - first.starts_at == dt.timedelta(
            seconds=RULES.stop_s + RULES.parcel_s
        )


def test_l08_a_bank_that_leaves_its_network_is_found_at_planning(retailer: RetailerRef) -> None:
    """Field row L08: its orders leave the day, and come back with the bank."""
    hub = hub_with_van()
    bank = make_bank(2, hub=hub)
    (order,) = to_bank(bank, hub)
    draft = BankDraft(
        hub=hub, name=bank.name, point=bank.point, zone=bank.zone, country=bank.country,
        capabilities=bank.capabilities,
    )  # fmt: skip
    change_bank(bank=bank, draft=draft, active=False)
    drain()
    assert [row.kind for row in Incident.objects.all()] == ["locker_left"]
    assert CommonStop.objects.get().refused == "site_left"
    assert list(to_plan(hub, DAY)) == []
    change_bank(bank=bank, draft=draft, active=True)
    drain()
    assert list(to_plan(hub, DAY)) == [order]


def test_a_list_that_moves_a_bank_moves_the_stops_of_its_orders(retailer: RetailerRef) -> None:
    """Field row L08: the driver is sent to the new place, in the new hours."""
    hub = hub_with_van()
    bank = make_bank(2, hub=hub, kind="vendor", external_id="p:1")
    (order,) = to_bank(bank, hub)
    there = Point(lat=bank.lat + 0.01, lon=bank.lon)
    draft = BankDraft(
        hub=hub, name=bank.name, point=there, zone=bank.zone, country=bank.country, kind="vendor",
        external_id="p:1", hours="Mo-Su 09:00-12:00",
    )  # fmt: skip
    put_banks([(draft, ("lat", "lon", "hours"))])
    drain()
    order = Order.objects.select_related("promise__place", "place").get(pk=order.pk)
    assert pin_of(order) == there
    assert CommonStop.objects.get().closes_at == at(12)
    assert not Incident.objects.exists()


def test_a_list_that_makes_a_bank_too_small_for_an_order_is_an_incident(
    retailer: RetailerRef,
) -> None:
    hub = hub_with_van()
    bank = make_bank(2, hub=hub, kind="vendor", external_id="p:1")
    to_bank(bank, hub, weight_g=9_000)
    draft = BankDraft(
        hub=hub, name=bank.name, point=bank.point, zone=bank.zone, country=bank.country,
        kind="vendor", external_id="p:1", most_weight_g=5_000,
    )  # fmt: skip
    put_banks([(draft, ("most_weight_g",))])
    drain()
    assert [row.kind for row in Incident.objects.all()] == ["locker_left"]


def test_a_van_drives_to_a_counter_outside_the_house_of_its_hub(retailer: RetailerRef) -> None:
    hub = hub_with_van()
    away = make_counter(2, hub=hub, lat=hub.point.lat + 0.01, lon=hub.point.lon)
    house = make_counter(2, hub=hub, lat=hub.point.lat, lon=hub.point.lon)
    (order,) = to_bank(away, hub)
    to_bank(house, hub)
    assert [stop.key for stop in CommonStop.objects.all()] == [away.public_id]
    (stop,) = stops_of(plan(hub))
    assert stop.order == order
    assert pin_of(stop.order) == away.point
