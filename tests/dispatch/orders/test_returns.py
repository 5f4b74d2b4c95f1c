"""Tests of returns: a return is picked up and brought to the hub, and never delivered."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.orders import services
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay
from dispatch.orders.models import Attempt, Order
from dispatch.orders.rolls import invariants
from dispatch.orders.services.moves import lock_orders, move
from dispatch.orders.states import MOVES, RETURN_MOVES, OrderState, moves_from
from lastmile.core.errors import Invalid
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.orders.actions import attempt, out
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order
from tests.people import add_member, logged_in


def a_return(*, planned: bool = True) -> Order:
    """Place a return and put it into a published plan, unless the test needs it ready."""
    make_hub()
    order = make_order(direction="return")
    if planned:
        services.mark_planned(orders=[order.pk], plan="pln_1")
    return Order.objects.get(pk=order.pk)


def events_of(order: Order) -> list[str]:
    rows = Event.objects.filter(subject=order.public_id).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def broken() -> list[str]:
    return [name for name, ids in invariants().items() if ids]


def test_a_return_that_was_picked_up_is_in_the_vehicle_until_it_is_back(
    retailer: RetailerRef,
) -> None:
    order = a_return()
    recorded = attempt(order, outcome="picked_up")
    assert (recorded.outcome, recorded.reason) == ("picked_up", "")
    order.refresh_from_db()
    assert order.state == OrderState.LOADED
    assert events_of(order)[-3:] == ["order.out", "attempt.recorded", "order.loaded"]
    services.return_order(order=order)
    order.refresh_from_db()
    assert order.state == OrderState.RETURNED
    assert broken() == []


@pytest.mark.parametrize("outcome", ["delivered", "deposited"])
def test_a_return_is_refused_as_delivered(retailer: RetailerRef, outcome: str) -> None:
    order = a_return()
    before = events_of(order)
    with pytest.raises(Invalid) as refused:
        attempt(order, outcome=outcome)
    assert "picked_up" in str(refused.value.errors)
    order.refresh_from_db()
    assert order.state == OrderState.PLANNED
    assert events_of(order) == before
    assert not Attempt.objects.exists()


def test_an_outward_order_cannot_be_picked_up(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    before = events_of(order)
    with pytest.raises(Invalid):
        attempt(order, outcome="picked_up")
    order.refresh_from_db()
    assert order.state == OrderState.OUT
    assert events_of(order) == before


def test_a_return_is_picked_up_once_and_not_loaded_at_the_hub(retailer: RetailerRef) -> None:
    order = a_return()
    with pytest.raises(MoveNotAllowed):
        services.mark_loaded(orders=[order.pk])
    attempt(order, outcome="picked_up")
    with pytest.raises(OrderUnderWay):
        attempt(order, outcome="failed", reason="not_home")
    assert Attempt.objects.count() == 1


def test_a_pick_up_that_failed_can_be_tried_again(retailer: RetailerRef) -> None:
    order = a_return()
    attempt(order, outcome="failed", reason="not_home")
    order.refresh_from_db()
    assert order.state == OrderState.FAILED
    services.try_again(order=order)
    order.refresh_from_db()
    assert order.state == OrderState.READY
    assert broken() == []


def test_an_outward_order_in_the_vehicle_is_not_back_at_its_hub(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_loaded(orders=[order.pk])
    with pytest.raises(MoveNotAllowed):
        services.return_order(order=order)
    order.refresh_from_db()
    assert order.state == OrderState.LOADED


@pytest.mark.parametrize("start", list(OrderState))
def test_no_move_leads_a_return_to_delivered(retailer: RetailerRef, start: OrderState) -> None:
    order = a_return(planned=False)
    Order.objects.filter(pk=order.pk).update(state=start)
    for to in OrderState:
        if to in RETURN_MOVES[start] or to == start or start == OrderState.AWAITING_COLLECTION:
            continue
        with pytest.raises(MoveNotAllowed):
            move(lock_orders([order.pk]), to)
    reached = {to for state, moves in RETURN_MOVES.items() for to in moves
               if state != OrderState.AWAITING_COLLECTION}  # fmt: skip
    assert not reached & {OrderState.DELIVERED, OrderState.AWAITING_COLLECTION}
    assert moves_from(start, is_return=False) == MOVES[start]


def test_a_delivered_return_breaks_an_invariant(retailer: RetailerRef) -> None:
    order = a_return()
    Order.objects.filter(pk=order.pk).update(state="delivered")
    assert invariants()["a return is never delivered"] == [order.public_id]


def test_the_page_of_a_return_says_that_it_was_picked_up(retailer: RetailerRef) -> None:
    order = a_return()
    attempt(order, outcome="picked_up")
    desk: Client = logged_in(retailer, add_member(Role.DISPATCHER))
    page = desk.get(f"/console/orders/{order.public_id}/", headers={"HX-Request": "true"})
    html = page.content.decode()
    assert "Attempt: picked up" in html
    assert "Picked up" in html
    assert "delivered" not in html.lower()
