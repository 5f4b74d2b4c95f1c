"""Reads how far the runs of a day are, and the incidents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from dispatch.fleet.models import Hub
from dispatch.live.models import DriverAct, Incident, Run, VisitProgress
from dispatch.live.selectors.days import run_state
from dispatch.live.states import IncidentState, RunState
from dispatch.orders.models import Order
from lastmile.core.refusals import unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLine:
    """The visit of one order on a run: arrival, departure and outcome."""

    order: str
    arrived_at: dt.datetime | None
    departed_at: dt.datetime | None
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteProgress:
    """The progress of a shift's run: its times, and its visits by public id of the order."""

    run: str
    state: RunState
    driver: str
    started_at: dt.datetime
    left_at: dt.datetime | None
    back_at: dt.datetime | None
    ended_at: dt.datetime | None
    confirmed_plan: int | None
    visits: Mapping[str, VisitLine]

    @property
    def done(self) -> int:
        """The number of visits with goods handed over or picked up."""
        return sum(line.outcome not in {"", "failed"} for line in self.visits.values())

    @property
    def failed(self) -> int:
        """The number of visits that failed."""
        return sum(line.outcome == "failed" for line in self.visits.values())


def progress_of_day(hub: Hub, service_date: dt.date) -> dict[int, RouteProgress]:
    """Return the progress of each run of a hub's day, by pk of the shift, in two queries."""
    runs = list(
        Run.objects.filter(shift__hub=hub, shift__service_date=service_date).select_related(
            "driver"
        )
    )
    visits: dict[int, dict[str, VisitLine]] = {run.pk: {} for run in runs}
    rows = VisitProgress.objects.filter(run__in=visits).select_related("order")
    for row in rows.order_by("run_id", "departed_at", "id"):
        visits[row.run_id][row.order.public_id] = VisitLine(
            order=row.order.public_id,
            arrived_at=row.arrived_at,
            departed_at=row.departed_at,
            outcome=row.outcome,
            reason=row.reason,
        )
    return {
        run.shift_id: RouteProgress(
            run=run.public_id,
            state=run_state(run),
            driver=run.driver.public_id,
            started_at=run.started_at,
            left_at=run.left_at,
            back_at=run.back_at,
            ended_at=run.ended_at,
            confirmed_plan=run.confirmed_plan,
            visits=visits[run.pk],
        )
        for run in runs
    }


def runs_of(hub: Hub, service_date: dt.date) -> QuerySet[Run]:
    """Return the runs of a hub's day with shift, vehicle and driver."""
    rows = Run.objects.select_related("shift__vehicle", "driver", "device")
    return rows.filter(shift__hub=hub, shift__service_date=service_date).order_by("started_at")


def acts_of(order: Order) -> QuerySet[DriverAct]:
    """Return what drivers did with an order, in the order in which it happened."""
    rows = DriverAct.objects.select_related("driver", "run").filter(order=order)
    return rows.order_by("happened_at", "id")


def incidents(hubs: frozenset[str] | None = None) -> QuerySet[Incident]:
    """Return incidents, open ones first, then the most urgent; only those of ``hubs`` if given."""
    rows = Incident.objects.select_related("hub", "order", "shift__vehicle", "driver", "act")
    rows = rows if hubs is None else rows.filter(hub__public_id__in=hubs)
    return rows.order_by("state", "due_at", "opened_at", "id")


def get_incident(public_id: str, hubs: frozenset[str] | None) -> Incident:
    """Return one incident. Raises NotFound if it does not exist or its hub is not in ``hubs``."""
    row = None if "\x00" in public_id else incidents(hubs).filter(public_id=public_id).first()
    if row is None:
        raise unknown()
    return row


def open_incidents(hubs: frozenset[str] | None = None) -> int:
    """Return the number of open incidents; only of ``hubs`` if given."""
    rows = Incident.objects.filter(state=IncidentState.OPEN)
    rows = rows if hubs is None else rows.filter(hub__public_id__in=hubs)
    return rows.count()
