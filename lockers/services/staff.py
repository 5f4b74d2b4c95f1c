"""The acts of support for one reservation: open, new codes, another compartment, time, refund."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.tenancy import current_retailer
from lockers.errors import ReservationMoveNotAllowed, ReservationRefused
from lockers.models import Compartment, LockerBank, LockerCommand, LockerReservation
from lockers.services.changing import note, set_box
from lockers.services.codes import ShownCode, may_open, rotate_codes, show_code
from lockers.services.commanding import HAND_OVER, send_command
from lockers.services.holding import (
    cancel_reservation,
    extend_collection,
    lock_with_order,
    move_to_bank,
    need_room,
)
from lockers.services.locking import lock_kept
from lockers.services.picking import taking
from lockers.states import (
    HELD,
    INSIDE,
    BoxState,
    CodeRole,
    CommandKind,
    DoorState,
    ReservationState,
)
from tenants.people.services import audit

S = ReservationState
MOST_REFUND: Final = 100_000_000  # minor units
LONGEST_NOTE: Final = 200
#: The reason of a command of support to open a door.
SUPPORT: Final = "support"


class RefundReason(StrEnum):
    """The reason for which support gives money back."""

    DOOR_CLOSED = "door_closed"
    PARCEL_LOST = "parcel_lost"
    PARCEL_DAMAGED = "parcel_damaged"
    TOO_LATE = "too_late"
    GOODWILL = "goodwill"


@transaction.atomic
def open_remotely(
    *, reservation: LockerReservation, hand_over: bool = False, seen: int | None = None
) -> LockerCommand:
    """Tell the cabinet to open the door of a reservation, now or never.

    With ``hand_over`` the shopper is at the door: if the cabinet then reports the compartment
    as empty, the parcel was collected. ``seen`` is the number of commands that the page showed: if
    there are more by now, this one was sent before, and the last one is returned.

    Locks: the order, the reservation. Records: an audit entry. Raises: ReservationMoveNotAllowed
    without a compartment; ReservationRefused if the bank has no cabinet.
    """
    row = lock_with_order(reservation)
    sent = row.commands.filter(kind=CommandKind.OPEN).order_by("pk").last()
    if sent is not None and _was_done(row, "command", seen):
        return sent
    if S(row.state) not in HELD | INSIDE or row.compartment is None:
        raise _not_now(
            row, _("The reservation has no compartment now, so there is no door to open.")
        )
    if hand_over and S(row.state) not in INSIDE:
        raise _not_now(
            row, _("The parcel is not in the compartment yet, so nobody can take it out.")
        )
    command = send_command(
        bank=row.bank,
        kind=CommandKind.OPEN,
        compartment=row.compartment,
        why=HAND_OVER if hand_over else SUPPORT,
        reservation=row,
    )
    note(row, before="", after=row.compartment.number, cause="support", what="command")
    return command


@transaction.atomic
def give_new_codes(*, reservation: LockerReservation, delegated: bool = False) -> LockerReservation:
    """Give a reservation new codes, because somebody saw the old ones or another person collects.

    Locks: the reservation, its codes, the codes of the bank. Records: locker.code.revoked and an
    audit entry. Raises: CodeNotValid if the reservation has ended.
    """
    row = rotate_codes(reservation=reservation)
    note(row, before="", after="", cause="delegated" if delegated else "rotated", what="codes")
    if delegated:
        audit("locker.delegate", row.public_id)
    else:
        audit("locker.new_code", row.public_id)
    return row


def role_now(row: LockerReservation) -> CodeRole:
    """Return the role whose code opens the door in the present state of a reservation."""
    usual = (CodeRole.SHOPPER, CodeRole.COURIER, CodeRole.RETURNER)
    return next((role for role in usual if may_open(row, role)), CodeRole.OPERATOR)


@transaction.atomic
def reveal_code(*, reservation: LockerReservation) -> ShownCode:
    """Compute the code that opens the door now, for a member of staff who reads it out.

    Locks: the reservation. Records: locker.code.issued the first time, an audit entry. Raises:
    CodeNotValid.
    """
    role = role_now(reservation)
    shown = show_code(reservation=reservation, role=role)
    audit("locker.show_code", reservation.public_id, {"role": (None, role.value)})
    return shown


@transaction.atomic
def change_box(*, reservation: LockerReservation, number: str) -> LockerReservation:
    """Give a reservation another compartment of its bank.

    A hold moves. A parcel that is inside was carried over by a person: its new compartment is then
    occupied, and the content of the old one is not known until somebody has looked.

    Locks: the order, both compartments, the reservation. Records: an audit entry. Raises: Invalid
    for a number that the bank does not have; ReservationRefused if that compartment is not free;
    ReservationMoveNotAllowed without a compartment.
    """
    target = box_called(reservation.bank, number)
    kept = lock_kept(reservation, boxes=[target.pk])
    row, old, new = kept.row, kept.box, kept.boxes[target.pk]
    if S(row.state) not in HELD | INSIDE or old is None:
        raise _not_now(row, _("The reservation has no compartment now, so it cannot change it."))
    if new.pk == old.pk:
        return row
    refuse_taken(new)
    need_room(row, new, cause="by_hand")  # a hold whose time is over is in the way
    if S(row.state) in INSIDE:
        set_box(new, state=BoxState.OCCUPIED, cause="by_hand")
        if old.state == BoxState.OCCUPIED:
            set_box(old, state=BoxState.UNKNOWN, cause="by_hand")
    row.compartment = new
    row.version += 1
    row.save(update_fields=["compartment", "version"])
    note(row, before=old.number, after=new.number, cause="by_hand", what="compartment")
    audit("locker.change_box", row.public_id, {"compartment": (old.number, new.number)})
    return row


def box_called(bank: LockerBank, number: str) -> Compartment:
    """Return the compartment of a bank with a number. Raises Invalid."""
    box = Compartment.objects.filter(bank=bank, number=number.strip()).first()
    if box is None:
        detail = _("This bank has no compartment with this number. Read it from the door.")
        raise Invalid(detail, errors=[FieldProblem("/compartment", detail)])
    return box


def refuse_taken(box: Compartment) -> None:
    """Raise ReservationRefused unless a locked compartment is free."""
    is_free = box.state == BoxState.EMPTY and box.door != DoorState.OPEN
    if not is_free or taking(clock.now()).filter(compartment=box).exists():
        raise ReservationRefused(
            _("Compartment %(number)s is not free. Choose one that is free.")
            % {"number": box.number}
        )


@transaction.atomic
def keep_longer(
    *, reservation: LockerReservation, hours: int, seen: int | None = None
) -> LockerReservation:
    """Give the shopper more hours to collect, as staff decided; ``seen`` as in ``note_refund``.

    Locks, Records: as ``extend_collection``, and an audit entry. Raises: ReservationMoveNotAllowed.
    """
    present = lock_with_order(reservation)
    if _was_done(present, "collect_by", seen):
        return present
    row = extend_collection(reservation=reservation, by=dt.timedelta(hours=hours))
    audit("locker.extend", row.public_id, {"hours": (None, hours)})
    return row


@transaction.atomic
def cancel_by_staff(*, reservation: LockerReservation) -> LockerReservation:
    """Cancel a reservation by hand. If the parcel is inside, a courier takes it out.

    Locks: as ``cancel_reservation``. Records: locker.reservation.cancelled, an audit entry. Raises:
    ReservationMoveNotAllowed if it has ended or a courier takes the parcel out already.
    """
    before = reservation.state
    row = cancel_reservation(reservation=reservation, cause="by_hand")
    if row.state == before:
        raise _not_now(row, _("The reservation has ended, or staff must settle it another way."))
    audit("locker.cancel", row.public_id, {"state": (before, row.state)})
    return row


@transaction.atomic
def move_by_staff(*, reservation: LockerReservation, bank: LockerBank) -> LockerReservation:
    """Reserve at another bank instead, as staff decided; return the new reservation.

    Locks, Records: as ``move_to_bank``, and an audit entry. Raises: as ``move_to_bank``.
    """
    new = move_to_bank(reservation=reservation, bank=bank)
    audit("locker.move", reservation.public_id, {"bank": (reservation.bank.name, bank.name)})
    return new


@transaction.atomic
def note_refund(
    *,
    reservation: LockerReservation,
    amount_minor: int,
    reason: str,
    text: str = "",
    seen: int | None = None,
) -> None:
    """Note that the shopper gets money back. The payment itself is made in another system.

    The text is kept in the audit log only. ``seen`` is the number of refunds that the page showed:
    if there are more by now, this one was noted before, and nothing changes.

    Locks: the order, the reservation. Records: an audit entry. Raises: Invalid.
    """
    problems = []
    if not 0 < amount_minor <= MOST_REFUND:
        problems.append(FieldProblem("/amount", _("Write an amount above 0.")))
    if reason not in set(RefundReason):
        problems.append(FieldProblem("/reason", _("Choose a reason.")))
    if len(text) > LONGEST_NOTE:
        problems.append(FieldProblem("/text", _("Use at most 200 characters.")))
    if problems:
        raise Invalid(problems[0].detail, errors=problems)
    row = lock_with_order(reservation)
    if _was_done(row, "refund", seen):
        return
    amount = f"{amount_minor} {current_retailer().currency}"
    note(row, before="", after=amount, cause=reason, what="refund")
    audit(
        "locker.refund", row.public_id,
        {"amount": (None, amount), "reason": (None, reason), "note": ("", text)},
    )  # fmt: skip


def times_done(row: LockerReservation) -> dict[str, int]:
    """Return how often each act was done that a page must not do twice, by what it changes."""
    counts = row.changes.filter(what__in=["command", "collect_by", "refund"])
    return dict(counts.order_by("what").values_list("what").annotate(n=Count("pk")))


def _was_done(row: LockerReservation, what: str, seen: int | None) -> bool:
    return seen is not None and times_done(row).get(what, 0) > seen


def _not_now(row: LockerReservation, text: str) -> ReservationMoveNotAllowed:
    return ReservationMoveNotAllowed(text, data={"reservation": row.public_id, "state": row.state})
