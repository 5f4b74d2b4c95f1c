"""The plans of the demo: the plan of today is published, the plan of tomorrow stays a draft."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from dispatch.fleet.demo import MOVING
from dispatch.fleet.models import Hub
from dispatch.planning.errors import NothingToPlan, PlacesLost, PlanMoved, PlanOutdated
from dispatch.planning.models import Plan
from dispatch.planning.selectors.lists import versions
from dispatch.planning.services import publish_plan, request_plan
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core.demo import Demo, demo_days
from lastmile.core.models import Job, JobState
from lastmile.core.tenancy import current_retailer
from lastmile.core.waiting import StillRunning, wait_for_job

SOLVE_S: Final = 6
WAIT_S: Final = 240


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Plan today and tomorrow for each hub that has no plan yet, and publish the plan of today.

    Call it in the context of a retailer. All plans are requested before the first wait, so that
    worker and command share the work. Records: plan.requested, plan.drafted, plan.published.
    Raises: nothing; a failure is reported and the demo starts without that plan.
    """
    today, tomorrow = demo_days()
    usual = Hub.objects.filter(active=True).exclude(external_id=MOVING.id)
    hubs = list(usual.order_by("pk"))
    requested = [
        (hub, date, job)
        for date in (today, tomorrow)
        for hub in hubs
        if (job := _request(hub, date, demo)) is not None
    ]
    # A worker begins with the first job, so this command begins with the last one.
    for hub, date, job in reversed(requested):
        _wait(hub, date, job, demo)
    published = [plan.public_id for hub in hubs if (plan := _publish(hub, today, demo)) is not None]
    return {"planned": len(requested), "published": published}


def plan_again(hub: Hub, date: dt.date, demo: Demo) -> Plan | None:
    """Plan a hub's day and publish the draft; return None if that was not possible.

    Call it in the context of a retailer. Records: plan.requested, plan.drafted, plan.published.
    Raises: nothing; a failure is reported.
    """
    job = _new_request(hub, date, demo)
    if job is None:
        return None
    _wait(hub, date, job, demo)
    newest = next(iter(versions(hub, date)), None)
    return None if newest is None else _publish_draft(hub, date, newest, demo)


def _request(hub: Hub, date: dt.date, demo: Demo) -> Job | None:
    return None if versions(hub, date) else _new_request(hub, date, demo)


def _new_request(hub: Hub, date: dt.date, demo: Demo) -> Job | None:
    try:
        job = request_plan(hub=hub, service_date=date, seconds=SOLVE_S, seed=demo.seed)
    except NothingToPlan as nothing:
        demo.report(f"{hub.name}, {date}: {nothing.detail}")
        return None
    demo.report(f"{current_retailer().name}: planning {hub.name} for {date}.")
    return job


def _wait(hub: Hub, date: dt.date, job: Job, demo: Demo) -> None:
    try:
        finished = wait_for_job(job.public_id, timeout_s=WAIT_S)
    except StillRunning as late:
        demo.report(f"{hub.name}, {date}: {late}")
        return
    if finished.state != JobState.SUCCEEDED:
        demo.report(f"{hub.name}, {date}: {finished.state}: {finished.detail or finished.reason}")
        return
    plan = Plan.objects.get(public_id=(finished.result or {})["plan"])
    total = plan.orders_count + plan.unserved_count
    demo.report(
        f"{hub.name}, {date}: {plan.orders_count} of {total} orders on {plan.routes.count()} "
        f"routes, {plan.distance_m // 1000} km."
    )


def _publish(hub: Hub, date: dt.date, demo: Demo) -> Plan | None:
    """Publish the newest draft unless a person edited it or a plan of the day is published."""
    plans = versions(hub, date)
    if not plans or any(plan.status == PUBLISHED for plan in plans):
        return None
    return _publish_draft(hub, date, plans[0], demo)


def _publish_draft(hub: Hub, date: dt.date, newest: Plan, demo: Demo) -> Plan | None:
    if newest.status != DRAFT or newest.version != 1:
        return None
    try:
        return publish_plan(plan=newest, version=newest.version)
    except (PlacesLost, PlanMoved, PlanOutdated) as refused:  # somebody works on this day
        demo.report(f"{hub.name}, {date}: the draft stays a draft. {refused.detail}")
        return None
