"""Takes reports by the REST API: of a network's cloud, and of couriers in their sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.clock import now
from lockers.errors import ReportRefused
from lockers.models import (
    Compartment,
    CourierSession,
    LockerAccount,
    LockerBank,
    LockerEvent,
    LockerReservation,
)
from lockers.services.changing import Source, set_box
from lockers.services.couriers import FAULTS, other_compartment, tell_deposit, tell_taken_out
from lockers.services.holding import lock_with_order
from lockers.services.picking import lock_compartments
from lockers.services.vendor_following import follow_told
from lockers.states import (
    INSIDE,
    OF_BOX,
    OF_COURIER,
    OF_NETWORK,
    BankKind,
    BoxState,
    ReportKind,
    ReservationState,
)

S = ReservationState
#: Days for which reports are kept.
EVENT_DAYS: Final = 400
_STATES: Final[Mapping[ReportKind, ReservationState]] = {
    ReportKind.DEPOSITED: S.DEPOSITED,
    ReportKind.COLLECTED: S.COLLECTED,
    ReportKind.REMOVED: S.RETURNED,
    ReportKind.REJECTED: S.REJECTED,
    ReportKind.CANCELLED: S.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDraft:
    """A report to take. ``sender`` is the public id of the caller, ``id`` made by the sender."""

    sender: str
    id: uuid.UUID
    kind: ReportKind
    bank: LockerBank
    at: dt.datetime
    reservation: LockerReservation | None = None
    compartment: Compartment | None = None
    session: CourierSession | None = None
    reason: str = ""


@transaction.atomic
def open_session(*, bank: LockerBank, opener: str) -> CourierSession:
    """Open the session of a courier at a bank. ``opener`` is the public id of the caller.

    Locks, Records, Raises: nothing.
    """
    return CourierSession.objects.create(bank=bank, opener=opener)


@transaction.atomic
def take_report(*, draft: ReportDraft) -> bool:
    """Keep a report and do what follows from it; False for a repetition, which changes nothing.

    Locks: the order, the reservation, its compartments. Records: the events of the change; what
    the order records; incident.opened. Raises: ReportRefused, NoFreeCompartment,
    ReservationMoveNotAllowed; then nothing is kept.
    """
    _check(draft)
    _row, is_new = LockerEvent.objects.get_or_create(
        sender=draft.sender,
        event_id=draft.id,
        defaults={
            "kind": draft.kind,
            "bank": draft.bank,
            "reservation": draft.reservation,
            "compartment": draft.compartment,
            "session": draft.session,
            "reason": draft.reason,
            "occurred_at": min(draft.at, now()),
        },
    )
    if not is_new:
        return False
    if draft.kind in OF_BOX and draft.compartment is not None:
        _set_box(draft.compartment, draft)
    elif draft.reservation is not None and draft.session is not None:
        _follow_courier(draft.reservation, draft)
    elif draft.reservation is not None:
        held = lock_with_order(draft.reservation)
        source = Source(occurred_at=draft.at)
        follow_told(held, _STATES[draft.kind], source, reason=draft.reason)
    return True


def _check(draft: ReportDraft) -> None:
    """Raise ReportRefused for a report that does not fit its sender or its bank."""
    allowed = OF_COURIER if draft.session is not None else OF_NETWORK
    if draft.kind not in allowed:
        raise ReportRefused(
            _("“%(kind)s” cannot be reported here. Use one of: %(kinds)s.")
            % {"kind": draft.kind, "kinds": ", ".join(sorted(allowed))}
        )
    if draft.kind in OF_BOX and draft.compartment is None:
        raise ReportRefused(_("Name the compartment by the number on its door."))
    if draft.kind not in OF_BOX and draft.reservation is None:
        raise ReportRefused(_("Name the reservation."))
    if draft.session is not None:
        return
    if draft.bank.kind != BankKind.VENDOR:
        raise ReportRefused(
            _("This bank is no bank of a network. Its cabinet or its counter reports by itself.")
        )
    if LockerAccount.objects.filter(vendor=draft.bank.network.casefold()).exists():
        raise ReportRefused(_("This network reports by its own calls, so nobody else does."))


def _follow_courier(reservation: LockerReservation, draft: ReportDraft) -> None:
    door = draft.compartment.number if draft.compartment else ""
    if draft.kind == ReportKind.DEPOSITED:
        tell_deposit(reservation=reservation, door=door, at=draft.at)
    elif draft.kind == ReportKind.TAKEN_OUT:
        tell_taken_out(reservation=reservation, at=draft.at)
    elif draft.kind in FAULTS:
        other_compartment(reservation=reservation, door=door, problem=draft.kind, at=draft.at)


def _set_box(compartment: Compartment, draft: ReportDraft) -> None:
    box = lock_compartments([compartment.pk])[compartment.pk]
    state = BoxState.BLOCKED
    if draft.kind == ReportKind.UNBLOCKED:
        inside = LockerReservation.objects.filter(compartment=box, state__in=sorted(INSIDE))
        state = BoxState.OCCUPIED if inside.exists() else BoxState.EMPTY
    set_box(box, state=state, cause="network", source=Source(occurred_at=draft.at))


@transaction.atomic
def forget_events() -> dict[str, int]:
    """Delete reports and sessions that are older than 400 days.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    old = now() - dt.timedelta(days=EVENT_DAYS)
    deleted = LockerEvent.objects.filter(received_at__lt=old).delete()[0]
    sessions = CourierSession.objects.filter(opened_at__lt=old, reports__isnull=True)
    return {"locker_events": deleted, "courier_sessions": sessions.delete()[0]}
