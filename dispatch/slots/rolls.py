"""The ledger and the invariants of slots, which the switchboard lists."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from dispatch.slots.models import Caller, Choice, Hold, Slot, SlotTemplate
from dispatch.slots.states import TAKING, HoldState

_TAKING = Q(holds__state__in=sorted(TAKING))
_BY_CHECKOUTS = Q(holds__state__in=[HoldState.LIVE, HoldState.KEPT], holds__caller=Caller.CHECKOUT)


def ledger() -> Mapping[str, object]:
    """Return the ids of templates, the states of promised holds and choices, counts of slots."""
    promised = Hold.objects.filter(state=HoldState.PROMISED)
    return {
        "slot_templates": list(
            SlotTemplate.objects.order_by("pk").values_list("public_id", flat=True)
        ),
        "promised_holds": dict(promised.order_by("pk").values_list("public_id", "slot__public_id")),
        "choices": dict(Choice.objects.order_by("pk").values_list("public_id", "state")),
        "slots": dict(Slot.objects.values_list("state").annotate(n=Count("pk")).order_by("state")),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the rows that break it."""
    counted = Slot.objects.annotate(
        orders=Coalesce(Sum("holds__orders", filter=_TAKING), 0),
        work_s=Coalesce(Sum("holds__work_s", filter=_TAKING), 0),
        weight_g=Coalesce(Sum("holds__weight_g", filter=_TAKING), 0),
        volume_cm3=Coalesce(Sum("holds__volume_cm3", filter=_TAKING), 0),
        by_checkouts=Coalesce(Sum("holds__orders", filter=_BY_CHECKOUTS), 0),
    )
    wrong = counted.exclude(
        taken_orders=F("orders"),
        taken_work_s=F("work_s"),
        taken_weight_g=F("weight_g"),
        taken_volume_cm3=F("volume_cm3"),
        held_by_checkouts=F("by_checkouts"),
    )
    other_zone = Slot.objects.filter(zone__isnull=False).exclude(zone__hub=F("hub"))
    return {
        "the counts of a slot are the sums of its holds": _ids(wrong),
        "a slot of a zone has the hub of the zone, unless it is over": _ids(
            other_zone.filter(opens_at__gt=F("zone__updated_at"))
        ),
    }


def _ids(slots: object) -> list[str]:
    return sorted(slots.values_list("public_id", flat=True))  # type: ignore[attr-defined]
