"""Tests that the counts of slots follow promises through every door."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError, transaction

from dispatch.orders import services as orders
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.planning.models import TentativeVisit
from dispatch.slots.errors import TooLate
from dispatch.slots.models import Hold, Slot
from dispatch.slots.services import (
    adopt_promises,
    following,
    promise_hold,
    request_adoption,
    settle_order,
)
from lastmile.core.models import Event, Job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import kinds, race, refused
from tests.dispatch.slots.booking import YOU, curbside, take_place, taken
from tests.dispatch.slots.test_windows import hub_with_van, order_at, visits
from tests.drain import drain
from tests.factories import make_hub, make_order, make_orders, make_slot, make_window, make_zone
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")


def morning(slot: Slot, cause: str = "dispatcher") -> PromiseDraft:
    """Return a promise for the window of a slot."""
    return PromiseDraft(
        option=slot.option, opens_at=slot.opens_at, closes_at=slot.closes_at, cause=cause
    )


def hold_of(order: Order) -> Hold:
    return Hold.objects.get(order=order, state="promised")


@pytest.mark.parametrize("cause", ["file", "api", "dispatcher", "redispatch"])
def test_a_promise_from_any_door_takes_its_place_even_beyond_the_capacity(cause: str) -> None:
    hub = make_hub()
    slot = make_slot(hub=hub, capacity_orders=1)
    make_slot(hub=hub, opens=601)
    for _n in range(2):
        orders.set_promise(order=make_order(), draft=morning(slot, cause))
    drain()
    assert taken(slot) == 2
    assert set(Hold.objects.values_list("caller", "state")) == {("order", "promised")}


def test_a_promise_beyond_a_capacity_of_its_slot_is_told_and_one_within_is_not() -> None:
    slot = make_slot(capacity_orders=1, capacity_weight_g=9_000)
    first = make_order(window=make_window(10, 12), weight_g=2_000)
    settle_order(order=first)
    assert not Event.objects.filter(kind="slot.overbooked").exists()
    second = make_order(window=make_window(10, 12), weight_g=2_000)
    settle_order(order=second)
    Order.objects.filter(pk=first.pk).update(weight_g=8_000)
    settle_order(order=first)
    settle_order(order=first)  # nothing more is taken, so there is nothing to tell
    events = Event.objects.filter(kind="slot.overbooked", subject=slot.public_id).order_by("pk")
    assert [(event.data["order"], event.data["beyond"]) for event in events] == [
        (second.public_id, ["orders"]),
        (first.public_id, ["orders", "weight_g"]),
    ]


def test_an_order_that_comes_with_the_window_of_a_slot_takes_a_place() -> None:
    slot = make_slot()
    order = make_order(window=make_window(10, 12))
    drain()
    assert (taken(slot), hold_of(order).slot) == (1, slot)


def test_a_promise_for_another_window_takes_no_place() -> None:
    slot = make_slot()
    make_order(window=make_window(10, 13))
    drain()
    assert taken(slot) == 0


def test_the_slot_of_the_zone_is_taken_before_that_of_the_whole_hub() -> None:
    hub = make_hub()
    zone = make_zone(hub=hub)
    whole, own = make_slot(hub=hub), make_slot(hub=hub, zone=zone)
    make_order(window=make_window(10, 12))
    drain()
    assert (taken(whole), taken(own)) == (0, 1)


def test_a_cancelled_order_gives_its_place_back() -> None:
    slot = curbside(capacity_orders=1)
    order = make_order(service_date=None)
    promise_hold(hold=take_place(slot), order=order, handover="", cause="shopper")
    orders.cancel_order(order=order)
    drain()
    assert taken(slot) == 0
    take_place(slot)
    assert taken(slot) == 1


def test_a_cancelled_order_gives_the_place_and_the_visit_of_its_change_back_at_once() -> None:
    hub = hub_with_van()
    old, new = make_slot(hub=hub), make_slot(hub=hub, opens=720, closes=780, capacity_orders=1)
    order = order_at(hub)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()
    change = take_place(new, order=order)
    others = take_place(old, session=YOU)
    assert (taken(old), taken(new)) == (2, 1)
    orders.cancel_order(order=order)
    settle_order(order=order)
    assert (taken(old), taken(new)) == (1, 0)
    keys = set(TentativeVisit.objects.values_list("key", flat=True))
    assert others.public_id in keys
    assert change.public_id not in keys
    assert take_place(new, session="ses_stranger").state == "live"
    drain()
    assert order.public_id not in visits(hub)


def test_a_change_of_a_cancelled_order_takes_no_place() -> None:
    hub = make_hub()
    old, new = curbside(hub=hub), curbside(hub=hub, opens=720, closes=780)
    order = make_order(service_date=None)
    promise_hold(hold=take_place(old), order=order, handover="", cause="shopper")
    order.refresh_from_db()  # the shopper's page reads the order, then it is cancelled
    orders.cancel_order(order=order)
    with refused(TooLate):
        take_place(new, order=order)
    drain()
    assert (taken(old), taken(new)) == (0, 0)


def test_a_cancelled_order_and_its_change_at_once_leave_no_place_taken(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = make_hub()
    old, new = curbside(hub=hub), curbside(hub=hub, opens=720, closes=780, capacity_orders=9)
    for n in range(6):
        order = make_order(service_date=None, hub=hub.public_id)
        promise_hold(hold=take_place(old), order=order, handover="", cause="shopper")
        order.refresh_from_db()

        def act(turn: int, order: Order = order, session: str = f"ses_{n}") -> object:
            if turn:
                return take_place(new, order=order, session=session)
            orders.cancel_order(order=order)
            return settle_order(order=order)  # as the handler of the event

        cancelled, changed = race(retailer, act, 2)
        assert cancelled is None
        assert isinstance(changed, Hold | TooLate)
        assert (taken(old), taken(new)) == (0, 0)


def test_an_order_waits_with_its_end_until_the_place_of_its_change_is_written(
    fresh_db: str, retailer: RetailerRef
) -> None:
    new = curbside(hub=make_hub(), opens=720, closes=780)
    order = make_order(service_date=None)

    @transaction.atomic
    def lock(_n: int) -> Order:
        return Order.objects.select_for_update(nowait=True).get(pk=order.pk)

    with transaction.atomic():
        take_place(new, order=order)
        (fault,) = race(retailer, lock, 1)
    assert isinstance(fault, OperationalError)
    assert race(retailer, lock, 1) == [order]


def test_the_change_of_an_open_order_keeps_its_place_while_its_promise_moves() -> None:
    hub = make_hub()
    old, new = curbside(hub=hub), curbside(hub=hub, opens=720, closes=780)
    order = make_order(service_date=None)
    promise_hold(hold=take_place(old), order=order, handover="", cause="shopper")
    order.refresh_from_db()
    take_place(new, order=order)
    settle_order(order=order)
    assert (taken(old), taken(new)) == (1, 1)


def test_the_place_of_a_promise_is_told_when_it_is_taken_and_given_back() -> None:
    make_slot()
    order = make_order(window=make_window(10, 12))
    hold = settle_order(order=order)
    assert hold is not None
    settle_order(order=order)
    assert kinds(hold.public_id) == ["hold.placed"]
    orders.cancel_order(order=order)
    settle_order(order=order)
    assert kinds(hold.public_id) == ["hold.placed", "hold.released"]


def test_a_new_promise_of_staff_moves_the_place() -> None:
    slot = make_slot()
    later = make_slot(hub=slot.hub, opens=720, closes=840)
    order = make_order(window=make_window(10, 12))
    drain()
    orders.set_promise(order=order, draft=morning(later))
    drain()
    assert (taken(slot), taken(later)) == (0, 1)
    orders.set_promise(
        order=order,
        draft=PromiseDraft(
            opens_at=later.opens_at, closes_at=later.closes_at + dt.timedelta(1), cause="api"
        ),
    )
    drain()
    assert (taken(slot), taken(later)) == (0, 0)


def test_an_order_that_is_tried_again_on_another_day_gives_its_place_back() -> None:
    slot = make_slot()
    order = make_order(window=make_window(10, 12))
    drain()
    orders.mark_awaiting_collection(orders=[order.pk])
    orders.try_again(order=order, service_date=DAY + dt.timedelta(days=1))
    drain()
    assert taken(slot) == 0


def test_an_order_that_becomes_heavier_takes_what_it_weighs() -> None:
    slot = make_slot()
    order = make_order(window=make_window(10, 12), weight_g=2_000)
    drain()
    Order.objects.filter(pk=order.pk).update(weight_g=5_000)
    settle_order(order=order)
    slot.refresh_from_db()
    assert (slot.taken_weight_g, taken(slot)) == (5_000, 1)


def test_promises_that_are_older_than_their_slot_are_adopted_once() -> None:
    hub = make_hub()
    make_order(window=make_window(10, 12))
    cancelled = make_order(window=make_window(10, 12))
    orders.cancel_order(order=cancelled)
    drain()
    slot = make_slot(hub=hub)
    for adopted in (1, 0):
        assert adopt_promises(hub=hub, since=DAY, until=DAY).orders == adopted
        assert taken(slot) == 1


def test_a_closed_slot_adopts_no_promise() -> None:
    hub = make_hub()
    slot = make_slot(hub=hub, state="closed", closed_reason="staff")
    make_order(window=make_window(10, 12))
    drain()
    assert adopt_promises(hub=hub, since=DAY, until=DAY).orders == 0
    assert taken(slot) == 0


def test_settling_twice_changes_nothing() -> None:
    slot = make_slot()
    order = make_order(window=make_window(10, 12))
    first = settle_order(order=order)
    assert first is not None
    assert settle_order(order=order) == first
    assert (taken(slot), Hold.objects.count()) == (1, 1)


def test_many_older_promises_take_their_places_page_by_page_with_one_job_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "ADOPTED_AT_ONCE", 2)
    hub = make_hub()
    make_orders(5, window=make_window(10, 12), hub=hub.public_id)
    drain()
    slot = make_slot(hub=hub)
    request_adoption(hub=hub, since=DAY, until=DAY)
    drain()
    assert taken(slot) == 5
    pages = Job.objects.filter(kind="slots.adopt").order_by("pk").values_list("result", flat=True)
    assert [page["orders"] for page in pages] == [2, 2, 1]


def test_a_promise_after_midnight_is_adopted_by_the_slot_of_the_evening_before() -> None:
    hub = make_hub()
    late = make_window(24, 25)
    order = make_order(window=late, hub=hub.public_id, service_date=DAY + dt.timedelta(days=1))
    drain()
    slot = make_slot(hub=hub, opens_at=late.opens_at, closes_at=late.closes_at)
    adopted = adopt_promises(hub=hub, since=DAY, until=DAY)
    order.refresh_from_db()
    assert (adopted.orders, taken(slot), order.service_date) == (1, 1, DAY)
