"""The event kinds of lockers. No event has a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind

BankRef = Annotated[str, FieldDoc("Public id of the bank.", "bnk_7h3k9m2p5q8r1t4v6w0x")]
BoxNumber = Annotated[
    str | None, FieldDoc("Public id of the compartment.", "cmp_2b5d8f1h4k7m0p3r6t9w")
]
OrderRef = Annotated[
    str | None, FieldDoc("Public id of the order, if any.", "ord_5d9h3j7b1n4p8s2v6x0z")
]
Seq = Annotated[
    int | None, FieldDoc("Number in the cabinet's journal, if the cabinet reported it.", 214)
]
Offline = Annotated[bool, FieldDoc("True if the report waited for a connection.", True)]
Skew = Annotated[
    bool, FieldDoc("True if the cabinet's clock was wrong or not known at that time.", True)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFacts:
    """The connection to a bank changed (see the kind). The subject is the bank."""

    hub: Annotated[str, FieldDoc("Public id of the hub.", "hub_3c6f9j2m5p8s1v4y7b0e")]
    cause: Annotated[str, FieldDoc("The cause, as a word.", "heartbeats_missing")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationFacts:
    """A reservation changed before a deposit (see the kind). The subject is the reservation."""

    bank: BankRef
    state: Annotated[str, FieldDoc("The state after the change.", "hard_held")]
    compartment: BoxNumber = None
    order: OrderRef = None
    reason: Annotated[str, FieldDoc("Reason of a rejection or a cancellation.", "no_capacity")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelFacts:
    """A parcel came into a compartment, waits there or left it. The subject is the reservation."""

    bank: BankRef
    state: Annotated[str, FieldDoc("The state after the change.", "ready")]
    compartment: BoxNumber = None
    order: OrderRef = None
    seq: Seq = None
    offline: Offline = False
    clock_skew: Skew = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFacts:
    """A door was forced or left open, or is closed again. The subject is the compartment."""

    bank: BankRef
    seq: Seq = None
    offline: Offline = False
    clock_skew: Skew = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """A code was made, revoked, or confirmed as ended. The subject is the reservation."""

    bank: BankRef
    role: Annotated[str, FieldDoc("courier, shopper, returner or operator.", "shopper")]
    generation: Annotated[int, FieldDoc("Generation of the code.", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFacts:
    """A keypad is locked after too many wrong codes. The subject is the bank."""

    seq: Seq = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFacts:
    """A command to a cabinet ended. The subject is the command."""

    bank: BankRef
    kind: Annotated[str, FieldDoc("open, block, unblock or reboot.", "open")]
    failure: Annotated[str, FieldDoc("Why it failed, as a word.", "open_not_detected")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetFacts:
    """A cabinet got its key, or its identity is in doubt. The subject is the bank."""

    device: Annotated[str, FieldDoc("Public id of the device.", "ldv_9w2y5b8e1h4k7n0q3t6v")]


BANK_ONLINE = Kind("locker.bank.online", facts=BankFacts, public=True)
BANK_DEGRADED = Kind("locker.bank.degraded", facts=BankFacts, public=True)
BANK_OFFLINE = Kind("locker.bank.offline", facts=BankFacts, public=True)
CREATED = Kind("locker.reservation.created", facts=ReservationFacts, public=True)
HELD = Kind("locker.reservation.held", facts=ReservationFacts, public=True)
EXPIRED = Kind("locker.reservation.expired", facts=ReservationFacts, public=True)
CANCELLED = Kind("locker.reservation.cancelled", facts=ReservationFacts, public=True)
REJECTED = Kind("locker.reservation.rejected", facts=ReservationFacts, public=True)
MOVED = Kind("locker.reservation.moved", facts=ReservationFacts, public=True)
DEPOSITED = Kind("locker.parcel.deposited", facts=ParcelFacts, public=True)
READY = Kind("locker.parcel.ready", facts=ParcelFacts, public=True)
COLLECTED = Kind("locker.parcel.collected", facts=ParcelFacts, public=True)
COLLECT_EXPIRED = Kind("locker.parcel.collect_expired", facts=ParcelFacts, public=True)
REMOVED = Kind("locker.parcel.removed_by_courier", facts=ParcelFacts, public=True)
LOST = Kind("locker.parcel.lost", facts=ParcelFacts, public=True)
DISPUTED = Kind("locker.parcel.disputed", facts=ParcelFacts, public=True)
REMINDER_DUE = Kind("locker.parcel.reminder_due", facts=ParcelFacts, public=True)
DOOR_FORCED = Kind("locker.door.forced", facts=DoorFacts, public=True)
DOOR_LEFT_OPEN = Kind("locker.door.left_open", facts=DoorFacts, public=True)
DOOR_CLOSED = Kind("locker.door.closed", facts=DoorFacts, public=True)
CODE_ISSUED = Kind("locker.code.issued", facts=CodeFacts, public=True)
CODE_REVOKED = Kind("locker.code.revoked", facts=CodeFacts, public=True)
CODE_ENDED = Kind("locker.code.ended", facts=CodeFacts, public=True)
LOCKED_OUT = Kind("locker.code.locked_out", facts=LockedFacts, public=True)
COMMAND_DONE = Kind("locker.command.done", facts=CommandFacts, public=True)
COMMAND_FAILED = Kind("locker.command.failed", facts=CommandFacts, public=True)
DEVICE_ADDED = Kind("locker.device.added", facts=CabinetFacts)
DEVICE_CONFLICT = Kind("locker.device.conflict", facts=CabinetFacts, public=True)
