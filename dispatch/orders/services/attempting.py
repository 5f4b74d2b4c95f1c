"""Records attempts: the only function for it, used for drivers, carriers and lockers."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.errors import OrderUnderWay, status_word
from dispatch.orders.events import ATTEMPTED, AttemptFacts
from dispatch.orders.models import Attempt, Direction, Order, Outcome, Reason
from dispatch.orders.services.moves import lock_order, move
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import Lane, record

_CLOCK_TOLERANCE = dt.timedelta(minutes=5)  # the clock of a phone may be this far ahead
_ATTEMPTABLE = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


@transaction.atomic
def record_attempt(*, order: Order, draft: AttemptDraft) -> Attempt:
    """Record an attempt: delivered, deposited, picked up, or failed with its reason.

    A return is never delivered. It is picked up, and its goods are then in the vehicle.

    If the order is not out yet, it is first moved to out, because an attempt proves that it left.
    An order that awaits collection is delivered when its shopper collects it. If nobody collects
    it, return it or plan it again; that is not an attempt. A repeated ``client_id`` returns the
    attempt that was recorded before.

    Locks: the order. Records: order.out if it was not out; attempt.recorded with the time of
    departure; order.delivered, order.awaiting_collection, order.loaded or order.failed. Raises:
    Invalid; OrderUnderWay unless the order is planned, loaded, out, or awaits collection.
    """
    return record_attempt_of(row=lock_order(order), draft=draft)


def record_attempt_of(*, row: Order, draft: AttemptDraft) -> Attempt:
    """Record an attempt of an order that the caller has locked in its transaction.

    Locks: nothing. Records, Raises: as record_attempt; an error must end the transaction.
    """
    check_draft(draft)
    before = list(row.attempts.all())
    for attempt in before:
        if draft.client_id is not None and attempt.client_id == draft.client_id:
            return attempt
    check_direction(row, draft)
    state = OrderState(row.state)
    collected = state == OrderState.AWAITING_COLLECTION and draft.outcome == Outcome.DELIVERED
    picked_up = state == OrderState.LOADED and row.direction == Direction.RETURN
    if picked_up or (state not in _ATTEMPTABLE and not collected):
        raise _not_attemptable(row)
    attempt = add_attempt(row, draft, number=len(before) + 1)
    if not collected:
        move([row], OrderState.OUT)
    record_attempted(attempt)
    state_after, move_facts = new_state(attempt)
    move([row], state_after, data=move_facts, lane=Lane.PERSON)
    return attempt


def record_lost_of(*, row: Order, at: dt.datetime) -> Attempt | None:
    """Record that the goods of an order are lost: a failed attempt, parcel_missing.

    The order may be on its way, or await its collection; in any other state nothing is recorded.
    Call it with the order locked. Locks: nothing. Records: order.out if it was not out;
    attempt.recorded, order.failed. Raises: nothing.
    """
    draft = AttemptDraft(
        outcome=Outcome.FAILED, reason=Reason.PARCEL_MISSING, arrived_at=at, departed_at=at
    )
    if row.state in _ATTEMPTABLE:
        return record_attempt_of(row=row, draft=draft)
    if row.state != OrderState.AWAITING_COLLECTION:
        return None
    attempt = add_attempt(row, draft, number=row.attempts.count() + 1)
    record_attempted(attempt)
    move([row], OrderState.FAILED, data=new_state(attempt)[1], lane=Lane.PERSON)
    return attempt


@transaction.atomic
def note_arrival(*, attempt: str, arrived_at: dt.datetime, arrived_from: str) -> None:
    """Complete an attempt whose arrival was not known: it has the time of the departure.

    The phone may send the arrival, or the positions that show it, after the departure. An arrival
    that the driver told of replaces one of the positions. All else in an attempt stays.

    Locks: the attempt. Records: nothing. Raises: nothing of its own.
    """
    is_better = Q(arrived_at=F("departed_at")) | Q(arrived_from="position")
    Attempt.objects.filter(is_better, public_id=attempt, departed_at__gte=arrived_at).update(
        arrived_at=arrived_at, arrived_from=arrived_from
    )


def add_attempt(row: Order, draft: AttemptDraft, *, number: int) -> Attempt:
    """Add the row of an attempt to a locked order; ``number`` is one more than its attempts."""
    return Attempt.objects.create(
        order=row,
        number=number,
        client_id=draft.client_id,
        outcome=draft.outcome,
        reason=draft.reason,
        promise=row.promise,
        place=row.delivery_place,
        shift=draft.shift,
        stop=draft.stop,
        arrived_at=draft.arrived_at.astimezone(dt.UTC),
        arrived_from=draft.arrived_from,
        departed_at=draft.departed_at.astimezone(dt.UTC),
        recorded_at=clock.now(),
    )


def record_attempted(attempt: Attempt) -> None:
    """Record that an attempt was made, with the time of the departure."""
    facts = AttemptFacts(
        attempt=attempt.public_id,
        outcome=str(attempt.outcome),
        reason=str(attempt.reason),
        stop=attempt.stop,
    )
    subject = attempt.order.public_id
    record(ATTEMPTED, facts, subject=subject, occurred_at=attempt.departed_at)


def new_state(attempt: Attempt) -> tuple[OrderState, dict[str, str]]:
    """Return the state of the order after an attempt, and the facts of that move."""
    if attempt.outcome == Outcome.PICKED_UP:
        return OrderState.LOADED, {"shift": attempt.shift.public_id if attempt.shift else ""}
    if attempt.outcome == Outcome.DEPOSITED:
        return OrderState.AWAITING_COLLECTION, {"attempt": attempt.public_id}
    return OrderState(attempt.outcome), {
        "attempt": attempt.public_id,
        "reason": str(attempt.reason),
    }


def _not_attemptable(row: Order) -> OrderUnderWay:
    if row.state == OrderState.AWAITING_COLLECTION:
        text = _(
            "The order awaits collection. Record the collection, return the order or plan it again."
        )
    else:
        text = _(
            "The order has the status “%(status)s”. Attempts are possible only for orders that "
            "are planned, loaded or on the road."
        ) % {"status": status_word(row.state)}
    return OrderUnderWay(text, data={"order": row.public_id, "state": row.state})


def check_direction(row: Order, draft: AttemptDraft) -> None:
    """Raise Invalid if a return is to be delivered, or an outward order to be picked up."""
    problems = Problems()
    is_return = row.direction == Direction.RETURN
    if is_return and draft.outcome in {Outcome.DELIVERED, Outcome.DEPOSITED}:
        problems.add("/outcome", _("This order is a return. Record it as picked_up."))
    if not is_return and draft.outcome == Outcome.PICKED_UP:
        problems.add(
            "/outcome", _("Only a return can be picked up. Record this order as delivered.")
        )
    problems.raise_if_any()


def check_draft(draft: AttemptDraft) -> None:
    """Raise Invalid if outcome, reason or times of an attempt cannot be right."""
    problems = Problems()
    arrived_at, departed_at = draft.arrived_at, draft.departed_at
    if draft.outcome not in Outcome.values:
        problems.add(
            "/outcome", _("The outcome must be delivered, deposited, picked_up or failed.")
        )
    if draft.outcome == Outcome.FAILED and draft.reason not in Reason.values:
        problems.add(
            "/reason",
            _("A failed attempt needs a reason. Choose one of: %(reasons)s.")
            % {"reasons": ", ".join(Reason.values)},
        )
    if draft.outcome in set(Outcome.values) - {Outcome.FAILED} and draft.reason:
        problems.add("/reason", _("Only a failed attempt has a reason. Leave the reason empty."))
    if arrived_at.utcoffset() is None or departed_at.utcoffset() is None:
        problems.add(
            "/arrived_at",
            _("The times have no time zone. Write them with their offset from UTC."),
        )
        problems.raise_if_any()
    if arrived_at > departed_at:
        problems.add("/departed_at", _("The departure is before the arrival. Check both times."))
    if departed_at > clock.now() + _CLOCK_TOLERANCE:
        problems.add("/departed_at", _("This time is in the future. Check the clock of the phone."))
    problems.raise_if_any()
