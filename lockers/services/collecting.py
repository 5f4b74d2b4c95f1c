"""Takes note of a parcel that was taken out: collected by its receiver, or removed by a courier."""

from __future__ import annotations

from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.models import Order, Outcome
from dispatch.orders.services.attempting import record_attempt_of
from dispatch.orders.states import OrderState
from lockers.models import Compartment, JournalEntry, LockerReservation
from lockers.services.changing import Source, move, set_box
from lockers.states import INSIDE, MOST_SENSOR_FAULTS, BoxState, CodeRole, ReservationState

S = ReservationState


def collect(row: LockerReservation, box: Compartment, entry: JournalEntry, source: Source) -> str:
    """Note that the parcel of a locked reservation was taken out; "" if all is well.

    Its receiver took it with the shopper's code, or a courier with another one. The compartment is
    empty unless the cabinet says otherwise or its sensor is in doubt.

    Locks: the codes. Records: locker.parcel.collected or removed_by_courier; order.delivered once
    the order has no parcel left in a locker. Raises: nothing.
    """
    state = S(row.state)
    if state in {S.COLLECTED, S.RETURNED}:
        return ""  # told twice
    if state not in INSIDE:
        return "not_deposited"
    _empty(box, entry, source)
    by_receiver = entry.data.get("role") == CodeRole.SHOPPER
    move(row, S.COLLECTED if by_receiver else S.RETURNED, cause="taken_out", source=source)
    if by_receiver and row.order is not None:
        _deliver(row.order, source)
    return ""


def _empty(box: Compartment, entry: JournalEntry, source: Source) -> None:
    content = entry.data.get("content", "")
    if content == "occupied" or box.sensor_faults >= MOST_SENSOR_FAULTS:
        if box.state != BoxState.BLOCKED:
            set_box(box, state=BoxState.UNKNOWN, cause="taken_out", source=source)
    elif box.state in {BoxState.OCCUPIED, BoxState.UNKNOWN}:
        set_box(box, state=BoxState.EMPTY, cause="taken_out", source=source)


def _deliver(order: Order, source: Source) -> None:
    """End the order when its last parcel was collected."""
    inside = LockerReservation.objects.filter(order=order, state__in=[s.value for s in INSIDE])
    if order.state != OrderState.AWAITING_COLLECTION or inside.exists():
        return
    draft = AttemptDraft(outcome=Outcome.DELIVERED, arrived_at=source.at, departed_at=source.at)
    record_attempt_of(row=order, draft=draft)
