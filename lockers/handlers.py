"""The event handlers of lockers: reservations follow the order that they were made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from dispatch.orders.models import Order
from lastmile.core.actor import acting_as
from lastmile.core.events import DomainEvent
from lockers.models import LockerReservation
from lockers.services import follow_order
from lockers.states import ENDED

_OVER: Final = sorted(state.value for state in ENDED)


def on_order_changed(event: DomainEvent) -> None:
    """End the reservations of an order that ended, is tried again, or goes to another place."""
    for order in _orders_with_lockers().filter(public_id=event.subject):
        follow_order(order=order)


def on_orders_changed(events: Sequence[DomainEvent]) -> None:
    """Do for many orders at once what on_order_changed does for each; most have no locker."""
    last = {event.subject: event for event in events}
    for order in _orders_with_lockers().filter(public_id__in=last).order_by("pk"):
        with acting_as(last[order.public_id].actor):
            follow_order(order=order)


def on_shopper_erased(event: DomainEvent) -> None:
    """Let no reservation of a shopper who was erased go on, if an earlier event was lost."""
    rows = _orders_with_lockers().filter(shopper__public_id=event.subject)
    for order in rows.order_by("pk"):
        follow_order(order=order)


def _orders_with_lockers() -> QuerySet[Order]:
    kept = LockerReservation.objects.filter(order=OuterRef("pk")).exclude(state__in=_OVER)
    return Order.objects.filter(Exists(kept))
