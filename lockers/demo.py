"""The lockers of the demo: a bank on the round of a hub, with parcels on the day's routes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import F

from dispatch.fleet.demo import MOVING
from dispatch.fleet.models import Hub
from dispatch.orders.models import Direction, Option, Order
from dispatch.orders.selectors import to_plan
from lastmile.core.clock import now
from lastmile.core.demo import Demo, demo_days
from lastmile.core.errors import DomainError
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer
from lockers.fitting import Size
from lockers.models import LockerBank, LockerReservation
from lockers.services import (
    BankDraft,
    CompartmentDraft,
    Need,
    ReservationDraft,
    add_bank,
    add_compartments,
    reserve,
)

PARCELS: Final = 4  # of a day
_USUAL_WINDOW: Final = dt.timedelta(hours=2)
_PARCEL: Final = Size(width_mm=300, height_mm=60, depth_mm=200)
_SMALL: Final = Size(width_mm=380, height_mm=80, depth_mm=640)
_LARGE: Final = Size(width_mm=380, height_mm=400, depth_mm=640)


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Add a bank at the first hub, and send some orders of today and tomorrow there.

    Call it in the context of a retailer, before the days are planned. A day that has parcels for
    the bank is left alone. Records: locker.reservation.created and held; order.promised. Raises:
    nothing.
    """
    usual = Hub.objects.filter(active=True).exclude(external_id=MOVING.id)
    hub = usual.order_by("pk").first()
    if hub is None:
        return {}
    sent = {date.isoformat(): _send(hub, date, demo) for date in demo_days()}
    return {"to_lockers": sent}


def _send(hub: Hub, date: dt.date, demo: Demo) -> int:
    orders = list(_suitable(hub, date)[:PARCELS])
    bank = LockerBank.objects.filter(external_id="demo-1").first()
    if bank is None and orders:
        bank = _add_bank(hub, orders[0])
    if (
        bank is None
        or LockerReservation.objects.filter(bank=bank, order__service_date=date).exists()
    ):
        return 0
    sent = 0
    for order in orders:
        need = Need(size=_PARCEL)
        until = now() + dt.timedelta(days=3)
        draft = ReservationDraft(bank=bank, need=need, order=order, deposit_by=until)
        try:
            reserve(draft=draft)
        except DomainError as fault:
            demo.report(f"{bank.name}: {order.external_id} is not sent there: {fault.detail}")
        else:
            sent += 1
    demo.report(f"{current_retailer().name}: {sent} orders of {date} go to {bank.name}.")
    return sent


def _suitable(hub: Hub, date: dt.date) -> Any:
    """Return the small orders of a day that need no person at the handover.

    Not those with an odd, short window, which show why an order cannot be served.
    """
    return to_plan(hub, date).filter(
        promise__option=Option.WINDOW, direction=Direction.OUTWARD, least_age=0, signature=False,
        skills=[], parcel_count=1, promise__closes_at__gte=F("promise__opens_at") + _USUAL_WINDOW,
    ).exclude(handover="attended").exclude(place__lat__isnull=True)  # fmt: skip


def _add_bank(hub: Hub, order: Order) -> LockerBank:
    """Add a bank with 12 doors at the address of an order, which a van can reach."""
    point = order.place.point or hub.point
    street = f"{order.place.street} {order.place.house_number}".strip()
    bank = add_bank(
        draft=BankDraft(
            hub=hub, name=f"Locker {order.place.street or hub.name}"[:160], point=point,
            zone=hub.zone, country=region_of(hub.zone), external_id="demo-1", address=street,
            hours="Mo-Su 06:00-24:00", capabilities=["low_doors", "scanner", "screen"],
        )
    )  # fmt: skip
    drafts = [
        CompartmentDraft(
            number=str(n), inside=_LARGE if n % 4 == 0 else _SMALL, low=n % 6 == 1,
            side="left" if n <= 6 else "right", size_class="L" if n % 4 == 0 else "S",
        )
        for n in range(1, 13)
    ]  # fmt: skip
    add_compartments(bank=bank, drafts=drafts)
    return bank
