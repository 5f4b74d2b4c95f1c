"""The demo's plans: today's published, tomorrow's a draft to look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from dispatch.fleet.models import Hub
from dispatch.planning.errors import NothingToPlan, PlanMoved, PlanOutdated
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
    """Plan each hub's today and tomorrow unless a plan is there, and publish today's.

    Every day is asked for before the first is waited for, so that worker and command share the
    work. Stands in a retailer. Records: plan.requested, plan.drafted, plan.published. Raises:
    nothing: what does not succeed is said, and the house starts all the same.
    """
    today, tomorrow = demo_days()
    hubs = list(Hub.objects.filter(active=True).order_by("pk"))
    asked = [
        (hub, date, job)
        for date in (today, tomorrow)
        for hub in hubs
        if (job := _asked(hub, date, demo)) is not None
    ]
    for hub, date, job in reversed(asked):  # a worker begins with the first
        _wait(hub, date, job, demo)
    published = [plan.public_id for hub in hubs if (plan := _publish(hub, today, demo)) is not None]
    return {"planned": len(asked), "published": published}


def _asked(hub: Hub, date: dt.date, demo: Demo) -> Job | None:
    if versions(hub, date):
        return None
    try:
        job = request_plan(hub=hub, service_date=date, seconds=SOLVE_S, seed=demo.seed)
    except NothingToPlan as nothing:
        demo.report(f"{hub.name}, {date}: {nothing.detail}")
        return None
    demo.report(f"{current_retailer().name}: planning {hub.name} for {date}.")
    return job


def _wait(hub: Hub, date: dt.date, job: Job, demo: Demo) -> None:
    try:
        ended = wait_for_job(job.public_id, timeout_s=WAIT_S)
    except StillRunning as late:
        demo.report(f"{hub.name}, {date}: {late}")
        return
    if ended.state != JobState.SUCCEEDED:
        demo.report(f"{hub.name}, {date}: {ended.state}: {ended.detail or ended.reason}")
        return
    plan = Plan.objects.get(public_id=(ended.result or {})["plan"])
    asked = plan.orders_count + plan.unserved_count
    demo.report(
        f"{hub.name}, {date}: {plan.orders_count} of {asked} orders on {plan.routes.count()} "
        f"routes, {plan.distance_m // 1000} km."
    )


def _publish(hub: Hub, date: dt.date, demo: Demo) -> Plan | None:
    """Publish a draft that nobody has touched; what people did by hand stays theirs."""
    found = versions(hub, date)
    if not found or any(plan.status == PUBLISHED for plan in found):
        return None
    newest = found[0]
    if newest.status != DRAFT or newest.version != 1:
        return None
    try:
        return publish_plan(plan=newest, version=newest.version)
    except (PlanMoved, PlanOutdated) as refused:  # somebody works on the day: it is theirs
        demo.report(f"{hub.name}, {date}: the draft stays a draft. {refused.detail}")
        return None
