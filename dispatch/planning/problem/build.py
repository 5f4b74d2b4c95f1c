"""A hub's day becomes the solver's Problem: places in matrices, promises as windows, money.

Second 0 is the earliest shift's start. Place 0 is the hub, place i + 1 the order i. A profile's
matrix stands on the network of the hub, in the traffic of the middle of the day's shifts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from dispatch.planning.errors import NothingToPlan
from dispatch.planning.problem.day import Day, OrderAsked, ShiftAsked
from dispatch.planning.problem.load import LOADS
from dispatch.roads.matrix import TravelMatrix, travel
from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window
from lastmile.core.clock import zone

# Dearer than any detour a day can hold, so that an order stays out only where it cannot go in.
UNSERVED_FACTOR = 100


@dataclass(frozen=True, slots=True)
class Travel:
    """What the matrices stand on, over all profiles: the weakest source, its note as a code."""

    source: str
    note_code: str
    note_params: Mapping[str, object]
    network: str


@dataclass(frozen=True, slots=True)
class Built:
    """A Problem, the instant its second 0 stands for, and what its matrices stand on."""

    problem: Problem
    origin_at: dt.datetime
    travel: Travel


def check_day(day: Day) -> None:
    """Raise NothingToPlan, with the remedy, when the day has no shift or no order."""
    if not day.shifts:
        raise NothingToPlan(
            _("No shift stands on %(date)s at this hub. Add a shift, then plan.")
            % {"date": day.service_date}
        )
    if not day.orders:
        raise NothingToPlan(
            _("No order is ready for %(date)s at this hub. Import orders or set missing pins.")
            % {"date": day.service_date}
        )


def build(day: Day) -> Built:
    """Return the Problem of a day. Raises NothingToPlan.

    Windows that begin before second 0 are cut there; a promise that ended before the first shift
    keeps one empty second, so that the solver says "window impossible" instead of the door
    refusing the whole day.
    """
    check_day(day)
    origin_at = min(shift.starts_at for shift in day.shifts)
    names = sorted({shift.profile for shift in day.shifts})
    minute = _middle_minute(day, origin_at)
    matrices = {
        name: travel(day.points, network=day.network or None, profile=name, depart_minute=minute)  # type: ignore[arg-type]
        for name in names
    }
    unserved_cost = _unserved_cost(day, matrices)
    problem = Problem(
        profiles=tuple(
            TravelTable(name, m.duration_s, m.distance_m) for name, m in matrices.items()
        ),
        visits=tuple(
            visit_of(at, order, origin_at, unserved_cost) for at, order in enumerate(day.orders)
        ),
        vehicles=tuple(_vehicle(shift, day, origin_at, names) for shift in day.shifts),
        dimensions=LOADS,
        name=f"{day.hub} {day.service_date}",
    )
    return Built(problem, origin_at, _stands_on(day, matrices))


def _middle_minute(day: Day, origin_at: dt.datetime) -> int:
    end = max(shift.ends_at for shift in day.shifts)
    middle = (origin_at + (end - origin_at) / 2).astimezone(zone(day.zone))
    return middle.hour * 60 + middle.minute


def _unserved_cost(day: Day, matrices: Mapping[str, TravelMatrix]) -> int:
    """A price above what serving any one order can cost, and below what overflows.

    The dearest vehicle going to the farthest place and back, with its fixed cost, many times
    over: it is never cheaper to leave an order at home than to carry it.
    """
    dearest = 1
    for shift in day.shifts:
        matrix = matrices[shift.profile]
        metres = int(matrix.distance_m[0].max()) + int(matrix.distance_m[:, 0].max())
        hours = (shift.ends_at - shift.starts_at).total_seconds() / 3600
        cost = shift.fixed_cost_minor + metres / 1000 * shift.cost_per_km_minor
        dearest = max(dearest, round(cost + hours * shift.cost_per_hour_minor))
    return min(dearest * UNSERVED_FACTOR + 1_000_000, 10**11)


def visit_of(at: int, order: OrderAsked, origin_at: dt.datetime, unserved_cost: int) -> Visit:
    """Return an order as the solver's visit at place ``at + 1``; a return collects its load."""
    windows: tuple[Window, ...] = ()
    if order.opens_at is not None and order.closes_at is not None:
        opens = max(0, _seconds(order.opens_at, origin_at))
        closes = _seconds(order.closes_at, origin_at)
        windows = (Window(opens, closes) if closes > opens else Window(0, 1),)
    load = (order.weight_g, order.volume_cm3, order.parcels)
    return Visit(
        id=order.order,
        place=at + 1,
        service_s=order.service_s,
        demand=(0,) * len(load) if order.collects else load,
        collect=load if order.collects else (),
        windows=windows,
        unserved_cost=unserved_cost,
        skills=order.skills,
    )


def _vehicle(shift: ShiftAsked, day: Day, origin_at: dt.datetime, names: list[str]) -> VehicleShift:
    return VehicleShift(
        id=shift.shift,
        start=0,
        end=0,
        opens_s=_seconds(shift.starts_at, origin_at),
        closes_s=_seconds(shift.ends_at, origin_at),
        profile=names.index(shift.profile),
        capacity=(shift.weight_g, shift.volume_cm3, shift.parcels),
        skills=shift.skills,
        fixed_cost=shift.fixed_cost_minor,
        cost_per_km=shift.cost_per_km_minor,
        cost_per_hour=shift.cost_per_hour_minor,
        max_distance_m=shift.range_m,
        breaks=tuple(
            # A break may begin at its closing instant too; the solver's windows are half open.
            Break(
                max(0, _seconds(b.opens_at, origin_at)),
                max(0, _seconds(b.closes_at, origin_at)) + 1,
                b.duration_s,
                paid=b.paid,
            )
            for b in shift.breaks
        ),
        loading_s=day.loading_s,
        co2_mg_per_m=shift.co2_mg_per_m,
    )


def _seconds(instant: dt.datetime, origin_at: dt.datetime) -> int:
    return round((instant - origin_at).total_seconds())


def _stands_on(day: Day, matrices: Mapping[str, TravelMatrix]) -> Travel:
    """The weakest of the sources speaks for the plan: a person must know it."""
    straight = [m for m in matrices.values() if m.source == "straight_line"]
    noted = straight or [m for m in matrices.values() if m.note_code]
    worst = noted[0] if noted else next(iter(matrices.values()))
    versions = {m.network_version for m in matrices.values() if m.network_version}
    network = f"{day.network}@{min(versions)}" if versions else ""
    return Travel(worst.source, worst.note_code, dict(worst.note_params), network)
