"""Changes on a published day reach its plan: the van never goes to the old time or place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.services import cancel_shift
from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import (
    cancel_order,
    mark_unplanned,
    set_pin,
    set_promise,
)
from dispatch.planning.errors import PlacesLost
from dispatch.planning.models import Plan, Stop
from dispatch.planning.policy import PlanningPolicy
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.selectors.late import late_changes, waits_for_dispatcher
from dispatch.planning.selectors.lists import published
from dispatch.planning.services import editing, publish_plan, revise_plan
from dispatch.planning.services import late_changes as publishing
from dispatch.planning.services.tentative.tending import POINTER
from lastmile.core.clock import now
from lastmile.core.geo import Point
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from lastmile.worklist.models import WorkPointer
from tenants.people.services import set_section
from tenants.permissions import Role
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import day_of, plan
from tests.dispatch.planning.test_tending import is_right, tend, waiting
from tests.dispatch.planning.test_tentative import hold, routes, tentative
from tests.drain import drain
from tests.factories.orders import DAY, make_order, make_window
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("clock", "retailer")


def promise(
    order: Order,
    opens: int,
    closes: int,
    place: PromisedPlace | None = None,
    day: dt.date = DAY,
) -> None:
    window = make_window(opens, closes, day)
    draft = PromiseDraft(
        opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper", place=place
    )
    set_promise(order=Order.objects.get(pk=order.pk), draft=draft)


def published_day() -> tuple[Hub, Order, Plan]:
    """Publish a day of three orders, one of them promised from 9 to 12; nothing is waiting."""
    hub = day_of(orders=2)
    order = make_order(hub=hub.public_id, window=make_window())
    first = publish_plan(plan=plan(hub))
    drain()
    tend()
    assert waiting("planning.late") == []
    return hub, order, first


def publish_changes(hub: Hub) -> Plan:
    """Do what the worker does after a change; return the published plan."""
    drain()
    tend()
    for job in waiting("planning.late"):
        assert run_job(job.public_id) == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    current = published(hub, DAY)
    assert current is not None
    return current


def stop_of(current: Plan, order: Order) -> Stop | None:
    return Stop.objects.filter(plan=current, order=order).first()


def is_up_to_date(hub: Hub, first: Plan, current: Plan) -> None:
    """Check that there is one new version, that it has every change, and that nothing waits."""
    assert (current.number, current.based_on_id) == (first.number + 1, first.pk)
    assert not changes_since(PlanBasis(current))
    drain()
    assert not late_changes(tentative(hub))
    tend()
    assert waiting("planning.late") == []
    is_right(hub)


def test_an_order_that_moves_to_another_window_of_its_day_moves_in_the_published_plan() -> None:
    hub, order, first = published_day()
    old = stop_of(first, order)
    assert old is not None
    assert old.starts_at < make_window(14).opens_at
    promise(order, 14, 16)
    current = publish_changes(hub)
    new = stop_of(current, order)
    assert new is not None
    window = make_window(14, 16)
    assert window.opens_at <= new.starts_at < window.closes_at
    is_up_to_date(hub, first, current)


def test_an_order_that_moves_to_another_address_is_visited_there() -> None:
    hub, order, first = published_day()
    there = Point(lat=hub.lat + 0.03, lon=hub.lon - 0.02)
    promise(order, 9, 12, PromisedPlace(reference="work", text="Rua Nova 2", point=there))
    current = publish_changes(hub)
    assert stop_of(current, order) is not None
    basis = PlanBasis(current)
    visit = basis.problem.visits[basis.problem.visit_index[order.public_id]]
    assert basis.points[visit.place] == there
    is_up_to_date(hub, first, current)


def test_a_corrected_pin_moves_the_stop_of_the_published_plan() -> None:
    hub, order, first = published_day()
    set_pin(order=Order.objects.get(pk=order.pk), lat=hub.lat - 0.02, lon=hub.lon + 0.03)
    is_up_to_date(hub, first, publish_changes(hub))


def cancelled(order: Order) -> None:
    cancel_order(order=order)


def moved_away(order: Order) -> None:
    mark_unplanned(orders=[order.pk], plan="")
    promise(order, 9, 12, day=DAY + dt.timedelta(days=1))


@pytest.mark.parametrize("leave", [cancelled, moved_away])
def test_an_order_that_leaves_its_day_leaves_the_published_plan(
    leave: Callable[[Order], None],
) -> None:
    hub, order, first = published_day()
    leave(Order.objects.get(pk=order.pk))
    current = publish_changes(hub)
    assert stop_of(current, order) is None
    assert current.stops.count() == 2
    is_up_to_date(hub, first, current)


def published_single() -> tuple[Hub, Order, Plan]:
    """Publish a day with one order."""
    hub = day_of(orders=0)
    order = make_order(hub=hub.public_id, window=make_window())
    first = publish_plan(plan=plan(hub))
    drain()
    tend()
    return hub, order, first


@pytest.mark.parametrize("leave", [cancelled, moved_away])
def test_the_last_order_that_leaves_a_day_leaves_the_published_plan(
    leave: Callable[[Order], None],
) -> None:
    hub, order, first = published_single()
    leave(Order.objects.get(pk=order.pk))
    current = publish_changes(hub)
    assert (current.stops.count(), current.routes.count(), current.orders_count) == (0, 0, 0)
    first.refresh_from_db()
    assert (first.status, first.stops.count()) == ("superseded", 1), "it never changes"
    is_up_to_date(hub, first, current)


def test_a_hold_keeps_its_place_when_the_last_order_leaves() -> None:
    hub, order, _first = published_single()
    keys = [hold(hub), hold(hub)]
    before = routes(hub)
    cancel_order(order=Order.objects.get(pk=order.pk))
    assert publish_changes(hub).stops.count() == 0
    left = {shift: [k for k in names if k in keys] for shift, names in before.items()}
    assert routes(hub) == {shift: names for shift, names in left.items() if names}
    is_right(hub)


def test_an_order_that_comes_after_the_last_one_left_is_published_again() -> None:
    hub, order, _first = published_single()
    cancel_order(order=Order.objects.get(pk=order.pk))
    assert publish_changes(hub).stops.count() == 0
    new = make_order(hub=hub.public_id, window=make_window(13, 17))
    assert stop_of(publish_changes(hub), new) is not None
    is_right(hub)


def test_the_last_order_leaves_a_day_whose_shift_was_cancelled_too() -> None:
    hub, order, _first = published_single()
    for shift in Shift.objects.filter(hub=hub):
        cancel_shift(shift=shift)
    cancel_order(order=Order.objects.get(pk=order.pk))
    assert publish_changes(hub).stops.count() == 0


def test_the_last_order_on_a_route_leaves_while_another_one_is_off_by_hand() -> None:
    hub, order, _first = published_single()
    off = make_order(hub=hub.public_id, window=make_window(13, 17))
    plan_with = publish_changes(hub)
    draft = revise_plan(plan=plan_with)
    publish_plan(plan=editing.take_off(plan=draft, version=None, order=off.public_id))
    drain()
    cancel_order(order=Order.objects.get(pk=order.pk))
    current = publish_changes(hub)
    assert current.stops.count() == 0
    assert list(current.unserved.values_list("order__public_id", "reason")) == [
        (off.public_id, "by_hand")
    ]


def test_the_board_shows_a_published_plan_without_routes(retailer: RetailerRef) -> None:
    hub, order, _first = published_single()
    cancel_order(order=Order.objects.get(pk=order.pk))
    current = publish_changes(hub)
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    page = desk.get(f"/console/{hub.public_id}/{DAY}/")
    assert page.status_code == 200
    assert current.public_id in page.content.decode()


def test_a_changed_order_that_fits_nowhere_is_not_visited_at_its_old_time() -> None:
    hub, order, first = published_day()
    promise(order, 22, 23)
    current = publish_changes(hub)
    assert current.pk != first.pk
    assert stop_of(current, order) is None
    assert current.unserved.get().order == order
    assert tentative(hub).visits.get(key=order.public_id).state == "unplaced", "staff are told"


def test_a_change_after_the_van_has_left_publishes_nothing(clock: SetClock) -> None:
    hub, order, first = published_day()
    clock(first.routes.order_by("-starts_at")[0].starts_at)
    cancel_order(order=Order.objects.get(pk=order.pk))
    assert publish_changes(hub).pk == first.pk


def test_where_a_dispatcher_decides_a_change_makes_one_draft() -> None:
    a_dispatcher_decides()
    hub, order, first = published_day()
    promise(order, 14, 16)
    for _twice in range(2):
        type(tentative(hub)).objects.update(improved_version=0)
        assert publish_changes(hub).pk == first.pk
    draft = Plan.objects.get(hub=hub, status="draft")
    promise(order, 12, 14)
    assert publish_changes(hub).pk == first.pk
    newer = Plan.objects.filter(hub=hub, status="draft").exclude(pk=draft.pk).get()
    stop = stop_of(newer, order)
    assert stop is not None
    assert stop.starts_at < make_window(14).opens_at, "a draft of an older wish is not enough"


def waits(order: Order) -> bool:
    return waits_for_dispatcher(Order.objects.get(pk=order.pk))


def a_dispatcher_decides() -> None:
    set_section(
        section=section_of(PlanningPolicy), policy=PlanningPolicy(publish_late_changes=False)
    )


def test_a_change_waits_for_the_dispatcher_until_it_is_published() -> None:
    a_dispatcher_decides()
    hub, order, first = published_day()
    assert not waits(order), "its promise is in the plan"
    promise(order, 14, 16)
    assert waits(order)
    assert publish_changes(hub).pk == first.pk
    assert waits(order), "a draft is not a dispatcher's yes"
    publish_plan(plan=Plan.objects.get(hub=hub, status="draft"))
    assert not waits(order)


def test_a_new_order_and_one_that_left_the_day_wait_for_the_dispatcher() -> None:
    a_dispatcher_decides()
    hub, order, _first = published_day()
    new = make_order(hub=hub.public_id, window=make_window(13, 17))
    moved_away(Order.objects.get(pk=order.pk))
    assert waits(new)
    assert waits(order), "the plan of the day before still has its stop"
    assert publish_changes(hub)
    publish_plan(plan=Plan.objects.get(hub=hub, status="draft"))
    assert not waits(new)
    assert not waits(order)


def test_no_change_waits_where_late_changes_are_published_at_once() -> None:
    hub, order, _first = published_day()
    promise(order, 14, 16)
    assert not waits(order)
    assert not waits(make_order(hub=hub.public_id, window=make_window(13, 17)))


def test_nothing_waits_on_a_day_without_a_published_plan() -> None:
    a_dispatcher_decides()
    hub = day_of(orders=1)
    order = make_order(hub=hub.public_id, window=make_window())
    assert not waits(order)
    promise(order, 14, 16)
    assert not waits(order)


def test_an_order_whose_van_has_left_waits_for_nobody(clock: SetClock) -> None:
    a_dispatcher_decides()
    _hub, order, first = published_day()
    clock(first.routes.order_by("-starts_at")[0].starts_at)
    set_pin(order=Order.objects.get(pk=order.pk), lat=order.place.lat + 0.01, lon=order.place.lon)
    assert not waits(order)


def test_a_corrected_pin_of_a_planned_order_leaves_its_promise_confirmed() -> None:
    a_dispatcher_decides()
    hub, order, first = published_day()
    set_pin(order=Order.objects.get(pk=order.pk), lat=hub.lat - 0.02, lon=hub.lon + 0.03)
    assert changes_since(PlanBasis(first)).changed == {order.public_id}
    assert not waits(order), "the time and the place of the promise are the same"
    there = Point(lat=hub.lat + 0.03, lon=hub.lon - 0.02)
    promise(order, 9, 12, PromisedPlace(reference="work", text="Rua Nova 2", point=there))
    assert waits(order), "it was promised at another place"


def test_a_promise_made_before_the_day_was_published_never_waits(clock: SetClock) -> None:
    a_dispatcher_decides()
    hub = day_of(orders=2)
    draft = plan(hub)
    order = make_order(hub=hub.public_id, window=make_window())
    assert not waits(order)
    clock(now() + dt.timedelta(minutes=1))
    publish_plan(plan=draft)
    assert stop_of(draft, order) is None
    assert not waits(order), "the shopper has read that it is promised"
    promise(order, 14, 16)
    assert waits(order), "this promise was made on a published day"


def test_a_publication_that_fails_is_tried_again_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub, order, first = published_day()
    promise(order, 14, 16)
    drain()

    def lose(*, plan: Plan) -> Plan:
        raise PlacesLost(f"Plan {plan.number} has no room for a hold.")

    with monkeypatch.context() as broken:
        broken.setattr(publishing, "publish_plan", lose)
        for pause_s in (60, 120, 240):
            WorkPointer.objects.filter(kind=POINTER).delete()
            assert publish_changes(hub).pk == first.pk
            due = WorkPointer.objects.filter(kind=POINTER).latest("due_at").due_at
            assert abs((due - dt.datetime.now(dt.UTC)).total_seconds() - pause_s) < 20
    assert Plan.objects.filter(hub=hub, status="draft").count() == 0
    is_up_to_date(hub, first, _renumbered(publish_changes(hub), first))


def _renumbered(current: Plan, first: Plan) -> Plan:
    """Return the plan as if no draft had been discarded before it."""
    current.number = first.number + 1
    return current


def test_a_change_that_comes_during_the_publication_is_published_next() -> None:
    hub, order, _first = published_day()
    promise(order, 14, 16)
    WorkPointer.objects.filter(kind=POINTER).delete()
    publish_changes(hub)
    assert WorkPointer.objects.filter(kind=POINTER, due_at__gt=now()).exists()
