"""Finds the shift that an act or a day belongs to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db.models import Q

from dispatch.fleet.models import Driver, Shift
from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Order
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.states import PUBLISHED, SUPERSEDED

#: A driver's shift counts from this time before it begins until this time after its end. Chosen.
BEFORE: Final = dt.timedelta(hours=12)
AFTER: Final = dt.timedelta(hours=14)


def shifts_around(driver: Driver, at: dt.datetime) -> list[Shift]:
    """Return the driver's shifts around an instant, the nearest first."""
    rows = Shift.objects.select_related("hub", "vehicle", "run").filter(
        driver=driver,
        state=ShiftState.SCHEDULED,
        starts_at__lte=at + BEFORE,
        ends_at__gte=at - AFTER,
    )
    return sorted(rows, key=lambda shift: (_distance(shift, at), shift.starts_at, shift.pk))


def shift_of_act(
    driver: Driver, at: dt.datetime, *, named: str = "", order: Order | None = None
) -> Shift | None:
    """Return the shift that a driver's act belongs to, or None.

    A shift that the phone named counts if it is of the driver or of the driver's hub. Else it is
    the shift on whose route the order was, else the nearest one.
    """
    if named:
        of_driver = Q(driver=driver) | Q(hub=driver.hub_id)
        shifts = Shift.objects.select_related("hub", "vehicle")
        shift = shifts.filter(of_driver, public_id=named).first()
        if shift is not None:
            return shift
    if order is not None:
        stop = (
            Stop.objects.select_related("route__shift__hub", "route__shift__vehicle")
            .filter(
                order=order,
                plan__status__in=[PUBLISHED, SUPERSEDED],
                route__shift__driver=driver,
                route__shift__starts_at__lte=at + BEFORE,
                route__shift__ends_at__gte=at - AFTER,
            )
            .order_by("-plan__published_at", "-pk")
            .first()
        )
        if stop is not None:
            return stop.route.shift
    nearest = shifts_around(driver, at)
    return nearest[0] if nearest else None


def route_of_shift(shift: Shift) -> Route | None:
    """Return the route of a shift in the published plan, with plan and vehicle."""
    rows = Route.objects.select_related("plan", "vehicle", "shift")
    return rows.filter(shift=shift, plan__status=PUBLISHED).first()


def published_routes(shifts: Iterable[Shift]) -> dict[int, str]:
    """Return the public id of the route of each shift in its published plan, by pk of the shift."""
    rows = Route.objects.filter(shift__in=list(shifts), plan__status=PUBLISHED)
    return dict(rows.values_list("shift_id", "public_id"))


def plan_at(shift: Shift, at: dt.datetime) -> Plan | None:
    """Return the plan of a shift's day that was the published one at an instant."""
    rows = Plan.objects.filter(
        hub=shift.hub_id,
        service_date=shift.service_date,
        status__in=[PUBLISHED, SUPERSEDED],
        published_at__lte=at,
    )
    return rows.order_by("-published_at", "-number").first()


def stop_of(order: Order) -> Stop | None:
    """Return the stop of an order in the published plan of its day, with route and shift."""
    rows = Stop.objects.select_related("route__shift", "plan")
    return rows.filter(order=order, plan__status=PUBLISHED).order_by("-pk").first()


def was_on_route(order: Order, shift: Shift | None) -> bool:
    """Return True if a published plan had the order on the route of a shift."""
    rows = Stop.objects.filter(order=order, plan__status__in=[PUBLISHED, SUPERSEDED])
    return shift is not None and rows.filter(route__shift=shift).exists()


def _distance(shift: Shift, at: dt.datetime) -> tuple[bool, dt.timedelta]:
    run = getattr(shift, "run", None)
    over = run is not None and run.ended_at is not None and run.ended_at < at
    return over, max(shift.starts_at - at, at - shift.ends_at, dt.timedelta())
