"""Finds the vehicles of a day that have left according to its published plan (ADR 0018)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.states import ShiftState
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.states import UNDER_WAY

#: A shift that ends within SOON gets no more orders.
SOON = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DepartedRoute:
    """The route of a vehicle that has left: its shift and the public ids of its orders."""

    shift: str
    orders: tuple[str, ...]


def departed_shifts(plan: Plan | None, at: dt.datetime) -> frozenset[int]:
    """Return the pks of the shifts whose vehicles have left, in one query; none without a plan.

    A vehicle has left when the start of its route in the published plan has passed, or when one
    of its orders is already under way.
    """
    if plan is None:
        return frozenset()
    return frozenset(_departed(plan, at).values_list("shift_id", flat=True))


def departed_routes(plan: Plan | None, at: dt.datetime) -> Mapping[int, DepartedRoute]:
    """Return the routes of the vehicles that have left, by pk of the shift."""
    if plan is None:
        return {}
    stops = Stop.objects.filter(route__in=_departed(plan, at)).order_by("route_id", "position")
    rows = stops.values_list("route__shift_id", "route__shift__public_id", "order__public_id")
    orders: dict[int, list[str]] = {}
    shifts: dict[int, str] = {}
    for pk, shift, order in rows:
        shifts[pk] = shift
        orders.setdefault(pk, []).append(order)
    return {pk: DepartedRoute(shifts[pk], tuple(names)) for pk, names in orders.items()}


def _departed(plan: Plan, at: dt.datetime) -> QuerySet[Route]:
    under_way = Stop.objects.filter(route=OuterRef("pk"), order__state__in=UNDER_WAY)
    started = Q(starts_at__lte=at, shift__state=ShiftState.SCHEDULED)
    return Route.objects.filter(plan=plan).filter(started | Q(Exists(under_way)))
