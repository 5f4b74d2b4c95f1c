"""Takes the compartments of a checkout's choice for the retailer's order."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from dispatch.orders.models import Cause, Order
from dispatch.orders.services.moves import lock_order
from dispatch.orders.states import ENDED, OrderState
from dispatch.slots.services import end_slotless_choices, next_slotless_end
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point, point_once
from lockers import services as lockers
from lockers.services import CollectionTerms
from portal.choice.errors import LockerGone
from portal.choice.models import LockerHold
from portal.choice.providers.locker_holds import (
    MARGIN_S,
    POINTER,
    REFUSALS,
    give_back,
    hold_again,
    lock_hold,
)

log = logging.getLogger(__name__)

#: Seconds until choices that could not be taken are tried again. Chosen.
AGAIN_S: Final = 60
#: Least seconds until the next look, also if the retailer's clock is stopped. Chosen.
SOONEST_S: Final = 5.0


def look_after_choices() -> int:
    """Take the compartments of choices whose order has come, and end choices that are over.

    Return how many orders got their compartments. It points to the work that is left, so the
    caller may clear the pointers that it read before.

    Locks, Records: as the functions. Raises: nothing of its own.
    """
    end_slotless_choices()
    taken = take_waiting()
    schema = current_schema()
    if taken.failed:
        point(schema=schema, kind=POINTER, due_in_s=AGAIN_S)
    ends_at = next_slotless_end()
    if ends_at is not None:
        due_in_s = max((ends_at - clock.now()).total_seconds(), SOONEST_S) + 1
        point_once(schema=schema, kind=POINTER, due_in_s=due_in_s, margin_s=MARGIN_S)
    return taken.orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The orders that got their compartments, and the choices that must be tried again."""

    orders: int
    failed: int


def take_waiting() -> Taken:
    """Take the compartments of all choices whose order has come.

    Each choice is a transaction of its own: a fault in one is logged, and the others go on.

    Locks, Records: as ``take_lockers``. Raises: nothing of its own.
    """
    rows = LockerHold.objects.select_related("choice__order").filter(
        order=None, released_at=None, choice__state=ChoiceState.USED
    )
    taken = failed = 0
    for hold in rows.order_by("pk"):
        order = hold.choice.order if hold.choice is not None else None
        if order is None:
            continue
        try:
            taken += take_lockers(hold=hold, order=order)
        except Exception:
            log.exception("The compartments of %s were not taken.", hold.public_id)
            failed += 1
    return Taken(orders=taken, failed=failed)


@transaction.atomic
def take_lockers(*, hold: LockerHold, order: Order) -> bool:
    """Give an order the compartments that its choice kept; return False if it needs none.

    The promise came with the order. If the order has ended meanwhile, or has a newer promise at
    another place, the compartments are given back and nothing else changes. They are kept for
    longer than the choice, so they are there as a rule. If they are not, they are held again, or
    the parcels wait in the queue of the bank for the next free ones. If the bank takes no parcels
    any more, the reservations are rejected, and the shopper is told.

    Locks: the order, the hold, the reservations, compartments. Records:
    locker.reservation.held, cancelled or rejected. Raises: nothing of its own.
    """
    own = lock_order(order)
    row = lock_hold(hold.public_id)
    if row.order_id is not None or row.released_at is not None:
        return False
    terms = _terms_now(own, row)
    if terms is None:
        give_back(row, cause="superseded")
        return False
    try:
        with transaction.atomic():
            hold_again(row)
            lockers.take_bundle(bundle=row.public_id, order=own, terms=terms, cause=Cause.CHOICE)
    except (LockerGone, *REFUSALS):
        lockers.queue_bundle(bundle=row.public_id, order=own, terms=terms, cause=Cause.CHOICE)
    row.order, row.updated_at = own, clock.now()
    row.save(update_fields=["order", "updated_at"])
    lockers.point_to_next_look()
    return True


def _terms_now(order: Order, hold: LockerHold) -> CollectionTerms | None:
    """Return the terms of the present promise of a locked order; None if not at the hold's bank."""
    promise, state = order.promise, OrderState(order.state)
    if state in ENDED or state == OrderState.AWAITING_COLLECTION:
        return None
    if promise is None or promise.place.key != f"at:{hold.bank.public_id}":
        return None
    return CollectionTerms(
        opens_at=promise.opens_at,
        closes_at=promise.closes_at,
        service_date=order.service_date or hold.service_date,
        option=promise.option,
        price_minor=promise.price_minor,
        currency=promise.currency,
        co2_g=promise.co2_g,
    )
