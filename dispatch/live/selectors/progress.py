"""Reads how far the runs of a day are, and what drivers did with an order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from dispatch.fleet.models import Hub
from dispatch.live.driving import PlannedStop, Standing, VisitState, standing
from dispatch.live.models import DriverAct, Run, VisitProgress
from dispatch.live.selectors.days import run_state
from dispatch.live.states import RunState
from dispatch.orders.models import Order
from dispatch.orders.selectors import common_key
from dispatch.planning.models import Plan, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLine:
    """The visit of one order on a run: arrival, departure and outcome.

    ``arrived_from``, ``arrived_far_m`` and the stay by the positions are as in ``VisitProgress``.
    """

    order: str
    arrived_at: dt.datetime | None
    departed_at: dt.datetime | None
    outcome: str
    reason: str
    arrived_from: str = ""
    arrived_far_m: int | None = None
    stood_from_at: dt.datetime | None = None
    stood_until_at: dt.datetime | None = None

    @property
    def state(self) -> VisitState:
        """The times and the outcome alone."""
        return VisitState(
            arrived_at=self.arrived_at,
            departed_at=self.departed_at,
            outcome=self.outcome,
            reason=self.reason,
        )


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
    return _progress(Run.objects.filter(shift__hub=hub, shift__service_date=service_date))


def progress_of_shifts(public_ids: Collection[str]) -> dict[int, RouteProgress]:
    """Return the progress of the runs of shifts by pk of the shift; none before a run begins."""
    return _progress(Run.objects.filter(shift__public_id__in=public_ids))


def standings(
    plan: Plan, progress: Mapping[int, RouteProgress], at: dt.datetime
) -> dict[int, Standing]:
    """Return how far each run is on its route of a plan, by pk of the shift, in one query."""
    planned: dict[int, list[PlannedStop]] = {shift: [] for shift in progress}
    starts: dict[int, dt.datetime] = {}
    rows = Stop.objects.filter(plan=plan, route__shift__in=planned).order_by("route", "position")
    columns: dict[str, Any] = {
        "order": F("order__public_id"), "arrives_at": F("arrives_at"), "starts_at": F("starts_at"),
        "departs_at": F("departs_at"), "slack_s": F("slack_s"), "common": common_key(),
    }  # fmt: skip
    for shift, begins_at, *facts in rows.values_list(
        "route__shift", "route__starts_at", *columns.values()
    ):
        starts[shift] = begins_at
        planned[shift].append(PlannedStop(**dict(zip(columns, facts, strict=True))))
    return {
        shift: standing(
            planned[shift],
            {order: line.state for order, line in run.visits.items()},
            planned_start=starts[shift],
            left_at=run.left_at,
            now=min(at, run.ended_at or at),
        )
        for shift, run in progress.items()
        if shift in starts
    }


def _progress(rows: QuerySet[Run]) -> dict[int, RouteProgress]:
    runs = list(rows.select_related("driver"))
    visits: dict[int, dict[str, VisitLine]] = {run.pk: {} for run in runs}
    lines = VisitProgress.objects.filter(run__in=visits).select_related("order")
    for row in lines.order_by("run_id", "departed_at", "id"):
        visits[row.run_id][row.order.public_id] = VisitLine(
            order=row.order.public_id,
            arrived_at=row.arrived_at,
            departed_at=row.departed_at,
            outcome=row.outcome,
            reason=row.reason,
            arrived_from=row.arrived_from,
            arrived_far_m=row.arrived_far_m,
            stood_from_at=row.stood_from_at,
            stood_until_at=row.stood_until_at,
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
