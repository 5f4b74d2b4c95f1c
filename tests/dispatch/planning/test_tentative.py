"""Tentative plans: every order and live hold has a place or a reason, and no rule is broken."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.services import cancel_shift, change_vehicle
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, set_pin
from dispatch.planning.boards import NewVisit, Prepared, prepare
from dispatch.planning.errors import PlacesLost, VisitDoesNotFit, VisitGone
from dispatch.planning.models import Plan, TentativeChange, TentativeDay, TentativeVisit
from dispatch.planning.problem.day import Day, read_day
from dispatch.planning.problem.tentative import read_state
from dispatch.planning.rolls import invariants
from dispatch.planning.selectors.tentative import broken_rules, days_behind, days_behind_orders
from dispatch.planning.services import (
    confirm_visit,
    drop_expired,
    forget_days,
    insert_visit,
    lock_days,
    move_stop,
    publish_plan,
    reconcile_day,
    remove_visits,
    take_off,
)
from dispatch.planning.services.tentative import adopting, arranging, request_reconciling
from dispatch.planning.services.tentative.arranging import Arrangement
from dispatch.planning.tasks import open_days
from dispatch.solver.process.child import SolveCrashed
from lastmile.core.clock import now
from lastmile.core.geo import Point
from lastmile.core.jobs import claim
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import arrangement, day_of, plan
from tests.drain import drain
from tests.factories.fleet import LAT, LON, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders, make_window

pytestmark = pytest.mark.usefixtures("clock", "retailer")
_numbers = itertools.count(1)
MORNING = (make_window().opens_at, make_window().closes_at)


def tentative(hub: Hub) -> TentativeDay:
    return TentativeDay.objects.get(hub=hub, service_date=DAY)


def visits(hub: Hub) -> dict[str, TentativeVisit]:
    return {row.key: row for row in TentativeVisit.objects.filter(day=tentative(hub))}


def is_right(hub: Hub) -> None:
    assert broken_rules(tentative(hub), now()) == []


def prepared(hub: Hub, **fields: object) -> Prepared:
    n = next(_numbers)
    values = {
        "key": f"hld_{n:020d}", "point": Point(lat=LAT + n * 1e-4, lon=LON), "service_s": 180,
        "weight_g": 2_000, "volume_cm3": 8_000, "parcels": 1,
    } | fields  # fmt: skip
    return prepare(hub=hub, service_date=DAY, visit=NewVisit(**values))  # type: ignore[arg-type]


def hold(hub: Hub, minutes: int = 15, **fields: object) -> str:
    """Hold a place on the morning, as slots do."""
    visit = prepared(hub, **fields)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        insert_visit(day, visit, window=MORNING, expires_at=now() + dt.timedelta(minutes=minutes))
    return visit.visit.key


def confirm(hub: Hub, key: str, order: Order) -> None:
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        confirm_visit(day, key=key, order=order)


def replayed(hub: Hub, since: dict[str, list[str]], version: int) -> dict[str, list[str]]:
    """Return routes after the logged changes, as a board in memory replays them."""
    routes = {shift: list(keys) for shift, keys in since.items()}
    for change in TentativeChange.objects.filter(
        day=tentative(hub), version__gt=version
    ).select_related("shift"):
        if change.op == "insert":
            assert change.shift is not None
            routes.setdefault(change.shift.public_id, []).insert(change.rank, change.key)
            continue
        assert change.op in {"remove", "rename"}
        for keys in routes.values():
            if change.key in keys:
                at = keys.index(change.key)
                keys[at : at + 1] = [change.new_key] if change.op == "rename" else []
    return {shift: keys for shift, keys in routes.items() if keys}


def routes(hub: Hub) -> dict[str, list[str]]:
    rows = TentativeVisit.objects.filter(day=tentative(hub)).exclude(shift=None)
    result: dict[str, list[str]] = {}
    for row in rows.select_related("shift").order_by("shift_id", "rank"):
        assert row.shift is not None
        result.setdefault(row.shift.public_id, []).append(row.key)
    return result


def test_a_day_holds_every_order_that_can_be_planned() -> None:
    hub = day_of(orders=6)
    outcome = reconcile_day(hub=hub, service_date=DAY)
    assert (outcome.placed, outcome.unplaced, outcome.removed) == (6, 0, 0)
    assert tentative(hub).ready
    assert {row.state for row in visits(hub).values()} == {"placed"}
    is_right(hub)


def test_reconciling_twice_changes_nothing() -> None:
    hub = day_of(orders=3)
    version = reconcile_day(hub=hub, service_date=DAY).version
    assert reconcile_day(hub=hub, service_date=DAY).version == version


def test_many_new_orders_are_arranged_by_a_search() -> None:
    hub = day_of(orders=45)
    assert reconcile_day(hub=hub, service_date=DAY).placed == 45
    is_right(hub)


def test_a_day_without_a_shift_keeps_its_orders_unplaced() -> None:
    hub = make_hub()
    order = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    row = visits(hub)[order.public_id]
    assert (row.state, row.reason) == ("unplaced", "no_shift")
    assert (tentative(hub).ready, tentative(hub).reason) == (False, "no_shift")
    make_shift(vehicle=make_vehicle(hub=hub))
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[order.public_id].state == "placed"
    is_right(hub)


def test_a_new_order_is_inserted_and_logged_without_a_reset() -> None:
    hub = day_of(orders=5)
    reconcile_day(hub=hub, service_date=DAY)
    before, version = routes(hub), tentative(hub).version
    late = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[late.public_id].state == "placed"
    assert replayed(hub, before, version) == routes(hub)
    is_right(hub)


def test_a_cancelled_order_leaves_the_plan() -> None:
    hub = day_of(orders=5)
    reconcile_day(hub=hub, service_date=DAY)
    before, version = routes(hub), tentative(hub).version
    cancelled = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    cancel_order(order=cancelled, cause="shopper")
    assert reconcile_day(hub=hub, service_date=DAY).removed == 1
    assert cancelled.public_id not in visits(hub)
    assert replayed(hub, before, version) == routes(hub)
    is_right(hub)


def test_a_corrected_pin_moves_the_visit() -> None:
    hub = day_of(orders=3)
    order = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    set_pin(order=order, lat=LAT + 0.01, lon=LON + 0.01)
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[order.public_id].point == Point(lat=LAT + 0.01, lon=LON + 0.01)
    is_right(hub)


def test_an_order_that_does_not_fit_stays_unplaced_and_staff_are_told_once() -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=2))
    orders = make_orders(3, hub=hub.public_id)
    for _twice in range(2):
        outcome = reconcile_day(hub=hub, service_date=DAY)
    assert outcome.unplaced == 0
    lost = [row for row in visits(hub).values() if row.state == "unplaced"]
    assert [row.reason for row in lost] == ["no_capacity_left"]
    events = Event.objects.filter(kind="visit.unplaced")
    assert [event.subject for event in events] == [lost[0].key]
    assert len(visits(hub)) == len(orders)
    is_right(hub)


def test_a_cancelled_shift_moves_its_visits_or_names_the_reason() -> None:
    hub = make_hub()
    shifts = [make_shift(vehicle=make_vehicle(hub=hub, parcels=2)) for _n in range(2)]
    make_orders(4, hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    cancel_shift(shift=shifts[0])
    assert reconcile_day(hub=hub, service_date=DAY).unplaced == 2
    assert sorted(row.state for row in visits(hub).values()) == ["placed"] * 2 + ["unplaced"] * 2
    is_right(hub)
    assert TentativeChange.objects.filter(day=tentative(hub), op="reset").exists()


def test_a_smaller_vehicle_keeps_the_promises_first() -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub, parcels=4)
    make_shift(vehicle=vehicle)
    make_orders(2, hub=hub.public_id)
    promised = make_orders(2, hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    change_vehicle(vehicle=vehicle, parcels=2)
    reconcile_day(hub=hub, service_date=DAY)
    placed = {key for key, row in visits(hub).items() if row.state == "placed"}
    assert placed == {order.public_id for order in promised}
    is_right(hub)


def test_a_hold_takes_a_place_and_its_log_leads_to_the_same_routes() -> None:
    hub = day_of(orders=5)
    reconcile_day(hub=hub, service_date=DAY)
    before, version = routes(hub), tentative(hub).version
    keys = [hold(hub) for _n in range(3)]
    assert {visits(hub)[key].state for key in keys} == {"placed"}
    assert replayed(hub, before, version) == routes(hub)
    is_right(hub)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        remove_visits(day, keys[:2])
    assert replayed(hub, before, version) == routes(hub)
    assert set(keys) & visits(hub).keys() == {keys[2]}
    is_right(hub)


def test_the_statements_of_a_removal_do_not_grow_with_its_visits(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    hub = day_of(orders=4)
    reconcile_day(hub=hub, service_date=DAY)
    keys = [hold(hub) for _n in range(12)]
    before, version = routes(hub), tentative(hub).version
    counts = []
    for some in ([keys[0]], keys[1:11]):
        with transaction.atomic():
            (day,) = lock_days([(hub, DAY)])
            with django_assert_max_num_queries(12) as captured:
                remove_visits(day, some)
            counts.append(len(captured))
    assert counts[1] <= counts[0]
    assert replayed(hub, before, version) == routes(hub)
    assert set(keys) & visits(hub).keys() == {keys[11]}
    is_right(hub)


def test_a_hold_that_does_not_fit_is_refused_and_nothing_changes() -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=1))
    reconcile_day(hub=hub, service_date=DAY)
    hold(hub)
    before, version = routes(hub), tentative(hub).version
    with pytest.raises(VisitDoesNotFit) as refused:
        hold(hub)
    assert refused.value.data == {"reason": "capacity"}
    assert (routes(hub), tentative(hub).version) == (before, version)


def test_a_day_that_is_not_ready_takes_no_hold() -> None:
    hub = day_of(orders=1)
    with pytest.raises(VisitDoesNotFit) as refused:
        hold(hub)
    assert refused.value.data == {"reason": "not_ready"}


def test_an_expired_hold_gives_its_place_back(clock: SetClock) -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=1))
    reconcile_day(hub=hub, service_date=DAY)
    expired = hold(hub)
    clock(now() + dt.timedelta(minutes=15))
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        assert drop_expired(day, now()) == [expired]
    assert hold(hub) in visits(hub)
    is_right(hub)


def test_a_confirmed_hold_becomes_the_visit_of_its_order() -> None:
    hub = day_of(orders=2)
    reconcile_day(hub=hub, service_date=DAY)
    key = hold(hub)
    place = (visits(hub)[key].shift_id, visits(hub)[key].rank)
    before, version = routes(hub), tentative(hub).version
    order = make_order(hub=hub.public_id, window=make_window())
    confirm(hub, key, order)
    row = visits(hub)[order.public_id]
    assert (row.shift_id, row.rank, row.expires_at, row.order_id) == (*place, None, order.pk)
    assert replayed(hub, before, version) == routes(hub)
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[order.public_id].state == "placed"
    is_right(hub)
    with pytest.raises(VisitGone):
        confirm(hub, key, order)


def test_an_order_that_moves_to_another_day_leaves_the_first_one() -> None:
    hub = day_of(orders=1)
    order = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    later = DAY + dt.timedelta(days=1)
    type(order).objects.filter(pk=order.pk).update(service_date=later)
    reconcile_day(hub=hub, service_date=later)
    row = TentativeVisit.objects.get(key=order.public_id)
    assert row.day.service_date == later
    is_right(hub)


def test_other_retailers_see_nothing(other: RetailerRef) -> None:
    hub = day_of(orders=2)
    reconcile_day(hub=hub, service_date=DAY)
    with retailer_context(other):
        assert not TentativeDay.objects.exists()
        assert not TentativeVisit.objects.exists()


def test_an_order_finds_its_place_by_itself() -> None:
    hub = day_of(orders=3)
    drain()
    assert {row.state for row in visits(hub).values()} == {"placed"}
    assert len(visits(hub)) == 3
    cancel_order(order=make_order(hub=hub.public_id), cause="shopper")
    drain()
    assert len(visits(hub)) == 3
    is_right(hub)


def test_a_shift_that_is_cancelled_is_noticed() -> None:
    hub = make_hub()
    shift = make_shift(vehicle=make_vehicle(hub=hub))
    make_order(hub=hub.public_id)
    drain()
    cancel_shift(shift=shift)
    drain()
    assert [row.reason for row in visits(hub).values()] == ["no_shift"]
    assert not tentative(hub).ready


def test_a_vehicle_that_becomes_smaller_is_noticed() -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    make_shift(vehicle=vehicle)
    make_orders(3, hub=hub.public_id)
    drain()
    change_vehicle(vehicle=vehicle, parcels=1)
    drain()
    assert sorted(row.state for row in visits(hub).values()) == ["placed", "unplaced", "unplaced"]
    is_right(hub)


def test_a_change_while_the_job_runs_starts_another_job() -> None:
    hub = day_of(orders=1)
    first = request_reconciling(hub=hub, service_date=DAY)
    assert request_reconciling(hub=hub, service_date=DAY) == first, "it has not started yet"
    assert claim(first.public_id) is not None
    second = request_reconciling(hub=hub, service_date=DAY)
    assert second != first, "the first one may have read its rows already"
    assert request_reconciling(hub=hub, service_date=DAY) == second


def test_days_that_nobody_changes_are_found_by_the_scheduled_task(clock: SetClock) -> None:
    hub = day_of(orders=2)
    shift_only = make_hub()
    make_shift(vehicle=make_vehicle(hub=shift_only))
    assert {(h.pk, date) for h, date in days_behind()} == {(hub.pk, DAY), (shift_only.pk, DAY)}
    assert open_days() == 2
    drain()
    assert days_behind() == []
    is_right(hub)
    assert tentative(shift_only).ready
    clock(now() + dt.timedelta(days=3))
    assert days_behind() == [], "days that are over are left as they are"


def test_many_changed_orders_are_looked_at_together(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    hub = day_of(orders=3, shifts=1)
    drain()
    settled, moved, cancelled = Order.objects.filter(hub=hub).order_by("pk")
    ids = [order.public_id for order in (settled, moved, cancelled)]
    assert days_behind_orders(ids) == []
    set_pin(order=moved, lat=LAT + 0.01, lon=LON)
    assert days_behind_orders([settled.public_id, cancelled.public_id]) == []
    assert days_behind_orders([moved.public_id]) == [(hub, DAY)]
    drain()
    cancel_order(order=cancelled, cause="shopper")
    with django_assert_num_queries(3):  # whether any concerns a plan; then the visits, the orders
        assert days_behind_orders(ids) == [(hub, DAY)]
    drain()
    assert days_behind_orders(ids) == []
    with django_assert_num_queries(2):  # a cancelled order that is in no plan any more
        assert days_behind_orders([cancelled.public_id]) == []


def test_a_published_plan_becomes_the_tentative_plan() -> None:
    hub = day_of(orders=6)
    draft = plan(hub)
    published = publish_plan(plan=draft)
    assert tentative(hub).base_plan_id == published.pk
    arranged = {shift: keys for shift, keys in arrangement(published).items() if keys}
    assert routes(hub) == arranged
    is_right(hub)
    drain()
    assert routes(hub) == arranged
    is_right(hub)


def test_publishing_keeps_the_holds_that_the_draft_was_searched_with() -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=4))
    make_orders(2, hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    keys = {hold(hub), hold(hub)}
    draft = plan(hub)
    assert draft.orders_count == 2
    assert {key for keys in arrangement(draft).values() for key in keys}.isdisjoint(keys)
    assert draft.violations_count == 0
    publish_plan(plan=draft)
    assert {visits(hub)[key].state for key in keys} == {"placed"}
    is_right(hub)


def test_a_draft_without_room_for_a_hold_is_not_published() -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=2))
    make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    held = hold(hub, minutes=5)
    make_order(hub=hub.public_id)  # placed in the draft below, where only two parcels fit
    TentativeVisit.objects.filter(key=held).update(shift=None, state="unplaced", reason="time_up")
    draft = plan(hub)
    assert draft.orders_count == 2
    shift = Shift.objects.get(hub=hub)
    TentativeVisit.objects.filter(key=held).update(shift=shift, state="placed", reason="", rank=1)
    before = routes(hub)
    with pytest.raises(PlacesLost) as refused:
        publish_plan(plan=draft)
    assert refused.value.data["places"] == [held]
    assert Plan.objects.get(pk=draft.pk).status == "draft"
    assert routes(hub) == before


@pytest.mark.parametrize("left", [False, True])
def test_travel_times_are_those_of_the_whole_day_after_the_first_van_has_left(
    clock: SetClock, left: bool
) -> None:
    hub = day_of(orders=3, shifts=1)
    afternoon = dt.datetime.combine(DAY, dt.time(16), dt.UTC)
    make_shift(vehicle=make_vehicle(hub=hub), starts_at=afternoon)
    draft = plan(hub)
    planned = read_day(hub, DAY).traffic_minute
    if left:
        publish_plan(plan=draft)
    clock(afternoon - dt.timedelta(minutes=1))  # the end of the morning's shift
    reconcile_day(hub=hub, service_date=DAY)
    state = read_state(tentative(hub), now())
    assert [shift.starts_at for shift in state.day.shifts] == [afternoon]
    assert state.day.traffic_minute == planned == 16 * 60


def test_a_draft_is_published_with_orders_whose_place_the_tentative_plan_does_not_find(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = day_of(orders=2, shifts=1)
    promised = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    draft = plan(hub)
    late = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)

    def find_none(day: Day, present: object, at: object) -> Arrangement:
        return Arrangement({}, {visit.order: ("no_capacity_left", {}) for visit in day.orders})

    monkeypatch.setattr(adopting, "arrange", find_none)
    publish_plan(plan=draft)
    assert Order.objects.get(pk=promised.pk).state == "planned"
    assert Order.objects.get(pk=late.pk).state == "ready"
    monkeypatch.undo()
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[promised.public_id].state == "placed"
    is_right(hub)


def test_an_order_that_came_after_the_draft_keeps_its_place() -> None:
    hub = day_of(orders=2)
    draft = plan(hub)
    late = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    publish_plan(plan=draft)
    assert visits(hub)[late.public_id].state == "placed"
    is_right(hub)


def test_a_route_that_has_left_takes_no_hold(clock: SetClock) -> None:
    hub = day_of(orders=4, shifts=1)
    published = publish_plan(plan=plan(hub))
    before = routes(hub)
    (route,) = published.routes.all()
    clock(route.starts_at)
    with pytest.raises(VisitDoesNotFit) as refused:
        hold(hub)
    assert refused.value.data == {"reason": "no_shift"}
    reconcile_day(hub=hub, service_date=DAY)
    assert routes(hub) == before
    is_right(hub)


def test_a_van_that_left_a_moment_ago_takes_no_hold(clock: SetClock) -> None:
    hub = day_of(orders=4, shifts=1)
    published = publish_plan(plan=plan(hub))
    leaves_at = published.routes.get().starts_at
    clock(leaves_at - dt.timedelta(seconds=20))
    held = hold(hub)  # the board of this process knows the route now
    clock(leaves_at)
    with pytest.raises(VisitDoesNotFit) as refused:
        hold(hub)
    assert refused.value.data["reason"] in {"route_left", "no_shift"}
    with pytest.raises(VisitDoesNotFit) as refused:
        confirm(hub, held, make_order(hub=hub.public_id, window=make_window()))
    assert refused.value.data["reason"] == "route_left"
    assert (hub.pk, DAY) in {(day.pk, date) for day, date in days_behind()}
    reconcile_day(hub=hub, service_date=DAY)
    assert (visits(hub)[held].state, visits(hub)[held].reason) == ("unplaced", "route_left")
    reconcile_day(hub=hub, service_date=DAY)
    (lost,) = Event.objects.filter(kind="hold.unplaced")  # told once
    assert (lost.subject, lost.data["reason"]) == (held, "route_left")
    is_right(hub)


def test_an_order_whose_van_left_first_is_unplaced_and_staff_are_told(clock: SetClock) -> None:
    hub = day_of(orders=2, shifts=1)
    published = publish_plan(plan=plan(hub))
    late = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub)[late.public_id].state == "placed"
    clock(published.routes.get().starts_at)
    reconcile_day(hub=hub, service_date=DAY)
    row = visits(hub)[late.public_id]
    assert (row.state, row.reason) == ("unplaced", "route_left")
    assert Event.objects.filter(kind="visit.unplaced", subject=late.public_id).count() == 1
    is_right(hub)


def test_an_order_that_a_person_took_off_stays_off() -> None:
    hub = day_of(orders=3)
    draft = plan(hub)
    removed = next(key for keys in arrangement(draft).values() for key in keys)
    publish_plan(plan=take_off(plan=draft, version=None, order=removed))
    drain()
    assert (visits(hub)[removed].state, visits(hub)[removed].reason) == ("unplaced", "by_hand")
    assert not Event.objects.filter(kind="visit.unplaced").exists()
    is_right(hub)


def test_a_route_that_was_published_with_a_broken_rule_stays_as_it_is() -> None:
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=1))
    first, second = make_orders(2, hub=hub.public_id)
    draft = plan(hub)
    unserved = {first.public_id, second.public_id} - {
        key for keys in arrangement(draft).values() for key in keys
    }
    shift = Shift.objects.get(hub=hub)
    edited = move_stop(
        plan=draft, version=None, order=unserved.pop(), shift=shift.public_id, position=1
    )
    assert edited.violations_count
    publish_plan(plan=edited)
    drain()
    assert {row.state for row in visits(hub).values()} == {"placed"}
    assert routes(hub) == {k: v for k, v in arrangement(edited).items() if v}
    is_right(hub)


def test_the_invariants_hold_and_name_what_is_broken(clock: SetClock) -> None:
    hub = day_of(orders=3, shifts=1)
    drain()
    hold(hub)
    assert {name: ids for name, ids in invariants().items() if ids} == {}
    TentativeVisit.objects.filter(rank=0).update(rank=7)
    TentativeChange.objects.order_by("-version").first().delete()  # type: ignore[union-attr]
    lost = make_order(hub=hub.public_id)
    clock(now() + dt.timedelta(hours=2))
    broken = {name for name, ids in invariants().items() if ids}
    assert broken == {
        "the visits of a tentative route are numbered from 0 without a gap",
        "the log of a tentative plan ends at its version and has no gap",
        "an order to plan is in the tentative plan of its day",
    }
    assert invariants()["an order to plan is in the tentative plan of its day"] == [lost.public_id]


def test_the_referee_checks_every_tentative_plan_with_the_invariants() -> None:
    hub = day_of(orders=2, shifts=1)
    drain()
    closes_at = make_window(opens=0, closes=1).closes_at
    TentativeVisit.objects.filter(rank=1).update(
        opens_at=closes_at - dt.timedelta(hours=1), closes_at=closes_at
    )
    (fault,) = invariants()["the referee accepts every tentative plan"]
    assert fault.startswith(f"{hub.public_id} {DAY} window")


def test_old_days_are_forgotten(clock: SetClock) -> None:
    hub = day_of(orders=1)
    drain()
    assert forget_days() == {"tentative_days": 0}
    clock(now() + dt.timedelta(days=9))
    assert forget_days() == {"tentative_days": 1}
    assert not TentativeVisit.objects.exists()
    assert Order.objects.filter(hub=hub).exists()


def test_a_day_under_way_and_a_day_of_another_network_are_looked_at_again(clock: SetClock) -> None:
    hub = day_of(orders=1, shifts=1)
    drain()
    assert days_behind() == []
    TentativeDay.objects.update(network="porto@1")
    assert [(h.pk, date) for h, date in days_behind()] == [(hub.pk, DAY)]
    reconcile_day(hub=hub, service_date=DAY)
    assert days_behind() == []
    clock(Shift.objects.get(hub=hub).starts_at)
    assert [(h.pk, date) for h, date in days_behind()] == [(hub.pk, DAY)]
    reconcile_day(hub=hub, service_date=DAY)
    is_right(hub)


def test_the_address_of_a_hold_does_not_stay_after_its_end(clock: SetClock) -> None:
    hub = day_of(orders=0, shifts=1)
    reconcile_day(hub=hub, service_date=DAY)
    held = hold(hub)
    clock(now() + dt.timedelta(hours=2))
    assert [(h.pk, date) for h, date in days_behind()] == [(hub.pk, DAY)]
    reconcile_day(hub=hub, service_date=DAY)
    assert held not in visits(hub)
    is_right(hub)


def test_many_orders_get_places_even_if_the_search_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise SolveCrashed("The solver crashed.")

    monkeypatch.setattr(arranging, "search", fail)
    hub = day_of(orders=arranging.FEW + 1)
    assert reconcile_day(hub=hub, service_date=DAY).placed == arranging.FEW + 1
    is_right(hub)
