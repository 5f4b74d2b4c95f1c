"""Tests of late changes: after the cut-off as far as the plan allows, never once the van left."""

from __future__ import annotations

import pytest

from dispatch.orders import services as orders
from dispatch.orders.models import Order
from dispatch.planning.models import Route, Stop
from dispatch.planning.services import publish_plan
from dispatch.slots.errors import SlotPassed, TooLate
from dispatch.slots.models import Slot
from dispatch.slots.services import find_offers, promise_hold, request_for_order
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import refused
from tests.dispatch.planning.test_plans import plan
from tests.dispatch.slots.booking import curbside, minutes, request_at, take_place, taken
from tests.dispatch.slots.test_windows import hub_with_van, order_at, visits
from tests.factories import make_hub, make_order, make_slot
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")


def promised(order: Order, *, slot: Slot) -> Order:
    promise_hold(hold=take_place(slot), order=order, handover="", cause="choice")
    order.refresh_from_db()
    return order


def publish(order: Order) -> Route:
    """Plan and publish the day of an order; return its route."""
    assert order.hub is not None
    published = publish_plan(plan=plan(order.hub))
    return Stop.objects.select_related("route").get(plan=published, order=order).route


def test_after_the_cut_off_an_order_still_changes_within_its_day(clock: SetClock) -> None:
    cut_off = EVE + minutes(30)
    old = curbside(book_until_at=cut_off)
    new = curbside(hub=old.hub, opens=720, closes=780, book_until_at=cut_off)
    order = promised(make_order(service_date=None), slot=old)
    clock(EVE + minutes(40))
    assert find_offers(request=request_at(old.hub), since=DAY, until=DAY).offers == ()
    answer = find_offers(request=request_for_order(order), since=DAY, until=DAY)
    assert {offer.slot for offer in answer.offers} == {old.public_id, new.public_id}
    with refused(SlotPassed):
        take_place(new)
    hold = take_place(new, order=order)
    promise = promise_hold(hold=hold, order=order, handover="", cause="shopper")
    assert (promise.slot, taken(old), taken(new)) == (new.public_id, 0, 1)


@pytest.mark.parametrize("state", ["loaded", "out", "awaiting_collection", "cancelled"])
def test_an_order_that_has_left_or_ended_keeps_its_promise(state: str) -> None:
    hub = make_hub()
    old, new = make_slot(hub=hub), curbside(hub=hub)
    order = make_order(window=None, service_date=DAY)
    Order.objects.filter(pk=order.pk).update(state="planned")
    hold = take_place(new, order=order)
    {
        "loaded": lambda: orders.mark_loaded(orders=[order.pk]),
        "out": lambda: orders.mark_out(orders=[order.pk]),
        "awaiting_collection": lambda: orders.mark_awaiting_collection(orders=[order.pk]),
        "cancelled": lambda: orders.cancel_order(order=order),
    }[state]()
    order.refresh_from_db()
    with refused(TooLate):
        promise_hold(hold=hold, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.promise, taken(old)) == (None, 0)


def test_a_planned_order_changes_until_its_van_leaves(clock: SetClock) -> None:
    hub = hub_with_van()
    old = make_slot(hub=hub)
    new = make_slot(hub=hub, opens=780, closes=900)
    order = promised(order_at(hub), slot=old)
    route = publish(order)
    clock(route.starts_at - minutes(20))
    hold = take_place(new, order=order)
    clock(route.starts_at)
    with refused(TooLate):
        promise_hold(hold=hold, order=order, handover="", cause="shopper")
    clock(route.starts_at - minutes(10))
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    assert (taken(old), taken(new)) == (0, 1)


def test_a_planned_order_that_moves_to_another_day_leaves_its_plan() -> None:
    hub = hub_with_van()
    old = make_slot(hub=hub)
    later = DAY.replace(day=DAY.day + 1)
    new = make_slot(hub=hub, option="curbside", service_date=later)
    order = promised(order_at(hub), slot=old)
    publish(order)
    hold = take_place(new, order=order)
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.state, order.service_date) == ("ready", later)
    assert (taken(old), taken(new), visits(hub)) == (0, 1, {})


def test_a_return_is_offered_no_curbside() -> None:
    hub = hub_with_van()
    window, bay = make_slot(hub=hub), curbside(hub=hub)
    order = make_order(direction="return", service_date=None)
    answer = find_offers(request=request_for_order(order), since=DAY, until=DAY)
    assert [offer.slot for offer in answer.offers] == [window.public_id]
    assert [(it.slot, it.reason) for it in answer.not_offered] == [(bay.public_id, "return")]
    promise_hold(hold=take_place(window, order=order), order=order, handover="", cause="shopper")
    assert visits(hub) == {order.public_id: "placed"}
