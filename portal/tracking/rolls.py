"""The ledger and the invariants of ratings and arrivals."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F, Q

from dispatch.orders.models import Option
from portal.tracking.models import CurbsideArrival, Rating


def ledger() -> Mapping[str, object]:
    """Return the stars of every rating by order, and the number of arrivals."""
    ratings = Rating.objects.order_by("pk").values_list("order__public_id", "stars")
    return {"ratings": dict(ratings), "arrivals": CurbsideArrival.objects.count()}


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the rows that break it."""
    arrivals = CurbsideArrival.objects.filter(
        ~Q(promise__order=F("order")) | ~Q(promise__option=Option.CURBSIDE)
    )
    return {
        "an arrival is for a curbside promise of its own order": list(
            arrivals.values_list("public_id", flat=True)
        ),
        "only a delivered or picked-up order is rated": list(
            Rating.objects.exclude(
                order__attempts__outcome__in=["delivered", "picked_up"]
            ).values_list("public_id", flat=True)
        ),
    }
