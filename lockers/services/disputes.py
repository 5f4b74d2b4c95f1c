"""Settles disputes: staff say where the parcel is, and why they know it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.live.services import IncidentDraft, open_incident, settle_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.states import ENDED as ORDER_ENDED
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid
from lockers.errors import ReservationMoveNotAllowed
from lockers.journal import EntryKind
from lockers.models import Compartment, JournalEntry, LockerReservation
from lockers.services.changing import HERE, move, set_box
from lockers.services.depositing import ready_if_complete
from lockers.services.following import deliver_if_out, dispute_key
from lockers.services.generations import give_generation
from lockers.services.holding import need_room
from lockers.services.locking import Kept, lock_kept
from lockers.services.losing import end_if_lost
from lockers.services.revoking import revoke_codes
from lockers.services.staff import box_called
from lockers.states import INSIDE, MOST_SENSOR_FAULTS, BoxState, ReservationState
from tenants.people.services import audit

S = ReservationState
LONGEST_REASON: Final = 200


class Settled(StrEnum):
    """The end of a dispute.

    - inside: the parcel is in its compartment, and the shopper can collect it.
    - take_out: the parcel is in its compartment, and a courier must take it out.
    - collected: its receiver has the parcel.
    - lost: nobody knows where the parcel is.
    - not_ours: the parcel in the compartment is not the one of this reservation.
    """

    INSIDE = "inside"
    TAKE_OUT = "take_out"
    COLLECTED = "collected"
    LOST = "lost"
    NOT_OURS = "not_ours"


_ENDS: Final = {
    Settled.COLLECTED: (S.COLLECTED, "settled_collected"),
    Settled.LOST: (S.LOST, "settled_lost"),
    Settled.NOT_OURS: (S.CANCELLED, "settled_not_ours"),
}


@transaction.atomic
def settle_dispute(
    *, reservation: LockerReservation, outcome: str, reason: str, compartment: str = ""
) -> LockerReservation:
    """Settle a dispute as staff say; ``compartment`` is the number of the door, if it is not known.

    A compartment never becomes free by what staff say: it is free once the cabinet saw it empty.
    If the order has ended, a parcel that is inside is for a courier, not for the shopper.

    Locks: the order, the reservation, the compartment, the incident. Records: the event of the new
    state, what the order records, incident.settled, an audit entry. Raises: Invalid;
    ReservationMoveNotAllowed unless it is disputed; ReservationRefused if another parcel is
    recorded in the compartment.
    """
    _check(outcome, reason)
    named = [box_called(reservation.bank, compartment)] if compartment.strip() else []
    kept = lock_kept(reservation, boxes=[box.pk for box in named])
    row = kept.row
    if row.state != S.DISPUTED:
        raise ReservationMoveNotAllowed(
            _("This dispute was settled before. Nothing was changed."),
            data={"reservation": row.public_id, "state": row.state},
        )
    settled = Settled(outcome)
    if settled in _ENDS:
        _end(kept, settled)
    else:
        _keep(row, settled, kept.boxes[named[0].pk] if named else kept.box)
    incident = open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.LOCKER_DISPUTE, hub=row.bank.hub, order=row.order,
            key=dispute_key(row), params={"bank": row.bank.public_id, "bank_name": row.bank.name},
        )
    )  # fmt: skip
    settle_incident(incident=incident, how=reason)
    audit(
        "locker.settle_dispute", row.public_id,
        {"outcome": (None, settled.value), "reason": ("", reason.strip())},
    )  # fmt: skip
    return row


def _check(outcome: str, reason: str) -> None:
    problems = []
    if outcome not in set(Settled):
        problems.append(FieldProblem("/outcome", _("Say where the parcel is.")))
    if not reason.replace("\x00", "").strip():
        problems.append(FieldProblem("/reason", _("Say how you know it.")))
    elif len(reason) > LONGEST_REASON:
        problems.append(FieldProblem("/reason", _("Use at most 200 characters.")))
    if problems:
        raise Invalid(problems[0].detail, errors=problems)


def _end(kept: Kept, settled: Settled) -> None:
    """End a reservation; its compartment is free only if the cabinet saw it empty."""
    state, cause = _ENDS[settled]
    row, box = kept.row, kept.box
    move(row, state, cause=cause)
    if box is not None:
        _look_at(box, cause)
    if settled == Settled.COLLECTED and row.order is not None:
        deliver_if_out(row.order, HERE)
    elif settled == Settled.LOST and row.order is not None:
        end_if_lost(order=row.order)


def _look_at(box: Compartment, cause: str) -> None:
    others = LockerReservation.objects.filter(compartment=box, state__in=[s.value for s in INSIDE])
    if box.state == BoxState.BLOCKED or others.exists():
        return
    is_empty = _seen_empty(box) and box.sensor_faults < MOST_SENSOR_FAULTS
    set_box(box, state=BoxState.EMPTY if is_empty else BoxState.UNKNOWN, cause=cause)


def _seen_empty(box: Compartment) -> bool:
    """Return True if the last report of the cabinet about a compartment is that it is empty."""
    about = JournalEntry.objects.filter(
        compartment=box, kind__in=[EntryKind.CLOSED, EntryKind.DEPOSITED, EntryKind.COLLECTED]
    )
    last = about.order_by("-pk").first()
    return (
        last is not None and last.kind == EntryKind.CLOSED and last.data.get("content") == "empty"
    )


def _keep(row: LockerReservation, settled: Settled, box: Compartment | None) -> None:
    """Note that the parcel is in a compartment, for the shopper or for a courier."""
    if box is None:
        detail = _("Write the number of the compartment in which the parcel is.")
        raise Invalid(detail, errors=[FieldProblem("/compartment", detail)])
    need_room(row, box, cause="settled_inside")
    if box.state != BoxState.BLOCKED:
        set_box(box, state=BoxState.OCCUPIED, cause="settled_inside")
    if row.generation:  # the cabinet may have ended the codes of the old generation
        revoke_codes(row, why="settled")
        give_generation(row)
    has_ended = row.order is not None and OrderState(row.order.state) in ORDER_ENDED
    also: dict[str, Any] = {"compartment": box}
    if settled == Settled.TAKE_OUT or has_ended:
        move(row, S.COURIER_TO_COLLECT, cause="settled_take_out", also=also)
        return
    until = clock.now() + dt.timedelta(seconds=row.collect_within_s)
    also["collect_by"] = max(row.collect_by or until, until)
    move(row, S.DEPOSITED, cause="settled_inside", also=also)
    ready_if_complete(row, HERE)
