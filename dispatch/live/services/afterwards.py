"""Applies the retailer's rule to failed visits when their vehicle is back."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Final

from django.db.models import Q

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Shift
from dispatch.live.models import Run, VisitProgress
from dispatch.live.policy import AfterFailed, failed_policy
from dispatch.orders.errors import MoveNotAllowed
from dispatch.orders.models import Order, Outcome
from dispatch.orders.services import return_order, try_again
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import Invalid

#: Older runs are left to people: nobody wants an order of last month planned for tomorrow.
LOOKED_AT: Final = dt.timedelta(days=7)
MOST: Final = 500


def settle_failed() -> int:
    """Send failed orders whose vehicle is back where the rule says; return how many were sent.

    It waits for the vehicle to be back, so that the driver can correct an outcome before. An order
    that was decided meanwhile is left as it is; without a rule a dispatcher decides.

    Locks: the orders. Records: order.ready, order.returned. Raises: nothing of its own.
    """
    if failed_policy().after_failed == AfterFailed.ASK:
        return 0
    over = Q(run__back_at__isnull=False) | Q(run__ended_at__isnull=False)
    visits = VisitProgress.objects.filter(
        over,
        outcome=Outcome.FAILED,
        order__state=OrderState.FAILED,
        run__started_at__gte=clock.now() - LOOKED_AT,
    ).select_related("order", "run__shift__hub")
    count = 0
    for visit in visits.order_by("pk")[:MOST]:
        last = visit.order.attempts.order_by("-number").first()
        if last is None or last.public_id != visit.attempt:
            continue  # another vehicle tried after this one
        with contextlib.suppress(MoveNotAllowed, Invalid):
            count += _settle(visit.order, visit.run, next_day=_may_try_again(visit.order))
    return count


def _may_try_again(order: Order) -> bool:
    rule = failed_policy()
    failed = order.attempts.filter(outcome=Outcome.FAILED).count()
    return rule.after_failed == AfterFailed.NEXT_DAY and failed < rule.most_attempts


def _settle(order: Order, run: Run, *, next_day: bool) -> bool:
    """Send an order where the rule says; False if a dispatcher has to decide."""
    if not next_day:
        return_order(order=order)
        return True
    day = _next_open_day(run.shift)
    if day is None:
        return False
    try_again(order=order, service_date=day)
    return True


def _next_open_day(shift: Shift) -> dt.date | None:
    """Return the first day after a shift, and after today, on which its hub is open."""
    hub = shift.hub
    today = clock.local_date(clock.now(), hub.zone)
    tomorrow = max(today, shift.service_date) + dt.timedelta(days=1)
    week = (tomorrow + dt.timedelta(days=n) for n in range(7))
    return next((date for date in week if open_spans(hub.hours, date, hub.zone)), None)
