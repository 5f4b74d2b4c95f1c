"""The acts at the counter of a hub: put a parcel on a shelf, and hand it out.

A counter has no cabinet, so a person tells what was done. The same rules as at a cabinet apply.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.orders.services.moves import lock_order
from lockers.errors import CounterRefused, ReservationMoveNotAllowed
from lockers.fitting import Need, Size
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.services.changing import HERE
from lockers.services.codes import check_pin, reservation_of_token
from lockers.services.collecting import empty, take_out
from lockers.services.depositing import put_in
from lockers.services.generations import give_generation
from lockers.services.holding import make_room
from lockers.services.holding import place as fill_queued
from lockers.services.locking import Kept, lock_doors, lock_kept
from lockers.services.picking import free_compartments
from lockers.services.reserving import ReservationDraft, reserve
from lockers.states import (
    INSIDE,
    TAKING,
    BankKind,
    BoxState,
    CodeRole,
    Mode,
    Purpose,
    ReservationState,
)
from tenants.people.services import audit

S = ReservationState
#: A dropped parcel whose size nobody measured gets any place that is free.
_UNKNOWN_SIZE: Final = Size(width_mm=100, height_mm=100, depth_mm=50)
_TO_SHOPPER: Final = frozenset({S.READY, S.DEPOSITED, S.COLLECT_EXPIRED})
_TO_COURIER: Final = frozenset({S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT, S.BLOCKED})


@transaction.atomic
def shelve(*, reservation: LockerReservation, place: str) -> LockerReservation:
    """Note that the parcel of a reservation was put on a place of the shelves.

    A second call for the same place changes nothing.

    Locks: the order, the place, the reservation. Records: locker.parcel.deposited and ready; what
    the order records. Raises: CounterRefused for a place that does not exist or has another
    parcel; ReservationMoveNotAllowed once the reservation has ended.
    """
    named = _place(reservation.bank, place)
    kept = _lock(reservation, boxes=[named.pk])
    row, box = kept.row, kept.boxes[named.pk]
    if S(row.state) in INSIDE:
        if row.compartment_id == box.pk:
            return row
        raise CounterRefused(
            _("This parcel is on the shelf already, at %(place)s.")
            % {"place": row.compartment.number if row.compartment else "?"}
        )
    if S(row.state) not in TAKING | {S.QUEUED}:
        raise ReservationMoveNotAllowed(
            _("The reservation has ended. Put the parcel aside and give it back to the driver."),
            data={"reservation": row.public_id, "state": row.state},
        )
    if box.state == BoxState.BLOCKED or not make_room(row, box, cause="deposited"):
        raise CounterRefused(
            _("%(place)s is not free. Put the parcel on another place and scan that one.")
            % {"place": box.number}
        )
    if row.state == S.QUEUED:
        fill_queued(row, box)
    if row.generation == 0:
        give_generation(row)
    put_in(row, box, HERE)
    return row


@transaction.atomic
def take_drop(
    *, bank: LockerBank, code: str, order: Order | None = None, purpose: str = Purpose.RETURN
) -> LockerReservation:
    """Take a parcel from a shopper without a reservation: reserve a free place for it.

    A second call for a parcel that is still here returns its reservation, so that sending the form
    again reserves no second place.

    Locks: the order, the doors, one place, the codes of the bank. Records:
    locker.reservation.created and held. Raises: NoFreeCompartment, ReservationRefused.
    """
    if order is not None:
        lock_order(order)
    lock_doors([bank.pk])
    here = LockerReservation.objects.filter(
        bank=bank, purpose=purpose, parcel_ref=code[:64], state__in=sorted(TAKING)
    ).first()
    if here is not None:
        return here
    draft = ReservationDraft(
        bank=bank,
        need=Need(size=_UNKNOWN_SIZE),
        mode=Mode.HARD,
        purpose=purpose,
        order=order,
        parcel_ref=code[:64],
    )
    return reserve(draft=draft)


def free_place(bank: LockerBank, need: Need, at: dt.datetime) -> str:
    """Return the number of a free place of the shelves; "" if there is none."""
    box = free_compartments(bank, need, at).first()
    return box.number if box else ""


def by_code(*, bank: LockerBank, typed: str) -> LockerReservation:
    """Return the reservation whose code a shopper shows at a counter: a PIN or the text of a QR.

    Call it outside any transaction: each try is counted first. Raises: TooMany, NotAllowed.
    """
    if "." in typed:
        return reservation_of_token(bank=bank, text=typed)
    return check_pin(bank=bank, typed=typed, roles=frozenset({CodeRole.SHOPPER}))


@transaction.atomic
def give_to_shopper(
    *, reservation: LockerReservation, by_identity: bool = False
) -> LockerReservation:
    """Hand a parcel out to its shopper, after the code or the identity was checked.

    A second call changes nothing.

    Locks: the order, its place, the reservation. Records: locker.parcel.collected, order.delivered
    with the last parcel; an audit entry when the identity was checked. Raises:
    ReservationMoveNotAllowed for a parcel that is not for a shopper now.
    """
    kept = _lock(reservation)
    row = kept.row
    if row.state == S.COLLECTED:
        return row
    if S(row.state) not in _TO_SHOPPER or row.purpose != Purpose.DELIVERY:
        raise ReservationMoveNotAllowed(
            _("This parcel is not on the shelf for a shopper. Look at its status in the list."),
            data={"reservation": row.public_id, "state": row.state},
        )
    if by_identity:
        audit("locker.identity", row.public_id)
    return _out(kept, CodeRole.SHOPPER)


@transaction.atomic
def give_to_courier(*, reservation: LockerReservation) -> LockerReservation:
    """Give a parcel to a courier who takes it back, or on. A second call changes nothing.

    Locks: the order, its place, the reservation. Records: locker.parcel.removed_by_courier.
    Raises: ReservationMoveNotAllowed for a parcel that waits for its shopper.
    """
    kept = _lock(reservation)
    row = kept.row
    if row.state == S.RETURNED:
        return row
    if S(row.state) not in _TO_COURIER:
        raise ReservationMoveNotAllowed(
            _("This parcel waits for its shopper. Look at its status in the list."),
            data={"reservation": row.public_id, "state": row.state},
        )
    return _out(kept, CodeRole.COURIER)


def _out(kept: Kept, role: CodeRole) -> LockerReservation:
    if kept.box is not None:
        empty(kept.box, HERE)
    take_out(kept.row, HERE, by_receiver=role == CodeRole.SHOPPER)
    return kept.row


def _lock(reservation: LockerReservation, *, boxes: Iterable[int] = ()) -> Kept:
    """Lock a reservation and its places. Raises CounterRefused for another bank."""
    if reservation.bank.kind != BankKind.COUNTER:
        raise CounterRefused(_("Only the parcels of a counter are handed out by a person."))
    return lock_kept(reservation, boxes=boxes)


def _place(bank: LockerBank, text: str) -> Compartment:
    box = Compartment.objects.filter(bank=bank, number__iexact=text.strip()[:16]).first()
    if box is None:
        raise CounterRefused(
            _("There is no place “%(place)s” here. Scan the label of the shelf again.")
            % {"place": text.strip()[:16]}
        )
    return box
