"""Changes reservations before and after the deposit: confirm, cancel, extend, move, displace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Cause
from dispatch.orders.services.moves import lock_order
from lastmile.core import clock
from lastmile.core.errors import DomainError
from lockers.errors import ReservationMoveNotAllowed, ReservationRefused
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.policy import locker_policy
from lockers.services.changing import HERE, Source, move, note, occupy
from lockers.services.codes import lock_reservation
from lockers.services.generations import give_generation
from lockers.services.locking import lock_doors, lock_kept
from lockers.services.picking import Busy, lock_free
from lockers.services.reserving import (
    ReservationDraft,
    need_of,
    promise_collection,
    reserve,
)
from lockers.states import HELD, INSIDE, TAKING, Mode, ReservationState

S = ReservationState
_TAKING = sorted(state.value for state in TAKING)


@transaction.atomic
def confirm_hold(*, reservation: LockerReservation, cause: str = Cause.API) -> LockerReservation:
    """Make a soft hold hard. A second call changes nothing.

    Locks: the order, the compartment, the reservation, the codes of the bank. Records:
    locker.reservation.held, order.promised. Raises: ReservationMoveNotAllowed if the hold has
    ended.
    """
    row = lock_kept(reservation).row
    if row.state in {S.HARD_HELD, S.AWAITING_DEPOSIT}:
        return row
    over = row.held_until is not None and row.held_until <= clock.now()
    if row.state != S.SOFT_HELD or over:
        raise ReservationMoveNotAllowed(
            _("The hold has ended. Reserve again."),
            data={"reservation": row.public_id, "state": row.state},
        )
    give_generation(row)
    move(row, S.HARD_HELD, cause="confirmed", also={"mode": Mode.HARD, "held_until": None})
    promise_collection(row, cause=cause)
    return row


@transaction.atomic
def await_deposit(*, reservation: LockerReservation) -> LockerReservation:
    """Note that the parcel is on its way to the bank. Other states than hard_held stay.

    Locks: the order, the reservation. Records: nothing. Raises: nothing.
    """
    row = lock_with_order(reservation)
    if row.state == S.HARD_HELD:
        move(row, S.AWAITING_DEPOSIT, cause="on_the_way")
    return row


@transaction.atomic
def cancel_reservation(*, reservation: LockerReservation, cause: str) -> LockerReservation:
    """Cancel a reservation. If the parcel is inside, a courier must take it out again.

    A reservation that has ended stays as it is.

    Locks: the order, the reservation, its codes. Records: locker.reservation.cancelled. Raises:
    nothing.
    """
    row = lock_with_order(reservation)
    state = S(row.state)
    if state in HELD | {S.QUEUED}:
        move(row, S.CANCELLED, cause=cause)
    elif state in {S.DEPOSITED, S.READY, S.COLLECT_EXPIRED}:
        move(row, S.COURIER_TO_COLLECT, cause=cause)
    return row


@transaction.atomic
def extend_collection(*, reservation: LockerReservation, by: dt.timedelta) -> LockerReservation:
    """Give the shopper more time to collect, within the limit of the retailer's settings.

    Locks: the order, the reservation. Records: locker.parcel.ready if the time was over. Raises:
    ReservationMoveNotAllowed.
    """
    row = lock_with_order(reservation)
    if row.state not in {S.READY, S.COLLECT_EXPIRED} or row.collect_by is None:
        raise ReservationMoveNotAllowed(
            _("Only a parcel that waits in its compartment can be kept longer."),
            data={"reservation": row.public_id, "state": row.state},
        )
    if row.extensions >= locker_policy().extensions:
        raise ReservationMoveNotAllowed(
            _("The time to collect was extended before, so it cannot be extended again."),
            data={"reservation": row.public_id, "extensions": row.extensions},
        )
    until = max(row.collect_by, clock.now()) + by
    note(
        row, before=row.collect_by.isoformat(), after=until.isoformat(), cause="extended",
        what="collect_by",
    )  # fmt: skip
    values = {"collect_by": until, "extensions": row.extensions + 1}
    if row.state == S.COLLECT_EXPIRED:
        move(row, S.READY, cause="extended", also=values)
        return row
    row.collect_by, row.extensions = until, row.extensions + 1
    row.version += 1
    row.save(update_fields=[*values, "version"])
    return row


@transaction.atomic
def move_to_bank(
    *,
    reservation: LockerReservation,
    bank: LockerBank,
    alternates: Sequence[str] = (),
    waits: bool = True,
) -> LockerReservation:
    """Reserve at another bank instead, and give the first compartment back.

    Both or neither: if the other bank refuses, the reservation does not change.

    Locks: the order, the doors of both banks, the reservation, one compartment. Records:
    locker.reservation.moved, created and held; order.promised. Raises: as ``reserve``;
    ReservationMoveNotAllowed once the parcel is inside.
    """
    order = lock_order(reservation.order) if reservation.order is not None else None
    lock_doors([reservation.bank_id, bank.pk])
    row = lock_reservation(reservation)
    row.order = order or row.order
    if S(row.state) not in HELD | {S.QUEUED}:
        raise ReservationMoveNotAllowed(
            _("The parcel is in its compartment, or the reservation has ended. It cannot move."),
            data={"reservation": row.public_id, "state": row.state},
        )
    draft = ReservationDraft(
        bank=bank,
        need=need_of(row),
        mode=row.mode,
        purpose=row.purpose,
        weight_g=row.weight_g,
        order=row.order,
        parcel=row.parcel,
        parcel_ref=row.parcel_ref,
        bundle=row.bundle,
        deposit_by=row.deposit_by,
        collect_within=dt.timedelta(seconds=row.collect_within_s),
        alternates=alternates,
        moved_from=row,
    )
    new = reserve(draft=draft, waits=waits)
    move(row, S.MOVED, cause="other_bank")
    return new


def displace(row: LockerReservation, *, cause: str, source: Source = HERE) -> LockerReservation:
    """Give a locked hold another compartment of its bank, or put it into the queue.

    Call it when its compartment turned out to be in use. The codes stay: they do not name the
    compartment, and the cabinet learns the new one with its next message. Call it with the doors
    of the bank locked, and before its codes.

    Locks: one compartment. Records: locker.reservation.held; nothing in the queue. Raises: nothing.
    """
    before = row.compartment
    at = clock.now()
    move(row, S.QUEUED, cause=cause, source=source, also={"compartment": None,
         "held_until": None, "queued_until": row.deposit_by})  # fmt: skip
    box = lock_free(row.bank, need_of(row), at)
    if box is None:
        return row
    place(row, box)
    note(
        row, before=before.number if before else "", after=box.number, cause=cause,
        what="compartment", source=source,
    )  # fmt: skip
    return row


def make_room(
    row: LockerReservation, box: Compartment, *, cause: str, source: Source = HERE
) -> bool:
    """Make a locked compartment free for the parcel of a reservation; False if another is inside.

    Holds of others whose time is over end, and the others get another compartment, or wait in the
    queue. Then the compartment counts as occupied. Call it after ``locking.lock_kept``.

    Locks: other compartments. Records: locker.reservation.held and expired. Raises: nothing.
    """
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("bank__hub", "order", "compartment").exclude(pk=row.pk)
    others = list(rows.filter(compartment=box, state__in=_TAKING).order_by("pk"))
    if any(S(other.state) in INSIDE for other in others):
        return False
    at = clock.now()
    for other in others:
        if other.held_until is not None and other.held_until <= at:
            move(other, S.HOLD_EXPIRED, cause="time_over", source=source)
            continue
        occupy(box, cause=cause, source=source)  # no hold may get the compartment that is in use
        displace(other, cause="compartment_in_use", source=source)
    return True


def need_room(row: LockerReservation, box: Compartment, *, cause: str) -> None:
    """Do as ``make_room``, where a person can choose another compartment.

    Locks, Records: as ``make_room``. Raises: ReservationRefused if another parcel is inside.
    """
    if not make_room(row, box, cause=cause):
        raise ReservationRefused(
            _("Another parcel is recorded in compartment %(number)s. Settle that one first, or use "
              "another compartment.") % {"number": box.number}
        )  # fmt: skip


def place(row: LockerReservation, box: Compartment) -> None:
    """Give a queued reservation a locked compartment.

    Locks: the codes of the bank for a hard hold. Records: locker.reservation.held. Raises: nothing.
    """
    soft = row.mode == Mode.SOFT
    minutes = dt.timedelta(minutes=locker_policy().soft_hold_minutes)
    also = {
        "compartment": box,
        "queued_until": None,
        "held_until": clock.now() + minutes if soft else None,
    }
    if not soft and row.generation == 0:
        give_generation(row)
    move(row, S.SOFT_HELD if soft else S.HARD_HELD, cause="compartment_free", also=also)


def serve_queue(bank: LockerBank) -> int:
    """Give free compartments to the queue of a bank, first come first served; return how many.

    The order of each gets the promise to collect at the bank, so its shopper is told. An order that
    can have no such promise now waits on.

    Locks: for each waiting one its order, the reservation, a compartment. Records:
    locker.reservation.held and order.promised for each. Raises: nothing.
    """
    waiting = LockerReservation.objects.filter(
        bank=bank, state=S.QUEUED, queued_until__gt=clock.now()
    )
    served = 0
    for waits in waiting.select_related("order").order_by("pk")[:100]:
        try:
            with transaction.atomic():
                served += _serve(waits)
        except (Busy, DomainError):
            continue
    return served


def _serve(waits: LockerReservation) -> int:
    row = lock_with_order(waits)
    at = clock.now()
    if row.state != S.QUEUED or row.queued_until is None or row.queued_until <= at:
        return 0
    box = lock_free(row.bank, need_of(row), at, waits=False)
    if box is None:
        return 0
    place(row, box)
    promise_collection(row, cause=Cause.CHOICE if row.bundle else Cause.API)
    return 1


def lock_with_order(reservation: LockerReservation) -> LockerReservation:
    """Lock the order first, then the reservation, as every act does."""
    order = lock_order(reservation.order) if reservation.order is not None else None
    row = lock_reservation(reservation)
    if order is not None:
        row.order = order
    return row
