"""Writes a timed plan as rows: figures of the Plan, Route, Stop and Unserved.

Callers hold the lock of the plan or the fence of their job.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatch.planning.models import Plan, Route, Stop, Unserved
from dispatch.planning.problem.day import Day
from dispatch.planning.problem.load import LOADS, load_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedStop:
    """A stop of a route with its times in seconds from the problem's origin."""

    order: int  # index into Day.orders
    arrive_s: int
    start_s: int
    depart_s: int
    leg_travel_s: int
    leg_distance_m: int
    slack_s: int
    violations: tuple[Mapping[str, Any], ...] = ()
    leg_notes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedBreak:
    """A break of a route with its times; ``after`` is the number of stops served before it."""

    start_s: int
    end_s: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRoute:
    """The tour of one shift with its times, cost parts and grams of CO2e."""

    shift: int  # index into Day.shifts
    start_s: int
    end_s: int
    stops: tuple[TimedStop, ...]
    breaks: tuple[TimedBreak, ...]
    distance_m: int
    travel_s: int
    service_s: int
    wait_s: int
    cost_fixed_minor: int
    cost_distance_minor: int
    cost_time_minor: int
    co2_g: int
    violations: tuple[Mapping[str, Any], ...] = ()
    geometry: Sequence[Sequence[tuple[float, float]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPlan:
    """All routes of a plan, and its unserved orders.

    ``unserved`` holds (index into Day.orders, reason, parameters of the reason's sentence).
    """

    routes: tuple[TimedRoute, ...]
    unserved: tuple[tuple[int, str, Mapping[str, Any]], ...] = ()

    def with_unserved(self, unserved: tuple[tuple[int, str, Mapping[str, Any]], ...]) -> TimedPlan:
        """Return the same routes with other unserved orders or reasons."""
        return replace(self, unserved=unserved)


def write_rows(plan: Plan, day: Day, timed: TimedPlan) -> None:
    """Replace the routes, stops and unserved orders of a draft with those of a timed plan.

    The route of a shift keeps its public id and number, the stop of an order keeps its public id.
    So links to them still work after an edit.
    """
    existing = {route.shift_id: route for route in plan.routes.all()}
    numbers = _numbers(existing, day, timed)
    ids = dict(Stop.objects.filter(plan=plan).values_list("order_id", "public_id"))
    Stop.objects.filter(plan=plan).delete()
    Unserved.objects.filter(plan=plan).delete()
    rows = [_route(plan, day, timed_route, existing, numbers) for timed_route in timed.routes]
    removed = set(existing) - {row.shift_id for row in rows}
    Route.objects.filter(plan=plan, shift_id__in=removed).delete()
    Route.objects.bulk_create([row for row in rows if row.pk is None])
    Route.objects.bulk_update([row for row in rows if row.shift_id in existing], _ROUTE_COLUMNS)
    Stop.objects.bulk_create(
        [
            _stop(plan, row, day, at, stop, ids)
            for row, timed_route in zip(rows, timed.routes, strict=True)
            for at, stop in enumerate(timed_route.stops, start=1)
        ],
        batch_size=1000,
    )
    Unserved.objects.bulk_create(
        [
            Unserved(plan=plan, order_id=day.orders[order].order_pk, reason=reason, params=params)
            for order, reason, params in timed.unserved
        ],
        batch_size=1000,
    )
    _sum(plan, timed)


def _numbers(existing: Mapping[int, Route], day: Day, timed: TimedPlan) -> dict[int, int]:
    numbers = {shift_pk: route.number for shift_pk, route in existing.items()}
    free = max(numbers.values(), default=0) + 1
    for route in timed.routes:
        shift_pk = day.shifts[route.shift].shift_pk
        if shift_pk not in numbers:
            numbers[shift_pk] = free
            free += 1
    return numbers


_ROUTE_COLUMNS = [
    "starts_at", "ends_at", "distance_m", "travel_s", "service_s", "wait_s", "breaks", "weight_g",
    "volume_cm3", "parcels", "collected_weight_g", "collected_volume_cm3", "collected_parcels",
    "most_weight_g", "most_volume_cm3", "most_parcels", "cost_fixed_minor",
    "cost_distance_minor", "cost_time_minor", "co2_g", "violations", "geometry",
]  # fmt: skip


def _at(plan: Plan, seconds: int) -> dt.datetime:
    return plan.origin_at + dt.timedelta(seconds=seconds)


def _route(
    plan: Plan,
    day: Day,
    timed: TimedRoute,
    existing: Mapping[int, Route],
    numbers: Mapping[int, int],
) -> Route:
    shift = day.shifts[timed.shift]
    row = existing.get(shift.shift_pk) or Route(
        plan=plan,
        number=numbers[shift.shift_pk],
        shift_id=shift.shift_pk,
        vehicle_id=shift.vehicle_pk,
        driver_id=shift.driver_pk,
    )
    orders = [day.orders[stop.order] for stop in timed.stops]
    row.starts_at, row.ends_at = _at(plan, timed.start_s), _at(plan, timed.end_s)
    row.distance_m, row.travel_s = timed.distance_m, timed.travel_s
    row.service_s, row.wait_s = timed.service_s, timed.wait_s
    row.breaks = [
        {
            "starts_at": _at(plan, b.start_s).isoformat(),
            "ends_at": _at(plan, b.end_s).isoformat(),
            "after": b.after,
        }
        for b in timed.breaks
    ]
    loads = load_of(orders)
    for name, load in zip(LOADS, loads, strict=True):
        setattr(row, name, load.leaves_with)
        setattr(row, f"collected_{name}", load.collected)
        setattr(row, f"most_{name}", load.most)
    row.cost_fixed_minor = timed.cost_fixed_minor
    row.cost_distance_minor = timed.cost_distance_minor
    row.cost_time_minor = timed.cost_time_minor
    row.co2_g = timed.co2_g
    row.violations = [dict(v) for v in timed.violations]
    row.geometry = [
        [[round(lon, 6), round(lat, 6)] for lon, lat in line] for line in timed.geometry
    ]
    return row


def _stop(
    plan: Plan, route: Route, day: Day, position: int, timed: TimedStop, ids: Mapping[int, str]
) -> Stop:
    order_id = day.orders[timed.order].order_pk
    public_id = {"public_id": ids[order_id]} if order_id in ids else {}
    return Stop(
        **public_id,
        plan=plan,
        route=route,
        position=position,
        order_id=order_id,
        arrives_at=_at(plan, timed.arrive_s),
        starts_at=_at(plan, timed.start_s),
        departs_at=_at(plan, timed.depart_s),
        leg_travel_s=timed.leg_travel_s,
        leg_distance_m=timed.leg_distance_m,
        slack_s=timed.slack_s,
        violations=[dict(v) for v in timed.violations],
        leg_notes=[dict(note) for note in timed.leg_notes],
    )


def _sum(plan: Plan, timed: TimedPlan) -> None:
    """Write the sums over all routes to the plan's row, for lists and comparisons."""
    routes = timed.routes
    plan.orders_count = sum(len(r.stops) for r in routes)
    plan.unserved_count = len(timed.unserved)
    plan.violations_count = sum(
        len(r.violations) + sum(len(s.violations) for s in r.stops) for r in routes
    )
    plan.distance_m = sum(r.distance_m for r in routes)
    plan.travel_s = sum(r.travel_s for r in routes)
    plan.duration_s = sum(r.end_s - r.start_s for r in routes)
    plan.cost_fixed_minor = sum(r.cost_fixed_minor for r in routes)
    plan.cost_distance_minor = sum(r.cost_distance_minor for r in routes)
    plan.cost_time_minor = sum(r.cost_time_minor for r in routes)
    plan.co2_g = sum(r.co2_g for r in routes)
    plan.save()
