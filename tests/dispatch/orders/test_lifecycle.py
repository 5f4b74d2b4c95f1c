"""Tests of the lifecycle of an order: promises, moves and attempts."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from typing import Any

import pytest

from dispatch.orders import selectors, services
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay
from dispatch.orders.events import MOVED
from dispatch.orders.models import Attempt, Cause, Order, Promise
from dispatch.orders.services.moves import lock_orders, move
from dispatch.orders.states import ENDED, MOVES, OrderState
from lastmile.core.errors import Invalid
from lastmile.core.kinds import example_of
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import kinds, race, refused
from tests.dispatch.orders.actions import at, attempt, out
from tests.factories import make_hub, make_order, make_orders, make_shift, make_window
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY


def test_a_promise_is_superseded_never_edited(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    first = order.promise
    assert first is not None
    second = services.set_promise(
        order=order, draft=PromiseDraft(opens_at=at(14), closes_at=at(16), cause="dispatcher")
    )
    before, after = Promise.objects.order_by("number")
    assert (before.pk, before.opens_at, before.closes_at) == (first.pk, at(9), at(12))
    assert (after.pk, after.number, after.supersedes, after.cause) == (
        second.pk, 2, first, "dispatcher",
    )  # fmt: skip
    order.refresh_from_db()
    assert order.promise == second


def test_the_same_promise_again_changes_nothing(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    events = Event.objects.count()
    services.set_promise(
        order=order, draft=PromiseDraft(opens_at=at(9), closes_at=at(12), cause="choice")
    )
    assert Promise.objects.count() == 1
    assert Event.objects.count() == events


def test_a_promise_gives_an_order_its_date(retailer: RetailerRef) -> None:
    make_hub(zone="Pacific/Auckland")
    order = make_order(service_date=None)
    services.set_promise(
        order=order, draft=PromiseDraft(opens_at=at(20), closes_at=at(22), cause="choice")
    )
    order.refresh_from_db()
    assert (order.state, order.service_date) == ("ready", DAY + dt.timedelta(days=1))


def test_the_day_of_a_planned_order_does_not_move(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window())
    services.mark_planned(orders=[order.pk], plan="pln_1")
    tomorrow = DAY + dt.timedelta(days=1)
    with refused(OrderUnderWay):
        services.set_promise(
            order=order,
            draft=PromiseDraft(
                opens_at=at(9, tomorrow), closes_at=at(12, tomorrow), cause="shopper"
            ),
        )
    services.set_promise(
        order=order, draft=PromiseDraft(opens_at=at(13), closes_at=at(15), cause="redispatch")
    )
    order.refresh_from_db()
    assert order.state == "planned"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"closes_at": at(9)}, "/closes_at"),
        ({"closes_at": at(9) + dt.timedelta(days=8)}, "/closes_at"),
        ({"opens_at": dt.datetime(2026, 11, 23)}, "/opens_at"),
        ({"cause": "whim"}, "/cause"),
        ({"option": "balloon"}, "/option"),
        ({"handover": "thrown"}, "/handover"),
    ],
)
def test_an_invalid_promise_is_refused(
    retailer: RetailerRef, fields: dict[str, Any], pointer: str
) -> None:
    make_hub()
    order = make_order()
    draft_fields = {"opens_at": at(9), "closes_at": at(12), "cause": "choice"} | fields
    with refused(Invalid, at=pointer):
        services.set_promise(order=order, draft=PromiseDraft(**draft_fields))
    assert not Promise.objects.exists()


def test_ten_promises_at_once_form_one_chain(retailer: RetailerRef, fresh_db: str) -> None:
    make_hub()
    order = make_order()
    answers = race(
        retailer,
        lambda n: services.set_promise(
            order=order,
            draft=PromiseDraft(opens_at=at(8 + n), closes_at=at(10 + n), cause="shopper"),
        ),
        10,
    )
    assert all(isinstance(a, Promise) for a in answers), answers
    chain = list(order.promises.order_by("number"))
    assert [p.number for p in chain] == list(range(1, 11))
    assert [p.supersedes for p in chain] == [None, *chain[:-1]]
    order.refresh_from_db()
    assert order.promise == chain[-1]


def facts_of_a_move(to: OrderState) -> dict[str, Any]:
    return {n: v for n, v in example_of(MOVED[to.value].facts).items() if n != "from"}


@pytest.mark.parametrize(("start", "to"), list(itertools.product(OrderState, OrderState)))
def test_only_the_moves_of_the_table_are_made(
    retailer: RetailerRef, start: OrderState, to: OrderState
) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=start)
    events = Event.objects.filter(subject=order.public_id).count()
    if start == to:
        assert move(lock_orders([order.pk]), to) == []
    elif to in MOVES[start]:
        move(lock_orders([order.pk]), to, data=facts_of_a_move(to))
    else:
        with pytest.raises(MoveNotAllowed):
            move(lock_orders([order.pk]), to)
    order.refresh_from_db()
    moved = to in MOVES[start]
    assert order.state == (to if moved else start)
    assert Event.objects.filter(subject=order.public_id).count() == events + moved


def test_a_move_of_many_is_all_or_nothing(retailer: RetailerRef) -> None:
    make_hub()
    orders = make_orders(3)
    services.cancel_order(order=orders[1])
    with refused(MoveNotAllowed, match=str(orders[1].external_id)):
        services.mark_planned(orders=[o.pk for o in orders], plan="pln_1")
    assert Order.objects.filter(state="planned").count() == 0


def test_an_order_can_be_cancelled_until_it_is_in_the_vehicle(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.cancel_order(order=order, cause="shopper")
    services.cancel_order(order=order)
    assert kinds(order.public_id).count("order.cancelled") == 1
    loaded = make_order()
    services.mark_planned(orders=[loaded.pk], plan="pln_1")
    services.mark_loaded(orders=[loaded.pk])
    with refused(MoveNotAllowed, match="vehicle"):
        services.cancel_order(order=loaded)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_order_cannot_change(retailer: RetailerRef, state: OrderState) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=state)
    with refused(OrderUnderWay):
        services.change_order(order=order, notes="late")
    with refused(OrderUnderWay):
        services.set_promise(
            order=order, draft=PromiseDraft(opens_at=at(9), closes_at=at(12), cause="choice")
        )
    with refused(OrderUnderWay):
        services.set_pin(order=order, lat=LAT, lon=LON)


def test_an_attempt_stores_its_times_and_its_promise(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order(window=make_window()))
    shift = make_shift()
    stored = attempt(order, shift=shift, stop="stp_1")
    order.refresh_from_db()
    assert order.state == "delivered"
    assert (stored.number, stored.promise, stored.place, stored.shift) == (
        1,
        order.promise,
        order.place,
        shift,
    )
    recorded = Event.objects.get(subject=order.public_id, kind="attempt.recorded")
    assert recorded.occurred_at == stored.departed_at


def test_an_attempt_first_moves_a_planned_order_to_out(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    attempt(order)
    assert kinds(order.public_id)[-3:] == ["order.out", "attempt.recorded", "order.delivered"]


def test_a_failed_order_is_tried_again_and_its_first_promise_stays(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order(window=make_window()))
    attempt(order, outcome="failed", reason="not_home")
    tomorrow = DAY + dt.timedelta(days=1)
    services.try_again(order=order, service_date=tomorrow)
    order.refresh_from_db()
    assert (order.state, order.service_date, order.promise) == ("ready", tomorrow, None)
    services.set_promise(
        order=order,
        draft=PromiseDraft(
            opens_at=at(9, tomorrow), closes_at=at(12, tomorrow), cause="failed_attempt"
        ),
    )
    attempt(out(order))
    story = selectors.history(order)
    assert [(a.number, a.outcome, a.reason) for a in story.attempts] == [
        (1, "failed", "not_home"),
        (2, "delivered", ""),
    ]
    assert [p.number for p in story.promises] == [1, 2]
    assert story.promises[1].supersedes == story.promises[0]


def test_a_failed_order_can_be_returned(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    attempt(order, outcome="failed", reason="refused")
    services.return_order(order=order)
    order.refresh_from_db()
    assert order.state == "returned"


def test_the_same_report_of_a_phone_is_one_attempt(retailer: RetailerRef, fresh_db: str) -> None:
    make_hub()
    order = out(make_order())
    report = uuid.uuid4()
    answers = race(retailer, lambda _n: attempt(order, client_id=report), 10)
    assert all(isinstance(a, Attempt) for a in answers), answers
    assert Attempt.objects.count() == 1
    assert kinds(order.public_id).count("order.delivered") == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"outcome": "eaten"}, "/outcome"),
        ({"outcome": "failed"}, "/reason"),
        ({"outcome": "failed", "reason": "dog"}, "/reason"),
        ({"reason": "not_home"}, "/reason"),
        ({"arrived_at": dt.datetime(2026, 1, 1)}, "/arrived_at"),
        ({"departed_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "/departed_at"),
        ({"departed_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, "/departed_at"),
    ],
)
def test_an_impossible_attempt_is_refused(
    retailer: RetailerRef, fields: dict[str, Any], pointer: str
) -> None:
    make_hub()
    order = out(make_order())
    with refused(Invalid, at=pointer):
        attempt(order, **fields)
    order.refresh_from_db()
    assert order.state == "out"


@pytest.mark.parametrize("state", ["ready", "placed", "delivered", "cancelled", "failed"])
def test_only_planned_loaded_or_out_orders_can_be_attempted(
    retailer: RetailerRef, state: str
) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=state)
    with refused(OrderUnderWay):
        attempt(order)
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    ("cause", "lane"),
    [
        (Cause.SHOPPER, "person"),
        (Cause.CHOICE, "person"),
        (Cause.DISPATCHER, "person"),
        (Cause.FILE, "bulk"),
        (Cause.API, "bulk"),
    ],
)
def test_what_follows_a_promise_that_a_person_made_is_not_kept_waiting(
    retailer: RetailerRef, cause: Cause, lane: str
) -> None:
    make_hub()
    window = make_window(14, 16)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause=cause)
    services.set_promise(order=make_order(), draft=draft)
    assert Event.objects.filter(kind="order.promised").latest("pk").lane == lane
