"""The data of the board: route summaries, the map, the job of the day, edits and publications.

The list and the map are read separately: the list does not read route lines, the map does not
read names or addresses.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import CharField, Count, F, Q, QuerySet, Sum

from dispatch.fleet.models import Hub
from dispatch.orders.addresses import plain
from dispatch.orders.models import Direction, Order
from dispatch.orders.selectors import of_stop
from dispatch.planning.models import Plan, Route, Stop, Unserved
from dispatch.planning.selectors.jobs import JOBS
from dispatch.planning.selectors.lists import published
from lastmile.core.events import timeline
from lastmile.core.jobs import jobs
from lastmile.core.models import UNFINISHED, Job

_AT_THE_DOOR = ("order__place", "order__shopper", "order__promise__place", "order__common_stop")


def revision(hub: Hub, service_date: dt.date) -> int:
    """Return a number that grows by one with every change to the plans of a hub's day.

    It is the sum of the plans' versions. A new plan has version 1, and each edit, publication or
    discard adds one. So no separate counter has to be locked.
    """
    total = Plan.objects.filter(hub=hub, service_date=service_date).aggregate(n=Sum("version"))
    return int(total["n"] or 0)


def job_of_day(hub: Hub, service_date: dt.date) -> Job | None:
    """Return the unfinished planning job of this day, or the last one if it ended without a plan.

    Return None if the last job made a plan.
    """
    day_jobs = jobs(subject=hub.public_id).filter(
        kind__in=JOBS, payload__service_date=service_date.isoformat()
    )
    last = day_jobs.order_by("-id").first()
    if last is None or last.state in UNFINISHED:
        return last
    newer = Plan.objects.filter(hub=hub, service_date=service_date, created_at__gt=last.created_at)
    return None if newer.exists() else last


def route_summaries(plan: Plan) -> list[Route]:
    """Return a plan's routes with vehicle, driver and shift, without their lines.

    Each route has ``stop_count``, ``late_count`` (stops that break a rule) and ``outward_count``
    (stops with a delivery, not a return). ``visit_count`` counts orders for one place as one stop.
    """
    outward = Q(stops__order__direction=Direction.OUTWARD)
    broken = Q(stops__isnull=False) & ~Q(stops__violations=[])
    own = F("stops__order__public_id")
    place = of_stop("key", own, order="stops__order__", output=CharField())
    return list(
        plan.routes.defer("geometry")
        .select_related("vehicle", "driver", "shift")
        .annotate(
            stop_count=Count("stops"),
            visit_count=Count(place, distinct=True),
            late_count=Count("stops", filter=broken),
            outward_count=Count("stops", filter=outward),
        )
        .order_by("number")
    )


def stops_of(plan: Plan, routes: Iterable[Route] | None = None) -> QuerySet[Stop]:
    """Return a plan's stops by route and position, with order, shopper, place and promise.

    Only the stops of ``routes`` if given.
    """
    stops = Stop.objects.filter(plan=plan).select_related(*_AT_THE_DOOR)
    if routes is not None:
        stops = stops.filter(route__in=[route.pk for route in routes])
    return stops.order_by("route_id", "position")


def stops_for_file(plan: Plan, routes: Iterable[Route] | None = None) -> QuerySet[Stop]:
    """Return stops by route number and position, with the vehicle and driver of each route."""
    return (
        stops_of(plan, routes)
        .select_related("route__vehicle", "route__driver", *_AT_THE_DOOR)
        .order_by("route__number", "position")
    )


def unserved_in(plan: Plan) -> QuerySet[Unserved]:
    """Return the unserved orders of a plan with order, shopper, place and promise."""
    return plan.unserved.select_related(*_AT_THE_DOOR).order_by("id")


def search_rows(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Filter stops or unserved orders: ids, name, phone or address must contain every word."""
    for word in plain(text).split()[:8]:
        rows = rows.filter(order__search__contains=word)
    return rows


def stop_for(plan: Plan, order: str) -> Stop | None:
    """Return the stop of an order (public id) in a plan, or None if the order is unserved."""
    return stops_of(plan).select_related("route__shift", *_AT_THE_DOOR).filter(
        order__public_id=order
    ).first()  # fmt: skip


def order_in(plan: Plan, order: str) -> Order | None:
    """Return an order of a plan, served or unserved, with place, shopper and promise; else None."""
    rows = Order.objects.select_related("place", "shopper", "promise__place").filter(
        public_id=order
    )
    return rows.filter(Q(stops__plan=plan) | Q(pk__in=plan.unserved.values("order"))).first()


# --- the map -----------------------------------------------------------------------------------


def polyline(line: Sequence[Sequence[float]]) -> str:
    """Encode a line [[lon, lat], …] as text, with five decimals (about one metre).

    Source: Google's encoded polyline algorithm format.
    """
    letters: list[str] = []
    last = (0, 0)
    for lon, lat in line:
        here = (round(lat * 1e5), round(lon * 1e5))
        if here != last:
            for now, before in zip(here, last, strict=True):
                letters.append(_letters(now - before))
            last = here
    return "".join(letters)


def _letters(step: int) -> str:
    rest = ~(step << 1) if step < 0 else step << 1
    letters = ""
    while rest >= 0x20:
        letters += chr((0x20 | (rest & 0x1F)) + 63)
        rest >>= 5
    return letters + chr(rest + 63)


def drawing_of(plan: Plan) -> dict[str, Any]:
    """Return the data of the map: lines as polylines, stops as [lon, lat, order, broken].

    Contains only ids and places. The number of a stop is its position in the list. Three queries.
    """
    stops: dict[int, list[list[Any]]] = {}
    rows = (
        Stop.objects.filter(plan=plan)
        .order_by("route_id", "position")
        .values_list("route_id", "violations", *_PIN)
    )
    for route, violations, order, *pin in rows:
        lon, lat = _lon_lat(pin)
        stops.setdefault(route, []).append([lon, lat, order, int(bool(violations))])
    routes = plan.routes.order_by("number").values_list("pk", "public_id", "number", "geometry")
    unserved = plan.unserved.order_by("id").values_list(*_PIN)
    return {
        "plan": plan.public_id,
        "version": plan.version,
        "hub": [round(plan.hub.lon, 5), round(plan.hub.lat, 5)],
        "straight": plan.travel_source != "roads",
        "routes": [
            {
                "id": public_id,
                "number": number,
                "line": polyline([point for leg in geometry for point in leg]),
                "stops": stops.get(pk, []),
            }
            for pk, public_id, number, geometry in routes
        ],
        "unserved": [[*_lon_lat(pin), order] for order, *pin in unserved],
    }


# Columns of the delivery place: the promised place if it differs from the order's own place.
_PIN = (
    "order__public_id",
    "order__promise__elsewhere",
    "order__promise__place__lat",
    "order__promise__place__lon",
    "order__place__lat",
    "order__place__lon",
)


def _lon_lat(pin: Sequence[Any]) -> tuple[float | None, float | None]:
    elsewhere, *pins = pin
    lat, lon = (pins[0], pins[1]) if elsewhere else (pins[2], pins[3])
    return (None if lon is None else round(lon, 5), None if lat is None else round(lat, 5))


# --- what changed ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActOnPlan:
    """A change to a plan, read from its event: actor, kind of change, order, version and time."""

    actor: str
    act: str
    order: str
    version: int
    at: dt.datetime


def acts_since(plan: Plan, version: int) -> list[ActOnPlan]:
    """Return the changes to a plan after a version, oldest first."""
    return [
        ActOnPlan(
            actor=event.actor,
            act=str(event.data.get("act") or event.kind.partition(".")[2]),
            order=str(event.data.get("order", "")),
            version=int(event.data["version"]),
            at=event.occurred_at,
        )
        for event in timeline(plan.public_id)
        if int(event.data.get("version", 0)) > version
    ]


SHIFTED: Final = dt.timedelta(minutes=10)  # shoppers notice a difference above this


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The changes that publishing a draft would make to the current plan.

    ``added`` and ``dropped`` are orders only in the draft or only in the current plan. ``moved``
    are orders that change to another shift. ``shifted`` are orders whose service begins more than
    ``SHIFTED`` earlier or later. Cost, metres and grams are differences.
    """

    before: Plan | None
    added: int
    dropped: int
    moved: int
    shifted: int
    cost_minor: int
    distance_m: int
    co2_g: int


def publication_of(draft: Plan) -> Publication:
    """Compare a draft with the current plan that it would supersede.

    Two queries, and one more for the current plan.
    """
    before = published(draft.hub, draft.service_date)
    new = _shifts_and_times(draft)
    old = {} if before is None else _shifts_and_times(before)
    both = new.keys() & old.keys()
    return Publication(
        before=before,
        added=len(new.keys() - old.keys()),
        dropped=len(old.keys() - new.keys()),
        moved=sum(old[order][0] != new[order][0] for order in both),
        shifted=sum(abs(old[order][1] - new[order][1]) > SHIFTED for order in both),
        cost_minor=draft.cost_minor - (before.cost_minor if before else 0),
        distance_m=draft.distance_m - (before.distance_m if before else 0),
        co2_g=draft.co2_g - (before.co2_g if before else 0),
    )


def _shifts_and_times(plan: Plan) -> dict[int, tuple[int, dt.datetime]]:
    """Return for each order (pk) of a plan its shift (pk) and the begin of its service."""
    rows = Stop.objects.filter(plan=plan).annotate(shift=F("route__shift_id"))
    return {
        order: (shift, starts_at)
        for order, shift, starts_at in rows.values_list("order_id", "shift", "starts_at")
    }
