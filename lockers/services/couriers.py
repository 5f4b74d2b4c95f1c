"""Takes what couriers tell of parcels at a bank. The report of a cabinet comes first.

A deposit that a courier tells counts at once where no cabinet can report it: the bank has none, or
it is offline. Where a cabinet reports, its own report decides. If it does not come in time, the
reservation is disputed, because nobody may be told "ready" for a parcel that nobody saw.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from lastmile.core.clock import now
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed
from lockers.fitting import Need
from lockers.models import (
    Compartment,
    LockerBank,
    LockerChange,
    LockerDevice,
    LockerReservation,
)
from lockers.services.changing import Source, move, note, set_box
from lockers.services.collecting import empty, take_out
from lockers.services.depositing import dispute, put_in
from lockers.services.holding import place
from lockers.services.locking import lock_kept
from lockers.services.picking import lock_free
from lockers.services.reserving import need_of
from lockers.states import (
    HELD,
    INSIDE,
    BankState,
    BoxState,
    DeviceState,
    ReservationState,
)

S = ReservationState
DEPOSITED: Final = "deposited"
TAKEN_OUT: Final = "taken_out"
#: What a courier can say of a compartment, and the state that it then has. A parcel that is too
#: big leaves the compartment free for others.
FAULTS: Final[dict[str, BoxState | None]] = {
    "misaligned": BoxState.BLOCKED,
    "broken": BoxState.BLOCKED,
    "occupied": BoxState.UNKNOWN,
    "too_big": None,
}


def cabinet_reports(bank: LockerBank) -> bool:
    """Return True if a cabinet of the bank is connected, so that its own report decides."""
    live = LockerDevice.objects.filter(bank=bank, state=DeviceState.LIVE)
    return bank.state != BankState.OFFLINE and live.exists()


@transaction.atomic
def tell_deposit(
    *, reservation: LockerReservation, door: str, at: dt.datetime
) -> LockerReservation:
    """Note that a courier put a parcel into a compartment. Told again, nothing changes.

    ``door`` is the number on the door; "" is the reserved one. A deposit counts also after the
    reservation has ended; then staff is told.

    Locks: the order, the compartments, the reservation. Records: as ``deposit`` where no cabinet
    reports. Raises: nothing.
    """
    row, box = _lock(reservation, door)
    if (
        S(row.state) in INSIDE
        or row.courier_act == DEPOSITED
        or row.state in {S.COLLECTED, S.RETURNED}
    ):
        return row
    source = Source(occurred_at=at)
    _keep(row, DEPOSITED, box.number if box else door, source)
    if not cabinet_reports(row.bank):
        put_in_told(row, box, source)
    return row


def put_in_told(row: LockerReservation, box: Compartment | None, source: Source) -> None:
    """Note a deposit that only a courier told of; without a known door it is disputed.

    Then nobody gets the reserved compartment, because the parcel may be in it.

    Locks, Records, Raises: as ``deposit``.
    """
    if box is not None:
        put_in(row, box, source)
    else:
        held = row.compartment if S(row.state) in HELD else None
        dispute_told(row, held, source, "door_unknown")


def dispute_told(row: LockerReservation, box: Compartment | None, source: Source, why: str) -> None:
    """Make a reservation disputed after what only a courier told. The compartment is in doubt.

    Call it with the compartment locked. Locks: nothing. Records: locker.parcel.disputed and
    incident.opened. Raises: nothing.
    """
    if box is not None and box.state == BoxState.EMPTY:
        set_box(box, state=BoxState.UNKNOWN, cause=why, source=source)
    dispute(row, box, source, why)


@transaction.atomic
def tell_taken_out(*, reservation: LockerReservation, at: dt.datetime) -> LockerReservation:
    """Note that a courier took a parcel out of its compartment. Told again, nothing changes.

    Locks: the order, the compartment, the reservation. Records: locker.parcel.removed_by_courier
    and order.returned or order.ready, where no cabinet reports. Raises: nothing.
    """
    row, box = _lock(reservation, "")
    if S(row.state) not in INSIDE or row.courier_act == TAKEN_OUT:
        return row
    source = Source(occurred_at=at)
    _keep(row, TAKEN_OUT, box.number if box else "", source)
    if not cabinet_reports(row.bank):
        take_out_told(row, box, source)
    return row


@transaction.atomic
def other_compartment(
    *, reservation: LockerReservation, door: str, problem: str, at: dt.datetime | None = None
) -> LockerReservation:
    """Give a held parcel another compartment of its bank, because the courier cannot use this one.

    A broken compartment, or one whose door does not fit, is blocked; the content of an occupied one
    is unknown. Nobody gets them until somebody has looked. If the reservation has another
    compartment than ``door`` by now, it was changed before, and nothing changes.

    Locks: the order, the compartments, the reservation. Records: locker.reservation.held. Raises:
    ReservationMoveNotAllowed once the parcel is inside or the reservation has ended;
    NoFreeCompartment, after which nothing has changed.
    """
    row, box = _lock(reservation, door)
    if S(row.state) not in HELD:
        raise ReservationMoveNotAllowed(
            _("The parcel is in its compartment, or the reservation has ended."),
            data={"reservation": row.public_id, "state": row.state},
        )
    if not _exchange(row, box, problem, Source(occurred_at=at)):
        raise NoFreeCompartment(
            _("No other compartment of this bank is free for this parcel. Take it back to the "
              "vehicle and report it as not delivered."),
            data={"bank": row.bank.public_id, "reservation": row.public_id},
        )  # fmt: skip
    return row


def _exchange(
    row: LockerReservation, box: Compartment | None, problem: str, source: Source
) -> bool:
    """Give a locked hold another compartment than ``box``; False if there is none.

    Locks: the other compartment. Records: locker.reservation.held. Raises: nothing.
    """
    if box is None or row.compartment_id != box.pk:
        return True
    need = need_of(row)
    if problem == "too_big":
        need = Need(
            size=need.size, cooled=need.cooled, low_door=need.low_door, above_mm3=box.volume_mm3
        )
    other = lock_free(row.bank, need, now())
    if other is None:
        return False
    mark_faulty(box, problem, source)
    also = {"compartment": None, "held_until": None, "queued_until": row.deposit_by}
    move(row, S.QUEUED, cause=f"courier_{problem}", source=source, also=also)
    place(row, other)
    note(
        row, before=box.number, after=other.number, cause=f"courier_{problem}",
        what="compartment", source=source,
    )  # fmt: skip
    return True


@transaction.atomic
def tell_fault(
    *, reservation: LockerReservation, door: str, problem: str, at: dt.datetime
) -> LockerReservation:
    """Settle a fault that a courier told without a connection: as ``other_compartment``, if it can.

    Without another compartment only the fault of the door counts. A fault counts once, and not
    against what the cabinet or staff saw of the compartment since.

    Locks, Records: as ``other_compartment``. Raises: nothing.
    """
    if _is_old(reservation, door, problem, at):
        return reservation
    row, box = _lock(reservation, door)
    source = Source(occurred_at=at)
    is_held = S(row.state) in HELD
    if is_held and _exchange(row, box, problem, source):
        return row
    if box is not None and S(row.state) not in INSIDE:
        mark_faulty(box, problem, source)
    return row


def _is_old(reservation: LockerReservation, door: str, problem: str, at: dt.datetime) -> bool:
    """Return True if a fault was told before, or the compartment was seen since."""
    changes = LockerChange.objects.filter(bank=reservation.bank_id)
    at_door = Q(compartment__number=door, what="state")
    same = changes.filter(at_door | Q(reservation=reservation), cause=f"courier_{problem}")
    newer = changes.filter(at_door, occurred_at__gt=at)
    return same.filter(occurred_at=at).exists() or newer.exists()


def mark_faulty(box: Compartment, problem: str, source: Source) -> None:
    """Write the state of a locked compartment that a courier could not use."""
    state = FAULTS[problem]
    if state is not None and box.state != BoxState.BLOCKED:
        set_box(box, state=state, cause=f"courier_{problem}", source=source)


def _keep(row: LockerReservation, kind: str, door: str, source: Source) -> None:
    row.courier_act, row.courier_at, row.courier_door = kind, source.at, door[:16]
    row.save(update_fields=["courier_act", "courier_at", "courier_door"])
    note(row, before="", after=kind, cause="courier_told", what="courier_act", source=source)


def take_out_told(row: LockerReservation, box: Compartment | None, source: Source) -> None:
    """Note that a parcel is out of its compartment, as only a courier told.

    Call it with order, compartment and reservation locked. Locks: nothing. Records:
    locker.parcel.removed_by_courier and order.returned or order.ready. Raises: nothing.
    """
    if box is not None:
        empty(box, source)
    row.courier_act, row.courier_at, row.courier_door = "", None, ""
    row.save(update_fields=["courier_act", "courier_at", "courier_door"])
    take_out(row, source, by_receiver=False)


def _lock(
    reservation: LockerReservation, door: str
) -> tuple[LockerReservation, Compartment | None]:
    """Lock a reservation, and the compartment with a number; without one, the reserved one."""
    named = Compartment.objects.filter(bank=reservation.bank_id, number=door) if door else ()
    pks = [box.pk for box in named]
    kept = lock_kept(reservation, boxes=pks)
    return kept.row, kept.boxes[pks[0]] if pks else None if door else kept.box
