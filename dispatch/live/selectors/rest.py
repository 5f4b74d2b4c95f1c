"""Reads the rest of a run: its open stops in the order of visiting, and where it goes on from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.live.eta import OpenStop, Start
from dispatch.live.models import Run, VisitProgress
from dispatch.live.selectors.arrivals import TO_VISIT
from dispatch.live.selectors.shifts import route_of_shift
from dispatch.planning.models import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The rest of a run. ``rows`` and ``stops`` are the same stops, in the order of visiting."""

    run: Run
    rows: Sequence[Stop]
    stops: Sequence[OpenStop]
    start: Start
    way_back: dt.timedelta
    position_at: dt.datetime | None = None
    pace_s_per_m: float | None = None


def rest_of_run(run_pk: int, at: dt.datetime) -> Rest | None:
    """Return the rest of a run; None if it is back, has ended, or has no published route."""
    run = Run.objects.select_related("shift__hub", "shift__vehicle").get(pk=run_pk)
    route = route_of_shift(run.shift)
    if route is None or run.back_at is not None or run.ended_at is not None:
        return None
    done = VisitProgress.objects.filter(run=run).exclude(outcome="").values_list("order_id")
    rows = list(
        route.stops.select_related("order__promise")
        .filter(order__state__in=sorted(TO_VISIT))
        .exclude(order__in=done)
        .order_by("position")
    )
    start = run.left_at or max(at, route.starts_at)
    stops = [
        OpenStop(
            key=row.order.public_id,
            leg_s=row.leg_travel_s,
            service_s=row.order.service_s,
            opens_at=row.order.promise.opens_at if row.order.promise else None,
        )
        for row in rows
    ]
    return Rest(
        run=run,
        rows=rows,
        stops=stops,
        start=Start(at=start, seen_at=run.left_at or run.started_at),
        way_back=dt.timedelta(),
    )
