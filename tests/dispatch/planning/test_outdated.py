"""A draft is published only if its orders and shifts have not changed since it was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from dispatch.fleet.models import Shift
from dispatch.fleet.services import cancel_shift
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order, Place
from dispatch.orders.services import cancel_order, change_order, set_pin, set_promise
from dispatch.planning.errors import PlanOutdated
from dispatch.planning.models import Plan, Stop
from dispatch.planning.rolls import invariants
from dispatch.planning.services import publish_plan, request_plan, revise_plan
from lastmile.core.models import Event, Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.orders import DAY, make_window

TOMORROW = DAY + dt.timedelta(days=1)


def another_window(order: Order) -> None:
    window = make_window(15, 17)
    set_promise(
        order=order,
        draft=PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper"),
    )


def another_pin(order: Order) -> None:
    set_pin(order=order, lat=38.75, lon=-9.2)


CHANGES: dict[str, Callable[[Order], object]] = {
    "another day": lambda order: change_order(order=order, service_date=TOMORROW),
    "cancelled": lambda order: cancel_order(order=order),
    "another window": another_window,
    "another pin": another_pin,
    "longer service": lambda order: change_order(order=order, service_s=1800),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_draft_with_a_changed_order_is_not_published(retailer: RetailerRef, change: str) -> None:
    draft = plan(day_of(3))
    order = Order.objects.order_by("pk").first()
    assert order is not None
    CHANGES[change](order)
    before = Event.objects.count()
    with pytest.raises(PlanOutdated) as refusal:
        publish_plan(plan=draft)
    assert list(refusal.value.data["outdated"]) == [order.public_id]
    assert Plan.objects.get(pk=draft.pk).status == "draft"
    assert Event.objects.count() == before
    assert not Order.objects.filter(state="planned").exists()


def test_an_order_moved_to_another_day_is_in_one_published_plan(
    retailer: RetailerRef,
) -> None:
    hub = day_of(3)
    old = plan(hub)
    order = Order.objects.order_by("pk").first()
    assert order is not None
    change_order(order=order, service_date=TOMORROW)
    starts = dt.datetime.combine(TOMORROW, dt.time(8), dt.UTC)
    make_shift(
        vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub),
        starts_at=starts, ends_at=starts + dt.timedelta(hours=8),
    )  # fmt: skip
    job = request_plan(hub=hub, service_date=TOMORROW, seconds=1)
    assert run_job(job.public_id) == JobState.SUCCEEDED
    first = Job.objects.get(pk=job.pk).result
    assert first is not None
    publish_plan(plan=Plan.objects.get(public_id=first["plan"]))
    with pytest.raises(PlanOutdated):
        publish_plan(plan=old)
    assert Stop.objects.filter(order=order, plan__status="published").count() == 1


def test_a_draft_with_a_cancelled_shift_is_not_published(retailer: RetailerRef) -> None:
    draft = plan(day_of(3, shifts=1))
    shift = Shift.objects.get()
    cancel_shift(shift=shift)
    with pytest.raises(PlanOutdated) as refusal:
        publish_plan(plan=draft)
    assert refusal.value.data["outdated"] == {shift.public_id: "cancelled"}


def test_changes_outside_the_plan_do_not_prevent_its_publication(retailer: RetailerRef) -> None:
    hub = day_of(3)
    draft = plan(hub)
    order = Order.objects.order_by("pk").first()
    assert order is not None
    change_order(order=order, notes="ring twice")
    first = publish_plan(plan=draft)
    again = publish_plan(plan=revise_plan(plan=first))
    assert again.status == "published"
    assert Place.objects.count() == 3


def test_a_planned_order_of_another_day_than_its_plan_breaks_an_invariant(
    retailer: RetailerRef,
) -> None:
    publish_plan(plan=plan(day_of(2)))
    assert not any(invariants().values())
    order = Order.objects.order_by("pk").first()
    assert order is not None
    Order.objects.filter(pk=order.pk).update(service_date=TOMORROW)
    broken = {name for name, ids in invariants().items() if ids}
    assert broken == {"a planned order is in the published plan of its hub and day"}
