"""The functions of planning for the commands ``ledger`` and ``invariants``."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from dispatch.planning.models import Plan, Route, Stop, Unserved
from dispatch.planning.states import PUBLISHED
from lastmile.core.models import Event


def ledger() -> Mapping[str, object]:
    """Return every plan with its status, and the counts of routes, stops and unserved orders."""
    return {
        "plans": dict(Plan.objects.order_by("pk").values_list("public_id", "status")),
        "routes": Route.objects.count(),
        "stops": Stop.objects.count(),
        "unserved": Unserved.objects.count(),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return for each invariant the ids of the rows that break it; empty lists when all hold."""
    plans = Plan.objects.all()
    routes = Route.objects.annotate(
        n=Count("stops"),
        top=Max("stops__position"),
        legs_m=Coalesce(Sum("stops__leg_distance_m"), 0),
    )
    published = Event.objects.filter(subject=OuterRef("public_id"), kind="plan.published")
    in_published_plan = Stop.objects.filter(
        order=OuterRef("pk"),
        plan__status=PUBLISHED,
        plan__hub=OuterRef("hub"),
        plan__service_date=OuterRef("service_date"),
    )
    left_out = Unserved.objects.filter(plan=OuterRef("plan"), order=OuterRef("order"))
    return {
        "a plan counts the stops it has": _ids(
            plans.annotate(n=Count("stops")).exclude(n=F("orders_count"))
        ),
        "a plan counts the unserved orders it has": _ids(
            plans.annotate(n=Count("unserved")).exclude(n=F("unserved_count"))
        ),
        "stops are numbered from 1 without a gap": _ids(routes.exclude(n=F("top"))),
        "a route is at least as long as the legs to its stops": _ids(
            routes.filter(distance_m__lt=F("legs_m"))
        ),
        "no order is both served and unserved in one plan": sorted(
            Stop.objects.filter(Exists(left_out)).values_list("public_id", flat=True)
        ),
        "a published plan was published once, and that is recorded": _ids(
            plans.filter(status=PUBLISHED).exclude(Exists(published))
        ),
        "a planned order is in the published plan of its hub and day": sorted(
            Order.objects.filter(state=OrderState.PLANNED)
            .exclude(Exists(in_published_plan))
            .values_list("public_id", flat=True)
        ),
    }


def _ids(rows: QuerySet[Plan] | QuerySet[Route]) -> list[str]:
    return sorted(set(rows.values_list("public_id", flat=True)))
