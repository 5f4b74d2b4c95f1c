"""Takes note of a parcel that was taken out: collected by its receiver, or removed by a courier."""

from __future__ import annotations

from lockers.models import Compartment, JournalEntry, LockerReservation
from lockers.services.changing import Source, move, set_box
from lockers.services.following import deliver_if_out, settle_own_dispute, take_back_if_out
from lockers.states import INSIDE, MOST_SENSOR_FAULTS, BoxState, CodeRole, Purpose, ReservationState

S = ReservationState


def collect(row: LockerReservation, box: Compartment, entry: JournalEntry, source: Source) -> str:
    """Note that the parcel of a locked reservation was taken out; "" if all is well.

    Its receiver took it with the shopper's code, or a courier with another one. The compartment is
    empty unless the cabinet says otherwise or its sensor is in doubt.

    Locks: the codes. Records: locker.parcel.collected or removed_by_courier. Once the order has no
    parcel left in a locker: order.delivered; order.returned or order.ready after a courier. Raises:
    nothing.
    """
    by_receiver = entry.data.get("role") == CodeRole.SHOPPER
    return _taken_out(row, box, entry, source, by_receiver=by_receiver)


def hand_over(
    row: LockerReservation, box: Compartment, entry: JournalEntry, source: Source
) -> None:
    """Note that the shopper took the parcel out of a door that support had opened.

    Locks, Records, Raises: as ``collect``.
    """
    _taken_out(row, box, entry, source, by_receiver=True)


def _taken_out(
    row: LockerReservation,
    box: Compartment,
    entry: JournalEntry,
    source: Source,
    *,
    by_receiver: bool,
) -> str:
    state = S(row.state)
    if state in {S.COLLECTED, S.RETURNED}:
        return ""  # told twice
    if state not in INSIDE:
        return "not_deposited"
    empty(box, source, content=str(entry.data.get("content", "")))
    take_out(row, source, by_receiver=by_receiver)
    return ""


def take_out(row: LockerReservation, source: Source, *, by_receiver: bool) -> None:
    """Note that the parcel of a locked reservation was taken out, by its receiver or a courier.

    Locks: the codes. Records: as ``collect``. Raises: ReservationMoveNotAllowed.
    """
    state = S(row.state)
    move(row, S.COLLECTED if by_receiver else S.RETURNED, cause="taken_out", source=source)
    if state == S.DISPUTED:
        settle_own_dispute(row)
    if row.order is not None and by_receiver:
        deliver_if_out(row.order, source)
    elif row.order is not None and row.purpose == Purpose.DELIVERY:
        take_back_if_out(row.order)


def empty(box: Compartment, source: Source, *, content: str = "") -> None:
    """Write that a locked compartment is empty, unless ``content`` or its sensor says otherwise.

    Locks, Records, Raises: nothing.
    """
    if content == "occupied" or box.sensor_faults >= MOST_SENSOR_FAULTS:
        if box.state != BoxState.BLOCKED:
            set_box(box, state=BoxState.UNKNOWN, cause="taken_out", source=source)
    elif box.state in {BoxState.OCCUPIED, BoxState.UNKNOWN}:
        set_box(box, state=BoxState.EMPTY, cause="taken_out", source=source)
