"""Applies the entries of a cabinet's journal. The cabinet's report wins over the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.models import Order
from lastmile.core.events import Lane, record
from lockers import events
from lockers.journal import EntryKind
from lockers.models import (
    Compartment,
    JournalEntry,
    LockerCommand,
    LockerDevice,
    LockerReservation,
)
from lockers.services.changing import Source, set_box
from lockers.services.collecting import collect, hand_over
from lockers.services.commanding import HAND_OVER, command_ended, command_opened
from lockers.services.depositing import deposit, dispute
from lockers.services.revoking import confirm_ended
from lockers.states import INSIDE, MOST_SENSOR_FAULTS, BoxState, DoorState, EntryResult

Effect = tuple[EntryResult, str]
_APPLIED: Final[Effect] = (EntryResult.APPLIED, "")
_NOTHING: Final[Effect] = (EntryResult.NOTHING, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The locked device of an upload, and the locked orders of its entries by pk."""

    device: LockerDevice
    orders: Mapping[int, Order]


def apply_entry(context: Context, entry: JournalEntry) -> Effect:
    """Apply one entry and return its result, with a word that says why it was disputed.

    Locks: the reservation and the compartments. Records: the events of the change. Raises:
    nothing of its own.
    """
    effect = _EFFECTS.get(entry.kind)
    return _NOTHING if effect is None else effect(context, entry)


def source_of(entry: JournalEntry) -> Source:
    """Return who told of a change, and when."""
    return Source(
        occurred_at=entry.occurred_at,
        seq=entry.seq,
        clock_skew=entry.clock_skew,
        offline=entry.offline,
    )


def _box(entry: JournalEntry) -> Compartment | None:
    if entry.compartment_id is None:
        return None
    rows = Compartment.objects.select_for_update(of=("self",), no_key=True).select_related("bank")
    return rows.get(pk=entry.compartment_id)


def _door_facts(box: Compartment, entry: JournalEntry) -> events.DoorFacts:
    return events.DoorFacts(
        bank=box.bank.public_id, seq=entry.seq, offline=entry.offline, clock_skew=entry.clock_skew
    )


def _opened(context: Context, entry: JournalEntry) -> Effect:
    """The door is open: by a code, a command, or forced, if by none (field row L01)."""
    box = _box(entry)
    if box is None:
        return EntryResult.DISPUTED, "box_unknown"
    source = source_of(entry)
    set_box(box, door=DoorState.OPEN, cause="opened", source=source)
    if entry.data.get("by") == "command":
        command_opened(context.device, str(entry.data.get("command", "")), box, source)
    elif entry.data.get("by") != "code":
        _doubt(box, entry, "forced")
        record(
            events.DOOR_FORCED, _door_facts(box, entry), subject=box.public_id, lane=Lane.PERSON,
            occurred_at=source.at,
        )  # fmt: skip
        open_incident(
            draft=IncidentDraft(
                kind=IncidentKind.LOCKER_FORCED,
                hub=context.device.bank.hub,
                key=f"locker_forced:{box.public_id}:{entry.public_id}",
                params={
                    "bank": box.bank.public_id,
                    "bank_name": box.bank.name,
                    "box": box.number,
                },
            )
        )
    return _APPLIED


def _doubt(box: Compartment, entry: JournalEntry, cause: str) -> None:
    """Make the content of a compartment unknown, so that it gets no new parcel."""
    if box.state not in {BoxState.UNKNOWN, BoxState.BLOCKED}:
        set_box(box, state=BoxState.UNKNOWN, cause=cause, source=source_of(entry))


def _open_failed(context: Context, entry: JournalEntry) -> Effect:
    command = str(entry.data.get("command", ""))
    if command:
        command_ended(context.device, command, "failed", "open_not_detected", source_of(entry))
    return _APPLIED


def _closed(context: Context, entry: JournalEntry) -> Effect:
    """The door is closed. If the cabinet knows that the box is empty, it can be used again."""
    box = _box(entry)
    if box is None:
        return EntryResult.DISPUTED, "box_unknown"
    source = source_of(entry)
    was_left_open = box.left_open_at is not None
    set_box(box, door=DoorState.CLOSED, cause="closed", source=source)
    if was_left_open:
        record(
            events.DOOR_CLOSED, _door_facts(box, entry), subject=box.public_id,
            occurred_at=source.at,
        )  # fmt: skip
    content = entry.data.get("content")
    has_parcel = LockerReservation.objects.filter(
        compartment=box, state__in=[s.value for s in INSIDE]
    ).exists()
    if content == "empty" and has_parcel:
        return _parcel_gone(context, entry, box)
    is_doubted = box.state == BoxState.UNKNOWN and box.sensor_faults < MOST_SENSOR_FAULTS
    if content == "empty" and is_doubted:
        set_box(box, state=BoxState.EMPTY, cause="seen_empty", source=source)
    elif content == "occupied" and not has_parcel and box.state == BoxState.EMPTY:
        # Something is inside that no reservation tells of. The deposit may come as the next entry.
        set_box(box, state=BoxState.UNKNOWN, cause="seen_occupied", source=source)
    return _APPLIED


def _parcel_gone(context: Context, entry: JournalEntry, box: Compartment) -> Effect:
    """The compartment is empty, but its parcel was not taken out with a code.

    If support opened the door for the shopper, the parcel was collected. Else it is disputed.
    """
    taken = _handed_over(context, entry, box)
    if taken is not None:
        return taken
    _doubt(box, entry, "parcel_gone")
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("bank__hub", "compartment", "order")
    for row in rows.filter(compartment=box, state__in=[s.value for s in INSIDE]).order_by("pk"):
        dispute(row, box, source_of(entry), "parcel_gone")
    return EntryResult.DISPUTED, "parcel_gone"


def _handed_over(context: Context, entry: JournalEntry, box: Compartment) -> Effect | None:
    """Note a parcel as collected whose door support opened for the shopper; None for any other."""
    opened = JournalEntry.objects.filter(
        device=context.device, kind=EntryKind.OPENED, compartment=box, seq__lt=entry.seq
    )
    last = opened.order_by("-seq").first()
    if last is None or last.data.get("by") != "command":
        return None
    command = LockerCommand.objects.filter(
        device=context.device, public_id=str(last.data.get("command", "")), why=HAND_OVER
    ).first()
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("bank__hub", "compartment")
    inside = rows.filter(compartment=box, state__in=[s.value for s in INSIDE])
    row = inside.first() if command is not None else None
    if command is None or row is None or row.pk != command.reservation_id:
        return None
    row.order = context.orders.get(row.order_id) if row.order_id else None
    hand_over(row, box, entry, source_of(entry))
    return _APPLIED


def _deposited(context: Context, entry: JournalEntry) -> Effect:
    return _with_reservation(context, entry, deposit)


def _collected(context: Context, entry: JournalEntry) -> Effect:
    return _with_reservation(context, entry, collect)


Act = Callable[[LockerReservation, Compartment, JournalEntry, Source], str]


def _with_reservation(context: Context, entry: JournalEntry, act: Act) -> Effect:
    box = _box(entry)
    if box is None or entry.reservation_id is None:
        if box is not None:
            _doubt(box, entry, "reservation_unknown")
        return EntryResult.DISPUTED, "box_unknown" if box is None else "reservation_unknown"
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    row = rows.select_related("bank__hub", "compartment").get(pk=entry.reservation_id)
    row.order = context.orders.get(row.order_id) if row.order_id else None
    why = act(row, box, entry, source_of(entry))
    return (EntryResult.DISPUTED, why) if why else _APPLIED


def _left_open(context: Context, entry: JournalEntry) -> Effect:
    """A door is left open: told once, until it is closed (field row L11)."""
    box = _box(entry)
    if box is None:
        return EntryResult.DISPUTED, "box_unknown"
    if box.left_open_at is not None:
        return _NOTHING
    source = source_of(entry)
    set_box(box, door=DoorState.OPEN, cause="left_open", source=source)
    _doubt(box, entry, "left_open")
    box.left_open_at = source.at
    box.save(update_fields=["left_open_at"])
    record(
        events.DOOR_LEFT_OPEN, _door_facts(box, entry), subject=box.public_id, lane=Lane.PERSON,
        occurred_at=source.at,
    )  # fmt: skip
    return _APPLIED


def _sensor_fault(context: Context, entry: JournalEntry) -> Effect:
    """The sensor of a door disagrees. After two times its compartment gets no new parcel."""
    box = _box(entry)
    if box is None:
        return EntryResult.DISPUTED, "box_unknown"
    box.sensor_faults = min(box.sensor_faults + 1, 1000)
    box.save(update_fields=["sensor_faults"])
    if box.sensor_faults >= MOST_SENSOR_FAULTS:
        _doubt(box, entry, "sensor_faults")
        set_box(box, door=DoorState.UNKNOWN, cause="sensor_faults", source=source_of(entry))
    return _APPLIED


def _command(context: Context, entry: JournalEntry) -> Effect:
    command_ended(
        context.device,
        str(entry.data.get("command", "")),
        str(entry.data.get("result", "")),
        str(entry.data.get("failure", "")),
        source_of(entry),
    )
    return _APPLIED


def _codes_ended(context: Context, entry: JournalEntry) -> Effect:
    if entry.reservation is None:
        return _NOTHING
    confirm_ended(entry.reservation, generation=int(entry.data.get("generation", 0)))
    return _APPLIED


def _locked_out(context: Context, entry: JournalEntry) -> Effect:
    facts = events.LockedFacts(seq=entry.seq)
    bank = context.device.bank
    record(events.LOCKED_OUT, facts, subject=bank.public_id, lane=Lane.PERSON)
    return _APPLIED


_EFFECTS: Final[Mapping[str, Callable[[Context, JournalEntry], Effect]]] = {
    EntryKind.OPENED: _opened,
    EntryKind.OPEN_FAILED: _open_failed,
    EntryKind.CLOSED: _closed,
    EntryKind.DEPOSITED: _deposited,
    EntryKind.COLLECTED: _collected,
    EntryKind.LEFT_OPEN: _left_open,
    EntryKind.SENSOR_FAULT: _sensor_fault,
    EntryKind.COMMAND: _command,
    EntryKind.CODES_ENDED: _codes_ended,
    EntryKind.LOCKED_OUT: _locked_out,
}
