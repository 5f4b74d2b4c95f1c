"""Trials of a driver's and a dispatcher's day that no row of the field names."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.live import selectors, services
from dispatch.live.models import CustodyStep, DriverAct, Incident, Run
from dispatch.live.rolls import invariants
from dispatch.orders.errors import MoveNotAllowed
from dispatch.orders.models import Attempt, Order
from dispatch.orders.services import cancel_order
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import MINUTE, act, at, make_day, make_phone, publish, send
from tests.factories.orders import make_order

pytestmark = pytest.mark.usefixtures("retailer")


def opened() -> list[str]:
    rows = Incident.objects.filter(state="open").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def test_another_phone_goes_on_after_the_battery_died_at_the_door(clock: SetClock) -> None:
    """The first phone wakes up in the evening and sends what it knew; nothing counts twice."""
    clock(at(8))
    shift, (first, second, _third) = make_day(3)
    assert shift.driver is not None
    dead, spare = make_phone(shift.driver), make_phone(shift.driver)
    send(dead, act("left_hub", at(8, 20)), act("arrived", at(8, 40), first))
    kept = [act("delivered", at(8, 44), first)]  # kept on the first phone, then its battery died
    clock(at(9))
    (answer,) = send(spare, act("delivered", at(8, 50), first))
    assert answer.status == "stored"
    send(spare, act("arrived", at(9), second), act("delivered", at(9, 5), second))
    clock(at(19))
    send(dead, *kept)
    assert Attempt.objects.filter(order=first).count() == 1
    assert Run.objects.filter(shift=shift).count() == 1
    assert opened() == []
    assert not any(invariants().values())


def test_delivered_is_tapped_twice_on_two_phones_at_once(clock: SetClock) -> None:
    clock(at(8))
    shift, (order, *_rest) = make_day(2)
    assert shift.driver is not None
    one, two = make_phone(shift.driver), make_phone(shift.driver)
    clock(at(9))
    send(one, act("delivered", at(8, 59), order), act("delivered", at(8, 59), order))
    send(two, act("delivered", at(8, 59), order))
    assert Attempt.objects.filter(order=order).count() == 1
    assert DriverAct.objects.filter(order=order, kind="delivered").count() == 3
    assert opened() == []


@pytest.mark.parametrize("error", [dt.timedelta(days=-7168), dt.timedelta(hours=5)])
def test_a_phone_with_a_wrong_clock_tells_true_times(clock: SetClock, error: dt.timedelta) -> None:
    clock(at(9))
    shift, (order, *_rest) = make_day(2)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    wrong = [act("arrived", at(8, 50) + error, order), act("delivered", at(8, 54) + error, order)]
    send(phone, *wrong, phone_at=at(9) + error)
    attempt = Attempt.objects.get(order=order)
    assert abs(attempt.arrived_at - at(8, 50)) < dt.timedelta(seconds=5)
    assert abs(attempt.departed_at - at(8, 54)) < dt.timedelta(seconds=5)


def test_an_order_is_cancelled_while_its_vehicle_is_loaded(clock: SetClock) -> None:
    """Loaded goods cannot be cancelled, and cancelled ones that were loaded come back."""
    clock(at(8))
    shift, (order, loaded) = make_day(2)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(8)), act("loaded", at(8, 2), orders=[loaded.public_id]))
    with pytest.raises(MoveNotAllowed, match="in the vehicle"):
        cancel_order(order=Order.objects.get(pk=loaded.pk), cause="shopper")
    cancel_order(order=order, cause="shopper")
    clock(at(8, 10))
    send(phone, act("loaded", at(8, 5), orders=[order.public_id]), act("left_hub", at(8, 10)))
    states = dict(Order.objects.filter(pk__in=[order.pk, loaded.pk]).values_list("pk", "state"))
    assert states == {order.pk: "cancelled", loaded.pk: "out"}
    day = selectors.day_of(driver=shift.driver, at=at(8, 10))
    assert {stop.order: stop.state for stop in day.stops} == {
        order.public_id: "cancelled",
        loaded.public_id: "out",
    }
    clock(at(9))
    send(phone, act("delivered", at(8, 50), loaded), act("back_at_hub", at(8, 59)))
    last = CustodyStep.objects.filter(parcel__order=order).order_by("at", "pk").last()
    assert last is not None
    assert last.kind == "brought_back"
    assert opened() == []
    assert not any(invariants().values())


def test_two_drivers_swap_their_vehicles(clock: SetClock) -> None:
    """Each delivers what is in the vehicle that he drives; nothing is lost, staff is told."""
    clock(at(8))
    shift, (own, _more) = make_day(2)
    assert shift.driver is not None
    hub = shift.hub
    colleague = make_driver(hub=hub)
    other = make_shift(vehicle=make_vehicle(hub=hub), driver=colleague)
    yours = make_order(hub=hub.public_id)
    publish(hub, {shift: [own, _more], other: [yours]})
    one, two = make_phone(shift.driver), make_phone(colleague)
    send(one, act("left_hub", at(8, 20)))
    send(two, act("left_hub", at(8, 20)))
    clock(at(9))
    send(one, act("delivered", at(8, 50), yours))
    send(two, act("delivered", at(8, 50), own))
    assert {order.state for order in Order.objects.filter(pk__in=[own.pk, yours.pk])} == {
        "delivered"
    }
    assert opened() == ["done_by_other_vehicle"] * 2
    assert not any(invariants().values())


def test_five_orders_of_one_building_are_five_visits_with_one_arrival_time(
    clock: SetClock,
) -> None:
    clock(at(8))
    shift, orders = make_day(5)
    assert shift.driver is not None
    place = orders[0].delivery_place
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 20)))
    for second in range(0, 420, 10):
        when = at(8, 40) + dt.timedelta(seconds=second)
        clock(when)
        take(phone, point(when, lat=place.lat, lon=place.lon, accuracy_m=8, speed_mps=0))
    clock(at(8, 50))
    send(
        phone, *(act("delivered", at(8, 42) + n * MINUTE, order) for n, order in enumerate(orders))
    )
    services.note_stays(Run.objects.values_list("pk", flat=True), whole=True)
    arrivals = [Attempt.objects.get(order=order).arrived_at for order in orders]
    assert arrivals == sorted(arrivals), "no order is reached before the one before it"
    assert all(at(8, 39) <= when <= at(8, 47) for when in arrivals)
    assert not any(invariants().values())


def test_a_dispatcher_moves_a_stop_while_its_driver_is_there(clock: SetClock) -> None:
    clock(at(8))
    shift, (here, later) = make_day(2)
    assert shift.driver is not None
    other = make_shift(vehicle=make_vehicle(hub=shift.hub), driver=make_driver(hub=shift.hub))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 20)), act("arrived", at(8, 40), here))
    clock(at(8, 42))
    publish(shift.hub, {shift: [later], other: [here]})
    send(phone, act("delivered", at(8, 44), here))
    here.refresh_from_db()
    assert here.state == "delivered"
    assert opened() == ["done_by_other_vehicle"]
    assert not any(invariants().values())


def test_a_note_of_400_signs_in_three_scripts_reaches_the_desk_whole(clock: SetClock) -> None:
    clock(at(8))
    shift, (order, *_rest) = make_day(1)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    text = ("رن الجرس الثاني. Second bell. Segundo timbre. 🚪 " * 10)[:400]
    (answer,) = send(phone, act("note", at(8), order, text=text))
    assert answer.status == "stored"
    assert DriverAct.objects.get(kind="note").note == text.strip()
