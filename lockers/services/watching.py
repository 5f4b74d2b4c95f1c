"""The pointer in the work list: when a retailer's lockers need the next look."""

from __future__ import annotations

from typing import Final

from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point_once
from lockers.models import LockerBank, LockerReservation
from lockers.states import ENDED, BankKind, BankState

POINTER: Final = "lockers.look"
#: Seconds until the next look while there is something to look after. Chosen.
EVERY_S: Final = 15
MARGIN_S: Final = 5
_ENDED: Final = sorted(state.value for state in ENDED)


def point_to_next_look() -> bool:
    """Add a pointer for the next look if there is anything to look after; True if it was added.

    That is a reservation that has not ended, or a cabinet that reports. Call it at the end of a
    transaction.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    cabinets = LockerBank.objects.filter(
        kind=BankKind.OWN, active=True, heard_at__isnull=False
    ).exclude(state=BankState.OFFLINE)
    if not cabinets.exists() and not LockerReservation.objects.exclude(state__in=_ENDED).exists():
        return False
    return point_once(schema=current_schema(), kind=POINTER, due_in_s=EVERY_S, margin_s=MARGIN_S)
