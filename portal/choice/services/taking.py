"""Takes the compartments of a checkout's choice for the retailer's order."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from dispatch.orders.models import Cause, Order
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lockers import services as lockers
from lockers.models import LockerReservation
from lockers.services import ParcelNeed, ReservationDraft
from lockers.services.reserving import need_of
from portal.choice.errors import LockerGone
from portal.choice.models import LockerHold
from portal.choice.providers.lockers import REFUSALS, hold_again, terms_of

#: The kind of the pointers to choices whose order has come.
POINTER: Final = "choice.take"
_LEAST_QUEUE = dt.timedelta(hours=1)


def take_waiting() -> int:
    """Take the compartments of all choices whose order has come; return how many orders got them.

    Locks, Records, Raises: as ``take_lockers``.
    """
    rows = LockerHold.objects.select_related("bank__hub", "choice__order").filter(
        order=None, choice__state=ChoiceState.USED
    )
    taken = 0
    for hold in rows.order_by("pk"):
        order = hold.choice.order if hold.choice is not None else None
        taken += order is not None and take_lockers(hold=hold, order=order)
    return taken


def take_lockers(*, hold: LockerHold, order: Order) -> bool:
    """Give an order the compartments that its choice kept. A second call changes nothing.

    They are kept for longer than the choice, so they are there as a rule. If they are not, they
    are held again, or the parcels wait in the queue of the bank for the next free ones.

    Locks: the order, the reservations, compartments. Records: locker.reservation.held. Raises:
    what ``set_promise`` raises.
    """
    if hold.order_id is not None:
        return False
    try:
        with transaction.atomic():
            hold_again(hold)
            lockers.take_bundle(
                bundle=hold.public_id, order=order, terms=terms_of(hold), cause=Cause.CHOICE
            )
            _took(hold, order)
    except (LockerGone, *REFUSALS):
        _queue(hold, order)
    lockers.point_to_next_look()
    return True


@transaction.atomic
def _queue(hold: LockerHold, order: Order) -> None:
    rows = list(lockers.bundle_rows([hold.public_id]))
    lockers.leave_bundle(bundle=hold.public_id, cause="time_over")
    LockerReservation.objects.filter(bundle=hold.public_id).update(bundle="")
    for row in rows:
        parcel = ParcelNeed(need=need_of(row), weight_g=row.weight_g)
        wait = max(row.deposit_by - clock.now(), _LEAST_QUEUE)
        lockers.reserve(
            draft=ReservationDraft(
                bank=row.bank,
                need=parcel.need,
                weight_g=parcel.weight_g,
                order=order,
                bundle=hold.public_id,
                deposit_by=clock.now() + wait,
                queue_s=int(wait.total_seconds()),
                cause=Cause.CHOICE,
            )
        )
    _took(hold, order)


def _took(hold: LockerHold, order: Order) -> None:
    LockerHold.objects.filter(pk=hold.pk).update(order=order, updated_at=clock.now())
