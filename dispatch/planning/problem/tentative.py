"""Reads a hub's day for its tentative plan: the visits to place, and where they are now.

The content of a tentative plan is every order that can be planned and every live hold. Orders on
routes that have left keep their places, and nothing is added to these routes. Orders that a
person took off the published plan stay off.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from django.db import transaction

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import shifts_on
from dispatch.orders.models import Order
from dispatch.orders.selectors import to_plan
from dispatch.planning.models import Plan, Stop, TentativeDay, TentativeVisit
from dispatch.planning.problem.build import Built, build_open
from dispatch.planning.problem.closed import SOON, closed_routes, closed_shifts
from dispatch.planning.problem.day import Day, OrderInput, day_of, order_input, pin_of
from dispatch.planning.states import PUBLISHED
from dispatch.roads.matrix import TravelMatrix, graph_of
from dispatch.solver.model.problem import VehicleShift, Visit
from lastmile.core.geo import Point

#: A promise or a hold comes before an order without a time window when not all visits fit.
PROMISED_PRIORITY = 1
Sequences = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayState:
    """A hub's day as read at one instant.

    ``day`` has the shifts that can take visits and the visits to place on them: orders, then live
    holds. ``sequences`` are the visits that have a place now, by shift. ``frozen`` are the orders
    of the routes that have left, by shift, and ``by_hand`` the orders that a person took off.
    ``fleet`` is a hash of everything but the visits.
    """

    at: dt.datetime
    version: int
    plan: Plan | None
    day: Day
    sequences: Mapping[str, Sequence[str]]
    frozen: Mapping[str, Sequence[str]]
    by_hand: frozenset[str]
    fleet: str
    orders: Mapping[str, Order]
    rows: Mapping[str, TentativeVisit]
    shift_pks: Mapping[str, int]

    @property
    def visits(self) -> Mapping[str, tuple[OrderInput, Point]]:
        """The visits of the day with their places, by key."""
        return {
            visit.order: (visit, point)
            for visit, point in zip(self.day.orders, self.day.points[1:], strict=True)
        }


def read_state(row: TentativeDay, at: dt.datetime, *, publishing: Plan | None = None) -> DayState:
    """Read the content of a tentative plan and the present places of its visits.

    ``publishing`` is a draft that is about to be published: the day is read as it will be then.
    """
    hub, service_date = row.hub, row.service_date
    with transaction.atomic():
        shifts = list(shifts_on(hub, service_date))
        orders = {
            order.public_id: order
            for order in to_plan(hub, service_date).select_related(
                "place", "promise__place", "common_stop"
            )
        }
        rows = {visit.key: visit for visit in row.visits.select_related("shift")}
        plan = publishing or _published(hub, service_date)
        left = closed_routes(plan, at)
        by_hand = _taken_off(plan)
    frozen = {
        route.shift: [name for name in route.orders if name in orders] for route in left.values()
    }
    settled = {name for names in frozen.values() for name in names} | by_hand
    waiting = [order for name, order in orders.items() if name not in settled]
    holds = [visit for visit in rows.values() if visit.expires_at and visit.expires_at > at]
    usable = [s for s in shifts if s.pk not in left and s.ends_at > at + SOON]
    day = open_day(
        hub,
        service_date,
        shifts,
        usable,
        [(order_input(order), pin_of(order)) for order in waiting]
        + [(visit_input(hold), hold.point) for hold in holds],
    )
    return DayState(
        at=at,
        version=row.version,
        plan=plan,
        day=day,
        sequences=_present(row, plan, day, rows),
        frozen=frozen,
        by_hand=by_hand & orders.keys(),
        fleet=fingerprint(day, hub),
        orders=orders,
        rows=rows,
        shift_pks={s.public_id: s.pk for s in shifts}
        | {route.shift: pk for pk, route in left.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """The placed visits of a tentative plan, by their rows alone.

    ``day`` has the shifts that can still take visits, and the visits that are placed on them.
    """

    version: int
    day: Day
    sequences: Mapping[str, Sequence[str]]
    shift_pks: Mapping[str, int]


def read_arranged(row: TentativeDay, at: dt.datetime) -> Arranged:
    """Read the placed visits of a tentative plan, expired holds included, from its rows."""
    with transaction.atomic():
        version = TentativeDay.objects.values_list("version", flat=True).get(pk=row.pk)
        shifts = list(shifts_on(row.hub, row.service_date))
        left = closed_shifts(row.base_plan, at)
        usable = [s for s in shifts if s.pk not in left and s.ends_at > at + SOON]
        names = {shift.pk: shift.public_id for shift in usable}
        placed = list(row.visits.filter(shift__in=names).order_by("shift_id", "rank"))
    visits = [(visit_input(visit), visit.point) for visit in placed]
    sequences: Sequences = {name: [] for name in names.values()}
    for visit in placed:
        if visit.shift_id is not None:
            sequences[names[visit.shift_id]].append(visit.key)
    return Arranged(
        version=version,
        day=open_day(row.hub, row.service_date, shifts, usable, visits),
        sequences=sequences,
        shift_pks={name: pk for pk, name in names.items()},
    )


def open_day(
    hub: Hub,
    service_date: dt.date,
    shifts: Sequence[Shift],
    usable: Collection[Shift],
    visits: Sequence[tuple[OrderInput, Point]],
) -> Day:
    """Return a day with these visits and, of all its shifts, those that can still be used."""
    day = day_of(hub, service_date, shifts, [], [hub.point, *(point for _visit, point in visits)])
    names = {shift.public_id for shift in usable}
    return replace(
        day,
        shifts=tuple(shift for shift in day.shifts if shift.shift in names),
        orders=tuple(visit for visit, _point in visits),
    )


def visit_input(row: TentativeVisit) -> OrderInput:
    """Return a tentative visit as planning input; a hold has no order, so its pk is 0."""
    return OrderInput(
        order=row.key,
        order_pk=row.order_id or 0,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        service_s=row.service_s,
        weight_g=row.weight_g,
        volume_cm3=row.volume_cm3,
        parcels=row.parcels,
        skills=frozenset(row.skills),
        collects=row.collects,
    )


def build_state(
    day: Day, at: dt.datetime, matrices: Mapping[str, TravelMatrix] | None = None
) -> Built:
    """Return the Problem of a day with at least one shift; no vehicle starts work before ``at``.

    Visits with a time window have priority: they are promises or holds.
    """
    built = build_open(day, matrices)
    now_s = max(0, round((at - built.origin_at).total_seconds()))

    def vehicle(it: VehicleShift) -> VehicleShift:
        return replace(it, opens_s=max(it.opens_s, now_s))

    def visit(it: Visit) -> Visit:
        return replace(it, priority=PROMISED_PRIORITY) if it.windows else it

    problem = replace(
        built.problem,
        vehicles=tuple(map(vehicle, built.problem.vehicles)),
        visits=tuple(map(visit, built.problem.visits)),
    )
    return replace(built, problem=problem)


def _published(hub: Hub, service_date: dt.date) -> Plan | None:
    rows = Plan.objects.filter(hub=hub, service_date=service_date, status=PUBLISHED)
    return rows.select_related("input").defer("input__problem", "input__points").first()


def _taken_off(plan: Plan | None) -> frozenset[str]:
    if plan is None:
        return frozenset()
    rows = plan.unserved.filter(reason="by_hand").values_list("order__public_id", flat=True)
    return frozenset(rows)


def _present(
    row: TentativeDay, plan: Plan | None, day: Day, rows: Mapping[str, TentativeVisit]
) -> Sequences:
    """Return the present places of the visits that have not changed, by shift.

    A day that does not follow the published plan yet begins with the routes of that plan.
    """
    if plan is not None and row.base_plan_id != plan.pk:
        return _routes_of(plan, day)
    result: Sequences = {shift.shift: [] for shift in day.shifts}
    same = {
        visit.order
        for visit, point in zip(day.orders, day.points[1:], strict=True)
        if visit.order in rows
        and visit_input(rows[visit.order]) == visit
        and rows[visit.order].point == point
    }
    placed = [visit for visit in rows.values() if visit.shift is not None and visit.key in same]
    for visit in sorted(placed, key=lambda it: it.rank):
        if visit.shift is not None and visit.shift.public_id in result:
            result[visit.shift.public_id].append(visit.key)
    return result


def _routes_of(plan: Plan, day: Day) -> Sequences:
    """Return the routes of a plan, with the live holds that were searched together with them."""
    result: Sequences = {shift.shift: [] for shift in day.shifts}
    stops = Stop.objects.filter(plan=plan).order_by("route_id", "position")
    for shift, key in stops.values_list("route__shift__public_id", "order__public_id"):
        if shift in result:
            result[shift].append(key)
    orders = {key for keys in result.values() for key in keys}
    for shift, keys in plan.input.holds.items():
        if [key for key in keys if key in orders] == result.get(shift):
            result[shift] = list(keys)  # nobody has changed this route since the search
    names = {visit.order for visit in day.orders}
    return {shift: [key for key in keys if key in names] for shift, keys in result.items()}


def fingerprint(day: Day, hub: Hub) -> str:
    """Return a hash of the shifts, the hour of traffic, the hub and the network."""
    shifts = [asdict(shift) | {"skills": sorted(shift.skills)} for shift in day.shifts]
    facts = [shifts, day.traffic_minute, day.loading_s, day.network, hub.lat, hub.lon]
    return hashlib.sha256(json.dumps(facts, default=str, sort_keys=True).encode()).hexdigest()


def network_of(hub: Hub) -> str:
    """Return name@version of the hub's network as it is now; empty without a network."""
    _graph, _code, network = graph_of(hub.network or None, "van", None)
    return f"{hub.network}@{network.version}" if network is not None else ""
