"""Lets reservations at a network follow what the network reports. The database is the record."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from dispatch.orders.services.moves import lock_order
from lastmile.core.jobs import enqueue
from lockers.models import Compartment, LockerReservation, VendorReservation
from lockers.services.changing import Source, move, set_box
from lockers.services.codes import lock_reservation
from lockers.services.collecting import take_out
from lockers.services.depositing import put_in
from lockers.states import (
    ENDED,
    HELD,
    INSIDE,
    BankKind,
    BoxState,
    Mode,
    Rejection,
    ReservationState,
    may_move,
)
from lockers.vendors.registry import account_of

RESERVE: Final = "lockers.vendor_reserve"
CANCEL: Final = "lockers.vendor_cancel"
POLL: Final = "lockers.vendor_poll"
POINTS: Final = "lockers.vendor_points"
S = ReservationState
_INSIDE_THERE: Final = frozenset({S.DEPOSITED, S.READY})
_OUT_THERE: Final = frozenset({S.COLLECTED, S.RETURNED})
_ENDED: Final = sorted(state.value for state in ENDED)
_HELD: Final = sorted(state.value for state in HELD)
#: Calls of one kind that one poll queues again.
MOST_AGAIN: Final = 200


@transaction.atomic
def ask_network(*, reservation: LockerReservation) -> VendorReservation | None:
    """Note that a hard hold must be made at its network, and queue the call.

    None for a bank that has no network with an account. A second call changes nothing.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    bank = reservation.bank
    if bank.kind != BankKind.VENDOR or reservation.mode != Mode.HARD:
        return None
    account = account_of(bank.network.casefold())
    if account is None:
        return None
    row, _is_new = VendorReservation.objects.get_or_create(
        account=account,
        reference=reservation.public_id,
        defaults={"reservation": reservation, "point": point_of(bank.external_id)},
    )
    if row.vendor_id is None:
        enqueue(RESERVE, subject=row.public_id, dedupe_key=f"{RESERVE}:{row.public_id}")
    return row


def point_of(external_id: str | None) -> str:
    """Return the network's id of a point, from the id of its bank (``inpost:WAW01N``)."""
    return (external_id or "").partition(":")[2] or (external_id or "")


@transaction.atomic
def ask_to_cancel(*, reservation: LockerReservation) -> None:
    """Queue the cancellation at the network of a reservation that ended here before its deposit.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    row = VendorReservation.objects.filter(reservation=reservation).first()
    if row is not None and row.state not in _ENDED:
        enqueue(CANCEL, subject=row.public_id, dedupe_key=f"{CANCEL}:{row.public_id}")


def request_polling() -> bool:
    """Queue the questions to the networks, if any reservation is open there.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    is_open = open_at_networks().exists() or _not_answered().exists()
    if is_open:
        enqueue(POLL, dedupe_key=POLL)
    return is_open


def open_at_networks() -> QuerySet[VendorReservation]:
    """Return the reservations that networks have and that are not over there.

    An account that is off keeps those that were made before.
    """
    rows = VendorReservation.objects.filter(vendor_id__isnull=False, reservation__isnull=False)
    return rows.exclude(state__in=_ENDED)


def _not_answered() -> QuerySet[VendorReservation]:
    """Return the reservations that still have to be made at a network, or to be looked up there."""
    rows = VendorReservation.objects.filter(vendor_id__isnull=True, reservation__isnull=False)
    to_make = Q(account__is_on=True, reservation__state__in=_HELD)
    return rows.filter(to_make | Q(first_tried_at__isnull=False)).exclude(state__in=_ENDED)


def ask_again() -> int:
    """Queue the calls whose jobs gave up, such as in a long outage; return how many are to do.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    to_cancel = open_at_networks().filter(
        state__in=["", *_HELD], reservation__state__in=_ENDED, cancel_refused=False
    )
    count = 0
    for kind, rows in ((RESERVE, _not_answered()), (CANCEL, to_cancel)):
        for public_id in rows.order_by("pk").values_list("public_id", flat=True)[:MOST_AGAIN]:
            enqueue(kind, subject=public_id, dedupe_key=f"{kind}:{public_id}")
            count += 1
    return count


@transaction.atomic
def follow_network(*, row: VendorReservation) -> str:
    """Move a reservation to the state that its network reported last; return its state.

    What the network saw wins: a parcel that was deposited after a cancellation is disputed. The
    same word is followed once, so that a dispute that staff settled does not begin again.

    Locks: the order, the reservation, its compartment. Records: the events of the change; what
    the order records. Raises: nothing of its own.
    """
    at_network = VendorReservation.objects.select_related("reservation__order").get(pk=row.pk)
    reservation = at_network.reservation
    if reservation is None or not at_network.state:
        return ""
    if at_network.followed:
        return str(reservation.state)
    order = lock_order(reservation.order) if reservation.order is not None else None
    held = lock_reservation(reservation)
    if order is not None:
        held.order = order
    source = Source(occurred_at=at_network.occurred_at)
    to = S(at_network.state)
    if to in _INSIDE_THERE:
        _put_in(held, source)
    elif to in _OUT_THERE:
        _put_in(held, source)
        _take_out(held, to, source)
    elif to == S.REJECTED:
        reason = at_network.reason or Rejection.PROVIDER_ERROR
        _move(held, S.REJECTED, source, reason=reason)
    else:
        _move(held, to, source)
    same = VendorReservation.objects.filter(pk=row.pk, word=at_network.word, state=at_network.state)
    same.update(followed=True)
    return held.state


@transaction.atomic
def refuse_at_network(*, row: VendorReservation, reason: Rejection, code: str) -> None:
    """Note that the network refused a reservation for good.

    Locks: the reservation at the network; the order, the reservation. Records:
    locker.reservation.rejected. Raises: nothing of its own.
    """
    at_network = VendorReservation.objects.select_for_update().get(pk=row.pk)
    at_network.state, at_network.reason = S.REJECTED, reason
    at_network.code, at_network.attention = code[:64], True
    at_network.followed = False
    at_network.save(update_fields=["state", "reason", "code", "attention", "followed"])
    follow_network(row=at_network)


def _put_in(held: LockerReservation, source: Source) -> None:
    if S(held.state) in INSIDE | _OUT_THERE or held.compartment is None:
        return
    rows = Compartment.objects.select_for_update(of=("self",), no_key=True).select_related("bank")
    put_in(held, rows.get(pk=held.compartment.pk), source)


def _take_out(held: LockerReservation, to: ReservationState, source: Source) -> None:
    if S(held.state) not in INSIDE or held.compartment is None:
        return
    box = Compartment.objects.select_for_update(no_key=True).get(pk=held.compartment.pk)
    if box.state == BoxState.OCCUPIED:
        set_box(box, state=BoxState.EMPTY, cause="taken_out", source=source)
    take_out(held, source, by_receiver=to == S.COLLECTED)


def _move(held: LockerReservation, to: ReservationState, source: Source, **also: str) -> None:
    if held.state != to and may_move(S(held.state), to):
        move(held, to, cause="network", source=source, also=also)
