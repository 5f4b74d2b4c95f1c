"""Looks after the runs of a retailer: at the due times, also if nothing is reported.

A pointer in the work list says when the next look is due. While a run is under way that is every
15 seconds; before, when the next shift should have begun. A retailer without such work has none.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from dispatch.fleet.states import ShiftState
from dispatch.live import eta
from dispatch.live.models import Arrival, Incident, Run
from dispatch.live.policy import driver_policy
from dispatch.live.selectors.positions import VehiclePlace
from dispatch.live.selectors.rest import stops_of_routes
from dispatch.live.services.arrivals import EVERY, WATCHED_AFTER, update_due_arrivals
from dispatch.live.services.risks import reconcile_risks, risk_of_start
from dispatch.live.states import IncidentKind, IncidentState
from dispatch.planning.models import Route
from dispatch.planning.states import PUBLISHED
from lastmile.core.clock import now
from lastmile.core.geo import Point, distance_m
from lastmile.core.hints import publish
from lastmile.core.tenancy import current_retailer, current_schema
from lastmile.worklist.services import point_once

POINTER: Final = "live.runs"
UPDATE_TASK: Final = "live.update_arrivals"
STAYS_TASK: Final = "live.note_stays"
UPDATE_QUEUE: Final = "default"
#: The next look comes at the latest after this time, because clocks and settings change. Chosen.
LONGEST: Final = dt.timedelta(minutes=15)
#: An earlier pointer is enough if it is due in more than this. Longer than any transaction here.
MARGIN_S: Final = 5.0
#: A shift that nobody began is given up this long after its end. Chosen.
MISSED_UNTIL: Final = dt.timedelta(hours=2)
#: A run whose arrivals were asked for is not asked for again within this time. Seconds, chosen.
ASK_AGAIN_S: Final = 2.0
#: A phone that sends late positions sends more, so a worker waits for them. Seconds, chosen.
LATE_WAIT_S: Final = 5


def look_after_runs() -> int:
    """Compute the due arrivals and open or settle incidents; return the number of runs.

    Locks, Records: as ``update_due_arrivals`` and ``note_missed_starts``. Raises: nothing.
    """
    runs = update_due_arrivals()
    note_missed_starts()
    return runs


@transaction.atomic
def note_missed_starts() -> int:
    """Tell staff of shifts that should have begun; return how many there are.

    Locks: the incidents that are settled. Records: incident.opened, incident.settled. Raises:
    nothing of its own.
    """
    at = now()
    late = dt.timedelta(minutes=driver_policy().start_minutes)
    routes = list(
        _waiting_routes(at)
        .filter(starts_at__lte=at - late)
        .select_related("shift__hub", "shift__driver", "shift__vehicle")
        .defer("geometry")
        .order_by("pk")
    )
    shifts = {route.shift_id for route in routes}
    known = Incident.objects.filter(
        kind=IncidentKind.SHIFT_NOT_STARTED, state=IncidentState.OPEN, shift__run__isnull=True
    )
    over = set(known.values_list("shift_id", flat=True)) - shifts
    if not shifts and not over:
        return 0
    stops = stops_of_routes(shifts)
    risks = [
        risk_of_start(route.shift, stops.get(route.shift_id, []), route.starts_at, at)
        for route in routes
    ]
    reconcile_risks(shifts=shifts | over, risks=risks, over=over)
    return len(risks)


def _waiting_routes(at: dt.datetime) -> QuerySet[Route]:
    """Return the published routes with stops whose shift nobody has begun."""
    return Route.objects.filter(
        plan__status=PUBLISHED,
        plan__service_date__gte=(at - dt.timedelta(days=2)).date(),
        shift__run__isnull=True,
        shift__state=ShiftState.SCHEDULED,
        ends_at__gte=at - MISSED_UNTIL,
        stops__isnull=False,
    ).distinct()


def point_to_next_look(*, soon: bool = False) -> bool:
    """Add a pointer for the next look; False if an earlier one is enough or nothing is to come.

    ``soon`` means in 15 seconds at the latest.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    wait = EVERY if soon else _next_look()
    if wait is None:
        return False
    seconds = max(EVERY.total_seconds(), wait.total_seconds())
    return point_once(schema=current_schema(), kind=POINTER, due_in_s=seconds, margin_s=MARGIN_S)


def _next_look() -> dt.timedelta | None:
    """Return the real time until the next look; None if no run and no route is to come."""
    at = now()
    under_way = Run.objects.filter(
        Q(back_at__isnull=True, ended_at__isnull=True), shift__ends_at__gte=at - WATCHED_AFTER
    )
    if under_way.exists():
        return EVERY
    late = dt.timedelta(minutes=driver_policy().start_minutes)
    routes = _waiting_routes(at)
    if not routes.exists():
        return None
    first = routes.filter(starts_at__gt=at - late).order_by("starts_at")
    starts_at = first.values_list("starts_at", flat=True).first()
    if starts_at is None:
        return LONGEST
    clock = current_retailer().clock
    rate = 1.0 if clock is None else clock.rate
    return min(LONGEST, (starts_at + late - at) / rate)


def ask_for_moved(places: Sequence[VehiclePlace]) -> list[str]:
    """Ask a worker for the arrivals of runs whose next arrival moved by more than a minute.

    ``places`` are new last positions. Returns the public ids of these runs. The answer is an
    estimate without the streets, in one query. A hint that is lost costs nothing but time, because
    the runs are due again within 15 seconds.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    by_run = {place.run: place for place in places}
    rows = Arrival.objects.filter(
        run__public_id__in=by_run, place_in_route=1, run__forecast__pace_s_per_m__isnull=False
    ).select_related("run__forecast", "order__place", "order__promise__place", "order__common_stop")
    moved = [row for row in rows if _has_moved(row, by_run[row.run.public_id])]
    schema = current_schema()
    due = _not_asked([(schema, row.run_id) for row in moved])
    if due:
        keys = [pk for _schema, pk in due]
        publish(
            UPDATE_TASK,
            queue=UPDATE_QUEUE,
            expires=EVERY.total_seconds(),
            kwargs={"schema": schema, "runs": keys},
        )
    return [row.run.public_id for row in moved]


def _has_moved(row: Arrival, place: VehiclePlace) -> bool:
    door, window = row.order.delivery_place, row.order.shared_stop or row.order.promise
    pace = row.run.forecast.pace_s_per_m
    known_at = row.run.forecast.position_at
    if door.lat is None or door.lon is None or pace is None:
        return False
    if known_at is not None and place.at <= known_at:
        return False
    here = Point(lat=place.lat, lon=place.lon)
    return eta.has_moved(
        expected_at=row.expected_at,
        opens_at=window.opens_at if window else None,
        position_at=place.at,
        distance_m=distance_m(here, Point(lat=door.lat, lon=door.lon)),
        pace_s_per_m=pace,
    )


def ask_for_stays(runs: Iterable[int]) -> None:
    """Ask a worker for the stays of runs that are over, or for which late positions came.

    It is asked after the commit. If the hint is lost, the beat finds a run that has just ended, and
    one with the mark of late positions.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    schema = current_schema()
    due = [pk for _schema, pk in _not_asked([(f"{schema} stays", pk) for pk in sorted(set(runs))])]
    if due:
        kwargs = {"schema": schema, "runs": due}
        transaction.on_commit(
            lambda: publish(STAYS_TASK, queue="bulk", countdown=LATE_WAIT_S, kwargs=kwargs)
        )


_asked_at: dict[tuple[str, int], float] = {}


def _not_asked(runs: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the runs that this process has not asked for in the last moments, and note them."""
    at = time.monotonic()
    for run in [run for run, last in _asked_at.items() if at - last > ASK_AGAIN_S]:
        del _asked_at[run]
    fresh = [run for run in runs if run not in _asked_at]
    _asked_at.update(dict.fromkeys(fresh, at))
    return fresh
