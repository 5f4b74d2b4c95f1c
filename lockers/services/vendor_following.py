"""Lets reservations at a network follow what the network reports. The database is the record."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.models import Order
from lastmile.core.jobs import enqueue
from lockers.models import Compartment, LockerReservation, VendorReservation
from lockers.services.changing import Source, move, set_box
from lockers.services.collecting import take_out
from lockers.services.depositing import put_in
from lockers.services.locking import lock_kept
from lockers.services.network_calls import CANCEL, RESERVE
from lockers.states import (
    ENDED,
    HELD,
    INSIDE,
    UNUSED,
    BoxState,
    Rejection,
    ReservationState,
    may_move,
)

POLL: Final = "lockers.vendor_poll"
POINTS: Final = "lockers.vendor_points"
S = ReservationState
_INSIDE_THERE: Final = frozenset({S.DEPOSITED, S.READY})
_OUT_THERE: Final = frozenset({S.COLLECTED, S.RETURNED})
#: Calls of one kind that one poll queues again.
MOST_AGAIN: Final = 200


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
    return rows.exclude(state__in=sorted(ENDED))


def _not_answered() -> QuerySet[VendorReservation]:
    """Return the reservations that still have to be made at a network, or to be looked up there."""
    rows = VendorReservation.objects.filter(vendor_id__isnull=True, reservation__isnull=False)
    to_make = Q(account__is_on=True, reservation__state__in=sorted(HELD))
    return rows.filter(to_make | Q(first_tried_at__isnull=False)).exclude(state__in=sorted(ENDED))


def ask_again() -> int:
    """Queue the calls whose jobs gave up, such as in a long outage; return how many are to do.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    to_cancel = open_at_networks().filter(
        state__in=["", *sorted(HELD)], reservation__state__in=sorted(UNUSED), cancel_refused=False
    )
    to_make, to_end = _first(_not_answered()), _first(to_cancel)
    for public_id in to_make:
        enqueue(RESERVE, subject=public_id, dedupe_key=f"{RESERVE}:{public_id}")
    for public_id in to_end:
        enqueue(CANCEL, subject=public_id, dedupe_key=f"{CANCEL}:{public_id}")
    return len(to_make) + len(to_end)


def _first(rows: QuerySet[VendorReservation]) -> list[str]:
    """Return the ids of the oldest rows, ``MOST_AGAIN`` at most."""
    return list(rows.order_by("made_at", "pk").values_list("public_id", flat=True)[:MOST_AGAIN])


@transaction.atomic
def follow_answer(*, row: VendorReservation) -> str:
    """Move a reservation as the answer to one of our calls says; return its state.

    An answer about a parcel that is inside, or was taken out, waits for ``follow_report``. So a job
    that follows from a reservation never changes the order.

    Locks: the order, the reservation, its compartment. Records: the event of the change;
    incident.opened. Raises: nothing of its own.
    """
    at_network, held = _news_of(row)
    if held is None or at_network.followed or S(at_network.state) in _INSIDE_THERE | _OUT_THERE:
        return held.state if held is not None else ""
    _follow_without_parcel(
        held,
        S(at_network.state),
        Source(occurred_at=at_network.occurred_at),
        reason=at_network.reason,
    )
    _note_followed(at_network)
    return held.state


@transaction.atomic
def follow_report(*, row: VendorReservation) -> str:
    """Move a reservation to the state that its network reported last; return its state.

    What the network saw wins: a parcel that was deposited after a cancellation is disputed. The
    same word is followed once, so that a dispute that staff settled does not begin again.

    Locks: the order, the reservation, its compartment. Records: the events of the change; what
    the order records; incident.opened. Raises: nothing of its own.
    """
    at_network, held = _news_of(row)
    if held is None or at_network.followed:
        return held.state if held is not None else ""
    follow_told(
        held,
        S(at_network.state),
        Source(occurred_at=at_network.occurred_at),
        reason=at_network.reason,
    )
    _note_followed(at_network)
    return held.state


def _news_of(row: VendorReservation) -> tuple[VendorReservation, LockerReservation | None]:
    """Return a reservation at its network, and our reservation, locked after its order.

    Our reservation is None if the network has told nothing about it.
    """
    at_network = VendorReservation.objects.select_related("reservation__order").get(pk=row.pk)
    reservation = at_network.reservation
    if reservation is None or not at_network.state:
        return at_network, None
    return at_network, lock_kept(reservation).row


def follow_told(
    held: LockerReservation, to: ReservationState, source: Source, *, reason: str = ""
) -> None:
    """Move a reservation, locked with its order, to a state that somebody else saw.

    Call it in a transaction. Locks: its compartment. Records, Raises: as ``follow_report``.
    """
    if to in _INSIDE_THERE:
        _put_in(held, source)
    elif to in _OUT_THERE:
        _put_in(held, source)
        _take_out(held, to, source)
    else:
        _follow_without_parcel(held, to, source, reason=reason)


def _follow_without_parcel(
    held: LockerReservation, to: ReservationState, source: Source, *, reason: str
) -> None:
    if held.state == to or not may_move(S(held.state), to):
        return
    also = {"reason": reason or Rejection.PROVIDER_ERROR} if to == S.REJECTED else {}
    move(held, to, cause="network", source=source, also=also)
    if to in UNUSED and held.order is not None:
        _tell_staff(held, held.order)


def _tell_staff(held: LockerReservation, order: Order) -> None:
    """Open the incident of an order that its network will not take."""
    bank = held.bank
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.LOCKER_REFUSED,
            hub=bank.hub,
            order=order,
            key=f"locker_refused:{held.public_id}",
            params={
                "bank": bank.public_id,
                "bank_name": bank.name,
                "reservation": held.public_id,
                "why": held.reason or held.state,
            },
        )
    )


def _note_followed(at_network: VendorReservation) -> None:
    same = VendorReservation.objects.filter(
        pk=at_network.pk, word=at_network.word, state=at_network.state
    )
    same.update(followed=True)


@transaction.atomic
def refuse_at_network(*, row: VendorReservation, reason: Rejection, code: str) -> None:
    """Note that the network refused a reservation for good.

    Locks: the reservation at the network; the order, the reservation. Records:
    locker.reservation.rejected; incident.opened. Raises: nothing of its own.
    """
    at_network = VendorReservation.objects.select_for_update().get(pk=row.pk)
    at_network.state, at_network.reason = S.REJECTED, reason
    at_network.code, at_network.attention = code[:64], True
    at_network.followed = False
    at_network.save(update_fields=["state", "reason", "code", "attention", "followed"])
    follow_answer(row=at_network)


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
