"""Lets reservations follow their order, and an order follow its parcels out of the compartments."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from dispatch.live.models import Incident
from dispatch.live.services.incidents import settle_itself
from dispatch.live.states import IncidentState, Over
from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.models import Order, Outcome
from dispatch.orders.services import return_order, try_again
from dispatch.orders.services.attempting import record_attempt_of
from dispatch.orders.services.moves import lock_order
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lockers.models import LockerBank, LockerReservation
from lockers.policy import AfterUncollected, locker_policy
from lockers.services.changing import HERE, Source
from lockers.services.codes import lock_reservation
from lockers.services.depositing import dispute
from lockers.services.holding import cancel_reservation
from lockers.states import ENDED, INSIDE, BankKind, Purpose, ReservationState

S = ReservationState
_OVER: Final = sorted(state.value for state in ENDED)
_INSIDE: Final = sorted(state.value for state in INSIDE)
_ENDS: Final = {
    OrderState.CANCELLED: "order_cancelled",
    OrderState.RETURNED: "order_returned",
    OrderState.DELIVERED: "order_delivered",
}


@transaction.atomic
def follow_order(*, order: Order) -> int:
    """Bring the reservations of an order to its present state; return how many changed.

    A hold ends when its order has ended, or has a newer promise for another place. A parcel that is
    inside stays there: a courier must take it out, and its compartment is not free before. If the
    order is delivered and the parcel is still inside, it is disputed. A soft hold ends by itself.

    Locks: the order, the reservations. Records: locker.reservation.cancelled; or
    locker.parcel.disputed
    and incident.opened. Raises: nothing.
    """
    row = lock_order(order)
    rows = LockerReservation.objects.filter(order=row, purpose=Purpose.DELIVERY)
    rows = rows.exclude(state__in=_OVER)  # a parcel that its shopper returns has its own way
    changed = 0
    for reservation in rows.select_related("bank__hub").order_by("pk"):
        cause = _cause(row, reservation)
        if not cause or reservation.state in {S.DISPUTED, S.BLOCKED, S.COURIER_TO_COLLECT}:
            continue
        if row.state == OrderState.DELIVERED and S(reservation.state) in INSIDE:
            locked = lock_reservation(reservation)
            locked.order = row
            dispute(locked, locked.compartment, HERE, cause)
        else:
            cancel_reservation(reservation=reservation, cause=cause)
        changed += 1
    return changed


def _cause(order: Order, row: LockerReservation) -> str:
    """Return why a reservation no longer serves its order; "" if it does."""
    state = OrderState(order.state)
    if state in _ENDS:
        return _ENDS[state]
    if state == OrderState.AWAITING_COLLECTION or row.state == S.SOFT_HELD:
        return ""
    if row.state in {S.READY, S.COLLECT_EXPIRED}:
        return "order_tried_again"
    promise = order.promise
    is_newer = promise is not None and promise.made_at >= row.created_at
    if promise is not None and is_newer and promise.place.key not in _keys(row.bank):
        return "other_option"
    return ""


def _keys(bank: LockerBank) -> set[str]:
    """Return the keys of the places of promises that a reservation at a bank serves."""
    keys = {f"at:{bank.public_id}"}
    return keys | {f"at:{bank.hub.public_id}"} if bank.kind == BankKind.COUNTER else keys


def deliver_if_out(order: Order, source: Source) -> None:
    """Record an order as collected when none of its parcels is in a compartment.

    Call it with the order locked. Locks: nothing. Records: attempt.recorded, order.delivered.
    Raises: nothing.
    """
    if order.state != OrderState.AWAITING_COLLECTION or _is_inside(order):
        return
    draft = AttemptDraft(outcome=Outcome.DELIVERED, arrived_at=source.at, departed_at=source.at)
    record_attempt_of(row=order, draft=draft)


def take_back_if_out(order: Order) -> None:
    """Let an order that nobody collected go where the setting says, once no parcel is inside.

    It is returned, or ready again for the next day on which its hub is open. The promise to collect
    it is then no longer the present one, but stays in the history. An order that was decided
    before is left as it is.

    Call it with the order locked. Locks: nothing. Records: order.returned or order.ready. Raises:
    nothing.
    """
    if order.state != OrderState.AWAITING_COLLECTION or _is_inside(order):
        return
    day = None
    if locker_policy().after_uncollected == AfterUncollected.NEXT_DAY and order.hub is not None:
        day = next_open_day(order.hub)
    moved = return_order(order=order) if day is None else try_again(order=order, service_date=day)
    order.state, order.version = moved.state, moved.version


def _is_inside(order: Order) -> bool:
    rows = LockerReservation.objects.filter(order=order, state__in=_INSIDE)
    return rows.filter(purpose=Purpose.DELIVERY).exists()


def next_open_day(hub: Hub) -> dt.date | None:
    """Return the first day after today on which a hub is open; None if none in a week."""
    today = clock.local_date(clock.now(), hub.zone)
    week = (today + dt.timedelta(days=n) for n in range(1, 8))
    return next((date for date in week if open_spans(hub.hours, date, hub.zone)), None)


def settle_own_dispute(row: LockerReservation) -> None:
    """Settle the incident of a dispute that a later report of the cabinet answered.

    Locks: the incident. Records: incident.settled. Raises: nothing.
    """
    rows = Incident.objects.filter(key=dispute_key(row), state=IncidentState.OPEN)
    settle_itself(incidents=rows, how=Over.PARCEL_OUT)


def dispute_key(row: LockerReservation) -> str:
    """Return the key of the incident of a disputed reservation."""
    return f"locker_dispute:{row.public_id}"
