"""Writes the states of reservations, compartments and banks, and the history of each change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.events import Lane, record
from lastmile.core.kinds import Kind
from lockers import events
from lockers.errors import ReservationMoveNotAllowed
from lockers.models import Compartment, LockerBank, LockerChange, LockerReservation
from lockers.services.network_calls import tell_network
from lockers.services.revoking import revoke_codes
from lockers.states import (
    ENDED,
    INSIDE,
    MOST_SENSOR_FAULTS,
    TAKING,
    BankState,
    BoxState,
    DoorState,
    ReservationState,
    may_move,
)

S = ReservationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The origin of a change, and when by its clock. None means now, by our clock."""

    occurred_at: dt.datetime | None = None
    seq: int | None = None
    clock_skew: bool = False
    offline: bool = False

    @property
    def at(self) -> dt.datetime:
        """The time for all that follows: our own if the source's clock was wrong."""
        if self.occurred_at is None or self.clock_skew:
            return now()
        return min(self.occurred_at, now())


HERE: Final = Source()
_BEFORE_DEPOSIT: Final[Mapping[S, Kind[events.ReservationFacts]]] = {
    S.SOFT_HELD: events.HELD,
    S.HARD_HELD: events.HELD,
    S.HOLD_EXPIRED: events.EXPIRED,
    S.DEPOSIT_EXPIRED: events.EXPIRED,
    S.CANCELLED: events.CANCELLED,
    S.REJECTED: events.REJECTED,
    S.MOVED: events.MOVED,
}
_WITH_PARCEL: Final[Mapping[S, Kind[events.ParcelFacts]]] = {
    S.DEPOSITED: events.DEPOSITED,
    S.READY: events.READY,
    S.COLLECTED: events.COLLECTED,
    S.COLLECT_EXPIRED: events.COLLECT_EXPIRED,
    S.RETURNED: events.REMOVED,
    S.LOST: events.LOST,
    S.DISPUTED: events.DISPUTED,
}


def move(
    row: LockerReservation,
    to: ReservationState,
    *,
    cause: str,
    source: Source = HERE,
    also: Mapping[str, Any] | None = None,
) -> None:
    """Write the new state of a locked reservation, with its history and its event.

    A reservation that ends gives its compartment back and its codes end. One that takes a
    compartment has no end, except a soft hold. The network of its bank is told by a job.

    Locks: its codes. Records: the event of the state. Raises: ReservationMoveNotAllowed.
    """
    before = S(row.state)
    if not may_move(before, to):
        raise ReservationMoveNotAllowed(
            _("The reservation has the status “%(status)s”, so this is not possible.")
            % {"status": before},
            data={"reservation": row.public_id, "state": before.value},
        )
    at = now()
    values: dict[str, Any] = {"state": to, "version": row.version + 1, **(also or {})}
    if to in TAKING:
        values |= {"ends_at": values.get("held_until", row.held_until), "ended_at": None}
        if to != S.SOFT_HELD:
            values["ends_at"] = None
        if before not in TAKING:
            values["starts_at"] = at
    else:
        values |= {"ends_at": max(at, row.starts_at)}
    if to in ENDED:
        values["ended_at"] = source.at
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
    if to in ENDED:
        revoke_codes(row, why=to)
    note(row, before=before, after=to, cause=cause, source=source)
    _record(row, to, source)
    tell_network(row)


def note(
    row: LockerReservation,
    *,
    before: str,
    after: str,
    cause: str,
    source: Source = HERE,
    what: str = "state",
) -> None:
    """Append a change of a reservation to the history."""
    LockerChange.objects.create(
        bank_id=row.bank_id,
        compartment_id=row.compartment_id,
        reservation=row,
        what=what,
        before=before,
        after=after,
        cause=cause,
        actor=current_actor(),
        seq=source.seq,
        clock_skew=source.clock_skew,
        occurred_at=source.occurred_at or now(),
    )


def _record(row: LockerReservation, to: ReservationState, source: Source) -> None:
    box = row.compartment.public_id if row.compartment else None
    order = row.order.public_id if row.order else None
    if to in _BEFORE_DEPOSIT:
        held = events.ReservationFacts(
            bank=row.bank.public_id, state=to, compartment=box, order=order, reason=row.reason
        )
        record(_BEFORE_DEPOSIT[to], held, subject=row.public_id, lane=Lane.PERSON)
    elif to in _WITH_PARCEL:
        parcel = events.ParcelFacts(
            bank=row.bank.public_id,
            state=to,
            compartment=box,
            order=order,
            seq=source.seq,
            offline=source.offline,
            clock_skew=source.clock_skew,
        )
        record(
            _WITH_PARCEL[to], parcel, subject=row.public_id, lane=Lane.PERSON, occurred_at=source.at
        )


def set_box(
    row: Compartment,
    *,
    cause: str,
    source: Source = HERE,
    state: BoxState | None = None,
    door: DoorState | None = None,
) -> None:
    """Write the content or the door of a locked compartment, with its history.

    Locks, Records, Raises: nothing.
    """
    changes = []
    values: dict[str, Any] = {}
    for name, value in (("state", state), ("door", door)):
        if value is not None and getattr(row, name) != value:
            changes.append((name, str(getattr(row, name)), str(value)))
            values[name] = value
    if door == DoorState.OPEN and row.door_open_at is None:
        values["door_open_at"] = source.at
    if door == DoorState.CLOSED:
        values |= {"door_open_at": None, "left_open_at": None}
    for name, value in values.items():
        setattr(row, name, value)
    if values:
        row.save(update_fields=list(values))
    LockerChange.objects.bulk_create(
        LockerChange(
            bank_id=row.bank_id,
            compartment=row,
            what=name,
            before=before,
            after=after,
            cause=cause,
            actor=current_actor(),
            seq=source.seq,
            clock_skew=source.clock_skew,
            occurred_at=source.occurred_at or now(),
        )
        for name, before, after in changes
    )


def occupy(row: Compartment, *, cause: str, source: Source = HERE) -> None:
    """Write that a parcel is in a locked compartment, unless it is blocked or its sensor is wrong.

    Locks, Records, Raises: nothing.
    """
    if row.state == BoxState.EMPTY or (
        row.state == BoxState.UNKNOWN and row.sensor_faults < MOST_SENSOR_FAULTS
    ):
        set_box(row, state=BoxState.OCCUPIED, cause=cause, source=source)


_BANK_KINDS: Final = {
    BankState.ONLINE: events.BANK_ONLINE,
    BankState.DEGRADED: events.BANK_DEGRADED,
    BankState.OFFLINE: events.BANK_OFFLINE,
}


def set_bank_state(bank: LockerBank, state: BankState, *, cause: str) -> bool:
    """Write the state of a bank's connection; return True if it changed.

    Locks: the bank. Records: locker.bank.online, degraded or offline. Raises: nothing.
    """
    row = LockerBank.objects.select_for_update(no_key=True, of=("self",)).select_related("hub")
    current = row.get(pk=bank.pk)
    if current.state == state:
        return False
    LockerChange.objects.create(
        bank=current,
        what="connection",
        before=current.state,
        after=state,
        cause=cause,
        actor=current_actor(),
    )
    current.state = bank.state = state
    current.save(update_fields=["state"])
    facts = events.BankFacts(hub=current.hub.public_id, cause=cause)
    record(_BANK_KINDS[state], facts, subject=current.public_id, lane=Lane.PERSON)
    return True


def is_inside(row: LockerReservation) -> bool:
    """Return True if the parcel of a reservation is in its compartment."""
    return S(row.state) in INSIDE
