"""Keeps the stays of vehicles at doors: arrivals that no driver told of, and when they left."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.db import transaction
from django.db.models import Q

from dispatch.live.models import LastPosition, Position, Run, VisitProgress
from dispatch.live.points import NOT_LAST
from dispatch.live.selectors.arrivals import TO_VISIT
from dispatch.live.selectors.rest import RouteStop, stops_of_routes
from dispatch.live.services.runs import record_left, refresh_visit
from dispatch.live.stays import Door, Seen, Stay, stays_of_run
from dispatch.orders.models import Order
from dispatch.orders.services import note_arrival
from lastmile.core.clock import now
from lastmile.core.geo import Point, distance_m

#: A run under way is looked at this far back. Longer than nearly every stay. Chosen.
LOOKED_AT: Final = dt.timedelta(minutes=45)
#: A vehicle farther from all doors than this is at none. Metres, chosen: more than the circle.
NEAR_M: Final = 500
#: After an outcome its stay is looked for during this time. Chosen.
AFTER_OUTCOME: Final = dt.timedelta(minutes=10)
#: A run that ended within this time is searched again, each time that the beat asks for it.
ENDED_LATELY: Final = dt.timedelta(minutes=15)

Stops = Mapping[int, Sequence[RouteStop]]
Visits = Mapping[int, Mapping[int, VisitProgress]]


def note_stays(runs: Collection[int], *, whole: bool = False) -> int:
    """Find the stays of runs at their doors, by pk of the run; return the number of changes.

    ``whole`` looks at all positions of the runs, not only at those of the last minutes. An
    arrival that the driver told of is never replaced.

    Locks: the runs, one after the other, and their visits. Records: visit.arrived, visit.left.
    Raises: nothing of its own.
    """
    chosen = Run.objects.filter(pk__in=runs).select_related("shift").order_by("pk")
    rows = {run.pk: run for run in chosen}
    stops = stops_of_routes([run.shift_id for run in rows.values()])
    visits: dict[int, dict[int, VisitProgress]] = defaultdict(dict)
    for visit in VisitProgress.objects.filter(run__in=rows):
        visits[visit.run_id][visit.order_id] = visit
    if not whole:
        rows = {pk: rows[pk] for pk in _near_doors(rows, stops, visits)}
    seen = _positions(rows, visits, whole=whole)
    return sum(
        _note_run(run, stops.get(run.shift_id, []), visits[run.pk], seen[run.pk])
        for run in rows.values()
        if seen[run.pk]
    )


def note_stays_of_ended() -> int:
    """Find the stays of runs that ended lately. Runs that got late positions since count too.

    A hint has asked for most of them before; a hint can be lost.

    Locks and Records: as ``note_stays``. Raises: nothing of its own.
    """
    since = now() - ENDED_LATELY
    wanted = Q(back_at__gte=since) | Q(ended_at__gte=since) | Q(late_positions_at__isnull=False)
    return note_late_stays(list(Run.objects.filter(wanted).values_list("pk", flat=True)))


def note_late_stays(runs: Collection[int]) -> int:
    """Find the stays of runs in all of their positions, and take the mark of late ones away.

    Positions that come meanwhile give a run a new mark, which stays.

    Locks and Records: as ``note_stays``. Raises: nothing of its own.
    """
    marked = Run.objects.filter(pk__in=runs, late_positions_at__isnull=False)
    marks = dict(marked.values_list("pk", "late_positions_at"))
    count = note_stays(runs, whole=True)
    for pk, at in marks.items():
        Run.objects.filter(pk=pk, late_positions_at=at).update(late_positions_at=None)
    return count


def _near_doors(rows: Mapping[int, Run], stops: Stops, visits: Visits) -> list[int]:
    """Return the runs whose vehicle is near an open door, or was near one just now."""
    at = now()
    last = {row.run_id: row for row in LastPosition.objects.filter(run__in=rows)}
    near = []
    for pk, run in rows.items():
        position = last.get(pk)
        if position is None or at - position.at > LOOKED_AT:
            continue
        place = Point(lat=position.lat, lon=position.lon)
        is_near = any(
            stop.state in TO_VISIT and distance_m(place, stop.point) <= NEAR_M
            for stop in stops.get(run.shift_id, [])
        )
        if is_near or any(_is_unfinished(visit, at) for visit in visits[pk].values()):
            near.append(pk)
    return near


def _is_unfinished(visit: VisitProgress, at: dt.datetime) -> bool:
    if visit.stood_from_at is not None:
        return visit.stood_until_at is None
    return visit.departed_at is not None and at - visit.departed_at < AFTER_OUTCOME


def _positions(
    rows: Mapping[int, Run], visits: Visits, *, whole: bool
) -> defaultdict[int, list[Seen]]:
    """Return the valid positions of runs, in the order of time."""
    seen: defaultdict[int, list[Seen]] = defaultdict(list)
    if not rows:
        return seen
    open_since = [
        visit.stood_from_at
        for pk in rows
        for visit in visits[pk].values()
        if visit.stood_from_at is not None and visit.stood_until_at is None
    ]
    days = {run.shift.service_date for run in rows.values()}  # the partitions to read
    positions = Position.objects.filter(run__in=rows, day__in=days)
    if not whole:
        positions = positions.filter(at__gte=min([now() - LOOKED_AT, *open_since]))
    columns = ("run_id", "at", "lat", "lon", "accuracy_m", "speed_mps", "flags")
    for pk, at, lat, lon, accuracy_m, speed_mps, flags in positions.order_by("at").values_list(
        *columns
    ):
        if not flags & NOT_LAST:
            seen[pk].append(Seen(at, Point(lat=lat, lon=lon), accuracy_m, speed_mps))
    return seen


def _note_run(
    run: Run,
    stops: Sequence[RouteStop],
    visits: Mapping[int, VisitProgress],
    seen: Sequence[Seen],
) -> int:
    """Write what the positions of one run show; return the number of changes."""
    doors = []
    for stop in stops:
        visit = visits.get(stop.order_pk)
        departed_at = visit.departed_at if visit else None
        if departed_at is not None or stop.state in TO_VISIT:
            doors.append(Door(key=stop.order_pk, point=stop.point, departed_at=departed_at))
    stays = stays_of_run(doors, seen)
    is_over = run.back_at is not None or run.ended_at is not None
    fresh: dict[int, Stay] = {}
    for door in doors:
        visit = visits.get(door.key)
        stay = stays.get(door.key)
        if stay is not None and stay.left_at is None and is_over:
            stay = Stay(arrived_at=stay.arrived_at, left_at=seen[-1].at, distance_m=stay.distance_m)
        if stay is None:
            stay = _closed(visit, door, doors, seen)
        if stay is not None and _is_new(stay, visit):
            fresh[door.key] = stay
    return _write(run, fresh, {stop.order_pk: stop.stop for stop in stops}) if fresh else 0


def _closed(
    visit: VisitProgress | None, door: Door, doors: Sequence[Door], seen: Sequence[Seen]
) -> Stay | None:
    """Return the end of a stay that is no longer under way; None if there is none to end.

    The driver may have told of an outcome at another door meanwhile.
    """
    if visit is None or visit.stood_from_at is None or visit.stood_until_at is not None:
        return None
    since = visit.stood_from_at
    ends = [
        other.departed_at
        for other in doors
        if other.key != door.key and other.departed_at is not None and other.departed_at >= since
    ]
    last = seen[-1].at
    return Stay(arrived_at=since, left_at=max(since, min([*ends, last])), distance_m=0)


def _is_new(stay: Stay, visit: VisitProgress | None) -> bool:
    known = None if visit is None else (visit.stood_from_at, visit.stood_until_at)
    return known != (stay.arrived_at, stay.left_at)


@transaction.atomic
def _write(run: Run, stays: Mapping[int, Stay], stop_of: Mapping[int, str]) -> int:
    rows = Run.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("shift__hub").get(pk=run.pk)
    orders = Order.objects.filter(pk__in=stays).order_by("pk")
    for order in orders:
        stay = stays[order.pk]
        visit, _new = VisitProgress.objects.get_or_create(
            run=locked, order=order, defaults={"stop": stop_of[order.pk]}
        )
        has_left = stay.left_at is not None and visit.stood_until_at is None
        visit.stood_from_at, visit.stood_until_at = stay.arrived_at, stay.left_at
        visit.save(update_fields=["stood_from_at", "stood_until_at"])
        visit = refresh_visit(locked, order, stop="")
        if visit.attempt and visit.arrived_at is not None:
            note_arrival(
                attempt=visit.attempt,
                arrived_at=visit.arrived_at,
                arrived_from=visit.arrived_from,
            )
        if has_left:
            record_left(locked, order, stay)
    return len(stays)
