"""Reads the work of a courier's session at a bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockers.models import CourierSession, LockerReservation
from lockers.selectors.courier import TO_TAKE_OUT
from lockers.states import HELD, Mode

MOST_PARCELS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWork:
    """A session, the parcels to put into the bank and those to take out."""

    session: CourierSession
    puts_in: Sequence[LockerReservation]
    takes_out: Sequence[LockerReservation]


def work_at(session: CourierSession) -> SessionWork:
    """Return the work at the bank of a session, 200 parcels of each kind at most."""
    rows = LockerReservation.objects.select_related(
        "bank__hub", "compartment", "order", "parcel"
    ).filter(bank=session.bank)
    held = rows.filter(state__in=sorted(HELD), mode=Mode.HARD)
    return SessionWork(
        session=session,
        puts_in=list(held.order_by("pk")[:MOST_PARCELS]),
        takes_out=list(rows.filter(state__in=TO_TAKE_OUT).order_by("pk")[:MOST_PARCELS]),
    )
