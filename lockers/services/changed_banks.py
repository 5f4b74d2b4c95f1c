"""Brings the orders of a bank to its new place, hours and limits, in batches (field row L08)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.models import Cause, CommonStop, Option, Order
from dispatch.orders.services import lock_orders
from lastmile.core.jobs import enqueue
from lockers.errors import ReservationRefused
from lockers.models import LockerBank, LockerReservation
from lockers.services.reserving import ReservationDraft, need_of, promise_collection, refuse_bank
from lockers.services.stops import TO_BRING, refresh_stops
from lockers.states import HELD, Rejection, ReservationState

JOB: Final = "lockers.follow_bank"
BATCH: Final = 200
_WAITING: Final = sorted(state.value for state in HELD | {ReservationState.QUEUED})


def ask_to_follow(banks: Iterable[LockerBank]) -> int:
    """Queue the work for the orders of changed banks; return how many banks have any.

    Call it in the transaction of the change. Locks, Records, Raises: nothing.
    """
    rows = LockerReservation.objects.filter(
        bank__in=list(banks), state__in=_WAITING, order__isnull=False
    )
    named = sorted(set(rows.values_list("bank__public_id", flat=True)))
    for bank in named:
        enqueue(JOB, subject=bank, dedupe_key=f"{JOB}:{bank}")
    return len(named)


@transaction.atomic
def follow_bank(*, bank: LockerBank, after: int = 0) -> int | None:
    """Bring the next orders of a bank after one, by pk, to what the bank is now; return the last.

    The common stop gets the new hours. An order whose bank is at another place gets the promise to
    collect there. An order that the bank can no longer take leaves its day and is an incident.

    Locks: the orders. Records: order.stop_changed and order.promised where something changed,
    incident.opened. Raises: nothing.
    """
    rows = LockerReservation.objects.filter(
        bank=bank, state__in=_WAITING, order__gt=after, order__state__in=sorted(TO_BRING)
    )
    pks = sorted(set(rows.order_by("order").values_list("order", flat=True)[:BATCH]) - {None})
    orders = {order.pk: order for order in lock_orders(pks)}
    held = rows.filter(order__in=orders).select_related("bank__hub", "compartment", "order")
    for row in held.order_by("order", "pk"):
        order = row.order = orders[row.order_id or 0]
        _follow_place(row, order)
    refresh_stops(orders)
    refused = set(
        CommonStop.objects.filter(order__in=orders)
        .exclude(refused="")
        .values_list("order", flat=True)
    )
    for row in held.order_by("order", "pk"):
        if row.order_id in refused or not _fits(row):
            _tell(row, orders[row.order_id or 0])
    return max(pks, default=None) if len(pks) == BATCH else None


def _follow_place(row: LockerReservation, order: Order) -> None:
    promise = order.promise
    is_here = promise is not None and promise.option == Option.LOCKER
    if promise is None or not is_here or promise.place.point == row.bank.point:
        return
    try:
        with transaction.atomic():
            promise_collection(row, cause=Cause.DISPATCHER)
    except OrderUnderWay:
        return


def _fits(row: LockerReservation) -> bool:
    """Return False if the bank can no longer take the parcel. A lost connection does not count."""
    draft = ReservationDraft(bank=row.bank, need=need_of(row), mode=row.mode, weight_g=row.weight_g)
    try:
        refuse_bank(row.bank, draft)
    except ReservationRefused as refused:
        return refused.data.get("reason") == Rejection.SITE_OFFLINE
    return True


def _tell(row: LockerReservation, order: Order) -> None:
    bank = row.bank
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.LOCKER_LEFT,
            hub=order.hub or bank.hub,
            order=order,
            key=f"locker_left:{row.public_id}",
            params={"bank": bank.public_id, "bank_name": bank.name},
        )
    )
