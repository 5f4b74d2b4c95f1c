"""Tells which orders have no place at their bank any more, so that their shoppers choose again."""

from __future__ import annotations

from dispatch.orders.models import Option, Order
from dispatch.orders.states import OrderState
from lockers.models import LockerBank, LockerReservation
from lockers.states import HELD, INSIDE, Purpose, ReservationState

S = ReservationState
#: Options for which an order has a compartment.
WITH_COMPARTMENT = frozenset({Option.LOCKER, Option.HUB})
_LIVE = frozenset({S.QUEUED, *HELD, *INSIDE})
_LOST = frozenset({S.REJECTED, S.HOLD_EXPIRED, S.DEPOSIT_EXPIRED})
#: States of an order whose goods are still at the hub.
_AT_HUB = frozenset({OrderState.NEEDS_PIN, OrderState.PLACED, OrderState.READY, OrderState.PLANNED})


def lost_locker(order: Order) -> bool:
    """Return True if the bank at which an order is promised no longer takes all its parcels.

    The bank left its network, a reservation was refused, or its time ended (field row L08). Before
    the first reservation nothing is lost. Once the goods are on the way, the courier is told.
    """
    promise = order.promise
    if promise is None or promise.option not in WITH_COMPARTMENT or order.state not in _AT_HUB:
        return False
    bank = LockerBank.objects.filter(public_id=promise.place.key.removeprefix("at:")).first()
    if bank is None:
        return False
    own = LockerReservation.objects.filter(order=order, bank=bank, purpose=Purpose.DELIVERY)
    rows = list(own.values_list("state", "bundle"))
    live = [bundle for state, bundle in rows if S(state) in _LIVE]
    lost = [bundle for state, bundle in rows if S(state) in _LOST]
    if live:
        return not bank.active or any(bundle and bundle in live for bundle in lost)
    return bool(lost)
