"""The points of networks: places for reservations, and points that closed or came back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from lastmile.core.actor import current_actor
from lockers.fitting import CLEARANCE_MM, Size
from lockers.models import (
    Compartment,
    LockerAccount,
    LockerBank,
    LockerChange,
    LockerReservation,
)
from lockers.services.changed_banks import ask_to_follow
from lockers.services.stops import refresh_stops
from lockers.states import ENDED, BankKind
from lockers.vendors.base import BoxSize, PointState, VendorPoint
from lockers.vendors.comparing import compare
from lockers.vendors.registry import sizes_of

#: Reservations of one size that we make at a point at the same time. A network does not say how
#: many compartments it has; this many of them would be unusual for one retailer.
PLACES: Final = 12


@transaction.atomic
def add_places(*, banks: Iterable[LockerBank]) -> int:
    """Give points of networks places of each of its sizes; return how many points got them.

    Only networks with an account have known sizes. Points that have places are not changed.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    ids = [bank.pk for bank in banks if bank.kind == BankKind.VENDOR]
    if not ids:
        return 0
    vendors = LockerAccount.objects.values_list("vendor", flat=True)
    rows = LockerBank.objects.filter(pk__in=ids, network__in=vendors, compartments__isnull=True)
    without = list(rows.order_by("pk"))
    Compartment.objects.bulk_create(
        _place(bank, size, number)
        for bank in without
        for size in sizes_of(bank.network)
        for number in range(1, PLACES + 1)
    )
    return len(without)


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
def follow_points(
    *, account: LockerAccount, points: Iterable[VendorPoint], unreadable: Collection[str] = ()
) -> dict[str, int]:
    """Take points out of use that closed or left their network, and back that came back.

    Points that staff closed stay closed. A complete list that lacks far too many points closes
    none. ``unreadable`` are ids of listed points that could not be read: they are not missing; if
    one has no id, no point counts as missing.

    Locks: the changed banks, the orders for them. Records: order.stop_changed where a stop
    changed. Raises: VendorError for a list that shrank.
    """
    banks = LockerBank.objects.filter(kind=BankKind.VENDOR, network=account.vendor)
    known = {
        str(name).partition(":")[2]: PointState.LEFT if closed_there else PointState.OPEN
        for name, closed_there in banks.values_list("external_id", "closed_there")
    }
    news = compare(known, points, is_complete="" not in unreadable, unreadable=unreadable)
    ended = {point.vendor_id for point in news.ended} | set(news.missing)
    back = {point.vendor_id for point in news.back}
    return {
        "closed": _set_active(banks.filter(active=True), account.vendor, ended, active=False),
        "opened": _set_active(banks.filter(closed_there=True), account.vendor, back, active=True),
    }


def _set_active(
    banks: QuerySet[LockerBank], vendor: str, names: Iterable[str], *, active: bool
) -> int:
    ids = [f"{vendor}:{name}" for name in names]
    rows = banks.select_for_update(of=("self",), no_key=True).filter(external_id__in=ids)
    changed = list(rows.order_by("pk"))
    for bank in changed:
        bank.active, bank.closed_there = active, not active
        bank.version += 1
    LockerBank.objects.bulk_update(changed, ["active", "closed_there", "version"], batch_size=500)
    LockerChange.objects.bulk_create(
        LockerChange(bank=bank, what="bank", after="active", cause="network", actor=current_actor())
        for bank in changed
    )
    orders = LockerReservation.objects.filter(bank__in=changed, order__isnull=False)
    live = orders.exclude(state__in=sorted(ENDED)).values_list("order", flat=True)
    refresh_stops(pk for pk in live if pk is not None)
    ask_to_follow(changed)
    return len(changed)
