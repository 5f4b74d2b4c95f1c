"""Reads the rest of runs: their open stops in the order of visiting, and where each goes on from.

Orders for one place are one stop, as in the plan and in the driver's app: they are visited one
after the other, and the way to the place and the arrival there count once. The number of queries
does not grow with the number of runs.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, Exists, F, Max, OuterRef, Value, When

from dispatch.live import eta
from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct, LastPosition, Run, VisitProgress
from dispatch.live.selectors.arrivals import TO_VISIT
from dispatch.live.selectors.loading import missing_orders
from dispatch.live.states import Result
from dispatch.orders.selectors import common_key, of_stop
from dispatch.planning.models import Route, Stop
from dispatch.planning.selectors.schedule import RouteBreak, breaks_of
from dispatch.planning.states import PUBLISHED
from dispatch.roads.matrix import leg_between, travel
from lastmile.core.clock import zone
from lastmile.core.geo import Point, distance_m


@dataclass(frozen=True, slots=True)
class RouteStop:
    """A stop of a published route, with what its order says now.

    ``common`` is the key of the place that the order shares with others, "" for a stop of its own.
    There ``arrival_s`` is needed once, and the window is that of the place.
    """

    shift: int
    stop: str
    position: int
    leg_travel_s: int
    slack_s: int
    planned_at: dt.datetime
    order_pk: int
    order: str
    state: str
    service_s: int
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    common: str
    arrival_s: int
    lat: float
    lon: float

    @property
    def point(self) -> Point:
        """The door."""
        return Point(lat=self.lat, lon=self.lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The rest of a run, read at the instant ``at``.

    ``rows`` and ``stops`` are the same open stops, in the order of visiting. ``way_back_s`` is the
    time from the last of them to the hub, with the breaks that come after it. ``pace_s_per_m`` is
    that of the way to the next stop, None without a position. ``sign_at`` is when the driver did
    something or the vehicle was seen last.
    """

    run: Run
    at: dt.datetime
    rows: Sequence[RouteStop]
    stops: Sequence[eta.OpenStop]
    start: eta.Start
    way_back_s: int
    position_at: dt.datetime | None
    pace_s_per_m: float | None
    on_break: bool
    sign_at: dt.datetime
    has_positions: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The rows about runs: rows by pk of the run, stops and routes by pk of the shift."""

    routes: Mapping[int, Route]
    stops: Mapping[int, Sequence[RouteStop]]
    visits: Mapping[int, Sequence[VisitProgress]]
    positions: Mapping[int, LastPosition]
    breaks: Mapping[int, Sequence[tuple[str, dt.datetime]]]
    missing: Mapping[int, set[str]]
    signs: Mapping[int, Sequence[dt.datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """The time and place at which a vehicle went on last.

    ``position`` is that of a stop, 0 for the hub, None for any other place. ``common`` is the key
    of a place that several orders share.
    """

    at: dt.datetime
    place: Point
    position: int | None
    common: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pause:
    """The present break of a driver, if any, and the planned ones that are not yet taken."""

    started_at: dt.datetime | None
    ends_at: dt.datetime | None
    to_come: Sequence[RouteBreak]


_BREAKS: Final = (ActKind.BREAK_STARTED, ActKind.BREAK_ENDED)


def rests_of(runs: Collection[int], at: dt.datetime) -> dict[int, Rest]:
    """Return the rest of each run, by pk.

    A run that is back, has ended, or has no published route has no rest.
    """
    rows = Run.objects.filter(pk__in=runs, back_at__isnull=True, ended_at__isnull=True)
    under_way = list(rows.select_related("shift__hub", "shift__vehicle", "driver").order_by("pk"))
    seen = _seen(under_way)
    return {run.pk: _rest(run, seen, at) for run in under_way if run.shift_id in seen.routes}


def stops_of_routes(shifts: Collection[int]) -> dict[int, list[RouteStop]]:
    """Return the stops of the published routes of shifts, along each route, in one query."""
    elsewhere = When(order__promise__elsewhere=True, then=F("order__promise__place__lat"))
    elsewhere_lon = When(order__promise__elsewhere=True, then=F("order__promise__place__lon"))
    later = Stop.objects.filter(
        order=OuterRef("order"), pk__gt=OuterRef("pk"), plan__status=PUBLISHED
    )  # the order was planned again for another day
    rows = (
        Stop.objects.filter(~Exists(later), route__shift__in=shifts, plan__status=PUBLISHED)
        .annotate(
            door_lat=Case(elsewhere, default=F("order__place__lat")),
            door_lon=Case(elsewhere_lon, default=F("order__place__lon")),
            stop_service_s=of_stop("service_s", F("order__service_s")),
            stop_opens_at=of_stop("opens_at", F("order__promise__opens_at")),
            stop_closes_at=of_stop("closes_at", F("order__promise__closes_at")),
            stop_arrival_s=of_stop("arrival_s", Value(0)),
            common=common_key(),
        )
        .filter(door_lat__isnull=False)
        .order_by("route", "position")
        .values_list(
            "route__shift_id", "public_id", "position", "leg_travel_s", "slack_s", "starts_at",
            "order_id", "order__public_id", "order__state", "stop_service_s", "stop_opens_at",
            "stop_closes_at", "common", "stop_arrival_s", "door_lat", "door_lon",
        )
    )  # fmt: skip
    by_shift: dict[int, list[RouteStop]] = defaultdict(list)
    for row in rows:
        by_shift[row[0]].append(RouteStop(*row))
    return by_shift


def _seen(runs: Sequence[Run]) -> _Seen:
    keys, shifts = [run.pk for run in runs], [run.shift_id for run in runs]
    visits: dict[int, list[VisitProgress]] = defaultdict(list)
    for visit in VisitProgress.objects.filter(run__in=keys):
        visits[visit.run_id].append(visit)
    breaks: dict[int, list[tuple[str, dt.datetime]]] = defaultdict(list)
    acts = DriverAct.objects.filter(run__in=keys, kind__in=_BREAKS).exclude(result=Result.REJECTED)
    acts = acts.order_by("happened_at", "id")
    for run, kind, happened_at in acts.values_list("run_id", "kind", "happened_at"):
        breaks[run].append((kind, happened_at))
    routes = Route.objects.filter(shift__in=shifts, plan__status=PUBLISHED)
    positions = {row.run_id: row for row in LastPosition.objects.filter(run__in=keys)}
    signs = {pk: [row.at] for pk, row in positions.items()}
    of_run = DriverAct.objects.filter(run__in=keys).order_by("run").values_list("run")
    for pk, last_at in of_run.annotate(last=Max("happened_at")):
        signs.setdefault(pk, []).append(last_at)
    return _Seen(
        routes={route.shift_id: route for route in routes.defer("geometry")},
        stops=stops_of_routes(shifts),
        visits=visits,
        positions=positions,
        breaks=breaks,
        missing=missing_orders(keys),
        signs=signs,
    )


def _rest(run: Run, seen: _Seen, at: dt.datetime) -> Rest:
    route, stops = seen.routes[run.shift_id], seen.stops.get(run.shift_id, [])
    visits = {visit.order_id: visit for visit in seen.visits.get(run.pk, [])}
    left = _left(run, route, stops, visits, at)
    here = _arrivals(stops, visits, left)
    rows = _open(run, stops, visits, seen.missing.get(run.pk, set()), here)
    arrived_at = here.get(rows[0].order_pk) if rows else None
    common = left.common
    last = _position(seen.positions.get(run.pk), left.at, at) if arrived_at is None else None
    if last is not None:
        left = _Left(at=last.at, place=Point(lat=last.lat, lon=last.lon), position=None)
    pause = _breaks(seen.breaks.get(run.pk, []), breaks_of(route), at)
    legs = _legs(run, left, rows, at)
    breaks_s = _breaks_before(rows, pause.to_come)
    before = [common, *(row.common for row in rows)]
    signs = [run.started_at, min(left.at, at), arrived_at, pause.started_at]
    return Rest(
        run=run,
        at=at,
        rows=rows,
        stops=[
            eta.OpenStop(
                key=row.order,
                leg_s=leg_s,
                service_s=row.service_s + (row.arrival_s if row.common != last_common else 0),
                opens_at=row.opens_at,
                break_s=break_s,
                arrived_at=arrived_at if row is rows[0] else None,
                is_same_stop=place > 0 and bool(row.common) and row.common == last_common,
            )
            for place, (row, leg_s, break_s, last_common) in enumerate(
                zip(rows, legs, breaks_s, before, strict=False)
            )
        ],
        start=eta.Start(
            at=max(left.at, pause.ends_at or left.at),
            seen_at=max(sign for sign in signs if sign is not None),
        ),
        way_back_s=legs[-1] + breaks_s[-1],
        position_at=None if last is None else last.at,
        pace_s_per_m=eta.pace(legs[0], distance_m(left.place, rows[0].point))
        if rows and last is not None
        else None,
        on_break=pause.started_at is not None,
        sign_at=max(run.started_at, *seen.signs.get(run.pk, [run.started_at])),
        has_positions=run.pk in seen.positions,
    )


def _arrivals(
    stops: Sequence[RouteStop], visits: Mapping[int, VisitProgress], left: _Left
) -> dict[int, dt.datetime]:
    """Return since when the vehicle is at stops, by pk of the order; a visit before counts not.

    At a place that orders share, the vehicle is at the next order when one of them is done.
    """
    ended = [visit.departed_at for visit in visits.values() if visit.departed_at is not None]
    since = max(ended, default=None)
    there = {
        pk: visit.arrived_at
        for pk, visit in visits.items()
        if visit.arrived_at is not None and not visit.outcome
        if since is None or visit.arrived_at >= since
    }
    if left.common and not there:
        return {row.order_pk: left.at for row in stops if row.common == left.common}
    return there


def _open(
    run: Run,
    stops: Sequence[RouteStop],
    visits: Mapping[int, VisitProgress],
    missing: Collection[str],
    here: Mapping[int, dt.datetime],
) -> list[RouteStop]:
    """Return the stops that are still to visit: the one where the vehicle is, then the others.

    Orders for one place follow the first of them.
    """
    rows = [
        row
        for row in stops
        if row.state in TO_VISIT
        and not (row.order_pk in visits and visits[row.order_pk].outcome)
        and not (run.left_at is not None and row.order in missing)
    ]
    newest = max(
        (row for row in rows if row.order_pk in here),
        key=lambda row: here[row.order_pk],
        default=None,
    )
    groups: dict[str, list[RouteStop]] = {}
    for row in rows if newest is None else [newest, *(row for row in rows if row is not newest)]:
        groups.setdefault(row.common or row.order, []).append(row)
    return [row for group in groups.values() for row in group]


def _left(
    run: Run,
    route: Route,
    stops: Sequence[RouteStop],
    visits: Mapping[int, VisitProgress],
    at: dt.datetime,
) -> _Left:
    """Return when and where the vehicle went on last: from a door, or from the hub."""
    rows = {row.order_pk: row for row in stops}
    doors = [
        (visit.departed_at, pk)
        for pk, visit in visits.items()
        if visit.departed_at is not None and pk in rows
    ]
    if doors:
        left_at, pk = max(doors)
        last = rows[pk]
        return _Left(at=left_at, place=last.point, position=last.position, common=last.common)
    left_at = run.left_at or max(at, route.starts_at)
    return _Left(at=left_at, place=run.shift.hub.point, position=0)


def _position(
    last: LastPosition | None, left_at: dt.datetime, at: dt.datetime
) -> LastPosition | None:
    """Return the last position if it still says where the vehicle is."""
    if last is None or at - last.at > eta.FRESH or last.at < left_at:
        return None
    return last


def _breaks(
    acts: Sequence[tuple[str, dt.datetime]], planned: Sequence[RouteBreak], at: dt.datetime
) -> _Pause:
    """Return the present break of a driver, and the planned ones that are not yet taken."""
    begun = [happened_at for kind, happened_at in acts if kind == ActKind.BREAK_STARTED]
    to_come = planned[len(begun) :]
    if not acts or acts[-1][0] != ActKind.BREAK_STARTED:
        return _Pause(started_at=None, ends_at=None, to_come=to_come)
    started_at = acts[-1][1]
    is_planned = len(begun) <= len(planned)
    length_s = planned[len(begun) - 1].duration_s if is_planned else 0
    ends_at = max(at, started_at + dt.timedelta(seconds=length_s))
    return _Pause(started_at=started_at, ends_at=ends_at, to_come=to_come)


def _breaks_before(rows: Sequence[RouteStop], pauses: Sequence[RouteBreak]) -> list[int]:
    """Return the seconds of breaks before each stop, and after the last one."""
    seconds = [0] * (len(rows) + 1)
    for pause in pauses:
        before = (place for place, row in enumerate(rows) if row.position > pause.after)
        seconds[next(before, len(rows))] += pause.duration_s
    return seconds


def _legs(run: Run, left: _Left, rows: Sequence[RouteStop], at: dt.datetime) -> list[int]:
    """Return the driving time to each stop from the one before, and from the last to the hub.

    The times are those of the streets at this hour; without streets, those of the plan. No routing
    service is asked, because arrivals are written in the transaction that reads this.
    """
    hub, profile = run.shift.hub, run.shift.vehicle.profile
    local = at.astimezone(zone(hub.zone))
    how: dict[str, Any] = {
        "network": hub.network or None,
        "profile": profile,
        "depart_minute": local.hour * 60 + local.minute,
        "outside": False,
    }
    # In the order of the plan, so that the same table serves until a stop is done.
    ordered = sorted(rows, key=lambda row: row.position)
    place_of = {row.order_pk: place for place, row in enumerate(ordered, 1)}
    table = travel([hub.point, *(row.point for row in ordered)], **how)
    first_s, _m = leg_between(left.place, rows[0].point if rows else hub.point, **how)
    legs, before, common = [first_s], left.position, left.common
    for place, row in enumerate(rows):
        is_there = bool(row.common) and row.common == common
        common = row.common
        if place:
            last = place_of[rows[place - 1].order_pk]
            legs.append(int(table.duration_s[last, place_of[row.order_pk]]))
        if before is not None and row.position == before + 1 and table.source != "roads":
            legs[place] = row.leg_travel_s
        if is_there:
            legs[place] = 0
        before = row.position
    if rows:
        legs.append(int(table.duration_s[place_of[rows[-1].order_pk], 0]))
    return legs
