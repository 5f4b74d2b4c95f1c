"""Settles what couriers told and no cabinet has reported, many at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.orders.services import lock_orders
from lastmile.core.clock import now
from lockers.models import Compartment, LockerBank, LockerDevice, LockerReservation
from lockers.services.changing import Source
from lockers.services.couriers import (
    DEPOSITED,
    TAKEN_OUT,
    dispute_told,
    put_in_told,
    take_out_told,
)
from lockers.services.holding import make_room
from lockers.services.locking import lock_rows
from lockers.states import INSIDE, BankState, DeviceState, ReservationState

S = ReservationState
#: Time in which a connected cabinet reports what a courier told. Cabinets send within seconds.
REPORT_WITHIN: Final = dt.timedelta(minutes=10)
#: Rows of one transaction, and of one call. Chosen: a transaction holds its orders for a moment.
AT_ONCE: Final = 25
MOST: Final = 200
_INSIDE: Final = sorted(state.value for state in INSIDE)
#: States in which a deposit that was told has had its end: it was counted, or decided by staff.
_COUNTED: Final = sorted({*_INSIDE, S.COLLECTED.value, S.RETURNED.value, S.LOST.value})


def settle_told() -> int:
    """Settle what couriers told and no cabinet has reported; return how many.

    It counts once the bank has lost its connection. A connected cabinet that reports nothing within
    ten minutes contradicts the courier, so the reservation is disputed. A deposit counts also if
    the reservation has ended since, or its door is not known: the parcel is inside all the same,
    and staff is told.

    Locks: the orders, the compartments, the reservations, in transactions of their own. Records: as
    ``deposit``; locker.parcel.disputed. Raises: nothing.
    """
    due = list(_due().order_by("courier_at", "pk").values_list("pk", flat=True)[:MOST])
    return sum(_settle(due[n : n + AT_ONCE]) for n in range(0, len(due), AT_ONCE))


def _due() -> QuerySet[LockerReservation]:
    """Return the reservations whose told deposit or removal nobody has reported in time."""
    reporting = LockerBank.objects.filter(pk=OuterRef("bank"), pk__in=_reporting())
    rows = LockerReservation.objects.exclude(courier_act="").filter(
        Q(courier_act=DEPOSITED, deposited_at__isnull=True) & ~Q(state__in=_COUNTED)
        | Q(courier_act=TAKEN_OUT, state__in=_INSIDE)
    )
    return rows.filter(~Exists(reporting) | Q(courier_at__lte=now() - REPORT_WITHIN))


def _reporting() -> QuerySet[LockerDevice, int]:
    """Return the banks whose own report decides: a cabinet is connected."""
    live = LockerDevice.objects.filter(state=DeviceState.LIVE)
    return live.exclude(bank__state=BankState.OFFLINE).values_list("bank", flat=True)


@transaction.atomic
def _settle(keys: Sequence[int]) -> int:
    first = list(
        LockerReservation.objects.filter(pk__in=keys).values_list(
            "order", "bank", "courier_door", "compartment"
        )
    )
    orders = {row.pk: row for row in lock_orders({pk for pk, *_rest in first if pk is not None})}
    doors = Q(pk__in=[box for *_rest, box in first if box is not None])
    doors |= Q(
        bank__in={bank for _order, bank, *_rest in first},
        number__in={door for _order, _bank, door, _box in first if door},
    )
    boxes = lock_rows(
        banks={bank for _order, bank, *_rest in first},
        reservations=keys,
        boxes=Compartment.objects.filter(doors).values_list("pk", flat=True),
    )
    called = {(box.bank_id, box.number): box for box in boxes.values()}
    reporting = set(_reporting().filter(bank__in={bank for _order, bank, *_rest in first}))
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("bank__hub", "compartment").filter(pk__in=keys)
    settled = 0
    for row in rows.filter(pk__in=_due().values("pk")).order_by("pk"):
        row.order = orders.get(row.order_id) if row.order_id else None
        row.compartment = boxes.get(row.compartment_id or 0)
        box = called.get((row.bank_id, row.courier_door))
        if row.courier_act == TAKEN_OUT or (box is None and not row.courier_door):
            box = row.compartment
        _settle_one(row, box, is_contradicted=row.bank_id in reporting)
        settled += 1
    return settled


def _settle_one(row: LockerReservation, box: Compartment | None, *, is_contradicted: bool) -> None:
    source = Source(occurred_at=row.courier_at)
    if is_contradicted:
        is_in = box is not None and row.courier_act == DEPOSITED
        if box is not None and is_in and not make_room(row, box, cause="deposited", source=source):
            box = None  # another parcel is recorded there
        row.courier_act, row.courier_at, row.courier_door = "", None, ""
        row.save(update_fields=["courier_act", "courier_at", "courier_door"])
        dispute_told(row, box, source, "only_courier_told")
    elif row.courier_act == TAKEN_OUT:
        take_out_told(row, box, source)
    else:
        put_in_told(row, box, source)
