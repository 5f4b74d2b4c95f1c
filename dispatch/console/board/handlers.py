"""Event handlers that send changes of plans, planning jobs and runs to the open boards.

Handlers read the current rows, so a frame is correct even if events arrive out of order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.fleet.models import Hub, Shift
from dispatch.live.events import VISIT_ARRIVED, VISIT_LEFT
from dispatch.live.models import VisitProgress
from dispatch.live.selectors import open_incidents, progress_of_shifts
from dispatch.planning.events import REQUESTED
from dispatch.planning.models import Plan
from dispatch.planning.selectors import board_data
from dispatch.planning.selectors.jobs import JOBS
from lastmile.core.events import JOB_FINISHED, DomainEvent
from lastmile.core.jobs import job_by_id, job_out
from lastmile.core.sockets import broadcast
from tenants.people.selectors import names_of

GROUP = "board"
_AT_DOOR = frozenset({VISIT_ARRIVED.name, VISIT_LEFT.name})
REPLIES = "replies"  # the part about messages sends how many replies of a hub wait
INCIDENTS = "incidents"  # how many incidents of a hub are open


def on_plan_changed(event: DomainEvent) -> None:
    """Send the boards of the plan's day the plan's figures, the change and its author."""
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
    """Tell the day's boards that a planning job has started."""
    _tell_job(REQUESTED.read(event).job)


def on_planning_ended(event: DomainEvent) -> None:
    """Tell the day's boards how a planning job ended; other kinds of job are ignored."""
    if JOB_FINISHED.read(event).kind in JOBS:
        _tell_job(event.subject)


def on_run_changed(event: DomainEvent) -> None:
    """Tell the day's boards that a run began, left, came back or ended, or arrived at a stop."""
    on_runs_changed([event])


def on_runs_changed(events: Sequence[DomainEvent]) -> None:
    """Tell the days' boards of many changes of runs; the figures of a run are read once."""
    orders: dict[str, list[str]] = {}
    for event in events:
        order = event.subject if event.kind in _AT_DOOR else ""
        orders.setdefault(str(event.data["shift"]), []).append(order)
    _tell_progress(orders)


def on_order_visited(event: DomainEvent) -> None:
    """Tell the day's boards how the visit of an order ended; orders without one are ignored."""
    on_orders_visited([event])


def on_orders_visited(events: Sequence[DomainEvent]) -> None:
    """Tell the days' boards how the visits of many orders ended, each order once."""
    ids = {event.subject for event in events}
    visits = VisitProgress.objects.filter(order__public_id__in=ids).exclude(outcome="")
    last = visits.order_by("departed_at").values_list("order__public_id", "run__shift__public_id")
    orders: dict[str, list[str]] = {}
    for order, shift in dict(last).items():
        orders.setdefault(shift, []).append(order)
    _tell_progress(orders)


def on_incident_changed(event: DomainEvent) -> None:
    """Tell the hub's boards how many of its incidents are open."""
    on_incidents_changed([event])


def on_incidents_changed(events: Sequence[DomainEvent]) -> None:
    """Tell the boards of the hubs of many incidents how many are open, each hub once."""
    for hub in sorted({str(event.data["hub"]) for event in events}):
        data = {"open": open_incidents(frozenset({hub}))}
        broadcast(REPLIES, hub, kind=INCIDENTS, seq=None, data=data)


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return the figures of a plan as the board's websocket sends them."""
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
    # No sequence number: a job changes no plan, and the page polls a running job anyway.
    _tell(hub, dt.date.fromisoformat(job.payload["service_date"]), "job", None, job_out(job))


def _tell_progress(orders: Mapping[str, Sequence[str]]) -> None:
    """Send figures of runs. The board then asks for the words, which are in its language.

    ``orders`` has by shift the orders that the frames name, "" for none.
    """
    runs = progress_of_shifts(orders)
    for row in Shift.objects.select_related("hub").filter(public_id__in=orders).order_by("pk"):
        run = runs.get(row.pk)
        if run is None:
            continue
        for order in dict.fromkeys(orders[row.public_id]):
            data = {
                "shift": row.public_id,
                "order": order or None,
                "state": str(run.state),
                "done": run.done,
                "failed": run.failed,
            }
            # No sequence number: a run changes no plan, and the page asks for the present state.
            _tell(row.hub, row.service_date, "progress", None, data)


def _tell(hub: Hub, date: dt.date, kind: str, seq: int | None, data: dict[str, Any]) -> None:
    broadcast(GROUP, hub.public_id, date.isoformat(), kind=kind, seq=seq, data=data)
