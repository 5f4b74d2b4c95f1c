"""Sets how the goods are handed over: the access note and the handover of the promise."""

from __future__ import annotations

import json
from typing import Final

from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import AccessNote, Cause, Order, Promise
from dispatch.orders.services import (
    change_order,
    clear_access,
    lock_orders,
    set_access,
    set_promise,
)
from lastmile.core.errors import Stale

_SALT: Final = "portal.choice.instructions"


class InstructionsChanged(Stale):
    """The instructions were changed after the page with the form was shown."""

    code = "instructions_changed"


def handover_of(order: Order) -> str:
    """Return the present handover of an order: that of its promise, else its own."""
    promise = order.promise
    return promise.handover if promise is not None and promise.handover else order.handover


def instructions_version(order: Order, handover: str | None = None) -> str:
    """Return a text that is another one after each change of an order's instructions.

    It tells nothing about them: it is keyed with the secret of this installation. ``handover``
    counts instead of the present one.
    """
    note = AccessNote.objects.filter(order=order).first()
    present = handover_of(order) if handover is None else handover
    parts = [present, *((note.kind, note.text, note.code) if note else ())]
    return salted_hmac(_SALT, json.dumps([order.public_id, parts])).hexdigest()


@transaction.atomic
def set_instructions(
    *,
    order: Order,
    handover: str,
    kind: str,
    text: str = "",
    code: str | None = None,
    version: str = "",
    handover_before: str | None = None,
) -> Order:
    """Set handover, access note and code of an order together. The same again changes nothing.

    ``code`` None keeps the stored code of the same kind. A changed handover gives a new promise
    with the same window, place and price. ``version`` is the version of the instructions that the
    shopper saw; "" is not compared. ``handover_before`` is the handover that the shopper saw with
    it, if this transaction has already given a promise with another one.

    Locks: the order. Records: order.changed, order.promised. Raises: Invalid; OrderUnderWay if the
    order has ended; InstructionsChanged if other ones were stored since and these differ from them.
    """
    (row,) = lock_orders([order.pk])
    before = instructions_version(row, handover_before)
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
    if version not in ("", before) and instructions_version(row, handover_before) != before:
        raise InstructionsChanged(
            _("These instructions were changed after you opened this page. Nothing was saved now.")
        )
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
