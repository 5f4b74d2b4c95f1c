"""Reads the position that the shopper of an order may see. Sockets, pages and the API ask here.

The rules are in ``dispatch.live.approach``. They are asked with the acts of the driver as they are
now, never with calculated arrivals, which may be some seconds old.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import QuerySet

from dispatch.live.approach import (
    ApproachRules,
    ShownPlace,
    Way,
    WayStop,
    shown_to,
    stops_before,
)
from dispatch.live.models import Run, VisitProgress
from dispatch.live.policy import tracking_policy
from dispatch.live.selectors.shifts import stop_of
from dispatch.orders.models import Option, Order
from dispatch.orders.selectors import common_key
from dispatch.orders.states import OrderState
from dispatch.planning.models import Stop
from dispatch.planning.states import PUBLISHED
from lastmile.core.clock import now
from lastmile.core.geo import Point, point_or_none

_COLUMNS: Final = (
    "route__shift", "order_id", "order__public_id", "order__state", "order__promise__option",
    "order__promise__elsewhere", "order__promise__place__lat", "order__promise__place__lon",
    "order__place__lat", "order__place__lon", "common",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """The run that brings an order, as its shopper may know it.

    Parameters
    ----------
    shift : str
        Public id of the shift. It is not for the shopper.
    is_out : bool
        True from leaving the hub until the run is back.
    stops_before : int, optional
        Open stops before this one; None if the order's stop is not open.
    is_here : bool
        True if the driver has arrived at the door and nothing is reported yet.
    place : ShownPlace, optional
        The position that may be shown.
    """

    shift: str
    is_out: bool
    stops_before: int | None
    is_here: bool
    place: ShownPlace | None


def approach_of(order: Order) -> Approach | None:
    """Return the run that brings an order; None if no published route has it."""
    stop = stop_of(order)
    if stop is None:
        return None
    shift = stop.route.shift
    run = _on_the_road(Run.objects.filter(shift=shift)).first()
    if run is None:
        return Approach(
            shift=shift.public_id, is_out=False, stops_before=None, is_here=False, place=None
        )
    stops = _stops_of([run])[run.pk]
    own = next((one for one in stops if one.order == order.public_id), None)
    return Approach(
        shift=shift.public_id,
        is_out=True,
        stops_before=stops_before(stops, order.public_id),
        is_here=own is not None and own.is_open and own.arrived_at is not None,
        place=_places([run], {run.pk: stops}).get(order.public_id),
    )


def shown_places(runs: Collection[str]) -> dict[str, ShownPlace]:
    """Return by order the positions of runs (public ids) that shoppers may see now."""
    rows = list(_on_the_road(Run.objects.filter(public_id__in=runs)))
    return _places(rows, _stops_of(rows)) if rows else {}


def _on_the_road(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that have left the hub and are not back."""
    out = runs.filter(left_at__isnull=False, back_at__isnull=True, ended_at__isnull=True)
    return out.select_related("last_position").order_by("pk")


def _places(runs: Collection[Run], stops: Mapping[int, list[WayStop]]) -> dict[str, ShownPlace]:
    policy, at = tracking_policy(), now()
    rules = ApproachRules(
        is_on=policy.shows_position,
        stops_ahead=policy.stops_ahead,
        oldest=dt.timedelta(minutes=policy.oldest_minutes),
    )
    places: dict[str, ShownPlace] = {}
    for run in runs:
        last = getattr(run, "last_position", None)
        if last is None or run.left_at is None:
            continue
        way = Way(
            left_at=run.left_at,
            stops=stops[run.pk],
            at=last.at,
            place=Point(lat=last.lat, lon=last.lon),
            heading_deg=last.heading_deg,
        )
        for stop in way.stops:
            shown = shown_to(stop.order, way, rules, at) if stop.is_open else None
            if shown is not None:
                places[stop.order] = shown
    return places


def _stops_of(runs: Collection[Run]) -> dict[int, list[WayStop]]:
    """Return the stops of runs in the sequence of their published routes, by pk of the run.

    Visits to orders that the route does not have (any more) come at the end.
    """
    visits: dict[int, dict[int, VisitProgress]] = defaultdict(dict)
    rows = VisitProgress.objects.filter(run__in=runs).select_related(
        "order__place", "order__promise__place"
    )
    for visit in rows:
        visits[visit.run_id][visit.order_id] = visit
    by_shift = {run.shift_id: run.pk for run in runs}
    ways: dict[int, list[WayStop]] = {run.pk: [] for run in runs}
    planned = Stop.objects.filter(route__shift__in=by_shift, plan__status=PUBLISHED)
    planned = planned.annotate(common=common_key())
    for shift, pk, order, state, option, *places in planned.order_by(
        "route", "position"
    ).values_list(*_COLUMNS):
        run = by_shift[shift]
        elsewhere, lat, lon, own_lat, own_lon, common = places
        door = point_or_none(lat, lon) if elsewhere else point_or_none(own_lat, own_lon)
        to_door = option in {None, Option.WINDOW}
        way_stop = _stop(order, state, door, visits[run].pop(pk, None), to_door=to_door)
        ways[run].append(replace(way_stop, common=common))
    for run, others in visits.items():
        for visit in others.values():
            row = visit.order
            ways[run].append(
                _stop(row.public_id, "", row.delivery_place.point, visit, to_door=False)
            )
    return ways


def _stop(
    order: str, state: str, door: Point | None, visit: VisitProgress | None, *, to_door: bool
) -> WayStop:
    return WayStop(
        order=order,
        door=door,
        is_open=state == OrderState.OUT and (visit is None or not visit.outcome),
        is_followed=to_door,
        arrived_at=visit.arrived_at if visit else None,
        departed_at=visit.departed_at if visit else None,
    )
