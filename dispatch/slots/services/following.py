"""Lets the counts of slots follow the promises of orders, through every door.

A promise from a file, the API, staff or re-dispatch whose window is the window of an open slot
takes a place in it, even beyond the capacity: the promise exists already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import service_map
from dispatch.orders.models import Order
from dispatch.orders.services import lock_orders, serve_on
from dispatch.orders.states import OrderState
from dispatch.planning.services.tentative import request_reconciling
from dispatch.slots.counts import WAITING, Amounts
from dispatch.slots.events import HOLD_PLACED
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.models.templates import OPTION_VALUES
from dispatch.slots.services.counting import (
    give_back,
    lock_slots,
    set_amounts,
    take_anyway,
    tell_overbooked,
)
from dispatch.slots.services.holding import hold_facts, lock_hold, promised_hold
from dispatch.slots.services.promising import order_amounts
from dispatch.slots.services.visits import Days, days_of_holds
from dispatch.slots.states import HoldState, SlotState
from lastmile.core.events import record
from lastmile.core.jobs import enqueue
from lastmile.core.models import Job

#: Orders that take their places in one job after slots were opened. Chosen.
ADOPTED_AT_ONCE: Final = 200
ADOPTION: Final = "slots.adopt"  # the kind of that job
_A_DAY: Final = dt.timedelta(days=1)


def settle_order(*, order: Order) -> Hold | None:
    """Let an order take its place in the slot of its promise, and in no other one.

    An order without a promise for a slot, or a cancelled one, gives its place back. A cancelled
    order also gives back the places that a change of it holds. A second call changes nothing.
    An open order is served on the date of its slot, also if a file or the API sent the window.

    Locks: the days of such a change, the order, the slots, the holds. Records: hold.placed,
    hold.released, order.redated, slot.overbooked. Raises: nothing.
    """
    present = Order.objects.select_related("promise__place", "place", "hub").get(pk=order.pk)
    changes = _changes_of(present)
    if promised_hold(present) is None and slot_of(present) is None and not changes:
        return None  # most orders of a retailer without slots end here, without a lock
    with transaction.atomic():
        days = Days(days_of_holds(changes))
        (row,) = lock_orders([order.pk])
        old, slot = promised_hold(row), slot_of(row)
        wanted = {it for it in (old.slot_id if old else None, slot.pk if slot else None) if it}
        lock_slots(wanted | {hold.slot_id for hold in changes})
        _give_back_changes(changes, days)
        if slot is not None:
            row = _on_date_of(slot, row)
        if old is not None:
            old = lock_hold(old)
            if slot is not None and old.slot_id == slot.pk:
                return _with_amounts(old, row)
            give_back([old], reason="cancelled" if _ended(row) else "superseded")
        return _take(row, slot) if slot is not None else None


def orders_to_settle(orders: Collection[str]) -> set[str]:
    """Return the orders (public ids) for which ``settle_order`` may change something.

    They have a place in a slot, or their hub has a slot with the window of their promise.
    """
    taken = Hold.objects.filter(order=OuterRef("pk"), state__in=[HoldState.PROMISED, *WAITING])
    fitting = Slot.objects.filter(
        hub=OuterRef("hub"),
        option=OuterRef("promise__option"),
        opens_at=OuterRef("promise__opens_at"),
        closes_at=OuterRef("promise__closes_at"),
    )
    rows = Order.objects.filter(Exists(taken) | Exists(fitting), public_id__in=orders)
    return set(rows.values_list("public_id", flat=True))


def _on_date_of(slot: Slot, order: Order) -> Order:
    """Let an open order be served on the date of its slot; both days' plans follow."""
    before = order.service_date
    row = serve_on(order=order, service_date=slot.service_date)
    if row.hub is not None and before is not None and row.service_date != before:
        for date in (before, slot.service_date):
            request_reconciling(hub=row.hub, service_date=date)
    return row


def _changes_of(order: Order) -> list[Hold]:
    """Return the places that a change of a cancelled order still holds; an open order keeps them.

    A cancelled order never opens again.
    """
    if not _ended(order):
        return []
    rows = Hold.objects.select_related("slot__hub").filter(order=order, state__in=WAITING)
    return list(rows.order_by("pk"))


def _give_back_changes(changes: Sequence[Hold], days: Days) -> None:
    """Give back the places that changes of an order hold; their days and slots are locked."""
    for hold in changes:
        row = lock_hold(hold)
        if row.state in WAITING:
            days.remove(row)
            give_back([row], reason="cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The number of orders that took their places, and the last order (pk) that was looked at.

    ``after`` is None if no more orders wait.
    """

    orders: int
    after: int | None = None


def adopt_promises(*, hub: Hub, since: dt.date, until: dt.date, after: int = 0) -> Adopted:
    """Let promised orders take their places in the slots of a hub that open on these dates.

    Call it after slots were opened: promises may be older than their slots. One call looks at
    ADOPTED_AT_ONCE orders, those after the order ``after`` (pk).

    Locks: each order with its slots, one after the other. Records: hold.placed, hold.released,
    order.redated, slot.overbooked. Raises: nothing.
    """
    slots = Slot.objects.filter(
        hub=hub,
        service_date__gte=since,
        service_date__lte=until,
        state=SlotState.OPEN,
        option=OuterRef("promise__option"),
        opens_at=OuterRef("promise__opens_at"),
        closes_at=OuterRef("promise__closes_at"),
    )
    taken = Hold.objects.filter(order=OuterRef("pk"), state=HoldState.PROMISED)
    rows = Order.objects.filter(
        Exists(slots),
        ~Exists(taken),
        hub=hub,
        # A window after midnight may be promised on the date after that of its slot.
        service_date__gte=since - _A_DAY,
        service_date__lte=until + _A_DAY,
        pk__gt=after,
    ).exclude(state=OrderState.CANCELLED)
    page = list(rows.order_by("pk")[:ADOPTED_AT_ONCE])
    return Adopted(
        orders=sum(settle_order(order=row) is not None for row in page),
        after=page[-1].pk if len(page) == ADOPTED_AT_ONCE else None,
    )


def request_adoption(*, hub: Hub, since: dt.date, until: dt.date, after: int = 0) -> Job:
    """Request a job for ``adopt_promises``; the job requests the next page itself.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    payload = {
        "hub": hub.public_id,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "after": after,
    }
    return enqueue(ADOPTION, subject=hub.public_id, hub=hub.public_id, payload=payload)


def slot_of(order: Order) -> Slot | None:
    """Return the slot in which an order has its place by its promise, or None.

    It is the slot that the promise names, else the open slot of the order's hub, option and zone
    with exactly the promised window.
    """
    promise = order.promise
    if promise is None or order.hub_id is None or _ended(order):
        return None
    if promise.option not in OPTION_VALUES:
        return None
    rows = Slot.objects.select_related("hub").filter(
        hub=order.hub_id,
        option=promise.option,
        opens_at=promise.opens_at,
        closes_at=promise.closes_at,
    )
    if promise.slot:
        named = rows.filter(public_id=promise.slot).first()
        if named is not None:
            return named
    point = order.delivery_place.point if promise.option == "window" else order.place.point
    zones = (
        [zone.pk for zone in service_map().zones_at(point) if zone.hub_id == order.hub_id][:1]
        if point
        else []
    )
    area = Q(zone__isnull=True) | Q(zone__in=zones)
    return (
        rows.filter(area, state=SlotState.OPEN)
        .order_by(F("zone").asc(nulls_last=True), "pk")
        .first()
    )


def _ended(order: Order) -> bool:
    """Return True if an order takes no place in a slot any more."""
    return order.state == OrderState.CANCELLED


def _with_amounts(hold: Hold, order: Order) -> Hold:
    """Let a hold take what its order takes now, after its goods changed."""
    before, amounts = Amounts.of_hold(hold), order_amounts(order)
    if before != amounts:
        set_amounts(hold, amounts)
        hold.save()
        if amounts.beyond(before) != Amounts(orders=0):
            tell_overbooked(hold.slot, order.public_id)
    return hold


def _take(order: Order, slot: Slot) -> Hold:
    """Take a place in a locked slot for an order that is promised already."""
    amounts = order_amounts(order)
    take_anyway(slot, amounts)
    tell_overbooked(slot, order.public_id)
    promise = order.promise
    assert promise is not None, "slot_of() needs a promise"
    point = order.delivery_place.point
    hold = Hold.objects.create(
        slot=slot,
        caller=Caller.ORDER,
        order=order,
        state=HoldState.PROMISED,
        work_s=amounts.work_s,
        weight_g=amounts.weight_g,
        volume_cm3=amounts.volume_cm3,
        parcels=order.parcel_count,
        skills=list(order.skills),
        lat=point.lat if point else None,
        lon=point.lon if point else None,
        handover=promise.handover,
        price_minor=promise.price_minor,
        currency=promise.currency,
        value_minor=order.value_minor,
        co2_g=promise.co2_g,
    )
    record(HOLD_PLACED, hold_facts(hold), subject=hold.public_id)
    return hold
