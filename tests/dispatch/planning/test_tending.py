"""Quiet days are improved, and late promises of a published day become one new version."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.planning.models import Plan, TentativeDay, TentativeVisit
from dispatch.planning.policy import PlanningPolicy
from dispatch.planning.selectors.lists import published
from dispatch.planning.selectors.tentative import broken_rules, late_orders
from dispatch.planning.services import lock_days, publish_plan, reconcile_day, remove_visits
from dispatch.planning.services.tentative.improving import (
    improve_day,
    replace_places,
)
from dispatch.planning.services.tentative.log import RESET, Change, log_changes
from dispatch.planning.services.tentative.tending import POINTER
from dispatch.planning.tasks import tend_days
from lastmile.core.clock import now
from lastmile.core.jobs import claim, enqueue
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import current_schema
from lastmile.worklist.models import WorkPointer
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import day_of, plan
from tests.dispatch.planning.test_tentative import hold, routes, tentative, visits
from tests.drain import drain
from tests.factories.orders import DAY, make_order, make_window

pytestmark = pytest.mark.usefixtures("clock", "retailer")


def is_right(hub: Hub) -> None:
    assert broken_rules(tentative(hub), now()) == []


def waiting(kind: str) -> list[Job]:
    return list(Job.objects.filter(kind=kind, state=JobState.QUEUED))


def tend() -> None:
    tend_days.run(schema=current_schema())


def spoil(hub: Hub) -> None:
    """Visit every second stop first, then the others, as if the places had been chosen badly."""
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        for shift in TentativeVisit.objects.values_list("shift", flat=True).distinct():
            rows = list(TentativeVisit.objects.filter(day=day.row, shift=shift).order_by("rank"))
            for rank, row in enumerate(rows[::2] + rows[1::2]):
                TentativeVisit.objects.filter(pk=row.pk).update(rank=rank)
        log_changes(day, [Change(op=RESET)])


def improve(hub: Hub) -> dict[str, Any]:
    job = enqueue(
        "planning.improve", payload={"hub": hub.public_id, "service_date": DAY.isoformat()}
    )
    assert run_job(job.public_id) == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    result = Job.objects.get(pk=job.pk).result
    assert result is not None
    return result


def scattered(orders: int = 8) -> Hub:
    """Make a day whose orders are at all sides of the hub, so that their sequence matters."""
    hub = day_of(orders=0)
    for n in range(orders):
        lat, lon = 0.02 * (n % 3 - 1), 0.02 * (n % 4 - 1.5)
        order = make_order(hub=hub.public_id)
        type(order.place).objects.filter(pk=order.place_id).update(
            lat=hub.lat + lat, lon=hub.lon + lon
        )
    reconcile_day(hub=hub, service_date=DAY)
    return hub


def test_a_day_is_improved_after_it_was_quiet_and_not_before(clock: SetClock) -> None:
    hub = day_of(orders=3)
    drain()
    assert WorkPointer.objects.filter(kind=POINTER).count() == 1, "one for all changes"
    tend()
    assert waiting("planning.improve") == []
    clock(now() + dt.timedelta(seconds=30))
    tend()
    assert [job.subject for job in waiting("planning.improve")] == [hub.public_id]


def test_improvement_finds_cheaper_routes_and_keeps_every_visit() -> None:
    hub = scattered()
    held = hold(hub)
    spoil(hub)
    before = visits(hub).keys()
    outcome = improve(hub)
    assert outcome["outcome"] == "better"
    assert outcome["after_minor"] < outcome["before_minor"]
    assert visits(hub).keys() == before
    assert visits(hub)[held].state == "placed"
    assert tentative(hub).improved_version == tentative(hub).version
    is_right(hub)


def test_routes_that_cost_no_less_are_discarded() -> None:
    hub = scattered()
    present = {shift: list(keys) for shift, keys in routes(hub).items()}
    version = tentative(hub).version
    assert replace_places(tentative(hub), present).outcome == "discarded"
    assert tentative(hub).version == version


def test_changes_since_the_search_began_are_kept() -> None:
    hub = scattered()
    good = {shift: list(keys) for shift, keys in routes(hub).items()}
    spoil(hub)
    cancelled = next(key for keys in good.values() for key in keys)
    Order.objects.filter(public_id=cancelled).update(state="cancelled")
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        remove_visits(day, [cancelled])
    held = hold(hub)
    assert replace_places(tentative(hub), good).outcome == "better"
    assert visits(hub)[held].state == "placed"
    assert cancelled not in visits(hub)
    is_right(hub)


def test_improvement_lets_other_jobs_of_planning_run_first() -> None:
    hub = scattered(3)
    enqueue("planning.tentative", payload={"hub": hub.public_id, "service_date": str(DAY)})
    lease = claim(enqueue("planning.improve").public_id)
    assert lease is not None
    assert improve_day(lease, hub=hub, service_date=DAY).outcome == "busy"


def test_a_published_day_is_not_rearranged() -> None:
    hub = day_of(orders=3)
    publish_plan(plan=plan(hub))
    drain()
    assert improve(hub)["outcome"] == "nothing"


def late_order(hub: Hub) -> Order:
    """Place a promised order after the plan was published."""
    order = make_order(hub=hub.public_id, window=make_window())
    drain()
    return order


def test_late_promises_are_published_together_as_one_version() -> None:
    hub = day_of(orders=3)
    first = publish_plan(plan=plan(hub))
    late = [late_order(hub) for _n in range(2)]
    assert set(late_orders(tentative(hub))) == {order.public_id for order in late}
    tend()
    (job,) = waiting("planning.late")
    assert run_job(job.public_id) == JobState.SUCCEEDED
    second = published(hub, DAY)
    assert second is not None
    assert (second.number, second.based_on_id) == (first.number + 1, first.pk)
    assert second.stops.count() == 5
    assert {order.state for order in Order.objects.all()} == {"planned"}
    assert late_orders(tentative(hub)) == []
    drain()
    assert tentative(hub).base_plan_id == second.pk
    is_right(hub)
    tend()
    assert waiting("planning.late") == []


def test_where_a_dispatcher_decides_there_is_one_draft() -> None:
    set_section(
        section=section_of(PlanningPolicy), policy=PlanningPolicy(publish_late_changes=False)
    )
    hub = day_of(orders=3)
    first = publish_plan(plan=plan(hub))
    late = late_order(hub)
    for _twice in range(2):
        TentativeDay.objects.update(improved_version=0)
        tend()
        for job in waiting("planning.late"):
            assert run_job(job.public_id) == JobState.SUCCEEDED
    current = published(hub, DAY)
    assert current is not None
    assert current.pk == first.pk
    (draft,) = Plan.objects.filter(hub=hub, status="draft")
    assert draft.stops.filter(order=late).exists()


def test_a_late_promise_whose_van_has_left_is_not_published(clock: SetClock) -> None:
    hub = day_of(orders=2, shifts=1)
    first = publish_plan(plan=plan(hub))
    late = late_order(hub)
    clock(first.routes.get().starts_at)
    tend()
    for job in waiting("planning.late"):
        assert run_job(job.public_id) == JobState.SUCCEEDED
    current = published(hub, DAY)
    assert current is not None
    assert current.pk == first.pk
    assert visits(hub)[late.public_id].reason == "route_left"
    is_right(hub)
