"""Corrects the outcome of a visit: another attempt is added, and the last one counts."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.errors import OrderUnderWay, status_word
from dispatch.orders.models import Attempt, Order
from dispatch.orders.services.attempting import (
    add_attempt,
    check_direction,
    check_draft,
    new_state,
    record_attempted,
)
from dispatch.orders.services.moves import lock_order, move
from lastmile.core.events import Lane


@transaction.atomic
def correct_attempt(*, order: Order, draft: AttemptDraft) -> Attempt:
    """Record another outcome of an order whose last attempt ended it; both attempts stay.

    A delivered order can become failed, and a failed one delivered; so can a return that was
    picked up or not. The same outcome with another reason is recorded too. The access code of an
    order that was delivered does not come back. A repeated ``client_id`` returns the attempt that
    was recorded before.

    Locks: the order. Records: attempt.recorded; order.delivered, order.failed or order.loaded if
    the state changes. Raises: Invalid; MoveNotAllowed; OrderUnderWay if no attempt decided the
    present state.
    """
    check_draft(draft)
    row = lock_order(order)
    if draft.client_id is not None:
        before = Attempt.objects.filter(client_id=draft.client_id, order=row).first()
        if before is not None:
            return before
    check_direction(row, draft)
    last = row.attempts.order_by("-number").first()
    if last is None or new_state(last)[0] != row.state:
        raise _not_correctable(row)
    attempt = add_attempt(row, draft, number=last.number + 1)
    record_attempted(attempt)
    state_after, facts = new_state(attempt)
    move([row], state_after, data=facts, lane=Lane.PERSON, is_correction=True)
    return attempt


def _not_correctable(row: Order) -> OrderUnderWay:
    return OrderUnderWay(
        _(
            "The order has the status “%(status)s”. Only the outcome of its last attempt can be "
            "corrected."
        )
        % {"status": status_word(row.state)},
        data={"order": row.public_id, "state": row.state},
    )
