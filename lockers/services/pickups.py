"""Orders a stop at a bank whose parcels a courier must take out and where no delivery goes.

The stop is a return order at the bank, so that it is planned, driven and shown like any other
return. The parcels stay with their own orders.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Sum
from django.utils.translation import gettext as _

from dispatch.orders.drafts import (
    CommonStopDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
    WindowDraft,
)
from dispatch.orders.models import CommonStop, Direction, Order
from dispatch.orders.services import cancel_order, place_order, share_stop
from dispatch.orders.states import OrderState
from lastmile.core.errors import DomainError
from lockers.hours import Span
from lockers.models import LockerBank, LockerReservation
from lockers.policy import locker_policy
from lockers.selectors.courier import TO_TAKE_OUT
from lockers.services.following import next_open_day
from lockers.services.stops import access_on
from lockers.states import BankKind

SOURCE: Final = "lockers"
#: Banks of one call. Chosen: the rest follows with the next one.
MOST: Final = 100
_TO_COME: Final = sorted(
    s.value
    for s in (
        OrderState.NEEDS_PIN, OrderState.PLACED, OrderState.READY, OrderState.PLANNED,
        OrderState.OUT,
    )
)  # fmt: skip
_MAY_CANCEL: Final = sorted(
    s.value for s in (OrderState.PLACED, OrderState.READY, OrderState.PLANNED)
)


def plan_pickups() -> int:
    """Let a vehicle come for parcels that must be taken out; return the number of changes.

    It comes on the next day on which hub and bank are open, unless a delivery goes to the bank on
    that day: its driver takes the parcels out. A stop whose parcels are gone is cancelled.

    Locks, Records: as ``place_order``, ``share_stop`` and ``cancel_order``. Raises: nothing.
    """
    waiting = _waiting()
    changes = _cancel_idle()
    banks = LockerBank.objects.filter(pk__in=waiting, active=True).exclude(kind=BankKind.COUNTER)
    due: list[tuple[LockerBank, dt.date, Span]] = []
    for bank in banks.select_related("hub").order_by("pk"):
        day = next_open_day(bank.hub)
        span = access_on(bank, day) if day is not None else None
        if day is not None and span is not None:
            due.append((bank, day, span))
    served = _served(due)
    for bank, day, span in due:
        if (bank.public_id, None) not in served and (bank.public_id, day) not in served:
            changes += _order(bank, day, span, waiting[bank.pk])
    return changes


def _waiting() -> dict[int, Mapping[str, Any]]:
    """Return the number and the weight of the parcels to take out, by pk of the bank."""
    rows = LockerReservation.objects.filter(state__in=TO_TAKE_OUT, order__isnull=False)
    summed = rows.order_by().values("bank").annotate(parcels=Count("pk"), weight_g=Sum("weight_g"))
    return {row["bank"]: row for row in summed.order_by("bank")[:MOST]}


def _served(due: Iterable[tuple[LockerBank, dt.date, Span]]) -> set[tuple[str, dt.date | None]]:
    """Return the banks with a delivery, by key and day, and those with a stop already, by None."""
    keys = {bank.public_id for bank, _day, _span in due}
    rows = CommonStop.objects.filter(key__in=keys, order__state__in=_TO_COME, refused="")
    return {
        (key, None if direction == Direction.RETURN else day)
        for key, direction, day in rows.values_list(
            "key", "order__direction", "order__service_date"
        )
    }


def _order(bank: LockerBank, day: dt.date, span: Span, load: Mapping[str, Any]) -> bool:
    opens_at, closes_at = span
    rules, parcels = locker_policy(), int(load["parcels"])
    before = CommonStop.objects.filter(
        key=bank.public_id, order__direction=Direction.RETURN, order__service_date=day
    ).count()  # the same again is the same order
    draft = OrderDraft(
        external_id=f"{bank.public_id}:{day}:{before}",
        direction=Direction.RETURN,
        shopper=ShopperDraft(name=bank.name),
        place=PlaceDraft(text=bank.place_text, lat=bank.point.lat, lon=bank.point.lon),
        hub=bank.hub.public_id,
        service_date=day,
        window=WindowDraft(opens_at=opens_at, closes_at=closes_at),
        service_s=rules.stop_s + rules.parcel_s * parcels,
        parcels=(ParcelDraft(weight_g=int(load["weight_g"] or 0)),),
        notes=_("Take out the parcels that nobody collected, and those that shoppers dropped."),
    )
    try:
        with transaction.atomic():
            order = place_order(draft=draft, source=SOURCE).order
            if order is not None:
                stop = CommonStopDraft(
                    key=bank.public_id,
                    arrival_s=rules.stop_s,
                    service_s=rules.parcel_s * parcels,
                    opens_at=opens_at,
                    closes_at=closes_at,
                )
                share_stop(order=order, draft=stop)
    except DomainError:
        return False  # the hub cannot take orders now; the next call tries again
    return order is not None


def _cancel_idle() -> int:
    """Cancel the stops of banks at which nothing is to be taken out any more."""
    waits = LockerReservation.objects.filter(
        bank__public_id=OuterRef("common_stop__key"), state__in=TO_TAKE_OUT
    )
    rows = Order.objects.filter(
        ~Exists(waits), source=SOURCE, direction=Direction.RETURN, state__in=_MAY_CANCEL,
        common_stop__isnull=False,
    )  # fmt: skip
    idle = list(rows.order_by("pk")[:MOST])
    for order in idle:
        cancel_order(order=order, reason="nothing_to_take_out")
    return len(idle)
