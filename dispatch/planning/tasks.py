"""The jobs and tasks of planning: plan a day, update a plan, keep the tentative plans.

The switchboard names the jobs, ``lastmile.schedule`` the tasks that beat starts.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.boards import prepare_files, remove_old_files
from dispatch.planning.search import parts
from dispatch.planning.search.spread import search_part
from dispatch.planning.selectors.tentative import days_behind
from dispatch.planning.services.late_changes import publish_late_changes
from dispatch.planning.services.redispatching import Bounds, redispatch_day
from dispatch.planning.services.solving import solve_day
from dispatch.planning.services.tentative import reconcile_day, request_reconciling
from dispatch.planning.services.tentative.improving import improve_day
from dispatch.planning.services.tentative.tending import POINTER, note_waiting, request_due_work
from dispatch.planning.services.unplanned import note_unplanned_days
from dispatch.solver.process.child import SolveFailed
from lastmile.core.jobs import Lease
from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import current_schema, for_each_retailer
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear

log = logging.getLogger(__name__)


def plan_day(job: Lease) -> Mapping[str, Any]:
    """Plan the hub and date of the job's payload; return the draft's id and figures."""
    return solve_day(
        job,
        hub_id=job.payload["hub"],
        service_date=dt.date.fromisoformat(job.payload["service_date"]),
        seconds=int(job.payload["seconds"]),
        seed=int(job.payload["seed"]),
    )


def redispatch(job: Lease) -> Mapping[str, Any]:
    """Fit the plan of the job's payload to its day as it is now; return the new draft's id."""
    return redispatch_day(
        job,
        plan_id=job.payload["plan"],
        seconds=int(job.payload["seconds"]),
        seed=int(job.payload["seed"]),
        bounds=Bounds(
            moved=job.payload["most_moved"], shifted_min=job.payload["most_shifted_minutes"]
        ),
    )


def tentative_day(job: Lease) -> Mapping[str, Any]:
    """Bring the tentative plan of the payload's hub and date to its content; return the counts."""
    hub = Hub.objects.get(public_id=job.payload["hub"])
    service_date = dt.date.fromisoformat(job.payload["service_date"])
    outcome = reconcile_day(hub=hub, service_date=service_date)
    prepare_files(hub=hub, service_date=service_date)
    return asdict(outcome)


def improve(job: Lease) -> Mapping[str, Any]:
    """Improve the tentative plan of the payload's hub and date; return the outcome and costs."""
    hub = Hub.objects.get(public_id=job.payload["hub"])
    service_date = dt.date.fromisoformat(job.payload["service_date"])
    return asdict(improve_day(job, hub=hub, service_date=service_date))


def publish_late(job: Lease) -> Mapping[str, Any]:
    """Publish the late changes of the payload's hub and date; return what was published."""
    hub = Hub.objects.get(public_id=job.payload["hub"])
    service_date = dt.date.fromisoformat(job.payload["service_date"])
    return publish_late_changes(job, hub=hub, service_date=service_date)


@retailer_task("planning.tend_days", queue="default")
def tend_days() -> None:
    """Request the jobs for changed days: improvement, or publication of late changes."""
    pointers = seen(current_schema(), POINTER)
    if request_due_work():
        note_waiting()
    clear(pointer_ids=pointers)


@house_task("planning.open_days", queue="default", time_limit=300, soft_time_limit=280)
def open_days() -> int:
    """Request jobs for the tentative plans that are missing or behind; return their number.

    This also builds the tentative plans of the promises that an installation had before it was
    upgraded. The travel files of past days on this machine are removed.
    """
    requested = 0
    for _retailer in for_each_retailer():
        for hub, service_date in days_behind():
            request_reconciling(hub=hub, service_date=service_date)
            requested += 1
        request_due_work()
        remove_old_files()
    return requested


@house_task("planning.note_unplanned", queue="default", time_limit=300, soft_time_limit=280)
def note_unplanned() -> int:
    """Record the days of tomorrow that have orders and no plan; return their number."""
    return sum(note_unplanned_days() for _retailer in for_each_retailer())


@retailer_task(parts.TASK, queue=parts.QUEUE)
def solve_part(*, part: int) -> None:
    """Solve one part of a large plan, if the part is still waiting."""
    lease = parts.claim(part)
    if lease is None:
        return
    try:
        parts.solve_claimed(lease, lambda claimed: search_part(claimed, lambda: False))
    except SolveFailed as failed:
        log.warning("Part %d failed: %s", part, failed.detail)
