"""The states and words of lockers, and the moves between states. PURE."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class BankKind(StrEnum):
    """The kind of a bank.

    - own: cabinets of the retailer, which report to us by the device plane.
    - vendor: cabinets of a network, which we reach through its cloud.
    - counter: the counter of a hub, where a person hands the parcels out.
    """

    OWN = "own"
    VENDOR = "vendor"
    COUNTER = "counter"


class BankState(StrEnum):
    """The state of the connection to a bank.

    - online: the bank reports in time.
    - degraded: some reports are missing. It gets no new soft holds.
    - offline: many reports are missing, or its identity is in doubt. Its hard holds stay.
    """

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


class Capability(StrEnum):
    """An ability of a bank."""

    COOLED = "cooled"
    LOW_DOORS = "low_doors"
    PRINTER = "printer"
    SCREEN = "screen"
    SCANNER = "scanner"


class BoxState(StrEnum):
    """The last known content of a compartment.

    - empty: known to be empty, with the door closed.
    - occupied: a parcel is inside.
    - unknown: nobody knows. It gets no new parcel until somebody has looked.
    - blocked: staff took it out of use, or it is broken.
    """

    EMPTY = "empty"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


class DoorState(StrEnum):
    """The last report of the door sensor."""

    CLOSED = "closed"
    OPEN = "open"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """The mode of a hold: soft ends by itself after minutes, hard only after the deposit time."""

    SOFT = "soft"
    HARD = "hard"


class Purpose(StrEnum):
    """The purpose of a reservation: delivery to a shopper, return by one, or shopper to shopper."""

    DELIVERY = "delivery"
    RETURN = "return"
    C2C = "c2c"


class ReservationState(StrEnum):
    """The state of a reservation.

    - queued: no compartment is free; it waits for one.
    - soft_held: a compartment is held for some minutes.
    - hard_held: a compartment is held until the deposit time.
    - awaiting_deposit: the parcel is on its way to the bank.
    - deposited: the cabinet reported the parcel inside.
    - ready: the parcel can be collected, and the shopper may be told.
    - collected: the parcel was taken out by its receiver.
    - rejected: refused, with a reason.
    - hold_expired, deposit_expired: the hold, or the time for the deposit, ended without a deposit.
    - collect_expired: nobody collected the parcel in time.
    - courier_to_collect: a courier must take the parcel out.
    - returned: a courier took the parcel out.
    - moved: another reservation replaced this one, at another bank.
    - cancelled: cancelled before a deposit.
    - blocked: the parcel is inside, but the door does not open.
    - lost: the parcel was not in the compartment.
    - disputed: the reports of the cabinet and the reservation do not match. Staff decide.
    """

    QUEUED = "queued"
    SOFT_HELD = "soft_held"
    HARD_HELD = "hard_held"
    AWAITING_DEPOSIT = "awaiting_deposit"
    DEPOSITED = "deposited"
    READY = "ready"
    COLLECTED = "collected"
    REJECTED = "rejected"
    HOLD_EXPIRED = "hold_expired"
    DEPOSIT_EXPIRED = "deposit_expired"
    COLLECT_EXPIRED = "collect_expired"
    COURIER_TO_COLLECT = "courier_to_collect"
    RETURNED = "returned"
    MOVED = "moved"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    LOST = "lost"
    DISPUTED = "disputed"


class Rejection(StrEnum):
    """The reason for a refused reservation. The list is closed."""

    SITE_UNKNOWN = "site_unknown"
    SITE_OFFLINE = "site_offline"
    NO_CAPACITY = "no_capacity"
    DIMENSIONS_EXCEED = "dimensions_exceed"
    WEIGHT_EXCEED = "weight_exceed"
    CAPABILITY_MISSING = "capability_missing"
    RECIPIENT_BLOCKED = "recipient_blocked"
    PROVIDER_ERROR = "provider_error"
    OUTSIDE_HOURS = "outside_hours"


class CodeRole(StrEnum):
    """The role of a person at a cabinet. Each role of a reservation has its own code."""

    COURIER = "courier"
    SHOPPER = "shopper"
    RETURNER = "returner"
    OPERATOR = "operator"


class GrantState(StrEnum):
    """The state of a code.

    - live: the code opens the door.
    - ending: the code was revoked, but its cabinet has not confirmed that. It may still open.
    - ended: the cabinet confirmed. The code opens nothing.
    """

    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"


class DeviceState(StrEnum):
    """The state of a device: live, replaced by a newer one, or in conflict with a copy of it."""

    LIVE = "live"
    REPLACED = "replaced"
    CONFLICT = "conflict"


class CommandKind(StrEnum):
    """A command to a cabinet."""

    OPEN = "open"
    BLOCK = "block"
    UNBLOCK = "unblock"
    REBOOT = "reboot"


class CommandState(StrEnum):
    """The state of a command. A command that is not executed within its life is expired."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class EntryResult(StrEnum):
    """The effect of an entry of a cabinet's journal.

    - waiting: an earlier entry is missing, so it was not applied yet.
    - applied: it had its effect.
    - nothing: it needed no effect.
    - disputed: it was kept, and staff must look at what it tells.
    """

    WAITING = "waiting"
    APPLIED = "applied"
    NOTHING = "nothing"
    DISPUTED = "disputed"


class ReportKind(StrEnum):
    """The kind of a report by the REST API, of a network's cloud or of a courier.

    - deposited: the parcel of the reservation is in its compartment.
    - collected: its receiver took it out.
    - removed_by_courier: a courier took it out.
    - rejected: the network refuses the reservation, with a reason.
    - cancelled: the network ended the reservation.
    - blocked, unblocked: a compartment cannot be used, or can be used again.
    - taken_out: the courier of a session took the parcel out.
    - misaligned, broken, occupied, too_big: the courier cannot use the compartment.
    - skipped: the courier leaves the parcel for another visit.
    """

    DEPOSITED = "deposited"
    COLLECTED = "collected"
    REMOVED = "removed_by_courier"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    TAKEN_OUT = "taken_out"
    MISALIGNED = "misaligned"
    BROKEN = "broken"
    OCCUPIED = "occupied"
    TOO_BIG = "too_big"
    SKIPPED = "skipped"


R = ReportKind
#: Reports of compartments. All others are about a reservation.
OF_BOX: Final = frozenset({R.BLOCKED, R.UNBLOCKED})
OF_NETWORK: Final = OF_BOX | {R.DEPOSITED, R.COLLECTED, R.REMOVED, R.REJECTED, R.CANCELLED}
OF_COURIER: Final = frozenset(
    {R.DEPOSITED, R.TAKEN_OUT, R.MISALIGNED, R.BROKEN, R.OCCUPIED, R.TOO_BIG, R.SKIPPED}
)
#: Times that a sensor may disagree before its compartment gets no new parcel (field row L02).
MOST_SENSOR_FAULTS: Final = 2

S = ReservationState
#: States in which the parcel is in its compartment.
INSIDE: Final = frozenset(
    {S.DEPOSITED, S.READY, S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT, S.BLOCKED, S.DISPUTED}
)
#: States in which a compartment is kept for a parcel that has not come yet.
HELD: Final = frozenset({S.SOFT_HELD, S.HARD_HELD, S.AWAITING_DEPOSIT})
#: States in which a reservation takes its compartment, so that no other reservation gets it.
TAKING: Final = HELD | INSIDE
#: States in which a parcel may still be deposited.
DEPOSITABLE: Final = HELD
#: States that had their end, unless a cabinet reports otherwise.
ENDED: Final = frozenset(set(S) - TAKING - {S.QUEUED})
#: States of a reservation that ended before its parcel came, or without it.
UNUSED: Final = ENDED - {S.COLLECTED, S.RETURNED, S.LOST}
#: A deposit that comes after one of these states is a dispute: the parcel is inside all the same.
LATE: Final = ENDED

_WITHOUT_PARCEL: Final = frozenset(
    {S.DEPOSITED, S.DISPUTED, S.CANCELLED, S.MOVED, S.REJECTED, S.QUEUED}
)
MOVES: Final[dict[ReservationState, frozenset[ReservationState]]] = {
    S.QUEUED: frozenset(
        {S.SOFT_HELD, S.HARD_HELD, S.HOLD_EXPIRED, S.CANCELLED, S.REJECTED, S.DISPUTED, S.MOVED}
    ),
    S.SOFT_HELD: _WITHOUT_PARCEL | {S.HARD_HELD, S.HOLD_EXPIRED},
    S.HARD_HELD: _WITHOUT_PARCEL | {S.AWAITING_DEPOSIT, S.DEPOSIT_EXPIRED},
    S.AWAITING_DEPOSIT: _WITHOUT_PARCEL | {S.DEPOSIT_EXPIRED},
    S.DEPOSITED: frozenset(
        {S.READY, S.COLLECTED, S.RETURNED, S.COURIER_TO_COLLECT, S.BLOCKED, S.LOST, S.DISPUTED}
    ),
    S.READY: frozenset(
        {S.COLLECTED, S.RETURNED, S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT, S.BLOCKED, S.LOST,
         S.DISPUTED}
    ),
    S.COLLECT_EXPIRED: frozenset(
        {S.READY, S.COLLECTED, S.RETURNED, S.COURIER_TO_COLLECT, S.BLOCKED, S.LOST, S.DISPUTED}
    ),
    S.COURIER_TO_COLLECT: frozenset(
        {S.READY, S.COLLECTED, S.RETURNED, S.BLOCKED, S.LOST, S.DISPUTED}
    ),
    S.BLOCKED: frozenset(
        {S.READY, S.COLLECTED, S.RETURNED, S.COURIER_TO_COLLECT, S.LOST, S.DISPUTED}
    ),
    S.DISPUTED: frozenset(
        {S.DEPOSITED, S.READY, S.COLLECTED, S.RETURNED, S.COURIER_TO_COLLECT, S.LOST, S.CANCELLED}
    ),
} | {state: frozenset({S.DISPUTED}) for state in LATE}  # fmt: skip


def may_move(before: ReservationState, after: ReservationState) -> bool:
    """Return True if a reservation may move from one state to the other."""
    return after in MOVES[before]
