"""Finds the routes of a day's published plan that take no more visits.

The vehicle has left (ADR 0018), or a person published the route although it breaks a rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.states import ShiftState
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.states import UNDER_WAY

#: A driver who has begun and has not left by the planned start of the route is waited for this
#: long. After it the vehicle counts as left, because nobody knows better. Chosen.
WAITED_FOR: Final = dt.timedelta(minutes=60)
#: A shift that ends within SOON gets no more orders.
SOON = dt.timedelta(minutes=1)
#: The reason of a visit whose vehicle left before the visit was on the published route.
ROUTE_LEFT: Final = "route_left"


@dataclass(frozen=True, slots=True)
class ClosedRoute:
    """A route that takes no more visits: its shift and the public ids of its orders."""

    shift: str
    orders: tuple[str, ...]


def has_left(at: dt.datetime) -> Q:
    """Return the condition that the vehicle of a Route has left the hub at an instant.

    The driver's report counts. Without a report the planned start of the route counts, after
    ``WAITED_FOR`` if the driver has begun the shift.
    """
    began, unknown = Q(shift__progress__isnull=False), Q(shift__progress__left_at__isnull=True)
    return (
        Q(shift__progress__left_at__lte=at)
        | (~began & Q(starts_at__lte=at))
        | (began & unknown & Q(starts_at__lte=at - WAITED_FOR))
    )


def closed_shifts(plan: Plan | None, at: dt.datetime) -> frozenset[int]:
    """Return the pks of the shifts whose routes are closed, in one query; none without a plan.

    A vehicle has left when ``has_left`` says so, or when one of its orders is already under way.
    """
    if plan is None:
        return frozenset()
    return frozenset(_closed(plan, at).values_list("shift_id", flat=True))


def closed_routes(plan: Plan | None, at: dt.datetime) -> Mapping[int, ClosedRoute]:
    """Return the closed routes of a published plan, by pk of the shift."""
    if plan is None:
        return {}
    stops = Stop.objects.filter(route__in=_closed(plan, at)).order_by("route_id", "position")
    rows = stops.values_list("route__shift_id", "route__shift__public_id", "order__public_id")
    orders: dict[int, list[str]] = {}
    shifts: dict[int, str] = {}
    for pk, shift, order in rows:
        shifts[pk] = shift
        orders.setdefault(pk, []).append(order)
    return {pk: ClosedRoute(shifts[pk], tuple(names)) for pk, names in orders.items()}


def _closed(plan: Plan, at: dt.datetime) -> QuerySet[Route]:
    under_way = Stop.objects.filter(route=OuterRef("pk"), order__state__in=UNDER_WAY)
    scheduled, started = Q(shift__state=ShiftState.SCHEDULED), has_left(at)
    broken = Stop.objects.filter(route=OuterRef("pk")).exclude(violations=[])
    breaks_rules = Q(Exists(broken)) | ~Q(violations=[])
    return Route.objects.filter(plan=plan).filter(
        scheduled & (started | breaks_rules) | Q(Exists(under_way))
    )
