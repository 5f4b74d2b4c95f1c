"""Erases a shopper from plans: stops keep times and costs, places are rounded to about 1 km.

Stored problems and edits hold only ids and numbers. The data that shows where a person lives are
the points that a plan was solved with, and the route lines that lead to the door. The travel files
of a day have exact points too. They only save time, so they are removed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from dispatch.orders.models import Order
from dispatch.planning.boards import folder_of, remove_files_of
from dispatch.planning.models import PlanInput, Route, Stop, TentativeVisit, Unserved
from dispatch.planning.problem.keep import unpack
from lastmile.core.erasing import Person, coarse


def erase_person(person: Person) -> dict[str, int]:
    """Round the coordinates of a person's stops, and of the route lines to them, to about 1 km.

    The travel files of the days of the orders are removed after the commit, on this machine.
    Costs and promises do not change. Locks: the routes, inputs and visits that it changes.
    Records: nothing. Raises: nothing of its own.
    """
    orders = set(person.orders)
    _remove_files(orders)
    return {
        "plan_inputs": _inputs(orders),
        "routes": _routes(orders),
        "tentative_visits": _visits(orders),
    }


def _remove_files(orders: set[str]) -> None:
    days = {
        *Order.objects.filter(public_id__in=orders, hub__isnull=False).values_list(
            "hub__public_id", "service_date"
        ),
        *Stop.objects.filter(order__public_id__in=orders).values_list(
            "plan__hub__public_id", "plan__service_date"
        ),
        *Unserved.objects.filter(order__public_id__in=orders).values_list(
            "plan__hub__public_id", "plan__service_date"
        ),
        *TentativeVisit.objects.filter(key__in=orders).values_list(
            "day__hub__public_id", "day__service_date"
        ),
    }
    files = [(folder_of(hub), date) for hub, date in days if date is not None]
    transaction.on_commit(partial(remove_files_of, files), robust=True)


def _visits(orders: set[str]) -> int:
    """Round the places of tentative visits of ended orders that no job has removed yet."""
    rows = TentativeVisit.objects.select_for_update().filter(key__in=orders).order_by("pk")
    changed = 0
    for row in rows:
        place = {"lat": coarse(row.lat), "lon": coarse(row.lon)}
        if place != {"lat": row.lat, "lon": row.lon}:
            TentativeVisit.objects.filter(pk=row.pk).update(**place)
            changed += 1
    return changed


def _inputs(orders: set[str]) -> int:
    plans = set(Stop.objects.filter(order__public_id__in=orders).values_list("plan", flat=True))
    plans |= set(
        Unserved.objects.filter(order__public_id__in=orders).values_list("plan", flat=True)
    )
    changed = 0
    for row in PlanInput.objects.select_for_update().filter(plan__in=plans).order_by("pk"):
        places = {visit.place for visit in unpack(bytes(row.problem)).visits if visit.id in orders}
        points = [_round(p) if at in places else p for at, p in enumerate(row.points)]
        if points != row.points:
            PlanInput.objects.filter(pk=row.pk).update(points=points)
            changed += 1
    return changed


def _routes(orders: set[str]) -> int:
    changed = 0
    routes = Route.objects.filter(stops__order__public_id__in=orders).values("pk")
    for route in Route.objects.select_for_update().filter(pk__in=routes).order_by("pk"):
        stops = route.stops.filter(order__public_id__in=orders).values_list("position", flat=True)
        lines = _coarse_legs(route.geometry, set(stops))
        if lines != route.geometry:
            Route.objects.filter(pk=route.pk).update(geometry=lines)
            changed += 1
    return changed


def _coarse_legs(lines: list[Any], positions: set[int]) -> list[Any]:
    """Return a route's legs; legs to and from the stops at ``positions`` are straight and rounded.

    Legs are numbered from 0; leg i leads to the stop at position i + 1.
    """
    legs = [list(line) for line in lines]
    for at, line in enumerate(legs):
        if not line:
            continue
        leads_to, leads_from = at + 1 in positions, at in positions
        if leads_to or leads_from:
            ends = (line[0], line[-1])
            legs[at] = [
                _round(ends[0]) if leads_from else ends[0],
                _round(ends[1]) if leads_to else ends[1],
            ]
    return legs


def _round(point: list[float]) -> list[float]:
    return [coarse(value) for value in point]
