"""Accepts messages of cabinets: signature, time, number, and one identity for one cabinet."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from lastmile.core.clock import real_now
from lastmile.core.errors import Conflict
from lastmile.core.events import Lane, record
from lastmile.core.units import read_whole
from lockers import events, signing
from lockers.errors import DeviceRefused
from lockers.models import DeviceMessage, LockerBank, LockerDevice
from lockers.services.changing import set_bank_state
from lockers.states import BankState, DeviceState

MOST_SEQ: Final = 2**53 - 1
_SKEW: Final = dt.timedelta(seconds=signing.MOST_SKEW_S)


class ClockWrong(DeviceRefused):
    """The time of the message differs from the server's by more than five minutes."""

    code: ClassVar[str] = "clock_wrong"


class SeqReplayed(Conflict):
    """A message with this number was accepted before."""

    code: ClassVar[str] = "seq_replayed"


class IdentityConflict(Conflict):
    """Two cabinets use one identity: one number, two bodies."""

    code: ClassVar[str] = "device_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A message as it arrived. ``address`` is the network address of the caller."""

    device: str
    seq: str
    time: str
    signature: str
    method: str
    path: str
    body: bytes
    address: str = ""

    @property
    def number(self) -> int | None:
        """The number of the message, or None if it is not a number."""
        return read_whole(self.seq, 1, MOST_SEQ)

    @property
    def body_sha256(self) -> str:
        return hashlib.sha256(f"{self.path}|".encode() + self.body).hexdigest()


def recognise(message: SignedMessage, *, bank: str) -> LockerDevice:
    """Return the device that signed a message for its bank.

    A replaced device is refused for ever, and staff see when and from where it tried.

    Locks: the device, if it is refused. Records: nothing. Raises: DeviceRefused; ClockWrong, which
    the caller answers with our signed time.
    """
    rows = LockerDevice.objects.select_related("bank__hub")
    named = "\x00" not in message.device
    device = rows.filter(public_id=message.device).first() if named else None
    number = message.number
    if device is None or number is None or device.bank.public_id != bank:
        raise DeviceRefused(
            _("This cabinet is not known at this bank. Provision it with a new token."),
            data={"reason": "device_unknown"},
        )
    right = signing.sign(
        bytes(device.key),
        method=message.method,
        path=message.path,
        seq=number,
        time=message.time,
        body=message.body,
    )
    if not signing.is_right(right, message.signature):
        _refuse(device, message, "signature_wrong")
    if device.state != DeviceState.LIVE:
        _refuse(device, message, f"device_{device.state}")
    at = signing.read_time(message.time)
    if at is None or abs(at - real_now()) > _SKEW:
        offset = 0 if at is None else int((at - real_now()).total_seconds() * 1000)
        LockerDevice.objects.filter(pk=device.pk).update(clock_offset_ms=offset)
        raise ClockWrong(
            _("The clock of the cabinet is wrong. Set it by X-Server-Time, sign and send again."),
            data={"device": device.public_id},
        )
    return device


def _refuse(device: LockerDevice, message: SignedMessage, reason: str) -> None:
    LockerDevice.objects.filter(pk=device.pk).update(
        refusals=F("refusals") + 1,
        refused_at=real_now(),
        refused_code=reason,
        refused_from=message.address[:64],
    )
    raise DeviceRefused(
        _("This cabinet may not send. Provision it with a new token."),
        data={"reason": reason, "device": device.public_id},
    )


def take_number(device: LockerDevice, message: SignedMessage) -> LockerDevice:
    """Use the number of a recognised message up; return the device, locked.

    Call it in the transaction of the message's effect.

    Locks: the device. Records: nothing. Raises: SeqReplayed; IdentityConflict, after which the
    caller calls ``end_identity`` in a transaction of its own; DeviceRefused if the device was
    replaced meanwhile.
    """
    row = LockerDevice.objects.select_for_update(of=("self",)).select_related("bank__hub")
    locked = row.get(pk=device.pk)
    number = message.number or 0
    if locked.state != DeviceState.LIVE:
        _refuse(locked, message, f"device_{locked.state}")
    if number <= locked.last_seq:
        known = DeviceMessage.objects.filter(device=locked, seq=number).first()
        if known is not None and known.body_sha256 != message.body_sha256:
            raise IdentityConflict(
                _("Two cabinets use one identity. Both are offline until a new provisioning."),
                data={"device": locked.public_id, "seq": number},
            )
        raise SeqReplayed(
            _("This number was used before. Use %(next)d or higher.")
            % {"next": locked.last_seq + 1},
            data={"last_seq": locked.last_seq, "acked_seq": locked.acked_seq},
        )
    DeviceMessage.objects.create(
        device=locked, seq=number, path=message.path[:120], body_sha256=message.body_sha256
    )
    at = real_now()
    locked.last_seq, locked.heard_at = number, at
    locked.save(update_fields=["last_seq", "heard_at"])
    LockerBank.objects.filter(pk=locked.bank_id).update(heard_at=at)
    set_bank_state(locked.bank, BankState.ONLINE, cause="heard")
    return locked


@transaction.atomic
def end_identity(*, device: LockerDevice) -> None:
    """Take both cabinets of one identity offline, and tell staff. Only a new token helps.

    Locks: the device, the bank. Records: locker.device.conflict, locker.bank.offline,
    incident.opened. Raises: nothing.
    """
    ended = LockerDevice.objects.filter(pk=device.pk, state=DeviceState.LIVE).update(
        state=DeviceState.CONFLICT, ended_at=real_now()
    )
    if not ended:
        return
    bank = device.bank
    facts = events.CabinetFacts(device=device.public_id)
    record(events.DEVICE_CONFLICT, facts, subject=bank.public_id, lane=Lane.PERSON)
    set_bank_state(bank, BankState.OFFLINE, cause="two_cabinets")
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.LOCKER_TWO_CABINETS,
            hub=bank.hub,
            key=f"locker_two_cabinets:{device.public_id}",
            params={
                "bank": bank.public_id,
                "bank_name": bank.name,
                "device": device.public_id,
            },
        )
    )
