"""Plans: a job makes them, the referee checks them, people publish, edit and undo."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from dispatch.fleet.models import Hub, Shift
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.planning.errors import (
    NothingToPlan,
    NothingToUndo,
    OrderNotInPlan,
    PlanMoved,
    PlanNotDraft,
    RouteNotInPlan,
)
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.problem.keep import pack, unpack
from dispatch.planning.selectors import lists, spots
from dispatch.planning.selectors.words import say_unserved, say_violation
from dispatch.planning.services import (
    discard_plan,
    editing,
    publish_plan,
    request_plan,
    revise_plan,
)
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.core.errors import Invalid, NotFound
from lastmile.core.models import Event, Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.factories.fleet import LAT, LON, make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders, make_window


def day_of(orders: int = 12, shifts: int = 2) -> Hub:
    """Make a hub with vans, shifts and orders around it."""
    hub = make_hub(loading_s=600)
    for _n in range(shifts):
        make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
    make_orders(orders, hub=hub.public_id)
    return hub


def plan(hub: Hub, **kwargs: int) -> Plan:
    """Plan a day with the real solver in its child process, as a worker does."""
    job = request_plan(hub=hub, service_date=DAY, seconds=kwargs.pop("seconds", 1), **kwargs)
    assert run_job(job.public_id) == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    result = Job.objects.get(pk=job.pk).result
    assert result is not None
    return Plan.objects.get(public_id=result["plan"])


def arrangement(draft: Plan) -> dict[str, list[str]]:
    return spots.arrangement_of(draft, unpack(bytes(draft.input.problem)))


def events(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def test_a_day_becomes_a_draft_that_serves_every_order_and_passes_the_referee(
    retailer: RetailerRef,
) -> None:
    hub = day_of()
    draft = plan(hub)
    assert (draft.status, draft.number, draft.unserved_count, draft.violations_count) == (
        "draft", 1, 0, 0,
    )  # fmt: skip
    assert draft.orders_count == Stop.objects.filter(plan=draft).count() == 12
    problem = unpack(bytes(draft.input.problem))
    assert check(problem, evaluate(problem, arrangement(draft))) == []
    assert draft.travel_source == "straight_line"
    assert draft.travel_note == "no_network"
    assert draft.input_sha256 == pack(problem)[1]


def test_the_figures_of_a_plan_are_the_sums_of_its_routes_and_legs(retailer: RetailerRef) -> None:
    draft = plan(day_of())
    routes = lists.routes_of(draft)
    assert draft.distance_m == sum(r.distance_m for r in routes)
    assert draft.cost_minor == sum(r.cost_minor for r in routes)
    problem = unpack(bytes(draft.input.problem))
    for route in routes:
        stops = list(route.stops.all())
        last = problem.visits[problem.visit_index[stops[-1].order.public_id]].place
        vehicle = problem.vehicles[problem.vehicle_index[route.shift.public_id]]
        way_back = int(problem.profiles[vehicle.profile].distance_m[last, 0])
        assert route.distance_m == sum(s.leg_distance_m for s in stops) + way_back
        assert route.starts_at >= route.shift.starts_at
        assert route.ends_at <= route.shift.ends_at
        assert len(route.geometry) == len(stops) + 1
        times = [(s.arrives_at, s.starts_at, s.departs_at) for s in stops]
        assert times == sorted(times)
        assert route.weight_g == sum(s.order.weight_g for s in stops)


def test_promised_windows_are_kept(retailer: RetailerRef) -> None:
    hub = day_of(6)
    promised = [make_order(hub=hub.public_id, window=make_window(h, h + 1)) for h in (9, 11, 13)]
    draft = plan(hub)
    for order in promised:
        stop = Stop.objects.get(plan=draft, order=order)
        window = make_window(promised.index(order) * 2 + 9, promised.index(order) * 2 + 10)
        assert window.opens_at <= stop.starts_at < window.closes_at
        assert stop.slack_s >= 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"skills": ("crane",)}, "no_skill"),
        ({"weight_g": 5_000_000}, "too_heavy"),
        ({"window": make_window(1, 2)}, "window_impossible"),
    ],
)
def test_an_unserved_order_has_its_true_reason_as_text(
    retailer: RetailerRef, fields: dict[str, object], reason: str
) -> None:
    hub = day_of(3)
    odd = make_order(hub=hub.public_id, **fields)
    draft = plan(hub)
    (row,) = lists.unserved_of(draft)
    assert (row.order, row.reason) == (odd, reason)
    assert all(say_unserved(row.reason, row.params))


def test_a_day_without_shifts_or_orders_is_not_planned(retailer: RetailerRef) -> None:
    hub = make_hub()
    with pytest.raises(NothingToPlan, match="shift"):
        request_plan(hub=hub, service_date=DAY)
    make_shift(vehicle=make_vehicle(hub=hub))
    with pytest.raises(NothingToPlan, match="order"):
        request_plan(hub=hub, service_date=DAY)
    with pytest.raises(Invalid):
        request_plan(hub=day_of(1), service_date=DAY, seconds=100_000)
    assert not Job.objects.exists()
    assert events("plan.requested") == 0


def test_two_requests_for_one_day_are_one_job(retailer: RetailerRef) -> None:
    hub = day_of(2)
    first = request_plan(hub=hub, service_date=DAY)
    assert request_plan(hub=hub, service_date=DAY).public_id == first.public_id


def test_a_job_that_runs_twice_makes_one_draft(
    retailer: RetailerRef,
) -> None:
    hub = day_of(3)
    job = request_plan(hub=hub, service_date=DAY, seconds=1)
    run_job(job.public_id)
    first = Job.objects.get(pk=job.pk)
    Job.objects.filter(pk=job.pk).update(
        state="queued", finished_at=None, result=None, lease_token=None, lease_until=None
    )
    run_job(job.public_id)
    assert Job.objects.get(pk=job.pk).result == first.result
    assert Plan.objects.count() == 1


def test_publishing_marks_orders_planned_and_supersedes_the_plan_before(
    retailer: RetailerRef,
) -> None:
    hub = day_of(5)
    first = publish_plan(plan=plan(hub))
    assert set(Order.objects.values_list("state", flat=True)) == {"planned"}
    dropped = Order.objects.order_by("pk").first()
    assert dropped is not None
    second = editing.take_off(plan=revise_plan(plan=first), version=None, order=dropped.public_id)
    publish_plan(plan=second)
    first.refresh_from_db()
    assert first.status == "superseded"
    assert Order.objects.get(pk=dropped.pk).state == "ready"
    assert Order.objects.filter(state="planned").count() == 4
    published = lists.published(hub, DAY)
    assert published is not None
    assert published.public_id == second.public_id
    assert (events("plan.published"), events("plan.superseded")) == (2, 1)


def test_a_published_plan_never_changes(retailer: RetailerRef) -> None:
    hub = day_of(4)
    current = publish_plan(plan=plan(hub))
    stop = Stop.objects.filter(plan=current).select_related("order", "route__shift").first()
    assert stop is not None
    before = list(Stop.objects.filter(plan=current).order_by("pk").values())
    count = Event.objects.count()
    for act in (
        lambda: editing.take_off(plan=current, version=None, order=stop.order.public_id),
        lambda: editing.undo(plan=current, version=None),
        lambda: discard_plan(plan=current),
        lambda: publish_plan(plan=current),
    ):
        with pytest.raises(PlanNotDraft):
            act()
    assert list(Stop.objects.filter(plan=current).order_by("pk").values()) == before
    assert Event.objects.count() == count


def test_a_revised_plan_is_an_equal_new_draft(retailer: RetailerRef) -> None:
    original = publish_plan(plan=plan(day_of(5)))
    draft = revise_plan(plan=original)
    assert (draft.status, draft.number, draft.based_on) == ("draft", 2, original)
    assert arrangement(draft) == arrangement(original)
    assert draft.cost_minor == original.cost_minor
    ids = {r.public_id for r in Route.objects.filter(plan=original)}
    assert not ids & {r.public_id for r in Route.objects.filter(plan=draft)}


def test_moving_a_stop_recomputes_the_plan_and_undo_restores_it(retailer: RetailerRef) -> None:
    draft = plan(day_of(8))
    before, figures = arrangement(draft), (draft.cost_minor, draft.distance_m, draft.co2_g)
    source, other = sorted(before, key=lambda s: -len(before[s]))
    order = before[source][0]
    moved = editing.move_stop(
        plan=draft, version=draft.version, order=order, shift=other, position=1
    )
    after = arrangement(moved)
    assert after[other][0] == order
    assert after[source] == before[source][1:]
    assert moved.version == draft.version + 1
    problem = unpack(bytes(moved.input.problem))
    solution = evaluate(problem, after)
    assert moved.distance_m == sum(r.distance_m for r in solution.routes)
    undone = editing.undo(plan=moved, version=moved.version)
    assert arrangement(undone) == before
    assert (undone.cost_minor, undone.distance_m, undone.co2_g) == figures
    with pytest.raises(NothingToUndo):
        editing.undo(plan=undone, version=undone.version)
    assert events("plan.edited") == 2


def test_an_edit_that_breaks_a_promise_is_stored_with_its_violation(
    retailer: RetailerRef,
) -> None:
    hub = day_of(3, shifts=1)
    early = make_order(hub=hub.public_id, window=make_window(9, 10))
    late = make_order(hub=hub.public_id, window=make_window(14, 15))
    draft = plan(hub)
    (shift,) = arrangement(draft)
    edited = editing.move_stop(
        plan=draft, version=None, order=late.public_id, shift=shift, position=1
    )
    assert edited.violations_count >= 1
    broken = Stop.objects.get(plan=edited, order=early).violations
    assert [v["code"] for v in broken] == ["window"]
    assert "min" in say_violation("window", broken[0])


def test_an_order_removed_by_a_person_has_the_reason_by_hand(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    order = Stop.objects.filter(plan=draft).select_related("order").first()
    assert order is not None
    edited = editing.take_off(plan=draft, version=None, order=order.order.public_id)
    (row,) = lists.unserved_of(edited)
    assert (row.order, row.reason) == (order.order, "by_hand")
    back = editing.undo(plan=edited, version=None)
    assert lists.unserved_of(back) == []


def test_suggested_places_cost_exactly_what_the_move_adds(retailer: RetailerRef) -> None:
    draft = plan(day_of(8))
    stop = Stop.objects.filter(plan=draft).select_related("order").order_by("pk").first()
    assert stop is not None
    name = stop.order.public_id
    without = editing.take_off(plan=draft, version=None, order=name)
    options = spots.spots_for(without, name)
    assert {o.shift for o in options} == set(arrangement(draft))
    best = options[0]
    cost, metres = without.cost_minor, without.distance_m
    moved = editing.move_stop(
        plan=without, version=None, order=name, shift=best.shift, position=best.position
    )
    assert moved.distance_m - metres == best.added_m
    assert abs(moved.cost_minor - cost - best.added_cost_minor) <= 2  # parts are rounded by route


def test_an_edit_of_an_old_version_is_refused_and_changes_nothing(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    stale = draft.version
    order = Stop.objects.filter(plan=draft).select_related("order").first()
    assert order is not None
    editing.take_off(plan=draft, version=stale, order=order.order.public_id)
    before = arrangement(draft)
    for act in (
        lambda: editing.undo(plan=draft, version=stale),
        lambda: publish_plan(plan=draft, version=stale),
        lambda: discard_plan(plan=draft, version=stale),
    ):
        with pytest.raises(PlanMoved):
            act()
    assert arrangement(draft) == before
    assert Plan.objects.get(pk=draft.pk).status == "draft"


def test_orders_and_routes_outside_the_plan_are_refused(retailer: RetailerRef) -> None:
    draft = plan(day_of(3))
    elsewhere = make_order()
    first = Stop.objects.filter(plan=draft).select_related("order").first()
    assert first is not None
    shift = next(iter(arrangement(draft)))
    with pytest.raises(OrderNotInPlan):
        editing.move_stop(
            plan=draft, version=None, order=elsewhere.public_id, shift=shift, position=1
        )
    with pytest.raises(RouteNotInPlan):
        editing.move_stop(
            plan=draft, version=None, order=first.order.public_id, shift="sft_no", position=1
        )
    with pytest.raises(OrderNotInPlan):
        editing.put_in_sequence(plan=draft, version=None, shift=shift, orders=["ord_no"])
    assert not draft.edits.exists()


def test_a_cancelled_order_does_not_prevent_the_next_publication(
    retailer: RetailerRef,
) -> None:
    hub = day_of(4)
    publish_plan(plan=plan(hub))
    order = Order.objects.order_by("pk").first()
    assert order is not None
    cancel_order(order=order)
    second = publish_plan(plan=plan(hub))
    assert second.orders_count == 3
    assert Order.objects.get(pk=order.pk).state == "cancelled"


def test_one_plan_published_twice_at_once_is_published_once(
    fresh_db: str, retailer: RetailerRef
) -> None:
    draft = plan(day_of(3))
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def publish() -> None:
        with retailer_context(retailer):
            barrier.wait()
            try:
                publish_plan(plan=draft, version=draft.version)
                outcomes.append("published")
            except (PlanNotDraft, PlanMoved) as refusal:
                outcomes.append(refusal.code)
        connections.close_all()

    threads = [threading.Thread(target=publish) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("published") == 1
    assert len(outcomes) == 8
    assert events("plan.published") == 1
    assert events("order.planned") == 3


def test_two_drafts_of_one_day_published_at_once_leave_one_published(
    fresh_db: str, retailer: RetailerRef
) -> None:
    first = plan(day_of(3))
    drafts = [first, *(revise_plan(plan=first) for _n in range(3))]
    barrier = threading.Barrier(len(drafts))
    faults: list[BaseException] = []

    def publish(draft: Plan) -> None:
        with retailer_context(retailer):
            barrier.wait()
            try:
                publish_plan(plan=draft)
            except PlanMoved:
                pass
            except BaseException as fault:  # noqa: BLE001 - the test below checks it
                faults.append(fault)
        connections.close_all()

    threads = [threading.Thread(target=publish, args=(d,)) for d in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert Plan.objects.filter(status="published").count() == 1


def test_a_board_with_many_stops_is_read_in_few_queries(
    retailer: RetailerRef, django_assert_num_queries: type[CaptureQueriesContext]
) -> None:
    draft = plan(day_of(40, shifts=3))
    with django_assert_num_queries(3):  # type: ignore[operator]
        for route in lists.routes_of(draft):
            _ = route.vehicle.name, route.driver and route.driver.name, route.shift.starts_at
            for stop in route.stops.all():
                _ = stop.order.place.text, stop.order.shopper.name, stop.order.promise
        for row in lists.unserved_of(draft):
            _ = row.order.place.text


def test_plans_of_one_retailer_are_unknown_to_another_and_to_other_hubs(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    draft = plan(day_of(2))
    assert lists.get_plan(draft.public_id, None) == draft
    with pytest.raises(NotFound):
        lists.get_plan(draft.public_id, frozenset({"hub_other"}))
    with retailer_context(other):
        with pytest.raises(NotFound):
            lists.get_plan(draft.public_id, None)
        assert list(lists.plans()) == []


def test_a_packed_problem_is_unpacked_unchanged(retailer: RetailerRef) -> None:
    problem = unpack(bytes(plan(day_of(3)).input.problem))
    again = unpack(pack(problem)[0])
    assert (again.visits, again.vehicles, again.dimensions) == (
        problem.visits, problem.vehicles, problem.dimensions,
    )  # fmt: skip
    for one, two in zip(again.profiles, problem.profiles, strict=True):
        assert (one.duration_s == two.duration_s).all()
        assert (one.distance_m == two.distance_m).all()


def test_the_service_date_of_a_plan_is_in_the_hubs_zone(retailer: RetailerRef) -> None:
    hub = day_of(2)
    make_orders(2, hub=hub.public_id, service_date=DAY + dt.timedelta(days=1))
    make_orders(2, hub=make_hub(lat=LAT + 1, lon=LON).public_id)
    assert plan(hub).orders_count == 2
    assert Shift.objects.filter(hub=hub).count() == 2
