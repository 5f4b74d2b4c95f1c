"""The conditions of the moments of lockers: ready, reminder, time over, lost, moved.

Nobody is told that a parcel is ready unless the cabinet confirmed the deposit: the events come
from there, and these conditions read the reservation as it is now.
"""

from __future__ import annotations

from django.db.models import QuerySet

from dispatch.orders.models import Option, Order
from dispatch.orders.states import ENDED, OrderState
from lastmile.core import clock
from lastmile.core.events import DomainEvent
from lockers.models import LockerReservation
from lockers.selectors import lost_locker
from lockers.states import ReservationState
from notifications.models import Message
from notifications.rules.occasions import unless

S = ReservationState
_OVER = (S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT)


def is_ready(event: DomainEvent, order: Order) -> bool:
    """Return True if a parcel of the order waits in a locker and can be collected."""
    waits = order.state == OrderState.AWAITING_COLLECTION
    return waits and _rows(order, S.READY).filter(collect_by__gt=clock.now()).exists()


def still_ready(message: Message, order: Order) -> str:
    """Return "" while a parcel of the order can be collected."""
    waiting = _rows(order, S.READY).filter(collect_by__gt=clock.now())
    return unless(order.state == OrderState.AWAITING_COLLECTION and waiting.exists())


def is_expired(event: DomainEvent, order: Order) -> bool:
    """Return True if the time to collect a parcel is over, and it is still in its locker."""
    return _rows(order, *_OVER).exists()


def still_expired(message: Message, order: Order) -> str:
    """Return "" while the parcel whose time is over is still in its locker."""
    return unless(_rows(order, *_OVER).exists())


def is_lost(event: DomainEvent, order: Order) -> bool:
    """Return True if the bank no longer takes an order that is promised there (field row L08)."""
    return lost_locker(order)


def still_lost(message: Message, order: Order) -> str:
    """Return "" while the shopper has to choose again, because the bank takes the order no more."""
    return unless(lost_locker(order))


def is_moved(event: DomainEvent, order: Order) -> bool:
    """Return True if the order now goes to another bank than the one of the event."""
    return _goes_to_locker(order)


def still_in_locker(message: Message, order: Order) -> str:
    """Return "" while an order that has not ended is promised at a bank of lockers."""
    return unless(_goes_to_locker(order))


def _goes_to_locker(order: Order) -> bool:
    promise = order.promise
    is_there = promise is not None and promise.option == Option.LOCKER
    return is_there and OrderState(order.state) not in ENDED


def _rows(order: Order, *states: S) -> QuerySet[LockerReservation]:
    return LockerReservation.objects.filter(order=order, state__in=[s.value for s in states])
