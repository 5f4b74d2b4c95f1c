"""Takes heartbeats; the answer has the commands, the reservations and the ended codes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from lastmile.core.actor import acting_as
from lastmile.core.clock import real_time_of
from lockers.models import CodeGrant, LockerCommand, LockerDevice, LockerReservation
from lockers.services.commanding import hand_out
from lockers.services.messages import SignedMessage, take_number
from lockers.signing import write_time
from lockers.states import HELD, INSIDE, GrantState, Purpose, ReservationState

_KNOWN: Final = sorted(s.value for s in (HELD | INSIDE) - {ReservationState.SOFT_HELD})
MOST_TOLD: Final = 1000


@transaction.atomic
def take_heartbeat(
    *, device: LockerDevice, message: SignedMessage, report: Mapping[str, Any]
) -> dict[str, Any]:
    """Take the report of a cabinet and return what it must know.

    Locks: the device, its commands. Records: locker.bank.online after a silence. Raises:
    SeqReplayed; IdentityConflict.
    """
    row = take_number(device, message)
    with acting_as(row.public_id):
        row.health = {name: report[name] for name in sorted(report) if name in REPORTED}
        row.firmware = str(report.get("firmware", row.firmware))[:64]
        row.save(update_fields=["health", "firmware"])
        return answer_for(row, have=str(report.get("have", "")))


#: What a heartbeat may report, and is kept.
REPORTED: Final = frozenset({"uptime_s", "power", "network", "temperature_c", "queue_depth"})


def answer_for(device: LockerDevice, *, have: str = "") -> dict[str, Any]:
    """Return the answer to a cabinet; ``have`` is the version of the reservations that it has."""
    reservations = reservations_for(device)
    version = hashlib.sha256(json.dumps(reservations).encode()).hexdigest()[:16]
    answer: dict[str, Any] = {
        "acked_seq": device.acked_seq,
        "last_seq": device.last_seq,
        "commands": [_command(row) for row in hand_out(device=device)],
        "ended": _ended(device),
        "version": version,
    }
    return answer if have == version else answer | {"reservations": reservations}


def reservations_for(device: LockerDevice) -> list[dict[str, Any]]:
    """Return the reservations that a cabinet must know, without any code."""
    rows = LockerReservation.objects.filter(
        bank=device.bank_id, state__in=_KNOWN, generation__gt=0, compartment__isnull=False
    ).select_related("compartment")
    return [
        {
            "reservation": row.public_id,
            "box": row.compartment.number if row.compartment else "",
            "generation": row.generation,
            "inside": ReservationState(row.state) in INSIDE,
            "drop": row.purpose != Purpose.DELIVERY,
            "to_courier": row.state
            in {ReservationState.COLLECT_EXPIRED, ReservationState.COURIER_TO_COLLECT},
            "collect_within_s": row.collect_within_s,
            "deposit_by": write_time(real_time_of(row.deposit_by)),
            "collect_by": (write_time(real_time_of(row.collect_by)) if row.collect_by else None),
        }
        for row in rows.order_by("pk")[:MOST_TOLD]
    ]


def _command(row: LockerCommand) -> dict[str, Any]:
    return {
        "command": row.public_id,
        "kind": row.kind,
        "box": row.compartment.number if row.compartment else "",
        "expires_at": write_time(row.expires_at),
    }


def _ended(device: LockerDevice) -> list[dict[str, Any]]:
    """Return the codes whose end the cabinet has not confirmed: the highest generation of each."""
    rows = CodeGrant.objects.filter(
        reservation__bank=device.bank_id, state=GrantState.ENDING
    ).values_list("reservation__public_id", "generation")
    highest: dict[str, int] = {}
    for public_id, generation in rows.order_by("pk")[:MOST_TOLD]:
        highest[public_id] = max(generation, highest.get(public_id, 0))
    return [{"reservation": name, "generation": number} for name, number in highest.items()]
