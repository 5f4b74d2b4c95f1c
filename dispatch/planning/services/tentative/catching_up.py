"""Brings the promises of a busy day into its plan one by one, as holds are inserted.

A day on which shoppers hold places every second changes faster than it can be arranged as a
whole. Each removal and each insertion takes the lock of the day only for milliseconds.
"""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.selectors import to_plan
from dispatch.planning.boards import NewVisit, prepare
from dispatch.planning.errors import VisitDoesNotFit, VisitNotPrepared
from dispatch.planning.models import Stop, TentativeVisit, Unserved
from dispatch.planning.problem.closed import closed_shifts
from dispatch.planning.problem.day import order_input, pin_of
from dispatch.planning.problem.tentative import visit_input
from dispatch.planning.services.tentative.inserting import insert_visit
from dispatch.planning.services.tentative.locking import LockedDay, lock_days
from dispatch.planning.services.tentative.removing import drop_expired, remove_visits
from dispatch.planning.states import PUBLISHED
from lastmile.core.clock import now

MOST: Final = 40  # promises that are inserted in one go; a later job inserts the others. Chosen.


def remove_strays(*, hub: Hub, service_date: dt.date) -> int:
    """Remove the visits of cancelled and moved orders, and expired holds; return how many.

    Locks: the day. Records: nothing. Raises: nothing of its own.
    """
    with transaction.atomic():
        (day,) = lock_days([(hub, service_date)])
        visits = TentativeVisit.objects.filter(day=day.row, order__isnull=False)
        strays = visits.exclude(order__in=to_plan(hub, service_date).order_by().values("pk"))
        keys = list(strays.values_list("key", flat=True))
        remove_visits(day, keys)
        return len(keys) + len(drop_expired(day, now()))


def move_changed(*, hub: Hub, service_date: dt.date) -> int:
    """Bring promises that have changed to a place as they are now, at most MOST; return how many.

    A promise that fits on no route keeps its visit until the day is arranged as a whole. So does a
    visit on a route that has left. Call it outside a transaction, like ``insert_missing``.
    Locks: the day, for each promise again. Records: nothing. Raises: nothing of its own.
    """
    return sum(
        _insert(hub, service_date, order, is_there=True) for order in _changed(hub, service_date)
    )


def insert_missing(*, hub: Hub, service_date: dt.date) -> int:
    """Insert the promises that a day lacks, at most MOST; return how many got a place.

    Promises that fit on no route wait until the day is arranged as a whole. Call it outside a
    transaction: travel is computed before each lock.
    Locks: the day, for each promise again. Records: nothing. Raises: nothing of its own.
    """
    return sum(
        _insert(hub, service_date, order, is_there=False) for order in _missing(hub, service_date)
    )


def _insert(hub: Hub, service_date: dt.date, order: Order, *, is_there: bool) -> bool:
    """Insert a promise, in place of its present visit if it has one; return True if it fits."""
    it = order_input(order)
    visit = NewVisit(
        key=it.order,
        point=pin_of(order),
        service_s=it.service_s,
        weight_g=it.weight_g,
        volume_cm3=it.volume_cm3,
        parcels=it.parcels,
        skills=it.skills,
        collects=it.collects,
    )
    prepared = prepare(hub=hub, service_date=service_date, visit=visit)
    assert it.opens_at is not None, "a promise has a window"
    assert it.closes_at is not None, "a promise has a window"
    window = (it.opens_at, it.closes_at)
    try:
        with transaction.atomic():
            (day,) = lock_days([(hub, service_date)])
            if is_there:
                if not _has_visit_to_move(day, order):
                    return False
                remove_visits(day, [it.order])
            if not _wanted(hub, service_date, listed=is_there).filter(
                pk=order.pk, promise=order.promise, place=order.place
            ):
                raise _Outdated
            insert_visit(day, prepared, window=window, expires_at=None, order=order)
    except (_Outdated, VisitDoesNotFit, VisitNotPrepared, IntegrityError):
        return False  # it fits on no route, or another change was faster: a later job tries again
    return True


class _Outdated(Exception):
    """The promise has changed again since it was read; the removal is rolled back."""


def _has_visit_to_move(day: LockedDay, order: Order) -> bool:
    """Return True if an order still has its visit on this day, on no route that has left."""
    visits = TentativeVisit.objects.filter(day=day.row, key=order.public_id)
    left = closed_shifts(day.row.base_plan, now())
    return visits.exclude(shift__in=left).exists()


def _changed(hub: Hub, service_date: dt.date) -> list[Order]:
    """Return the promised orders whose placed visit is not as they are now, earliest first."""
    rows = TentativeVisit.objects.filter(
        day__hub=hub, day__service_date=service_date, order__isnull=False, shift__isnull=False
    )
    visits = {visit.key: visit for visit in rows}
    orders = to_plan(hub, service_date).filter(promise__isnull=False, public_id__in=visits)
    orders = orders.select_related("place", "promise__place", "common_stop").order_by(
        "promise__made_at", "pk"
    )
    changed = (
        order
        for order in orders
        if visit_input(visits[order.public_id]) != order_input(order)
        or visits[order.public_id].point != pin_of(order)
    )
    return list(islice(changed, MOST))


def _missing(hub: Hub, service_date: dt.date) -> list[Order]:
    rows = _wanted(hub, service_date).select_related("place", "promise__place", "common_stop")
    return list(rows.order_by("promise__made_at", "pk")[:MOST])


def _wanted(hub: Hub, service_date: dt.date, *, listed: bool = False) -> QuerySet[Order]:
    """Return the promised orders of a day without a visit; ``listed`` also those of its plan."""
    plan = Q(plan__hub=hub, plan__service_date=service_date, plan__status=PUBLISHED)
    wanted = (
        to_plan(hub, service_date)
        .filter(promise__isnull=False)
        .exclude(Exists(TentativeVisit.objects.filter(key=OuterRef("public_id"))))
    )
    if listed:
        return wanted
    return wanted.exclude(pk__in=Stop.objects.filter(plan).values("order")).exclude(
        pk__in=Unserved.objects.filter(plan).values("order")
    )
