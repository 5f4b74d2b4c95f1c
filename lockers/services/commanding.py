"""Commands to cabinets: executed once, within 60 seconds, or never."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import real_now
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import Lane, record
from lockers import events
from lockers.errors import ReservationRefused
from lockers.models import (
    Compartment,
    LockerBank,
    LockerCommand,
    LockerDevice,
    LockerReservation,
)
from lockers.services.changing import Source, set_box
from lockers.states import BoxState, CommandKind, CommandState, DeviceState, Rejection
from tenants.people.services import audit

LIFE: Final = dt.timedelta(seconds=60)
#: A cabinet that got a command and does not answer: after this time it counts as expired.
ANSWER_WITHIN: Final = dt.timedelta(minutes=10)
WORDS: Final = 24
_WAITING: Final = (CommandState.QUEUED, CommandState.DELIVERED)
#: The reason of a command while the shopper is at the door and takes the parcel out.
HAND_OVER: Final = "hand_over"
#: Failures that a later report of the cabinet may correct: it is the one that knows.
_OURS: Final = frozenset({CommandState.EXPIRED})


@transaction.atomic
def send_command(
    *,
    bank: LockerBank,
    kind: str,
    compartment: Compartment | None = None,
    why: str = "",
    reservation: LockerReservation | None = None,
) -> LockerCommand:
    """Queue a command for the cabinet of a bank. It is executed within 60 seconds or expires.

    ``block`` and ``unblock`` count here at once, also without a connection to the cabinet.

    Locks: the compartment. Records: an audit entry. Raises: Invalid; ReservationRefused if the
    bank has no cabinet.
    """
    if (compartment is None) != (kind == CommandKind.REBOOT):
        detail = _("Name the compartment; only a reboot has none.")
        raise Invalid(detail, errors=[FieldProblem("/compartment", detail)])
    device = LockerDevice.objects.filter(bank=bank, state=DeviceState.LIVE).first()
    if device is None:
        raise ReservationRefused(
            _("This bank has no cabinet with a key. Provision it with a token first."),
            data={"reason": Rejection.SITE_OFFLINE, "bank": bank.public_id},
        )
    if compartment is not None and kind in {CommandKind.BLOCK, CommandKind.UNBLOCK}:
        _block(compartment, is_blocked=kind == CommandKind.BLOCK)
    now = real_now()
    command = LockerCommand.objects.create(
        bank=bank,
        device=device,
        compartment=compartment,
        reservation=reservation,
        kind=kind,
        why=why,
        made_by=current_actor(),
        made_at=now,
        expires_at=now + LIFE,
    )
    audit(f"locker.{kind}", compartment.public_id if compartment else bank.public_id)
    return command


def _block(compartment: Compartment, *, is_blocked: bool) -> None:
    row = Compartment.objects.select_for_update(no_key=True).get(pk=compartment.pk)
    if is_blocked and row.state != BoxState.BLOCKED:
        set_box(row, state=BoxState.BLOCKED, cause="blocked")
    elif not is_blocked and row.state == BoxState.BLOCKED:
        # Nobody knows what is inside until the cabinet or a person has looked.
        row.sensor_faults = 0
        row.save(update_fields=["sensor_faults"])
        set_box(row, state=BoxState.UNKNOWN, cause="unblocked")


@transaction.atomic
def hand_out(*, device: LockerDevice) -> list[LockerCommand]:
    """Return the commands of a device that it may still execute, and note that it got them.

    They are handed out again with each message until the device reports their end. It recognises
    them by their id.

    Locks: the commands. Records: nothing. Raises: nothing.
    """
    now = real_now()
    rows = LockerCommand.objects.select_for_update(of=("self",)).filter(
        bank=device.bank_id, device=device, state__in=_WAITING, expires_at__gt=now
    )
    commands = list(rows.select_related("compartment").order_by("pk")[:100])
    LockerCommand.objects.filter(
        pk__in=[row.pk for row in commands], state=CommandState.QUEUED
    ).update(state=CommandState.DELIVERED, delivered_at=now)
    return commands


def command_opened(device: LockerDevice, command: str, box: Compartment, source: Source) -> None:
    """End a command to open: the sensor reported the open door (field row L01)."""
    row = _lock(device, command)
    if row is not None and row.kind == CommandKind.OPEN and row.compartment_id == box.pk:
        _end(row, CommandState.DONE, "", source)


def command_ended(
    device: LockerDevice, command: str, result: str, failure: str, source: Source
) -> None:
    """End a command as the cabinet reports. To open counts as done by the sensor only.

    Locks: the command. Records: locker.command.done or failed. Raises: nothing.
    """
    row = _lock(device, command)
    if row is None:
        return
    if result == CommandState.DONE:
        if row.kind != CommandKind.OPEN:
            _end(row, CommandState.DONE, "", source)
        elif row.state != CommandState.DONE:
            _end(row, CommandState.FAILED, "open_not_detected", source)
    elif result == CommandState.EXPIRED:
        _end(row, CommandState.EXPIRED, "too_late", source)
    else:
        _end(row, CommandState.FAILED, (failure or "unknown")[:WORDS], source)


def _lock(device: LockerDevice, command: str) -> LockerCommand | None:
    rows = LockerCommand.objects.select_for_update(of=("self",)).select_related("bank")
    return rows.filter(device=device, public_id=command).first()


def _end(row: LockerCommand, state: CommandState, failure: str, source: Source) -> None:
    by_report = source.seq is not None
    if row.state not in _WAITING and not (by_report and row.state in _OURS):
        return
    row.state, row.failure, row.ended_at = state, failure, real_now()
    row.save(update_fields=["state", "failure", "ended_at"])
    kind = events.COMMAND_DONE if state == CommandState.DONE else events.COMMAND_FAILED
    facts = events.CommandFacts(bank=row.bank.public_id, kind=row.kind, failure=failure)
    record(kind, facts, subject=row.public_id, lane=Lane.PERSON)


def expire_commands() -> int:
    """End commands that nobody executed in time; return how many.

    Call it in a transaction. Locks: the commands. Records: locker.command.failed. Raises: nothing.
    """
    now = real_now()
    rows = LockerCommand.objects.select_for_update(of=("self",), skip_locked=True)
    rows = rows.select_related("bank")
    over = list(rows.filter(state=CommandState.QUEUED, expires_at__lte=now)[:500])
    over += rows.filter(state=CommandState.DELIVERED, expires_at__lte=now - ANSWER_WITHIN)[:500]
    for row in over:
        _end(row, CommandState.EXPIRED, "too_late", Source())
    return len(over)
