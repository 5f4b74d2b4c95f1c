"""Takes note of a parcel that a courier put into a compartment."""

from __future__ import annotations

import datetime as dt

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.models import Order, Outcome
from dispatch.orders.services import mark_awaiting_collection
from dispatch.orders.services.attempting import record_attempt_of
from dispatch.orders.states import OrderState
from lockers.journal import EntryKind
from lockers.models import Compartment, JournalEntry, LockerReservation
from lockers.services.changing import Source, move, note, occupy, set_box
from lockers.services.holding import make_room
from lockers.states import (
    DEPOSITABLE,
    HELD,
    INSIDE,
    BoxState,
    Purpose,
    ReservationState,
)

S = ReservationState
_UNDER_WAY = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


def deposit(row: LockerReservation, box: Compartment, entry: JournalEntry, source: Source) -> str:
    """Note that the parcel of a locked reservation is in a locked compartment; "" if all is well.

    What the cabinet saw wins: another compartment than the reserved one, or a reservation that
    ended meanwhile, do not undo the deposit. A hold of another reservation there gets another
    compartment. If the reservation had ended, or another parcel is inside, it is disputed.

    Call it after ``locking.lock_kept`` or ``lock_rows``.

    Locks: other compartments. Records: locker.parcel.deposited and ready, or disputed with an
    incident; what the order records. Raises: nothing.
    """
    if not _was_open(row, box, entry):
        return "open_not_detected"
    if row.courier_act:  # the cabinet's report replaces it
        if S(row.state) in INSIDE and row.compartment_id != box.pk:
            return _correct_door(row, box, source)
        row.courier_act, row.courier_at, row.courier_door = "", None, ""
        row.save(update_fields=["courier_act", "courier_at", "courier_door"])
    return put_in(row, box, source)


def put_in(row: LockerReservation, box: Compartment, source: Source) -> str:
    """Note that a parcel is in a locked compartment, by any report; "" if all is well.

    Locks, Records, Raises: as ``deposit``.
    """
    if S(row.state) in INSIDE:
        return "" if row.compartment_id == box.pk else dispute(row, None, source, "two_boxes")
    has_room = make_room(row, box, cause="deposited", source=source)
    occupy(box, cause="deposited", source=source)
    if not has_room:
        return dispute(row, None, source, "two_parcels")
    if S(row.state) not in DEPOSITABLE:
        return dispute(row, box, source, "deposit_after_end")
    until = source.at + dt.timedelta(seconds=row.collect_within_s)
    is_drop = row.purpose != Purpose.DELIVERY
    also = {
        "compartment": box,
        "deposited_at": source.at,
        "collect_by": None if is_drop else until,
        "held_until": None,
    }
    move(row, S.DEPOSITED, cause="deposited", source=source, also=also)
    if is_drop:
        move(row, S.COURIER_TO_COLLECT, cause="dropped", source=source)
        return ""
    if row.order is not None and not _can_wait(row.order):
        return dispute(row, box, source, "order_ended")
    ready_if_complete(row, source)
    return ""


def _correct_door(row: LockerReservation, box: Compartment, source: Source) -> str:
    """Write the door that the cabinet saw, where only a courier had told of another one.

    The other compartment is in doubt until somebody has looked.
    """
    if not make_room(row, box, cause="deposited", source=source):
        return dispute(row, None, source, "two_parcels")
    before = row.compartment
    if before is not None:
        set_box(before, state=BoxState.UNKNOWN, cause="courier_was_wrong", source=source)
    occupy(box, cause="deposited", source=source)
    row.compartment, row.courier_act, row.courier_at, row.courier_door = box, "", None, ""
    row.version += 1
    row.save(update_fields=["compartment", "courier_act", "courier_at", "courier_door", "version"])
    note(
        row, before=before.number if before else "", after=box.number, cause="cabinet_saw",
        what="compartment", source=source,
    )  # fmt: skip
    return ""


def _was_open(row: LockerReservation, box: Compartment, entry: JournalEntry) -> bool:
    """Return True if the cabinet saw the door open for this reservation before (L01)."""
    return JournalEntry.objects.filter(
        device_id=entry.device_id,
        kind=EntryKind.OPENED,
        compartment=box,
        seq__lt=entry.seq,
        data__reservation=row.public_id,
    ).exists()


def dispute(row: LockerReservation, box: Compartment | None, source: Source, why: str) -> str:
    """Make a reservation disputed, and tell staff; return why."""
    also = {"compartment": box or (row.compartment if S(row.state) in INSIDE else None)}
    if row.deposited_at is None or S(row.state) not in INSIDE:
        also |= {"deposited_at": source.at}  # type: ignore[dict-item]
    if row.state != S.DISPUTED:
        move(row, S.DISPUTED, cause=why, source=source, also=also)
    bank = row.bank
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.LOCKER_DISPUTE,
            hub=bank.hub,
            order=row.order,
            key=f"locker_dispute:{row.public_id}",
            params={
                "bank": bank.public_id,
                "bank_name": bank.name,
                "reservation": row.public_id,
                "box": box.number if box else "",
                "why": why,
            },
        )
    )
    return why


def _can_wait(order: Order) -> bool:
    return OrderState(order.state) in _UNDER_WAY | {
        OrderState.READY,
        OrderState.AWAITING_COLLECTION,
    }


def ready_if_complete(row: LockerReservation, source: Source) -> None:
    """Make the deposited parcels of an order ready once none of them is still to come.

    Call it with the order locked. Locks: the reservations of the order. Records:
    locker.parcel.ready for each; what the order records. Raises: nothing.
    """
    if row.order is None:
        move(row, S.READY, cause="complete", source=source)
        return
    same = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    rows = list(
        same.select_related("bank__hub", "compartment", "order")
        .filter(order=row.order)
        .order_by("pk")
    )
    if any(S(other.state) in HELD | {S.QUEUED} for other in rows):
        return
    waiting = [other for other in rows if other.state == S.DEPOSITED]
    for other in waiting:
        move(other, S.READY, cause="complete", source=source)
        if other.pk == row.pk:
            row.state, row.version = other.state, other.version
    if waiting:
        _await_collection(row.order, source)


def _await_collection(order: Order, source: Source) -> None:
    if OrderState(order.state) in _UNDER_WAY:
        draft = AttemptDraft(outcome=Outcome.DEPOSITED, arrived_at=source.at, departed_at=source.at)
        record_attempt_of(row=order, draft=draft)
    elif order.state == OrderState.READY:
        mark_awaiting_collection(orders=[order.pk])
