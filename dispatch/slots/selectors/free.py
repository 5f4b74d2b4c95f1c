"""The free capacity of slots: the capacity less the taken part, without expired holds.

An expired hold counts in ``taken_…`` until it is given back, but it takes no place any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum

from dispatch.fleet.models import Hub, Zone
from dispatch.slots.counts import DIMENSIONS, WAITING, Amounts, most_by_checkouts
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.states import HoldState, SlotState

NEAREST = 3
#: Slots that are looked through for the nearest ones with a free place.
_LOOKED_THROUGH = 60


def slots_for(hub: Hub, zone: Zone | None, since: dt.date, until: dt.date) -> QuerySet[Slot]:
    """Return the slots of a hub that serve a zone, by service date, both dates included.

    A slot without a zone serves the whole area of its hub.
    """
    area = Q(zone__isnull=True) | Q(zone=zone) if zone else Q(zone__isnull=True)
    return Slot.objects.select_related("hub", "zone").filter(
        area, hub=hub, service_date__gte=since, service_date__lte=until
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """The free part of a slot in each dimension, never negative; None means without a limit.

    ``checkouts`` is the number of places that checkouts may still hold.
    """

    orders: int | None
    work_s: int | None
    weight_g: int | None
    volume_cm3: int | None
    checkouts: int | None

    def lacks(self, wanted: Amounts, *, by_checkout: bool = False) -> str:
        """Return the dimension that has no room, "checkouts", or "" if everything fits."""
        for name in DIMENSIONS:
            free, need = getattr(self, name), getattr(wanted, name)
            if free is not None and need > free:
                return name
        if by_checkout and self.checkouts is not None and wanted.orders > self.checkouts:
            return "checkouts"
        return ""


def free_of(
    slots: Iterable[Slot],
    at: dt.datetime,
    *,
    checkout_share: int = 100,
    ignored: Collection[int] = (),
) -> dict[int, Free]:
    """Return what is free in slots at an instant, by pk, with one query.

    ``ignored`` are holds (pks) whose places count as free: those of the asking session, and the
    present promise of the order.
    """
    rows = list(slots)
    unused = (
        Hold.objects.filter(slot__in=[row.pk for row in rows])
        .filter(
            Q(pk__in=list(ignored), state__in=[*WAITING, HoldState.PROMISED])
            | Q(state__in=WAITING, expires_at__lte=at)
        )
        .values("slot_id")
        .annotate(
            **{f"sum_{name}": Sum(name) for name in DIMENSIONS},
            by_checkouts=Sum("orders", filter=Q(caller=Caller.CHECKOUT, state__in=WAITING)),
        )
        .order_by()
    )
    by_slot: dict[int, Mapping[str, Any]] = {row["slot_id"]: row for row in unused}
    return {row.pk: _free(row, by_slot.get(row.pk, {}), checkout_share) for row in rows}


def _free(slot: Slot, unused: Mapping[str, Any], checkout_share: int) -> Free:
    def free(name: str) -> int | None:
        capacity = getattr(slot, f"capacity_{name}")
        taken = getattr(slot, f"taken_{name}") - (unused.get(f"sum_{name}") or 0)
        return None if capacity is None else max(0, int(capacity) - int(taken))

    most = most_by_checkouts(slot.capacity_orders, checkout_share)
    held = slot.held_by_checkouts - (unused.get("by_checkouts") or 0)
    return Free(
        **{name: free(name) for name in DIMENSIONS},
        checkouts=None if most is None else max(0, most - held),
    )


def still_free(
    public_ids: Collection[str], wanted: Amounts, at: dt.datetime, *, checkout_share: int = 100
) -> set[str]:
    """Return which of these slots can still be booked by their counts, by public id."""
    rows = Slot.objects.filter(
        public_id__in=list(public_ids), state=SlotState.OPEN, book_until_at__gt=at
    )
    free = free_of(rows, at, checkout_share=checkout_share)
    return {
        row.public_id
        for row in rows
        if not free[row.pk].lacks(wanted, by_checkout=checkout_share < 100)
    }


def service_date_of(public_id: str, opens_at: dt.datetime) -> dt.date | None:
    """Return the service date of a slot that opens at an instant, or None if there is none."""
    rows = Slot.objects.filter(public_id=public_id, opens_at=opens_at)
    return rows.values_list("service_date", flat=True).first()


def nearest_slots(
    slot: Slot, wanted: Amounts, at: dt.datetime, *, most: int = NEAREST
) -> list[Slot]:
    """Return the bookable slots of the same hub, zone and option that open nearest to a slot.

    Only counts decide; a time window is checked by the router when it is held.
    """
    rows = (
        slots_for(slot.hub, slot.zone, slot.service_date, slot.service_date + dt.timedelta(days=30))
        .filter(option=slot.option, state=SlotState.OPEN, book_until_at__gt=at)
        .exclude(pk=slot.pk)
        .order_by("opens_at", "pk")[:_LOOKED_THROUGH]
    )
    free = free_of(rows, at)
    fitting = [row for row in rows if not free[row.pk].lacks(wanted)]
    fitting.sort(key=lambda row: (abs(row.opens_at - slot.opens_at), row.opens_at, row.pk))
    return fitting[:most]


def alternatives(slot: Slot, wanted: Amounts, at: dt.datetime) -> dict[str, Any]:
    """Return the facts of a refusal: the slot, and up to three bookable slots near it."""
    return {
        "slot": slot.public_id,
        "alternatives": [
            {
                "slot": near.public_id,
                "option": near.option,
                "opens_at": near.opens_at.isoformat(),
                "closes_at": near.closes_at.isoformat(),
            }
            for near in nearest_slots(slot, wanted, at)
        ],
    }
