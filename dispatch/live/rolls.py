"""The ledger and the invariants of the live day, which the switchboard lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery

from dispatch.live.acts import ENDING
from dispatch.live.models import Arrival, CustodyStep, DriverAct, Incident, Run, VisitProgress
from dispatch.live.selectors.arrivals import TO_VISIT
from dispatch.live.states import CustodyKind, IncidentState, Result
from dispatch.orders.models import Attempt, Outcome, Parcel


def ledger() -> Mapping[str, object]:
    """Return every act with its result, the runs, and the incidents with their states."""
    return {
        "driver_acts": {
            str(client_id): result
            for client_id, result in DriverAct.objects.order_by("pk").values_list(
                "client_id", "result"
            )
        },
        "runs": list(Run.objects.order_by("pk").values_list("public_id", flat=True)),
        "incidents": dict(Incident.objects.order_by("pk").values_list("public_id", "state")),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the rows that break it."""
    incident = Incident.objects.filter(act=OuterRef("pk"))
    same_run = DriverAct.objects.filter(
        run=OuterRef("run"), order=OuterRef("order"), kind__in=sorted(ENDING)
    )
    attempts = Attempt.objects.filter(public_id=OuterRef("attempt"), order=OuterRef("order"))
    visits = VisitProgress.objects.select_related("run", "order")
    return {
        "a rejected act says why": _acts(
            DriverAct.objects.filter(result=Result.REJECTED, problem__isnull=True)
            | DriverAct.objects.exclude(result=Result.REJECTED).filter(problem__isnull=False)
        ),
        "a visit with an outcome has the act that reported it": _visits(
            visits.exclude(outcome="").exclude(Exists(same_run))
        ),
        "the attempt of a visit is an attempt of its order": _visits(
            visits.exclude(attempt="").exclude(Exists(attempts))
        ),
        "planning knows when a vehicle left": sorted(
            Run.objects.exclude(
                Q(shift__progress__left_at=F("left_at"))
                | Q(shift__progress__left_at__isnull=True, left_at__isnull=True)
            ).values_list("public_id", flat=True)
        ),
        "a step of custody has the time of its act": _steps(
            CustodyStep.objects.exclude(at=F("act__happened_at"))
        ),
        "a parcel that came back to the hub was in the vehicle": _steps(
            CustodyStep.objects.filter(kind=CustodyKind.BROUGHT_BACK)
            .annotate(before=Subquery(_step_before()))
            .exclude(before__in=[CustodyKind.LOADED, CustodyKind.KEPT, CustodyKind.PICKED_UP])
        ),
        "each parcel of a delivered visit ends with its receiver, or was missing": _visits(
            _not_handed_over(visits)
        ),
        "a settled incident says who settled it": sorted(
            Incident.objects.filter(state=IncidentState.SETTLED, settled_by="").values_list(
                "public_id", flat=True
            )
        ),
        "an arrival is expected at an open stop of a run under way only": sorted(
            Arrival.objects.exclude(
                run__back_at__isnull=True,
                run__ended_at__isnull=True,
                order__state__in=sorted(TO_VISIT),
            ).values_list("order__public_id", flat=True)
        ),
        "an incident about an act belongs to an act that has one": _acts(
            DriverAct.objects.filter(Exists(incident), result=Result.APPLIED)
        ),
    }


def _not_handed_over(visits: QuerySet[VisitProgress]) -> QuerySet[VisitProgress]:
    """Return the delivered visits with a parcel whose last step on their run is another one.

    Visits from before the first step of any parcel are left out: custody was not written then.
    """
    since = CustodyStep.objects.aggregate(first=Min("act"))["first"]
    if since is None:
        return visits.none()
    delivered = DriverAct.objects.filter(
        pk__gte=since, run=OuterRef("run"), order=OuterRef("order"), data__outcome=Outcome.DELIVERED
    )
    steps = CustodyStep.objects.filter(
        parcel=OuterRef("pk"), act__run=OuterRef(OuterRef("run"))
    ).order_by("-at", "-pk")
    parcels = Parcel.objects.filter(order=OuterRef("order")).annotate(
        last=Subquery(steps.values("kind")[:1])
    )
    ended = [CustodyKind.HANDED_OVER, CustodyKind.MISSING]
    elsewhere = parcels.filter(Q(last__isnull=True) | ~Q(last__in=ended))
    return visits.filter(Exists(delivered), Exists(elsewhere), outcome=Outcome.DELIVERED)


def _step_before() -> QuerySet[CustodyStep, Any]:
    """Return the kind of a parcel's step on the same run before a step."""
    steps = CustodyStep.objects.filter(
        parcel=OuterRef("parcel"), act__run=OuterRef("act__run"), at__lte=OuterRef("at")
    )
    return steps.exclude(pk=OuterRef("pk")).order_by("-at", "-pk").values("kind")[:1]


def _steps(rows: QuerySet[CustodyStep]) -> list[str]:
    return sorted(rows.values_list("public_id", flat=True))


def _acts(rows: object) -> list[str]:
    return sorted(rows.values_list("public_id", flat=True))  # type: ignore[attr-defined]


def _visits(rows: object) -> list[str]:
    names = rows.values_list("run__public_id", "order__public_id")  # type: ignore[attr-defined]
    return sorted(f"{run} {order}" for run, order in names)
