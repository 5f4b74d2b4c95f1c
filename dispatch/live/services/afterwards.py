"""Applies the retailer's rule to failed visits when their vehicle is back."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Q

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from dispatch.live.models import Run, VisitProgress
from dispatch.live.policy import AfterFailed, failed_policy
from dispatch.live.services.incidents import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
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
    that was decided meanwhile is left as it is; without a rule a dispatcher decides. Orders whose
    shoppers choose again are left to ``failed_to_offer``.

    Locks: the orders. Records: order.ready, order.returned. Raises: nothing of its own.
    """
    if failed_policy().after_failed == AfterFailed.ASK:
        return 0
    count = 0
    for visit in _failed_visits():
        if _shopper_chooses(visit.order):
            continue
        with contextlib.suppress(MoveNotAllowed, Invalid):
            count += _settle(visit.order, visit.run, next_day=_may_try_again(visit.order))
    return count


def failed_to_offer() -> list[VisitProgress]:
    """Return the failed visits whose shoppers choose again, once the vehicle is back.

    It is for ``portal.choice``, which knows what can be offered.
    """
    if failed_policy().after_failed != AfterFailed.OPTION:
        return []
    return [visit for visit in _failed_visits() if _shopper_chooses(visit.order)]


@transaction.atomic
def settle_lost(*, order: Order) -> bool:
    """Send a failed order whose goods are lost where the rule says; False if nobody may.

    No vehicle brings the goods back, so it does not wait for one. A shopper who may choose again
    does so when the order is ready for its new day. Without a rule a dispatcher decides.

    Locks: the order. Records: order.ready or order.returned. Raises: nothing of its own.
    """
    rule = failed_policy().after_failed
    if rule == AfterFailed.ASK or order.hub is None:
        return False
    with contextlib.suppress(MoveNotAllowed, Invalid):
        if rule in {AfterFailed.NEXT_DAY, AfterFailed.OPTION} and _has_attempts_left(order):
            today = clock.local_date(clock.now(), order.hub.zone)
            day = _next_open_day(order.hub, today + dt.timedelta(days=1))
            return day is not None and bool(try_again(order=order, service_date=day))
        return bool(return_order(order=order))
    return False


@transaction.atomic
def offer_again(*, visit: VisitProgress, service_date: dt.date | None) -> bool:
    """Let the shopper of a failed order choose again; return False if staff decided meanwhile.

    ``service_date`` is the first day that can be offered. None means that nothing can be: then the
    order is returned, and staff is told.

    Locks: the order. Records: order.ready, or order.returned and incident.opened. Raises: nothing.
    """
    order, run = visit.order, visit.run
    try:
        if service_date is not None:
            try_again(order=order, service_date=service_date)
            return True
        return_order(order=order)
    except (MoveNotAllowed, Invalid):
        return False
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.NO_OTHER_OPTION,
            hub=order.hub or run.shift.hub,
            order=order,
            shift=run.shift,
            driver=run.driver,
            params={"reason": visit.reason},
        )
    )
    return True


def _failed_visits() -> list[VisitProgress]:
    """Return the failed visits of vehicles that are back, if no other attempt came after them."""
    over = Q(run__back_at__isnull=False) | Q(run__ended_at__isnull=False)
    visits = VisitProgress.objects.filter(
        over,
        outcome=Outcome.FAILED,
        order__state=OrderState.FAILED,
        run__started_at__gte=clock.now() - LOOKED_AT,
    ).select_related("order__hub", "run__shift__hub", "run__driver")
    last_ones = []
    for visit in visits.order_by("pk")[:MOST]:
        last = visit.order.attempts.order_by("-number").first()
        if last is not None and last.public_id == visit.attempt:
            last_ones.append(visit)
    return last_ones


def _shopper_chooses(order: Order) -> bool:
    return failed_policy().after_failed == AfterFailed.OPTION and _has_attempts_left(order)


def _may_try_again(order: Order) -> bool:
    return failed_policy().after_failed == AfterFailed.NEXT_DAY and _has_attempts_left(order)


def _has_attempts_left(order: Order) -> bool:
    failed = order.attempts.filter(outcome=Outcome.FAILED).count()
    return failed < failed_policy().most_attempts


def _settle(order: Order, run: Run, *, next_day: bool) -> bool:
    """Send an order where the rule says; False if a dispatcher has to decide."""
    if not next_day:
        return_order(order=order)
        return True
    shift = run.shift
    today = clock.local_date(clock.now(), shift.hub.zone)
    day = _next_open_day(shift.hub, max(today, shift.service_date) + dt.timedelta(days=1))
    if day is None:
        return False
    try_again(order=order, service_date=day)
    return True


def _next_open_day(hub: Hub, since: dt.date) -> dt.date | None:
    """Return the first day of a week on which a hub is open."""
    week = (since + dt.timedelta(days=n) for n in range(7))
    return next((date for date in week if open_spans(hub.hours, date, hub.zone)), None)
