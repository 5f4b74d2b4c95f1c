"""The parcels at the counter of a hub, and the reservation that a scanned code names."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, QuerySet

from dispatch.live.labels import match_label
from lockers.models import LockerBank, LockerReservation
from lockers.states import INSIDE, TAKING, ReservationState

_TAKING: Final = sorted(s.value for s in TAKING | {ReservationState.QUEUED})
_INSIDE: Final = sorted(s.value for s in INSIDE)
MOST_COMPARED: Final = 2_000
MOST_MATCHES: Final = 20


def at_counter(bank: LockerBank, *, inside: bool, text: str = "") -> QuerySet[LockerReservation]:
    """Return the parcels on the shelves of a counter, or those that are expected."""
    rows = LockerReservation.objects.filter(bank=bank).select_related(
        "bank", "compartment", "order__shopper", "parcel"
    )
    rows = rows.filter(state__in=_INSIDE) if inside else rows.filter(
        state__in=[s for s in _TAKING if s not in _INSIDE]
    )  # fmt: skip
    if text:
        rows = rows.filter(
            Q(order__shopper__name__icontains=text)
            | Q(order__external_id__icontains=text)
            | Q(parcel_ref__icontains=text)
            | Q(parcel__barcode__icontains=text)
            | Q(compartment__number__iexact=text)
        )
    return rows


def named_by(bank: LockerBank, code: str) -> list[LockerReservation]:
    """Return the parcels of a counter that a scanned code names; several for an order.

    The code is the barcode or the number of the parcel, the number of its order, or the id of the
    reservation. Parcels here and expected ones count.
    """
    text = code.strip()[:200]
    if not text:
        return []
    rows = LockerReservation.objects.filter(bank=bank, state__in=_TAKING).select_related(
        "bank", "compartment", "order__shopper", "parcel"
    )
    same = rows.filter(
        Q(parcel_ref=text)
        | Q(public_id=text)
        | Q(external_id=text)
        | Q(parcel__barcode=text)
        | Q(parcel__external_id=text)
        | Q(order__parcels__barcode=text)
        | Q(order__external_id=text)
        | Q(order__public_id=text)
    )
    matching = list(same.distinct().order_by("pk")[:MOST_MATCHES])
    if matching:
        return matching
    with_parcel = list(rows.filter(parcel__isnull=False).order_by("pk")[:MOST_COMPARED])
    parcel, _fault = match_label(text, [row.parcel for row in with_parcel if row.parcel])
    return [row for row in with_parcel if row.parcel == parcel] if parcel else []
