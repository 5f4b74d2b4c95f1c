"""Gives couriers the codes of the parcels of their route, so that they work without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction

from lastmile.core.actor import current_actor
from lastmile.core.clock import now, real_time_of
from lastmile.core.events import record
from lockers import codes, events
from lockers.models import CodeGrant, LockerReservation
from lockers.services.codes import ShownCode, expiry_of, opens_door
from lockers.services.generations import code_key_of
from lockers.services.revoking import code_facts
from lockers.states import CodeRole

_SOON = timedelta(hours=12)
_EARLY = timedelta(minutes=5)  # the clock of a cabinet may be behind


@transaction.atomic
def courier_codes(*, rows: Iterable[LockerReservation], role: CodeRole) -> Mapping[str, ShownCode]:
    """Return the codes of a role by reservation, and note the first time that each was given.

    Reservations whose door the role may not open now have none. A code is the same each time that
    it is asked for, so that the phone sees no change.

    Locks: nothing. Records: locker.code.issued the first time. Raises: nothing.
    """
    wanted = [
        row
        for row in rows
        if row.compartment_id and opens_door(row, role) and row.bank.code_key is not None
    ]
    grants = {
        (grant.reservation_id, grant.generation): grant
        for grant in CodeGrant.objects.filter(reservation__in=wanted, role=role)
    }
    shown: dict[str, ShownCode] = {}
    for row in wanted:
        grant = grants.get((row.pk, row.generation))
        if grant is None:
            grant, is_new = CodeGrant.objects.get_or_create(
                reservation=row,
                role=role,
                generation=row.generation,
                defaults={"made_by": current_actor(), "expires_at": expiry_of(row, role)},
            )
            if is_new:
                record(events.CODE_ISSUED, code_facts(row, grant), subject=row.public_id)
        _prolong(row, role, grant)
        if grant.expires_at is None or grant.expires_at > now():
            shown[row.public_id] = _shown(row, role, grant)
    return shown


def _prolong(row: LockerReservation, role: CodeRole, grant: CodeGrant) -> None:
    """Let a code live on that ends soon, if its door may be opened for longer."""
    until = expiry_of(row, role)
    if grant.expires_at is None or grant.expires_at > now() + _SOON or until <= grant.expires_at:
        return
    grant.expires_at = until
    grant.save(update_fields=["expires_at"])


def _shown(row: LockerReservation, role: CodeRole, grant: CodeGrant) -> ShownCode:
    key = code_key_of(row.bank)
    until = grant.expires_at or expiry_of(row, role)
    box = row.compartment.number if row.compartment else ""
    token = codes.Token(
        reservation=row.public_id,
        role=role,
        box=box,
        generation=row.generation,
        not_before_s=int(real_time_of(grant.not_before - _EARLY).timestamp()),
        expires_s=int(real_time_of(until).timestamp()),
        nonce=hashlib.sha256(f"{grant.public_id}|{box}".encode()).hexdigest()[:8],
    )
    pin = codes.pin(key, row.public_id, role, row.generation)
    return ShownCode(pin, codes.token_text(key, token), role, until)
