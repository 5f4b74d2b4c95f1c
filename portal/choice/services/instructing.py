"""Sets how the goods are handed over: the access note and the handover of the promise."""

from __future__ import annotations

from django.db import transaction

from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Cause, Order, Promise
from dispatch.orders.services import (
    change_order,
    clear_access,
    lock_orders,
    set_access,
    set_promise,
)


@transaction.atomic
def set_instructions(
    *, order: Order, handover: str, kind: str, text: str = "", code: str | None = None
) -> Order:
    """Set handover, access note and code of an order together. The same again changes nothing.

    ``code`` None keeps the stored code of the same kind. A changed handover gives a new promise
    with the same window, place and price. Locks: the order. Records: order.changed,
    order.promised. Raises: Invalid; OrderUnderWay if the order has ended.
    """
    (row,) = lock_orders([order.pk])
    if kind or text.strip() or code:
        set_access(order=row, kind=kind, text=text, code=code)
    else:
        clear_access(order=row)
    row.refresh_from_db()
    if row.promise is None:
        change_order(order=row, handover=handover)
    elif row.promise.handover != handover:
        set_promise(order=row, draft=_with_handover(row.promise, handover))
    row.refresh_from_db()
    return row


def _with_handover(promise: Promise, handover: str) -> PromiseDraft:
    place = None
    if promise.elsewhere and promise.place.point is not None:
        place = PromisedPlace(
            reference=promise.place.key.removeprefix("at:"),
            text=promise.place.text,
            point=promise.place.point,
        )
    return PromiseDraft(
        opens_at=promise.opens_at,
        closes_at=promise.closes_at,
        cause=Cause.SHOPPER,
        option=promise.option,
        handover=handover,
        place=place,
        slot=promise.slot,
        price_minor=promise.price_minor,
        currency=promise.currency,
        co2_g=promise.co2_g,
    )
