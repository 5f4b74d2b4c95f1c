"""Erase a shopper from plans: their stops keep times and costs, and a place to a kilometre.

Problems, edits and pictures hold ids and numbers only. What tells where somebody lives are the
points that a plan was solved with, and the lines that lead to the door.
"""

from __future__ import annotations

from typing import Any

from dispatch.planning.models import PlanInput, Route, Stop, Unserved
from dispatch.planning.problem.keep import unpack
from lastmile.core.erasing import Person, coarse


def erase_person(person: Person) -> dict[str, int]:
    """Make the points and lines of a person's stops coarse. Not what a plan cost or promised.

    Locks: the routes and inputs that it changes. Records: nothing. Raises: nothing of its own.
    """
    wanted = set(person.orders)
    return {"plan_inputs": _inputs(wanted), "routes": _routes(wanted)}


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
        lines = _without_doors(route.geometry, set(stops))
        if lines != route.geometry:
            Route.objects.filter(pk=route.pk).update(geometry=lines)
            changed += 1
    return changed


def _without_doors(lines: list[Any], positions: set[int]) -> list[Any]:
    """Return the legs of a route; those to and from these stops are straight and coarse."""
    found = [list(line) for line in lines]
    for at, line in enumerate(found):
        if not line:
            continue
        leads_to, leads_from = at + 1 in positions, at in positions
        if leads_to or leads_from:
            ends = (line[0], line[-1])
            found[at] = [
                _round(ends[0]) if leads_from else ends[0],
                _round(ends[1]) if leads_to else ends[1],
            ]
    return found


def _round(point: list[float]) -> list[float]:
    return [coarse(value) for value in point]
