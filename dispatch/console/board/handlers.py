"""What the board shows live: an act on a plan, or a planning job that ends, reaches open boards.

Handlers read the present state: the frame says how the day stands now, whichever event came first.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.events import REQUESTED
from dispatch.planning.models import Plan
from dispatch.planning.selectors import board_data
from dispatch.planning.selectors.jobs import JOBS
from lastmile.core.events import JOB_FINISHED, DomainEvent
from lastmile.core.jobs import job_by_id, job_out
from lastmile.core.sockets import broadcast
from tenants.people.selectors import names_of

GROUP = "board"


def on_plan_changed(event: DomainEvent) -> None:
    """Tell the boards of a plan's day: which plan, its figures, who did what."""
    plan = Plan.objects.select_related("hub").filter(public_id=event.subject).first()
    if plan is None:
        return
    data = plan_data(plan) | {
        "act": str(event.data.get("act") or event.kind.partition(".")[2]),
        "order": str(event.data.get("order", "")),
        "actor": event.actor,
        "actor_name": names_of({event.actor}).get(event.actor, ""),
    }
    _tell(
        plan.hub, plan.service_date, "plan", board_data.revision(plan.hub, plan.service_date), data
    )


def on_planning_asked(event: DomainEvent) -> None:
    """Tell the boards of a day that it is being planned."""
    _tell_job(REQUESTED.read(event).job)


def on_planning_ended(event: DomainEvent) -> None:
    """Tell the boards of a day how its planning ended; other jobs are not theirs."""
    if JOB_FINISHED.read(event).kind in JOBS:
        _tell_job(event.subject)


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan as frames show it."""
    return {
        "plan": plan.public_id,
        "number": plan.number,
        "status": plan.status,
        "version": plan.version,
        "orders": plan.orders_count,
        "unserved": plan.unserved_count,
        "violations": plan.violations_count,
    }


def _tell_job(public_id: str) -> None:
    job = job_by_id(public_id)
    hub = Hub.objects.get(public_id=job.subject)
    # Without a number: a job changes no plan, and its own row is asked again while it runs.
    _tell(hub, dt.date.fromisoformat(job.payload["service_date"]), "job", None, job_out(job))


def _tell(hub: Hub, date: dt.date, kind: str, seq: int | None, data: dict[str, Any]) -> None:
    broadcast(GROUP, hub.public_id, date.isoformat(), kind=kind, seq=seq, data=data)
