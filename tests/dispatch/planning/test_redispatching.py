"""Updates of a plan: no order is lost, few promises change, departed vehicles stay unchanged."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.services import cancel_shift
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import (
    cancel_order,
    change_order,
    mark_loaded,
    mark_out,
    set_pin,
    set_promise,
)
from dispatch.planning.errors import NothingChanged, NothingToPlan, PlanNotDraft, PlanOutdated
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.rolls import invariants
from dispatch.planning.selectors import board_data
from dispatch.planning.selectors.changes import PlanBasis, changes_since, count_changes
from dispatch.planning.selectors.spots import arrangement_of
from dispatch.planning.services import editing, publish_plan, revise_plan
from dispatch.planning.services.redispatching import Bounds, request_redispatch
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.core.errors import Invalid
from lastmile.core.models import Event, Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import refused
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders, make_window

pytestmark = pytest.mark.usefixtures("clock")


def updated(old: Plan, bounds: Bounds | None = None) -> Plan:
    """Update a plan to its day, as a worker does."""
    job = request_redispatch(plan=old, seconds=1, bounds=bounds)
    assert run_job(job.public_id) == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    result = Job.objects.get(pk=job.pk).result
    assert result is not None
    return Plan.objects.get(public_id=result["plan"])


def routes(it: Plan) -> dict[str, list[str]]:
    return {s: orders for s, orders in arrangement_of(it, PlanBasis(it).problem).items() if orders}


def served(it: Plan) -> set[str]:
    return {order for orders in routes(it).values() for order in orders}


def check_draft(draft: Plan) -> None:
    """Check that the draft passes the referee, that its figures add up and that it publishes."""
    problem = PlanBasis(draft).problem
    assert check(problem, evaluate(problem, arrangement_of(draft, problem))) == []
    assert draft.violations_count == 0
    publish_plan(plan=draft)
    assert not any(invariants().values())


def test_an_update_adds_new_orders_and_drops_cancelled_ones(retailer: RetailerRef) -> None:
    hub = day_of(12)
    old = publish_plan(plan=plan(hub))
    before = routes(old)
    removed = Order.objects.order_by("pk").first()
    assert removed is not None
    cancel_order(order=removed)
    added = make_order(hub=hub.public_id)
    changes = changes_since(PlanBasis(old))
    assert (changes.came, changes.gone) == ({added.public_id}, {removed.public_id})
    assert changes.changed == changes.shifts_came == changes.shifts_gone == frozenset()
    draft = updated(old)
    assert (draft.status, draft.based_on, draft.number) == ("draft", old, 2)
    assert served(draft) == {o for orders in before.values() for o in orders} - {
        removed.public_id
    } | {added.public_id}
    assert not changes_since(PlanBasis(draft))
    assert Event.objects.filter(kind="plan.drafted", subject=draft.public_id).count() == 1
    check_draft(draft)


def test_orders_that_did_not_change_keep_their_driver_and_time(retailer: RetailerRef) -> None:
    hub = day_of(16, shifts=2)
    old = publish_plan(plan=plan(hub))
    make_order(hub=hub.public_id, weight_g=1)
    draft = updated(old, Bounds(moved=0, shifted_min=30))
    before, after = routes(old), routes(draft)
    home = {order: shift for shift, orders in before.items() for order in orders}
    moved = [o for shift, orders in after.items() for o in orders if home.get(o, shift) != shift]
    assert moved == []
    starts = dict(Stop.objects.filter(plan=old).values_list("order", "starts_at"))
    for order, start in Stop.objects.filter(plan=draft).values_list("order", "starts_at"):
        assert abs(start - starts.get(order, start)) <= dt.timedelta(minutes=30)
    check_draft(draft)


def test_an_update_respects_a_new_window_and_a_new_pin(retailer: RetailerRef) -> None:
    old = plan(day_of(10))
    late, far = Order.objects.order_by("pk")[:2]
    window = make_window(13, 14)
    set_promise(
        order=late,
        draft=PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper"),
    )
    set_pin(order=far, lat=38.75, lon=-9.2)
    with pytest.raises(PlanOutdated, match="Update the plan"):
        publish_plan(plan=old)
    assert changes_since(PlanBasis(old)).changed == {late.public_id, far.public_id}
    draft = updated(old)
    start = Stop.objects.get(plan=draft, order=late).starts_at
    assert window.opens_at <= start < window.closes_at
    route = Stop.objects.get(plan=draft, order=far).route
    points = [point for leg in route.geometry for point in leg]
    assert [-9.2, 38.75] in points
    check_draft(draft)


def test_the_orders_of_a_cancelled_shift_move_to_other_shifts(retailer: RetailerRef) -> None:
    hub = day_of(12, shifts=3)
    old = plan(hub)
    cancelled = Route.objects.filter(plan=old).first()
    assert cancelled is not None
    cancel_shift(shift=cancelled.shift)
    assert count_changes(old).shifts_gone == 1
    draft = updated(old)
    assert served(draft) == served(old)
    assert not draft.routes.filter(shift=cancelled.shift).exists()
    check_draft(draft)


def test_a_new_shift_serves_orders_that_were_unserved(retailer: RetailerRef) -> None:
    hub = make_hub(loading_s=600)
    make_shift(vehicle=make_vehicle(hub=hub, parcels=4), driver=make_driver(hub=hub))
    make_orders(8, hub=hub.public_id)
    old = plan(hub)
    assert old.unserved_count == 4
    make_shift(vehicle=make_vehicle(hub=hub, parcels=4), driver=make_driver(hub=hub))
    draft = updated(old)
    assert (draft.orders_count, draft.unserved_count) == (8, 0)
    for shift, orders in routes(old).items():
        assert set(routes(draft)[shift]) == set(orders)
    check_draft(draft)


def test_an_order_removed_by_hand_stays_unserved(retailer: RetailerRef) -> None:
    hub = day_of(8)
    old = plan(hub)
    off = min(served(old))
    edited = editing.take_off(plan=old, version=old.version, order=off)
    make_order(hub=hub.public_id)
    draft = updated(edited)
    assert list(draft.unserved.values_list("order__public_id", "reason")) == [(off, "by_hand")]
    assert draft.orders_count == 8


def test_an_update_repairs_what_an_edit_broke(retailer: RetailerRef) -> None:
    hub = make_hub(loading_s=600)
    for _n in range(2):
        make_shift(vehicle=make_vehicle(hub=hub, parcels=4), driver=make_driver(hub=hub))
    make_orders(8, hub=hub.public_id)
    old = plan(hub)
    (one, orders), (other, _) = routes(old).items()
    broken = editing.move_stop(
        plan=old, version=old.version, order=orders[0], shift=other, position=1
    )
    assert broken.violations_count
    assert len(routes(broken)[other]) == 5
    draft = updated(broken)
    assert {shift: len(served) for shift, served in routes(draft).items()} == {one: 4, other: 4}
    check_draft(draft)


def test_a_vehicle_that_has_left_keeps_its_orders_and_start(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub = day_of(14, shifts=1)
    old = publish_plan(plan=plan(hub))
    (away,) = old.routes.all()
    starts = away.starts_at + dt.timedelta(hours=1)
    make_shift(
        vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub),
        starts_at=starts, ends_at=starts + dt.timedelta(hours=6),
    )  # fmt: skip
    added = make_orders(3, hub=hub.public_id)
    clock(away.starts_at + dt.timedelta(minutes=90))
    draft = updated(old)
    before, after = routes(old), routes(draft)
    shift = away.shift.public_id
    assert after[shift] == before[shift]
    assert draft.routes.get(shift=away.shift).starts_at == away.starts_at
    (other,) = (s for s in after if s != shift)
    assert sorted(after[other]) == sorted(o.public_id for o in added)
    route = draft.routes.get(shift__public_id=other)
    assert route.starts_at >= away.starts_at + dt.timedelta(minutes=90)
    problem = PlanBasis(draft).problem
    for order in added:  # no later edit may use the departed vehicle
        visit = problem.visits[problem.visit_index[order.public_id]]
        assert visit.vehicles == {other}
    check_draft(draft)


def test_loaded_orders_stay_in_their_vehicle_and_the_plan_can_be_published(
    retailer: RetailerRef,
) -> None:
    hub = day_of(12, shifts=2)
    old = publish_plan(plan=plan(hub))
    route = old.routes.first()
    assert route is not None
    loaded = list(Order.objects.filter(stops__route=route))
    mark_loaded(orders=[o.pk for o in loaded])
    mark_out(orders=[loaded[0].pk])
    added = make_order(hub=hub.public_id)
    assert changes_since(PlanBasis(old)).gone == frozenset()
    assert count_changes(old).gone == 0
    draft = updated(old)
    assert routes(draft)[route.shift.public_id] == routes(old)[route.shift.public_id]
    assert added.public_id in served(draft)
    check_draft(draft)
    states = set(Order.objects.filter(stops__route=route).values_list("state", flat=True))
    assert states == {"loaded", "out"}
    assert Order.objects.get(pk=added.pk).state == "planned"


def test_a_cancelled_order_is_removed_from_a_route_that_has_left(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub = day_of(8, shifts=1)
    old = publish_plan(plan=plan(hub))
    (away,) = old.routes.all()
    starts = away.starts_at + dt.timedelta(hours=2)
    make_shift(
        vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub),
        starts_at=starts, ends_at=starts + dt.timedelta(hours=6),
    )  # fmt: skip
    clock(away.starts_at + dt.timedelta(minutes=5))
    removed = Order.objects.order_by("pk").first()
    assert removed is not None
    cancel_order(order=removed)
    draft = updated(old)
    (after,) = routes(draft).values()
    (before,) = routes(old).values()
    assert after == [order for order in before if order != removed.public_id]
    assert draft.routes.get().starts_at == away.starts_at
    check_draft(draft)


def test_refusals_change_nothing(retailer: RetailerRef, clock: SetClock) -> None:
    hub = day_of(6)
    old = publish_plan(plan=plan(hub))
    with refused(NothingChanged, match="nothing to update"):
        request_redispatch(plan=old)
    added = make_order(hub=hub.public_id)
    with refused(Invalid, match="seconds"):
        request_redispatch(plan=old, seconds=11)
    with refused(Invalid, match="whole number"):
        request_redispatch(plan=old, bounds=Bounds(moved=-1))
    superseded = old
    newer = publish_plan(plan=revise_plan(plan=old))
    superseded.refresh_from_db()
    with refused(PlanNotDraft, match="superseded"):
        request_redispatch(plan=superseded)
    clock(max(Shift.objects.values_list("ends_at", flat=True)))
    with refused(NothingToPlan, match="has left"):
        request_redispatch(plan=newer)
    clock(EVE)
    assert not Job.objects.filter(kind="planning.redispatch").exists()
    first = request_redispatch(plan=newer)
    assert request_redispatch(plan=newer) == first
    assert run_job(first.public_id) == JobState.SUCCEEDED
    assert Plan.objects.filter(job=first.public_id).count() == 1
    assert added.public_id in served(Plan.objects.get(job=first.public_id))


def test_changes_count_from_the_time_at_which_the_day_was_read(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub = day_of(6)
    old = plan(hub)
    order = Order.objects.order_by("pk").first()
    assert order is not None
    assert not count_changes(old).any
    clock(EVE + dt.timedelta(minutes=1))
    window = make_window(13, 15)
    set_promise(
        order=order,
        draft=PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper"),
    )
    clock(EVE + dt.timedelta(minutes=2))
    copy = revise_plan(plan=old)
    assert count_changes(copy).promised == 1
    change_order(order=Order.objects.order_by("pk")[1], service_date=DAY + dt.timedelta(days=1))
    make_orders(2, hub=hub.public_id)
    counts = count_changes(copy)
    assert (counts.came, counts.gone, counts.promised, counts.shifts_gone) == (2, 1, 1, 0)
    draft = updated(copy)
    assert not count_changes(draft).any


def test_a_draft_is_compared_with_the_published_plan(
    retailer: RetailerRef,
) -> None:
    hub: Hub = day_of(10)
    old = publish_plan(plan=plan(hub))
    removed = Order.objects.order_by("pk").first()
    assert removed is not None
    cancel_order(order=removed)
    make_orders(2, hub=hub.public_id)
    draft = updated(old)
    publication = board_data.publication_of(draft)
    assert (publication.before, publication.added, publication.dropped) == (old, 2, 1)
    starts = {
        it.pk: dict(Stop.objects.filter(plan=it).values_list("order", "starts_at"))
        for it in (old, draft)
    }
    away = [
        abs(starts[draft.pk][order] - start)
        for order, start in starts[old.pk].items()
        if order in starts[draft.pk]
    ]
    assert publication.shifted == sum(it > dt.timedelta(minutes=10) for it in away)
