"""Reads the planning input of a hub's day: its shifts and the orders to serve.

All rows that planning needs are read here once, in one transaction, into immutable values. The
next steps (travel matrices, search) take minutes and must not hold a database transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import breaks_of, factor_of, shifts_on
from dispatch.orders.models import Direction, Order
from dispatch.orders.selectors import to_plan
from dispatch.solver.model.problem import Problem
from lastmile.core.clock import zone
from lastmile.core.geo import Point

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftInput:
    """A shift with its vehicle, in integer units (g, cm³, m, s, minor units of money)."""

    shift: str
    shift_pk: int
    vehicle_pk: int
    driver_pk: int | None
    name: str
    profile: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    breaks: tuple[Break, ...]
    weight_g: int
    volume_cm3: int
    parcels: int
    skills: frozenset[str]
    fixed_cost_minor: int
    cost_per_km_minor: int
    cost_per_hour_minor: int
    range_m: int | None
    co2_mg_per_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInput:
    """An order with its promised time window, if any, its service time and its load.

    ``collects`` is True for a return: its load is collected at the stop and brought to the hub.
    Orders with the same ``common`` place are one stop of a route. ``arrival_s`` is needed once for
    such a stop, ``service_s`` for each order; "" is a stop of its own.
    """

    order: str
    order_pk: int
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    service_s: int
    weight_g: int
    volume_cm3: int
    parcels: int
    skills: frozenset[str]
    collects: bool = False
    # The tentative plan does not keep these two, so they make no two visits different.
    common: str = field(default="", compare=False)
    arrival_s: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The shifts and orders of a hub's day, as read at one instant.

    ``traffic_minute`` is the local minute halfway through all shifts of the date. Travel times are
    those of its hour. It stays the same when the first vehicles have left, so a route that was
    feasible stays feasible. It is None on a date without shifts.
    """

    hub: str
    hub_pk: int
    points: tuple[Point, ...]  # by place: the hub, then the orders
    zone: str
    network: str
    loading_s: int
    service_date: dt.date
    traffic_minute: int | None
    shifts: tuple[ShiftInput, ...]
    orders: tuple[OrderInput, ...]


def read_day(
    hub: Hub,
    service_date: dt.date,
    *,
    orders_too: Collection[int] = (),
    shifts_too: Collection[int] = (),
) -> Day:
    """Read the scheduled shifts of a hub's day and the orders that can be planned.

    ``orders_too`` and ``shifts_too`` are pks of rows to include in any state.
    """
    with transaction.atomic():
        shifts = list(shifts_on(hub, service_date))
        orders = list(
            to_plan(hub, service_date).select_related("place", "promise__place", "common_stop")
        )
        shifts += _missing(Shift.objects.select_related("vehicle", "driver"), shifts_too, shifts)
        orders += _missing(
            Order.objects.select_related("place", "promise__place", "common_stop"),
            orders_too,
            orders,
        )
    points = [hub.point, *(pin_of(order) for order in orders)]
    return day_of(hub, service_date, shifts, orders, points)


def _missing(rows: QuerySet[M], pks: Collection[int], present: Sequence[M]) -> list[M]:
    missing = set(pks) - {row.pk for row in present}
    return list(rows.filter(pk__in=missing).order_by("pk")) if missing else []


def read_planned_day(
    hub: Hub, service_date: dt.date, problem: Problem, points: Sequence[Point]
) -> Day:
    """Read the shifts and orders of a problem that was built earlier, in the problem's sequence.

    Rows may have changed since then (an order cancelled, a pin corrected). The day still lists
    all of them, at the places that the plan was made with.
    """
    shifts = {
        s.public_id: s
        for s in Shift.objects.select_related("vehicle", "driver").filter(
            public_id__in=[v.id for v in problem.vehicles]
        )
    }
    orders = {
        o.public_id: o
        for o in Order.objects.select_related("place", "promise__place", "common_stop").filter(
            public_id__in=[v.id for v in problem.visits]
        )
    }
    return day_of(
        hub,
        service_date,
        [shifts[v.id] for v in problem.vehicles],
        [orders[v.id] for v in problem.visits],
        points,
    )


def day_of(
    hub: Hub,
    service_date: dt.date,
    shifts: Sequence[Shift],
    orders: Sequence[Order],
    points: Sequence[Point],
) -> Day:
    """Return the day of these rows; ``points`` are the hub's place and one for each order."""
    return Day(
        hub=hub.public_id,
        hub_pk=hub.pk,
        points=tuple(points),
        zone=hub.zone,
        network=hub.network,
        loading_s=hub.loading_s,
        service_date=service_date,
        traffic_minute=middle_minute(shifts, hub.zone),
        shifts=tuple(_shift(s) for s in shifts),
        orders=tuple(order_input(o) for o in orders),
    )


def middle_minute(shifts: Sequence[Shift], zone_name: str) -> int | None:
    """Return the local minute halfway from the first start to the last end, None without shifts."""
    if not shifts:
        return None
    begin = min(shift.starts_at for shift in shifts)
    end = max(shift.ends_at for shift in shifts)
    middle = (begin + (end - begin) / 2).astimezone(zone(zone_name))
    return middle.hour * 60 + middle.minute


def _shift(shift: Shift) -> ShiftInput:
    vehicle, driver = shift.vehicle, shift.driver
    return ShiftInput(
        shift=shift.public_id,
        shift_pk=shift.pk,
        vehicle_pk=vehicle.pk,
        driver_pk=driver.pk if driver else None,
        name=vehicle.name,
        profile=vehicle.profile,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        breaks=tuple(breaks_of(shift)),
        weight_g=vehicle.weight_g,
        volume_cm3=vehicle.volume_cm3,
        parcels=vehicle.parcels,
        skills=frozenset(vehicle.skills) | frozenset(driver.skills if driver else ()),
        fixed_cost_minor=vehicle.fixed_cost_minor,
        cost_per_km_minor=vehicle.cost_per_km_minor,
        cost_per_hour_minor=vehicle.cost_per_hour_minor,
        range_m=vehicle.range_m,
        co2_mg_per_m=factor_of(vehicle).wtw_mg_per_m,
    )


def pin_of(order: Order) -> Point:
    """Return the pin of the delivery place: the promised place if there is one, else the order's.

    Raises ValueError for an order without a pin.
    """
    point = order.delivery_place.point
    if point is None:
        raise ValueError(f"{order.public_id} is {order.state} and has no pin.")
    return point


def order_input(order: Order) -> OrderInput:
    """Return an order as planning input. The order must have its promise and its common stop.

    At a common stop the hours of its place count: the promise there is when the shopper may come.
    """
    stop = order.shared_stop
    window = stop or order.promise
    return OrderInput(
        order=order.public_id,
        order_pk=order.pk,
        opens_at=window.opens_at if window else None,
        closes_at=window.closes_at if window else None,
        service_s=stop.service_s if stop else order.service_s,
        common=stop.key if stop else "",
        arrival_s=stop.arrival_s if stop else 0,
        weight_g=order.weight_g,
        volume_cm3=order.volume_cm3,
        parcels=order.parcel_count,
        skills=frozenset(order.skills),
        collects=order.direction == Direction.RETURN,
    )
