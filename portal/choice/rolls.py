"""The ledger and the invariants of delivery sessions, which the switchboard lists."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Exists, F, Max, OuterRef, Q

from lockers.models import LockerReservation
from portal.choice.models import DeliverySession, LockerHold, ShownOffer


def ledger() -> Mapping[str, object]:
    """Return the sessions with their rounds, and how many offers were shown, held and chosen."""
    shown = ShownOffer.objects.aggregate(
        shown=Count("pk"),
        held=Count("pk", filter=Q(held_at__isnull=False)),
        chosen=Count("pk", filter=Q(chosen_at__isnull=False)),
    )
    rounds = DeliverySession.objects.order_by("pk").values_list("public_id", "round")
    lockers = LockerHold.objects.order_by("pk").values_list("public_id", "order__public_id")
    return {"delivery_sessions": dict(rounds), "offers": shown, "locker_holds": dict(lockers)}


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the sessions that break it."""
    rounds = ShownOffer.objects.values("session__public_id", "round").order_by()
    greens = rounds.annotate(greens=Count("pk", filter=Q(green=True))).filter(greens__gt=1)
    ranks = rounds.annotate(offers=Count("pk"), last=Max("rank")).exclude(last=F("offers"))
    chosen = rounds.filter(chosen_at__isnull=False, hold="")
    forgotten = DeliverySession.objects.filter(forgotten_at__isnull=False)
    taken = LockerReservation.objects.filter(bundle=OuterRef("public_id"))
    strangers = LockerHold.objects.filter(
        Exists(taken.exclude(order=OuterRef("order"))), order__isnull=False
    )
    with_address = forgotten.exclude(place_text="", place={})
    return {
        "a session marks one offer of a round as green at most": _ids(greens),
        "the offers of a round have the ranks 1, 2, 3": _ids(ranks),
        "an offer that was chosen was held": _ids(chosen),
        "the compartments of an order's choice belong to that order": sorted(
            strangers.values_list("public_id", flat=True)
        ),
        "a forgotten session has no address": sorted(
            with_address.values_list("public_id", flat=True)
        ),
    }


def _ids(rounds: object) -> list[str]:
    ids = rounds.values_list("session__public_id", flat=True)  # type: ignore[attr-defined]
    return sorted(set(ids))
