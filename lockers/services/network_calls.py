"""Queues the calls to networks that follow from a change of a reservation."""

from __future__ import annotations

from typing import Final

from lastmile.core.jobs import enqueue
from lockers.models import LockerAccount, LockerReservation, VendorReservation
from lockers.states import ENDED, HELD, UNUSED, BankKind, Mode, ReservationState

RESERVE: Final = "lockers.vendor_reserve"
CANCEL: Final = "lockers.vendor_cancel"


def tell_network(reservation: LockerReservation) -> None:
    """Queue what the network of a reservation must do after a change of its state, if anything.

    Call it in the transaction of the change. A hard hold is made at the network; one that ended
    without its parcel is cancelled there.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    if reservation.bank.kind != BankKind.VENDOR:
        return
    state = ReservationState(reservation.state)
    if state in HELD:
        ask_network(reservation)
    elif state in UNUSED:
        ask_to_cancel(reservation)


def ask_network(reservation: LockerReservation) -> VendorReservation | None:
    """Note that a hard hold must be made at its network, and queue the call.

    None for a bank that has no network with an account. A second call changes nothing. While the
    account is off, the call waits, and staff must look.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    bank = reservation.bank
    if bank.kind != BankKind.VENDOR or reservation.mode != Mode.HARD:
        return None
    account = LockerAccount.objects.filter(vendor=bank.network.casefold()).first()
    if account is None:
        return None
    row, _is_new = VendorReservation.objects.get_or_create(
        account=account,
        reference=reservation.public_id,
        defaults={
            "reservation": reservation,
            "point": point_of(bank.external_id),
            "attention": not account.is_on,
            "code": "" if account.is_on else "account_off",
        },
    )
    if row.vendor_id is None and account.is_on:
        enqueue(RESERVE, subject=row.public_id, dedupe_key=f"{RESERVE}:{row.public_id}")
    return row


def point_of(external_id: str | None) -> str:
    """Return the network's id of a point, from the id of its bank (``inpost:WAW01N``)."""
    return (external_id or "").partition(":")[2] or (external_id or "")


def ask_to_cancel(reservation: LockerReservation) -> None:
    """Queue the cancellation at the network of a reservation that ended here without its parcel.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    rows = VendorReservation.objects.filter(reservation=reservation)
    row = rows.exclude(state__in=sorted(ENDED)).first()
    if row is not None:
        enqueue(CANCEL, subject=row.public_id, dedupe_key=f"{CANCEL}:{row.public_id}")
