"""Gives cabinets their keys: a provisioning token works once, within 15 minutes."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import acting_as, current_actor
from lastmile.core.clock import real_now
from lastmile.core.events import Lane, record
from lastmile.core.limits import CallLimit, count_call
from lockers import codes, events
from lockers.errors import ProvisioningRefused, ReservationRefused
from lockers.models import LockerBank, LockerDevice, ProvisioningToken
from lockers.services.changing import set_bank_state
from lockers.services.generations import code_key_of
from lockers.states import BankKind, BankState, DeviceState
from tenants.people.selectors import hash_of
from tenants.people.services import audit

TOKEN_LASTS: Final = dt.timedelta(minutes=15)
#: Tries with a token, from one address. Chosen: a token has 160 random bits.
TRIES: Final = 20
TRIES_IN_S: Final = 900


@dataclass(frozen=True, slots=True)
class NewToken:
    """A provisioning token with its secret, which cannot be read again later."""

    token: ProvisioningToken
    secret: str


@dataclass(frozen=True, slots=True)
class NewCabinet:
    """A device with its keys, which cannot be read again later."""

    device: LockerDevice
    key: bytes
    code_key: bytes


@transaction.atomic
def make_token(*, bank: LockerBank) -> NewToken:
    """Make a token with which a cabinet of a bank gets its key. Earlier tokens of the bank end.

    The key of the present cabinet works until the token is used.

    Locks: the bank. Records: an audit entry. Raises: ReservationRefused for a bank that has no
    cabinet of our own.
    """
    row = LockerBank.objects.select_for_update(no_key=True).get(pk=bank.pk)
    if row.kind != BankKind.OWN:
        raise ReservationRefused(
            _("This bank has no cabinet of your own. Its network gives it its keys."),
            data={"bank": row.public_id},
        )
    now = real_now()
    ProvisioningToken.objects.filter(bank=row, used_at__isnull=True, ended_at__isnull=True).update(
        ended_at=now
    )
    secret = f"lmp_{secrets.token_urlsafe(24)}"
    token = ProvisioningToken.objects.create(
        bank=row,
        secret_digest=hash_of(secret),
        made_by=current_actor(),
        made_at=now,
        expires_at=now + TOKEN_LASTS,
    )
    audit("locker.token", row.public_id)
    return NewToken(token, secret)


def count_claim(*, address: str) -> None:
    """Count a try to use a token. Call it outside any transaction.

    Locks: the count during one statement. Records: nothing. Raises: TooMany.
    """
    count_call([CallLimit(scope="locker.claim", subject=address, most=TRIES, per_s=TRIES_IN_S)])


@transaction.atomic
def claim_token(*, secret: str, firmware: str = "") -> NewCabinet:
    """Use a token up and make the device of its bank. The device before is replaced for ever.

    Locks: the token, the bank. Records: locker.device.added, locker.bank.online. Raises:
    ProvisioningRefused, with one text for an unknown, used or expired token.
    """
    now = real_now()
    rows = ProvisioningToken.objects.select_for_update(of=("self",)).select_related("bank")
    token = rows.filter(secret_digest=hash_of(secret), used_at=None, ended_at=None).first()
    if token is None or token.expires_at <= now:
        raise ProvisioningRefused(
            _("This token is wrong, used or expired. Make a new one on the page of the bank.")
        )
    bank = LockerBank.objects.select_for_update(no_key=True).get(pk=token.bank_id)
    LockerDevice.objects.filter(bank=bank, state=DeviceState.LIVE).update(
        state=DeviceState.REPLACED, ended_at=now
    )
    key = secrets.token_bytes(codes.KEY_BYTES)
    device = LockerDevice.objects.create(
        bank=bank,
        key=key,  # type: ignore[misc]  # the field encrypts bytes
        made_by=token.made_by,
        made_at=now,
        heard_at=now,
        firmware=firmware,
    )
    token.used_at, token.device = now, device
    token.save(update_fields=["used_at", "device"])
    LockerBank.objects.filter(pk=bank.pk).update(heard_at=now)
    with acting_as(device.public_id):
        code_key = code_key_of(bank)
        facts = events.CabinetFacts(device=device.public_id)
        record(events.DEVICE_ADDED, facts, subject=bank.public_id, lane=Lane.PERSON)
        set_bank_state(bank, BankState.ONLINE, cause="provisioned")
    return NewCabinet(device, key, code_key)
