"""Lets an order go on when its parcels are lost."""

from __future__ import annotations

from django.db import transaction

from dispatch.live.services import settle_lost
from dispatch.orders.models import Order
from dispatch.orders.services.attempting import record_lost_of
from dispatch.orders.services.moves import lock_order
from lastmile.core import clock
from lockers.models import LockerReservation
from lockers.states import ENDED, Purpose, ReservationState

S = ReservationState
_OVER = sorted(state.value for state in ENDED)


@transaction.atomic
def end_if_lost(*, order: Order) -> bool:
    """Fail an order whose last parcel is lost, and let the retailer's rule decide; True if it did.

    While another parcel of the order is in a compartment, or still to come, the order waits for it.

    Locks: the order. Records: attempt.recorded, order.failed; and order.ready or order.returned as
    the rule says. Raises: nothing.
    """
    row = lock_order(order)
    rows = LockerReservation.objects.filter(order=row, purpose=Purpose.DELIVERY)
    if rows.exclude(state__in=_OVER).exists() or not rows.filter(state=S.LOST).exists():
        return False
    if record_lost_of(row=row, at=clock.now()) is None:
        return False
    settle_lost(order=row)
    return True
