"""The points of networks: places for reservations, and points that closed or came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast

from django.db import transaction
from django.utils.module_loading import import_string

from lastmile.core.actor import current_actor
from lockers.fitting import CLEARANCE_MM, Size
from lockers.models import Compartment, LockerAccount, LockerBank, LockerChange
from lockers.states import BankKind
from lockers.vendors.base import BoxSize, PointState, VendorPoint
from lockers.vendors.comparing import compare
from lockers.vendors.registry import SIZES

#: Reservations of one size that we make at a point at the same time. A network does not say how
#: many compartments it has; this many of them would be unusual for one retailer.
PLACES: Final = 12
MOST_BANKS: Final = 2_000  # of one call


@transaction.atomic
def add_places(*, vendor: str) -> int:
    """Give the points of a network places of each of its sizes; return how many points got them.

    Points that have places are not changed.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    banks = LockerBank.objects.filter(
        kind=BankKind.VENDOR, network=vendor, compartments__isnull=True
    ).order_by("pk")
    rows = list(banks[:MOST_BANKS])
    sizes = cast("Sequence[BoxSize]", import_string(SIZES[vendor]))
    Compartment.objects.bulk_create(
        _place(bank, size, n) for bank in rows for size in sizes for n in range(1, PLACES + 1)
    )
    return len(rows)


def _place(bank: LockerBank, size: BoxSize, number: int) -> Compartment:
    """Return a place. A network names the largest parcel, so the clearance is added."""
    parcel = size.parcel
    more = 2 * CLEARANCE_MM
    inside = Size(
        width_mm=parcel.width_mm + more,
        height_mm=parcel.height_mm + more,
        depth_mm=parcel.depth_mm + more,
    )
    least, middle, most = inside.sides
    return Compartment(
        bank=bank,
        number=f"{size.word}-{number}",
        size_class=size.word,
        width_mm=inside.width_mm,
        height_mm=inside.height_mm,
        depth_mm=inside.depth_mm,
        least_mm=least,
        middle_mm=middle,
        most_mm=most,
        volume_mm3=inside.volume_mm3,
    )


@transaction.atomic
def follow_points(*, account: LockerAccount, points: Iterable[VendorPoint]) -> dict[str, int]:
    """Take points out of use that closed or left their network, and back that came back.

    A complete list that lacks far too many points closes none.

    Locks: the changed banks. Records: nothing. Raises: VendorError for a list that shrank.
    """
    banks = LockerBank.objects.filter(kind=BankKind.VENDOR, network=account.vendor)
    known = {
        str(name).partition(":")[2]: PointState.OPEN if active else PointState.CLOSED
        for name, active in banks.values_list("external_id", "active")
    }
    news = compare(known, points, is_complete=True)
    ended = {point.vendor_id for point in news.ended} | set(news.missing)
    return {
        "closed": _set_active(account.vendor, ended, active=False),
        "opened": _set_active(account.vendor, {p.vendor_id for p in news.back}, active=True),
    }


def _set_active(vendor: str, names: Iterable[str], *, active: bool) -> int:
    ids = [f"{vendor}:{name}" for name in names]
    rows = LockerBank.objects.select_for_update(of=("self",), no_key=True)
    banks = list(rows.filter(external_id__in=ids, active=not active).order_by("pk"))
    for bank in banks:
        bank.active = active
        bank.version += 1
    LockerBank.objects.bulk_update(banks, ["active", "version"])
    LockerChange.objects.bulk_create(
        LockerChange(bank=bank, what="bank", after="active", cause="network", actor=current_actor())
        for bank in banks
    )
    return len(banks)
