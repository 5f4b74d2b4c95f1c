"""The functions of planning for the commands ``ledger`` and ``invariants``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.db.models import Count, Exists, F, Max, Min, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from dispatch.orders.models import Order
from dispatch.orders.selectors import by_van
from dispatch.orders.states import OrderState
from dispatch.planning.models import (
    Plan,
    Route,
    Stop,
    TentativeDay,
    TentativeVisit,
    Unserved,
)
from dispatch.planning.selectors.tentative import (
    TO_PLAN,
    broken_routes,
    is_for_present_fleet,
    not_over,
    wrong_ranks,
)
from dispatch.planning.states import PUBLISHED
from lastmile.core.clock import now
from lastmile.core.models import Event

#: A job brings an order into the tentative plan of its day within this time, unless it is broken.
LATEST: Final = dt.timedelta(hours=1)


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
        **_tentative(),
    }


def _tentative() -> Mapping[str, list[str]]:
    """Return the invariants of tentative plans. A day that is over is not checked."""
    rows = [
        row
        for row in TentativeDay.objects.select_related("hub", "base_plan").annotate(
            lowest=Min("changes__version"), highest=Max("changes__version"), n=Count("changes")
        )
        if not_over([(row.hub, row.service_date)])
    ]
    late = Order.objects.filter(
        by_van(), state__in=TO_PLAN, updated_at__lt=now() - LATEST
    ).values_list("hub_id", "service_date", "public_id")
    waiting: dict[tuple[int | None, object], list[str]] = {}
    for hub, date, public_id in late:
        waiting.setdefault((hub, date), []).append(public_id)
    return {
        "the visits of a tentative route are numbered from 0 without a gap": [
            f"{name(row)} {fault}" for row in rows for fault in wrong_ranks(row)
        ],
        "the log of a tentative plan ends at its version and has no gap": [
            name(row)
            for row in rows
            if (row.highest or 0) != row.version
            or (row.n and row.highest - row.lowest + 1 != row.n)
        ],
        "a tentative visit of an order has the key of the order": sorted(
            TentativeVisit.objects.filter(order__isnull=False)
            .exclude(key=F("order__public_id"))
            .values_list("key", flat=True)
        ),
        "an order to plan is in the tentative plan of its day": sorted(
            public_id
            for row in rows
            for public_id in waiting.get((row.hub_id, row.service_date), [])
            if not TentativeVisit.objects.filter(day=row, key=public_id).exists()
        ),
        "the referee accepts every tentative plan": [
            f"{name(row)} {fault}"
            for row in rows
            if row.ready and is_for_present_fleet(row)
            for fault in broken_routes(row, row.changed_at)
        ],
    }


def name(row: TentativeDay) -> str:
    """Return how an invariant names a tentative plan."""
    return f"{row.hub.public_id} {row.service_date}"


def _ids(rows: QuerySet[Plan] | QuerySet[Route]) -> list[str]:
    return sorted(set(rows.values_list("public_id", flat=True)))
