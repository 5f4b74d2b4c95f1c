"""Tests of promises at another place, their terms, and orders that await collection."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from dispatch.fleet.models import Hub
from dispatch.orders import rolls, services
from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay
from dispatch.orders.models import Attempt, Order, Place, Promise
from dispatch.orders.selectors import to_plan
from dispatch.planning.problem.day import read_day
from lastmile.core.errors import Invalid
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import kinds, refused
from tests.dispatch.orders.actions import LOST, at, attempt, out
from tests.factories import make_hub, make_order, make_window
from tests.factories.orders import DAY

WINDOW = PromiseDraft(opens_at=at(9), closes_at=at(12), cause="choice")
AT_HUB = dataclasses.replace(WINDOW, option="hub")
BANK = PromisedPlace(
    reference="bnk_1", text="Lockers, Rossio", point=Point(lat=38.7139, lon=-9.1394)
)
IN_LOCKER = dataclasses.replace(WINDOW, option="locker", place=BANK)


def promised(order: Order, draft: PromiseDraft) -> Promise:
    return services.set_promise(order=order, draft=draft)


def now(order: Order) -> Order:
    return Order.objects.select_related("promise__place", "place").get(pk=order.pk)


def test_a_promise_keeps_price_grams_and_slot(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    terms = dataclasses.replace(
        WINDOW, slot="slt_2v6x0z4c8f1h5k9n3q7s", price_minor=299, currency="EUR", co2_g=420
    )
    first = promised(order, terms)
    assert promised(order, terms) == first, "the same promise again changes nothing"
    second = promised(order, dataclasses.replace(terms, price_minor=399))
    stored = Promise.objects.get(pk=first.pk)
    assert (stored.price_minor, stored.currency, stored.co2_g, stored.slot) == (
        299, "EUR", 420, "slt_2v6x0z4c8f1h5k9n3q7s",
    )  # fmt: skip
    assert (second.price_minor, second.supersedes) == (399, first)
    facts = Event.objects.filter(subject=order.public_id, kind="order.promised").first()
    assert facts is not None
    assert facts.data["price_minor"] == 299
    assert (facts.data["currency"], facts.data["co2_g"]) == ("EUR", 420)
    assert "place" not in facts.data, "the order's own place is not named again"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price_minor": 299}, "/currency"),
        ({"currency": "EUR"}, "/currency"),
        ({"price_minor": 299, "currency": "euro"}, "/currency"),
        ({"price_minor": -1, "currency": "EUR"}, "/price_minor"),
        ({"co2_g": -1}, "/co2_g"),
        ({"slot": "Monday, 9 to 12"}, "/slot"),
        ({"option": "locker"}, "/place"),
    ],
)
def test_inconsistent_terms_are_refused(
    retailer: RetailerRef, change: dict[str, Any], pointer: str
) -> None:
    make_hub()
    order = make_order()
    with refused(Invalid, at=pointer):
        promised(order, dataclasses.replace(WINDOW, **change))
    assert not Promise.objects.exists()


def test_the_database_refuses_a_price_without_currency(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    with pytest.raises(IntegrityError, match="promise_price_has_currency"), transaction.atomic():
        Promise.objects.filter(order=order).update(price_minor=299)


def test_a_promise_at_the_hub_has_the_hub_as_its_place(retailer: RetailerRef) -> None:
    hub = make_hub()
    one, two = make_order(), make_order()
    first, second = (
        promised(one, AT_HUB),
        promised(two, dataclasses.replace(AT_HUB, option="curbside")),
    )
    assert first.place == second.place, "one place for all that is collected there"
    assert (first.place.point, first.elsewhere) == (hub.point, True)
    assert now(one).delivery_place == first.place
    assert now(one).place == one.place, "the shopper's own address stays"
    data = Event.objects.get(subject=one.public_id, kind="order.promised").data
    assert data["place"] == first.place.public_id

    Hub.objects.filter(pk=hub.pk).update(lat=hub.lat + 0.01)
    three = make_order()
    third = promised(three, AT_HUB)
    assert third.place != first.place, "a place is never edited"
    assert Promise.objects.get(pk=first.pk).place.point == hub.point


def test_a_bank_of_lockers_is_one_place(retailer: RetailerRef) -> None:
    make_hub()
    one, two = make_order(), make_order()
    places = {promised(order, IN_LOCKER).place.pk for order in (one, two)}
    assert len(places) == 1
    assert Place.objects.get(pk=places.pop()).point == BANK.point


def test_an_order_without_a_pin_can_be_collected(retailer: RetailerRef) -> None:
    hub = make_hub()
    order = make_order(place=LOST, hub=hub.public_id)
    assert order.state == "needs_pin"
    promised(order, AT_HUB)
    assert now(order).state == "ready"
    promised(order, WINDOW)
    assert now(order).state == "needs_pin", "a van needs to know where"


def test_without_a_hub_nothing_can_be_promised_there(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(hub=None, state="placed")
    with refused(Invalid, match="no hub"):
        promised(order, AT_HUB)


def test_only_orders_with_a_window_or_no_promise_are_planned(retailer: RetailerRef) -> None:
    hub = make_hub()
    unpromised, window, at_hub, curbside, locker = (make_order() for _ in range(5))
    promised(window, WINDOW)
    promised(at_hub, AT_HUB)
    promised(curbside, dataclasses.replace(AT_HUB, option="curbside"))
    promised(locker, IN_LOCKER)
    assert set(to_plan(hub, DAY)) == {unpromised, window}
    day = read_day(hub, DAY)
    assert {order.order for order in day.orders} == {unpromised.public_id, window.public_id}
    promised(at_hub, WINDOW)
    assert set(to_plan(hub, DAY)) == {unpromised, window, at_hub}


def test_a_window_at_another_place_is_planned_there(retailer: RetailerRef) -> None:
    hub = make_hub()
    order = make_order()
    work = PromisedPlace(reference="work", text="Rua Augusta 1", point=Point(lat=38.71, lon=-9.137))
    promised(order, dataclasses.replace(WINDOW, place=work))
    assert read_day(hub, DAY).points[1] == work.point


def test_a_pin_corrected_after_the_promise_becomes_the_delivery_place(
    retailer: RetailerRef,
) -> None:
    hub = make_hub()
    order = make_order(window=make_window(9, 12))
    services.set_pin(order=order, lat=38.75, lon=-9.2)
    assert read_day(hub, DAY).points[1] == Point(lat=38.75, lon=-9.2)


def test_a_planned_order_cannot_change_between_delivery_and_collection(
    retailer: RetailerRef,
) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    services.mark_planned(orders=[order.pk], plan="pln_1")
    with refused(OrderUnderWay, match="Remove it from its route"):
        promised(order, IN_LOCKER)
    promised(order, dataclasses.replace(WINDOW, closes_at=at(13)))
    assert now(order).promise.option == "window"


# --- awaiting collection ---------------------------------------------------------------------
def waiting(order: Order) -> Order:
    services.mark_awaiting_collection(orders=[order.pk])
    return now(order)


def test_an_order_at_the_counter_is_delivered_when_it_is_collected(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    promised(order, AT_HUB)
    order = waiting(order)
    assert order.state == "awaiting_collection"
    with refused(OrderUnderWay):
        promised(order, WINDOW)
    recorded = attempt(order)
    assert now(order).state == "delivered"
    assert recorded.place == order.delivery_place
    assert kinds(order.public_id)[-3:] == [
        "order.awaiting_collection", "attempt.recorded", "order.delivered",
    ]  # fmt: skip
    assert all(ids == [] for ids in rolls.invariants().values())


def test_goods_deposited_in_a_locker_await_collection(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    recorded = attempt(order, outcome="deposited")
    assert (recorded.outcome, recorded.reason) == ("deposited", "")
    assert now(order).state == "awaiting_collection"
    moved = Event.objects.get(subject=order.public_id, kind="order.awaiting_collection")
    assert moved.data == {"from": "out", "attempt": recorded.public_id}
    attempt(order)
    assert now(order).state == "delivered"
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["deposited", "delivered"]
    assert all(ids == [] for ids in rolls.invariants().values())


def test_an_uncollected_order_is_returned_or_planned_again_but_not_failed(
    retailer: RetailerRef,
) -> None:
    make_hub()
    one, two = waiting(make_order()), waiting(make_order())
    for outcome, reason in (("failed", "not_home"), ("deposited", "")):
        with refused(OrderUnderWay, match="awaits collection"):
            attempt(one, outcome=outcome, reason=reason)
    with refused(MoveNotAllowed):
        services.cancel_order(order=one)
    services.return_order(order=one)
    services.try_again(order=two, service_date=DAY)
    assert (now(one).state, now(two).state) == ("returned", "ready")
    assert all(ids == [] for ids in rolls.invariants().values())


def test_a_deposit_has_no_reason_of_failure(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    with refused(Invalid, at="/reason"):
        attempt(order, outcome="deposited", reason="not_home")
    assert not Attempt.objects.exists()


# --- the upgrade -----------------------------------------------------------------------------
@pytest.fixture
def collected(retailer: RetailerRef) -> tuple[Order, Order]:
    make_hub()
    counter, locker = waiting(make_order()), out(make_order())
    attempt(locker, outcome="deposited")
    return counter, locker


def test_migrating_back_uses_the_nearest_earlier_state(collected: tuple[Order, Order]) -> None:
    counter, locker = collected
    import_module("dispatch.orders.migrations.0005_collection_back").take_back(apps, None)
    assert {now(counter).state, now(locker).state} == {"ready"}
    assert Attempt.objects.get().outcome == "delivered"
