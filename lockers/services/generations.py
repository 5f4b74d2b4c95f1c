"""Chooses generations of codes, so that no two live codes of a bank are equal."""

from __future__ import annotations

import secrets

from django.db import connection

from lastmile.core.tenancy import current_schema
from lockers import codes
from lockers.models import LockerBank, LockerReservation
from lockers.states import BankKind, ReservationState


def give_generation(row: LockerReservation) -> None:
    """Give a reservation the next generation whose codes are equal to no live code of its bank.

    Codes of ended reservations count until the cabinet has confirmed that they open nothing. A
    network makes the codes of its banks itself: a reservation there has no generation, so we
    show, rotate and give out no code.

    Locks: the codes of the bank, until the end of the transaction. Records: nothing. Raises:
    nothing.
    """
    if row.bank.kind == BankKind.VENDOR:
        return
    _lock_codes(row.bank_id)
    bank = row.bank
    key = code_key_of(bank)
    taken: set[str] = set()
    live = (
        LockerReservation.objects.filter(bank=bank, generation__gt=0)
        .exclude(pk=row.pk)
        .exclude(pk__in=_confirmed(bank))
    )
    for public_id, generation in live.values_list("public_id", "generation"):
        taken.update(codes.pins(key, public_id, generation).values())
    row.generation = codes.fresh_generation(key, row.public_id, above=row.generation, taken=taken)
    row.save(update_fields=["generation"])


def _confirmed(bank: LockerBank) -> list[int]:
    """Return the ended reservations all of whose codes have ended at the cabinet too."""
    over = [
        ReservationState.COLLECTED,
        ReservationState.RETURNED,
        ReservationState.CANCELLED,
        ReservationState.MOVED,
        ReservationState.HOLD_EXPIRED,
        ReservationState.DEPOSIT_EXPIRED,
        ReservationState.REJECTED,
        ReservationState.LOST,
    ]
    rows = LockerReservation.objects.filter(bank=bank, state__in=over)
    return list(rows.exclude(grants__state__in=["live", "ending"]).values_list("pk", flat=True))


def code_key_of(bank: LockerBank) -> bytes:
    """Return the key for the codes of a bank; a bank without one gets it. The caller has a lock."""
    if bank.code_key is None:
        bank.code_key = secrets.token_bytes(codes.KEY_BYTES)
        bank.save(update_fields=["code_key"])
    return bytes(bank.code_key)


def _lock_codes(bank: int) -> None:
    name = f"{current_schema()}:locker codes:{bank}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
