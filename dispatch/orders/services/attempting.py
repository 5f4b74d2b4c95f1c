"""The one function that ends an attempt: drivers, carriers and lockers all come here."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import ATTEMPTED, AttemptFacts
from dispatch.orders.models import Attempt, Direction, Order, Outcome, Reason
from dispatch.orders.services.moves import lock_order, move
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import Lane, record

_AHEAD = dt.timedelta(minutes=5)  # a phone's clock may run ahead by this much
_TRIED = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


@transaction.atomic
def record_attempt(*, order: Order, draft: AttemptDraft) -> Attempt:
    """End an attempt as delivered, deposited, picked up, or as failed with its reason.

    A return is picked up and never delivered: it is then in the vehicle.

    The world goes before our books: an order that nobody reported out is taken out first. An order
    that awaits collection is delivered when its shopper has it; when nobody comes it is returned or
    put back, which is no attempt. The same ``client_id`` again is the same attempt.

    Locks: the order. Records: order.out where it was not, attempt.recorded at the time it happened,
    order.delivered, order.awaiting_collection, order.loaded or order.failed. Raises: Invalid,
    OrderUnderWay unless the order is planned, loaded, out, or awaits collection.
    """
    _check(draft)
    row = lock_order(order)
    if draft.client_id is not None:
        before = Attempt.objects.filter(client_id=draft.client_id, order=row).first()
        if before is not None:
            return before
    _check_direction(row, draft)
    state = OrderState(row.state)
    collected = state == OrderState.AWAITING_COLLECTION and draft.outcome == Outcome.DELIVERED
    picked_up = state == OrderState.LOADED and row.direction == Direction.RETURN
    if picked_up or (state not in _TRIED and not collected):
        raise _not_tried(row)
    attempt = Attempt.objects.create(
        order=row,
        number=row.attempts.count() + 1,
        client_id=draft.client_id,
        outcome=draft.outcome,
        reason=draft.reason,
        promise=row.promise,
        place=row.delivery_place,
        shift=draft.shift,
        stop=draft.stop,
        arrived_at=draft.arrived_at.astimezone(dt.UTC),
        departed_at=draft.departed_at.astimezone(dt.UTC),
        recorded_at=clock.now(),
    )
    if not collected:
        move([row], OrderState.OUT)
    facts = AttemptFacts(
        attempt=attempt.public_id,
        outcome=str(draft.outcome),
        reason=str(draft.reason),
        stop=draft.stop,
    )
    record(ATTEMPTED, facts, subject=row.public_id, occurred_at=attempt.departed_at)
    to, more = _end(attempt)
    move([row], to, data=more, lane=Lane.PERSON)
    return attempt


def _end(attempt: Attempt) -> tuple[OrderState, dict[str, str]]:
    """Return the state that an attempt leads to and the facts of that move."""
    if attempt.outcome == Outcome.PICKED_UP:
        return OrderState.LOADED, {"shift": attempt.shift.public_id if attempt.shift else ""}
    if attempt.outcome == Outcome.DEPOSITED:
        return OrderState.AWAITING_COLLECTION, {"attempt": attempt.public_id}
    return OrderState(attempt.outcome), {
        "attempt": attempt.public_id,
        "reason": str(attempt.reason),
    }


def _not_tried(row: Order) -> OrderUnderWay:
    if row.state == OrderState.AWAITING_COLLECTION:
        said = _("The order awaits collection: record that it was collected, return it or put it "
                 "back to be planned.")  # fmt: skip
    else:
        said = _(
            "The order is %(state)s; only one that is planned or on the road can be attempted."
        ) % {"state": row.state}
    return OrderUnderWay(said, data={"order": row.public_id, "state": row.state})


def _check_direction(row: Order, draft: AttemptDraft) -> None:
    """Refuse to deliver a return, and to pick up what is to be delivered."""
    problems = Problems()
    is_return = row.direction == Direction.RETURN
    if is_return and draft.outcome in {Outcome.DELIVERED, Outcome.DEPOSITED}:
        problems.add("/outcome", _("This order is a return: record it as picked_up."))
    if not is_return and draft.outcome == Outcome.PICKED_UP:
        problems.add("/outcome", _("Only a return is picked up: record this order as delivered."))
    problems.raise_if_any()


def _check(draft: AttemptDraft) -> None:
    problems = Problems()
    arrived_at, departed_at = draft.arrived_at, draft.departed_at
    if draft.outcome not in Outcome.values:
        problems.add("/outcome", _("An attempt is delivered, deposited, picked_up or failed."))
    if draft.outcome == Outcome.FAILED and draft.reason not in Reason.values:
        problems.add(
            "/reason",
            _("Say why it failed, one of: %(reasons)s.") % {"reasons": ", ".join(Reason.values)},
        )
    if draft.outcome in set(Outcome.values) - {Outcome.FAILED} and draft.reason:
        problems.add("/reason", _("A delivery has no reason of failure; drop it."))
    if arrived_at.utcoffset() is None or departed_at.utcoffset() is None:
        problems.add("/arrived_at", _("Write both times with their offset from UTC."))
        problems.raise_if_any()
    if arrived_at > departed_at:
        problems.add("/departed_at", _("The driver left before arriving; check both times."))
    if departed_at > clock.now() + _AHEAD:
        problems.add("/departed_at", _("This lies in the future; check the phone's clock."))
    problems.raise_if_any()
