"""Inserts one visit into a locked tentative plan, at its best place under every constraint."""

from __future__ import annotations

import datetime as dt

from django.db.models import F
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.planning.boards import UNPREPARED, NewVisit, Prepared, WindowCost, best_place
from dispatch.planning.boards.shapes import NOT_READY, Window
from dispatch.planning.errors import VisitDoesNotFit, VisitNotPrepared
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.closed import ROUTE_LEFT, closed_shifts
from dispatch.planning.services.tentative.locking import LockedDay
from dispatch.planning.services.tentative.log import INSERT, Change, log_changes
from lastmile.core.clock import now


def insert_visit(
    day: LockedDay,
    prepared: Prepared,
    *,
    window: Window,
    expires_at: dt.datetime | None,
    order: Order | None = None,
) -> WindowCost:
    """Insert a prepared visit into a locked day; return what it adds to the plan.

    A hold has ``expires_at``, the visit of an order has ``order``. The referee checks the changed
    route. Locks: nothing more. Records: nothing. Raises: VisitDoesNotFit; VisitNotPrepared if the
    day must be read as a whole first: leave the transaction, prepare the visit again, and retry.
    """
    if not day.row.ready:
        raise _does_not_fit(day.row.reason)
    place = best_place(day.row, prepared, window)
    if place == UNPREPARED:
        raise VisitNotPrepared(
            _("This day is not ready yet. Try again in a minute, or choose another day."),
            data={"reason": NOT_READY},
        )
    if isinstance(place, str):
        raise _does_not_fit(place)
    if place.shift in closed_shifts(day.row.base_plan, now()):
        # The vehicle left after the board was built. The next board knows it.
        raise _does_not_fit(ROUTE_LEFT)
    _store(day, prepared.visit, window, expires_at, order, (place.shift, place.rank))
    return place.cost


def _does_not_fit(reason: str) -> VisitDoesNotFit:
    return VisitDoesNotFit(
        _("This time no longer fits into the plan of the day. Choose another time."),
        data={"reason": reason},
    )


def _store(
    day: LockedDay,
    visit: NewVisit,
    window: Window,
    expires_at: dt.datetime | None,
    order: Order | None,
    place: tuple[int, int],
) -> None:
    shift, rank = place
    TentativeVisit.objects.filter(day=day.row, shift_id=shift, rank__gte=rank).update(
        rank=F("rank") + 1
    )
    TentativeVisit.objects.create(
        day=day.row,
        key=visit.key,
        order=order,
        lat=visit.point.lat,
        lon=visit.point.lon,
        opens_at=window[0],
        closes_at=window[1],
        service_s=visit.service_s,
        weight_g=visit.weight_g,
        volume_cm3=visit.volume_cm3,
        parcels=visit.parcels,
        skills=sorted(visit.skills),
        collects=visit.collects,
        shift_id=shift,
        rank=rank,
        expires_at=expires_at,
    )
    log_changes(day, [Change(op=INSERT, key=visit.key, shift=shift, rank=rank)])
