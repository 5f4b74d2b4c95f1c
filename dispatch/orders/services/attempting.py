"""The one function that ends an attempt: drivers, carriers and lockers all come here."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Shift
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import ATTEMPTED, AttemptFacts
from dispatch.orders.models import Attempt, Order, Outcome, Reason
from dispatch.orders.services.moves import lock_order, move
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import Lane, record

_AHEAD = dt.timedelta(minutes=5)  # a phone's clock may run ahead by this much
_TRIED = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


@transaction.atomic
def record_attempt(
    *,
    order: Order,
    outcome: str,
    arrived_at: dt.datetime,
    departed_at: dt.datetime,
    reason: str = "",
    client_id: UUID | None = None,
    shift: Shift | None = None,
    stop: str = "",
) -> Attempt:
    """End an attempt as delivered, or as failed with its reason.

    The world goes before our books: an order that nobody reported out is taken out first. The same
    ``client_id`` again is the same attempt. Locks: the order. Records: order.out where it was not,
    attempt.recorded at the time it happened, order.delivered or order.failed. Raises: Invalid,
    OrderUnderWay unless the order is planned, loaded or out.
    """
    _check(outcome, reason, arrived_at, departed_at)
    row = lock_order(order)
    if client_id is not None:
        before = Attempt.objects.filter(client_id=client_id, order=row).first()
        if before is not None:
            return before
    state = OrderState(row.state)
    if state not in _TRIED:
        raise OrderUnderWay(
            _("The order is %(state)s; only one that is planned or on the road can be attempted.")
            % {"state": state.value},
            data={"order": row.public_id, "state": state.value},
        )
    attempt = Attempt.objects.create(
        order=row,
        number=row.attempts.count() + 1,
        client_id=client_id,
        outcome=outcome,
        reason=reason,
        promise=row.promise,
        place=row.place,
        shift=shift,
        stop=stop,
        arrived_at=arrived_at.astimezone(dt.UTC),
        departed_at=departed_at.astimezone(dt.UTC),
        recorded_at=clock.now(),
    )
    move([row], OrderState.OUT)
    facts = AttemptFacts(
        attempt=attempt.public_id, outcome=str(outcome), reason=str(reason), stop=stop
    )
    record(ATTEMPTED, facts, subject=row.public_id, occurred_at=attempt.departed_at)
    move(
        [row],
        OrderState(outcome),
        data={"attempt": attempt.public_id, "reason": reason},
        lane=Lane.PERSON,
    )
    return attempt


def _check(outcome: str, reason: str, arrived_at: dt.datetime, departed_at: dt.datetime) -> None:
    problems = Problems()
    if outcome not in Outcome.values:
        problems.add("/outcome", _("An attempt is delivered or failed."))
    if outcome == Outcome.FAILED and reason not in Reason.values:
        problems.add(
            "/reason",
            _("Say why it failed, one of: %(reasons)s.") % {"reasons": ", ".join(Reason.values)},
        )
    if outcome == Outcome.DELIVERED and reason:
        problems.add("/reason", _("A delivery has no reason of failure; drop it."))
    if arrived_at.utcoffset() is None or departed_at.utcoffset() is None:
        problems.add("/arrived_at", _("Write both times with their offset from UTC."))
        problems.raise_if_any()
    if arrived_at > departed_at:
        problems.add("/departed_at", _("The driver left before arriving; check both times."))
    if departed_at > clock.now() + _AHEAD:
        problems.add("/departed_at", _("This lies in the future; check the phone's clock."))
    problems.raise_if_any()
