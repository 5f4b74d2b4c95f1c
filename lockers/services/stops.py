"""Tells planning where and when the parcels of an order are put into a bank of lockers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction

from dispatch.orders.drafts import CommonStopDraft
from dispatch.orders.models import CommonStop, Direction, Option, Order
from dispatch.orders.services import leave_stop, lock_orders, share_stop
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.geo import distance_m
from lockers.hours import Hours, HoursUnreadable, Span
from lockers.models import LockerBank, LockerReservation
from lockers.policy import locker_policy
from lockers.selectors.hours import hours_of
from lockers.states import INSIDE, BankKind, ReservationState

S = ReservationState
#: States in which a parcel is to be brought to the bank, or is there.
_COUNTED: Final = sorted(
    s.value for s in INSIDE | {S.QUEUED, S.HARD_HELD, S.AWAITING_DEPOSIT}
)  # fmt: skip
#: States of an order whose route may still change.
TO_BRING: Final = frozenset(
    {OrderState.NEEDS_PIN, OrderState.PLACED, OrderState.READY, OrderState.PLANNED}
)
#: A counter that is farther from its hub is brought its parcels by a van. Chosen.
SAME_PLACE_M: Final = 100
NO_COMPARTMENT: Final = "no_compartment"
SITE_LEFT: Final = "site_left"
CLOSED: Final = "closed"


@transaction.atomic
def refresh_stops(orders: Iterable[int]) -> int:
    """Write the common stops of orders by pk, as their reservations say; return the changes.

    A van brings an order to its bank if the bank is open on the service date before the deposit
    time. Otherwise the stop is refused with a word, and the order is not planned. A counter at
    the place of its hub needs no van. An order that is not promised at a bank has no such stop.

    Locks: the orders. Records: order.stop_changed where a stop changed. Raises: nothing.
    """
    rows = [row for row in lock_orders(set(orders)) if row.state in TO_BRING]
    before = dict(CommonStop.objects.filter(order__in=rows).values_list("order", "updated_at"))
    kept: dict[int, list[LockerReservation]] = {}
    reservations = LockerReservation.objects.filter(order__in=rows, state__in=_COUNTED)
    for reservation in reservations.select_related("bank__hub").order_by("pk"):
        kept.setdefault(reservation.order_id or 0, []).append(reservation)
    changes = 0
    for row in rows:
        if row.direction == Direction.RETURN:
            continue
        draft = _draft(row, kept.get(row.pk, []))
        if draft is None:
            leave_stop(order=row)
            changes += row.pk in before
        else:
            changes += share_stop(order=row, draft=draft).updated_at != before.get(row.pk)
    return changes


def _draft(order: Order, rows: Sequence[LockerReservation]) -> CommonStopDraft | None:
    promise = order.promise
    if promise is None or promise.option != Option.LOCKER:
        return None
    rules = locker_policy()
    if not rows:
        last = order.locker_reservations.select_related("bank__hub").order_by("-pk").first()
        if last is None:
            return None
        bank = last.bank
        return CommonStopDraft(
            key=bank.public_id, arrival_s=rules.stop_s, service_s=0, refused=NO_COMPARTMENT
        )
    bank = rows[0].bank
    if bank.hub_id == order.hub_id and is_at_hub(bank):
        return None
    span = access_on(bank, order.service_date, until=min(row.deposit_by for row in rows))
    refused = "" if span else CLOSED
    if not bank.active:
        refused = SITE_LEFT
    elif any(row.state == S.QUEUED for row in rows):
        refused = NO_COMPARTMENT
    return CommonStopDraft(
        key=bank.public_id,
        arrival_s=rules.stop_s,
        service_s=rules.parcel_s * len(rows),
        opens_at=span[0] if span else None,
        closes_at=span[1] if span else None,
        refused=refused,
    )


def is_at_hub(bank: LockerBank) -> bool:
    """Return True for a counter at the place of its hub. A van drives to any other one."""
    near = distance_m(bank.point, bank.hub.point) <= SAME_PLACE_M
    return bank.kind == BankKind.COUNTER and near


def access_on(
    bank: LockerBank, date: dt.date | None, *, until: dt.datetime | None = None
) -> Span | None:
    """Return the longest time of a date in which a courier can use a bank, before ``until``."""
    try:
        spans = hours_of(bank).spans_of(date or clock.local_date(clock.now(), bank.zone))
    except HoursUnreadable:
        spans = Hours(text="", zone=bank.zone).spans_of(date or clock.now().date())
    cut = [(opens, closes if until is None else min(closes, until)) for opens, closes in spans]
    usable = [(opens, closes) for opens, closes in cut if opens < closes]
    if not usable:
        return None
    opens, closes = max(usable, key=lambda span: span[1] - span[0])
    return opens.astimezone(dt.UTC), closes.astimezone(dt.UTC)
