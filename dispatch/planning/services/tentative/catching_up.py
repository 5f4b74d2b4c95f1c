"""Inserts missing promises into a busy day, one by one, as holds are inserted.

A day on which shoppers hold places every second changes faster than it can be arranged as a
whole. Each insertion takes the lock of the day only for milliseconds.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.selectors import to_plan
from dispatch.planning.boards import NewVisit, prepare
from dispatch.planning.errors import VisitDoesNotFit, VisitNotPrepared
from dispatch.planning.models import Stop, TentativeVisit, Unserved
from dispatch.planning.problem.day import order_input, pin_of
from dispatch.planning.services.tentative.inserting import insert_visit
from dispatch.planning.services.tentative.locking import lock_days
from dispatch.planning.states import PUBLISHED

MOST: Final = 40  # promises that are inserted in one go; a later job inserts the others. Chosen.


def insert_missing(*, hub: Hub, service_date: dt.date) -> int:
    """Insert the promises that a day lacks, at most MOST; return how many got a place.

    Promises that fit on no route wait until the day is arranged as a whole. Call it outside a
    transaction: travel is computed before each lock.
    Locks: the day, for each promise again. Records: nothing. Raises: nothing of its own.
    """
    inserted = 0
    for order in _missing(hub, service_date):
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
                present = _wanted(hub, service_date).filter(pk=order.pk, promise=order.promise)
                if present.exists():
                    insert_visit(day, prepared, window=window, expires_at=None, order=order)
                    inserted += 1
        except (VisitDoesNotFit, VisitNotPrepared, IntegrityError):
            continue  # it fits on no route, or another change was faster: a later job tries again
    return inserted


def _missing(hub: Hub, service_date: dt.date) -> list[Order]:
    rows = _wanted(hub, service_date).select_related("place", "promise__place")
    return list(rows.order_by("promise__made_at", "pk")[:MOST])


def _wanted(hub: Hub, service_date: dt.date) -> QuerySet[Order]:
    """Return the promised orders of a day that have no visit, and that its plan does not list."""
    plan = Q(plan__hub=hub, plan__service_date=service_date, plan__status=PUBLISHED)
    return (
        to_plan(hub, service_date)
        .filter(promise__isnull=False)
        .exclude(Exists(TentativeVisit.objects.filter(key=OuterRef("public_id"))))
        .exclude(pk__in=Stop.objects.filter(plan).values("order"))
        .exclude(pk__in=Unserved.objects.filter(plan).values("order"))
    )
