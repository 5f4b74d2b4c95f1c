"""Lists of plans, routes and stops, and the current plan of a day."""

from __future__ import annotations

import datetime as dt

from django.db.models import Prefetch, QuerySet

from dispatch.fleet.models import Hub
from dispatch.planning.models import Plan, PlanEdit, Route, Stop, Unserved
from dispatch.planning.states import DISCARDED, DRAFT, PUBLISHED
from lastmile.core.refusals import unknown


def plans(hubs: frozenset[str] | None = None) -> QuerySet[Plan]:
    """Return plans, newest day first; only those of ``hubs`` for a principal limited to hubs."""
    rows = Plan.objects.select_related("hub").order_by("-service_date", "-number", "public_id")
    return rows if hubs is None else rows.filter(hub__public_id__in=hubs)


def get_plan(public_id: str, hubs: frozenset[str] | None) -> Plan:
    """Return one plan. Raises NotFound if it does not exist or its hub is not in ``hubs``."""
    plan = None if "\x00" in public_id else plans(hubs).filter(public_id=public_id).first()
    if plan is None:
        raise unknown()
    return plan


def versions(hub: Hub, service_date: dt.date) -> list[Plan]:
    """Return the versions of a hub's day that were not discarded, newest first."""
    rows = plans().filter(hub=hub, service_date=service_date).exclude(status=DISCARDED)
    return list(rows.order_by("-number"))


def plan_to_show(hub: Hub, service_date: dt.date) -> Plan | None:
    """Return the plan that the board opens with: the newest draft or published plan of the day."""
    for plan in versions(hub, service_date):
        if plan.status in {DRAFT, PUBLISHED}:
            return plan
    return None


def published(hub: Hub, service_date: dt.date) -> Plan | None:
    """Return the current (published) plan of a hub's day, or None."""
    return plans().filter(hub=hub, service_date=service_date, status=PUBLISHED).first()


def routes_of(plan: Plan) -> list[Route]:
    """Return a plan's routes with vehicle, driver, shift, stops and their orders, in 2 queries."""
    stops = Stop.objects.select_related(
        "order__place", "order__shopper", "order__promise"
    ).order_by("position")
    return list(
        plan.routes.select_related("vehicle", "driver", "shift")
        .prefetch_related(Prefetch("stops", queryset=stops))
        .order_by("number")
    )


def unserved_of(plan: Plan) -> list[Unserved]:
    """Return the unserved orders with place, shopper and promise, in one query."""
    return list(
        plan.unserved.select_related("order__place", "order__shopper", "order__promise").order_by(
            "id"
        )
    )


def with_parts(plan: Plan) -> Plan:
    """Return a plan with its routes and unserved orders prefetched, for showing all of it."""
    routes = Route.objects.select_related("plan", "vehicle", "driver", "shift").order_by("number")
    unserved = Unserved.objects.select_related("order").order_by("id")
    return (
        Plan.objects.select_related("hub", "based_on")
        .prefetch_related(
            Prefetch("routes", queryset=routes), Prefetch("unserved", queryset=unserved)
        )
        .get(pk=plan.pk)
    )


def edits_of(plan: Plan, most: int = 100) -> list[PlanEdit]:
    """Return the last ``most`` edits by hand, newest first."""
    return list(plan.edits.order_by("-number")[:most])


def routes(hubs: frozenset[str] | None = None) -> QuerySet[Route]:
    """Return routes with plan, vehicle, driver and shift; only those of ``hubs`` if given."""
    rows = Route.objects.select_related("plan", "vehicle", "driver", "shift")
    return rows if hubs is None else rows.filter(plan__hub__public_id__in=hubs)


def stops(hubs: frozenset[str] | None = None) -> QuerySet[Stop]:
    """Return stops with route and order; only those of ``hubs`` if given."""
    rows = Stop.objects.select_related("route", "order")
    return rows if hubs is None else rows.filter(plan__hub__public_id__in=hubs)


def get_route(public_id: str, hubs: frozenset[str] | None) -> Route:
    """Return one route with its plan, hub and stops. Raises NotFound."""
    stops_made = Stop.objects.select_related("route", "order").order_by("position")
    rows = (
        routes(hubs)
        .select_related("plan__hub")
        .prefetch_related(Prefetch("stops", queryset=stops_made))
    )
    route = None if "\x00" in public_id else rows.filter(public_id=public_id).first()
    if route is None:
        raise unknown()
    return route
