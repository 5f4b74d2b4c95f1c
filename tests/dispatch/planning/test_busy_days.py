"""Days that others change at the same moment: nothing is searched under a lock, nothing is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, set_promise
from dispatch.planning.errors import DayBusy
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.selectors.tentative import broken_rules
from dispatch.planning.services import publish_plan, publishing, reconcile_day
from dispatch.planning.services.tentative import reconciling
from lastmile.core.clock import now
from lastmile.core.models import Job, JobState
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import race
from tests.dispatch.planning.test_plans import day_of, plan
from tests.dispatch.planning.test_tentative import hold, routes, tentative, visits
from tests.drain import drain
from tests.factories.fleet import make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders, make_window

pytestmark = pytest.mark.usefixtures("clock", "retailer")
NEXT = DAY + dt.timedelta(days=1)


def then_hold(hub: Hub, act: Callable[..., Any], calls: list[str]) -> Callable[..., Any]:
    """Let a shopper hold a place each time after ``act`` has looked at the day."""

    def held(*args: Any, **kwargs: Any) -> Any:
        result = act(*args, **kwargs)
        calls.append(hold(hub))
        return result

    return held


def test_promises_of_a_day_that_never_rests_are_inserted_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    hub = day_of(orders=2)
    reconcile_day(hub=hub, service_date=DAY)
    promised = [make_order(hub=hub.public_id, window=make_window()) for _n in range(3)]
    whenever = make_order(hub=hub.public_id)
    Job.objects.all().delete()
    with monkeypatch.context() as busy:
        busy.setattr(reconciling, "arrange", then_hold(hub, reconciling.arrange, calls))
        outcome = reconcile_day(hub=hub, service_date=DAY)
    assert len(calls) == reconciling.TRIES, "each try is computed, and none of them in the end"
    assert outcome.placed == 3
    states = visits(hub)
    assert [states[order.public_id].state for order in promised] == ["placed"] * 3
    assert set(calls) <= states.keys(), "the shoppers keep their places"
    assert whenever.public_id not in states, "an order without a promise waits for a quiet moment"
    assert Job.objects.filter(kind="planning.tentative", state=JobState.QUEUED).count() == 1
    drain()
    assert visits(hub)[whenever.public_id].state == "placed"
    assert broken_rules(tentative(hub), now()) == []


def test_a_day_that_never_rests_loses_the_visits_that_no_longer_belong_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    hub = day_of(orders=2)
    cancelled, away, later = (
        make_order(hub=hub.public_id, window=make_window()) for _n in range(3)
    )
    reconcile_day(hub=hub, service_date=DAY)
    cancel_order(order=Order.objects.get(pk=cancelled.pk))
    move_to_next_day(away)
    window = make_window(14, 16)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper")
    set_promise(order=Order.objects.get(pk=later.pk), draft=draft)
    Job.objects.all().delete()
    with monkeypatch.context() as busy:
        busy.setattr(reconciling, "arrange", then_hold(hub, reconciling.arrange, calls))
        outcome = reconcile_day(hub=hub, service_date=DAY)
    assert len(calls) == reconciling.TRIES
    assert (outcome.removed, outcome.placed) == (2, 1)
    states = visits(hub)
    assert {cancelled.public_id, away.public_id}.isdisjoint(states), "their places are free again"
    moved = states[later.public_id]
    assert (moved.state, moved.opens_at) == ("placed", window.opens_at)
    assert set(calls) <= states.keys(), "the shoppers keep their places"
    assert broken_rules(tentative(hub), now()) == []


def test_a_changed_promise_that_fits_nowhere_keeps_its_place_while_the_day_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    hub = day_of(orders=2)
    order = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    before, window = visits(hub)[order.public_id], make_window(22, 23)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper")
    set_promise(order=Order.objects.get(pk=order.pk), draft=draft)
    with monkeypatch.context() as busy:
        busy.setattr(reconciling, "arrange", then_hold(hub, reconciling.arrange, calls))
        outcome = reconcile_day(hub=hub, service_date=DAY)
    assert (outcome.removed, outcome.placed) == (0, 0)
    after = visits(hub)[order.public_id]
    assert (after.pk, after.shift_id, after.opens_at) == (
        before.pk, before.shift_id, before.opens_at,
    )  # fmt: skip


def test_a_busy_day_takes_no_promise_that_fits_on_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    hub = day_of(orders=2)
    reconcile_day(hub=hub, service_date=DAY)
    late = make_order(hub=hub.public_id, window=make_window(22, 23))
    with monkeypatch.context() as busy:
        busy.setattr(reconciling, "arrange", then_hold(hub, reconciling.arrange, calls))
        assert reconcile_day(hub=hub, service_date=DAY).placed == 0
    drain()
    assert visits(hub)[late.public_id].state == "unplaced"


def test_a_plan_of_a_day_that_never_rests_stays_a_draft_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    hub = day_of(orders=3)
    reconcile_day(hub=hub, service_date=DAY)
    draft = plan(hub)
    with monkeypatch.context() as busy:
        act = then_hold(hub, publishing.prepare_adoption, calls)
        busy.setattr(publishing, "prepare_adoption", act)
        with pytest.raises(DayBusy, match="Publish the plan again"):
            publish_plan(plan=draft)
    assert len(calls) == publishing.TRIES
    draft.refresh_from_db()
    assert draft.status == "draft"
    assert tentative(hub).base_plan is None
    assert publish_plan(plan=draft).status == "published"
    assert {key for keys in routes(hub).values() for key in keys} >= set(calls)


def test_a_day_that_was_never_arranged_is_published() -> None:
    hub = day_of(orders=3)
    draft = plan(hub)
    TentativeDay.objects.all().delete()
    assert publish_plan(plan=draft).status == "published"
    assert len(visits(hub)) == 3


def move_to_next_day(order: Order) -> None:
    window = make_window(9, 12, NEXT)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper")
    set_promise(order=Order.objects.get(pk=order.pk), draft=draft)


def test_an_order_that_moves_while_its_old_day_is_written_stays_on_its_new_day(
    fresh_db: str, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = day_of(orders=2)
    make_shift(
        vehicle=make_vehicle(hub=hub),
        starts_at=make_window(8, 17, NEXT).opens_at,
        ends_at=make_window(8, 17, NEXT).closes_at,
    )
    make_orders(1, hub=hub.public_id)
    order = make_order(hub=hub.public_id, window=make_window())
    look = reconciling._stray

    def moves(_n: int) -> None:
        move_to_next_day(order)
        reconcile_day(hub=hub, service_date=NEXT)

    def look_too_early(*args: Any) -> list[str]:
        strays = look(*args)
        monkeypatch.setattr(reconciling, "_stray", look)
        assert race(retailer, moves, 1) == [None]
        return strays

    monkeypatch.setattr(reconciling, "_stray", look_too_early)
    reconcile_day(hub=hub, service_date=DAY)
    row = TentativeVisit.objects.select_related("day").get(key=order.public_id)
    assert (row.day.service_date, row.state) == (NEXT, "placed")
    for day in TentativeDay.objects.select_related("hub", "base_plan"):
        assert broken_rules(day, now()) == []
