"""Builds the solver's Problem of a hub's day: travel matrices, time windows, loads and costs.

Second 0 is the start of the earliest shift. Place 0 is the hub, place i + 1 is order i. The
matrix of a profile uses the hub's network, with the traffic halfway through the day's shifts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from dispatch.planning.errors import NothingToPlan
from dispatch.planning.problem.common import with_common_stops
from dispatch.planning.problem.day import Day, OrderInput, ShiftInput
from dispatch.planning.problem.load import LOADS
from dispatch.roads.doors import doors_of
from dispatch.roads.matrix import TravelMatrix, travel
from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window

# Makes an unserved order more expensive than any detour of a day, so that an order is left out
# only if it does not fit.
UNSERVED_FACTOR = 100


@dataclass(frozen=True, slots=True)
class Travel:
    """The source of the travel times: the least reliable one over all profiles, with its note.

    ``source`` is ``roads`` or ``straight_line``, ``network`` is name@version or empty.
    """

    source: str
    note_code: str
    note_params: Mapping[str, object]
    network: str


@dataclass(frozen=True, slots=True)
class Built:
    """A Problem with the instant of its second 0 and the source of its travel times."""

    problem: Problem
    origin_at: dt.datetime
    travel: Travel


def check_day(day: Day) -> None:
    """Raise NothingToPlan, with the remedy, when the day has no shift or no order."""
    if not day.shifts:
        raise NothingToPlan(
            _("This hub has no shift on %(date)s. Add a shift, then plan again.")
            % {"date": day.service_date}
        )
    if not day.orders:
        raise NothingToPlan(
            _("This hub has no order ready for %(date)s. Import orders or set the missing pins.")
            % {"date": day.service_date}
        )


def build(day: Day) -> Built:
    """Return the Problem of a day. Raises NothingToPlan."""
    check_day(day)
    return build_open(day)


def build_open(day: Day, matrices: Mapping[str, TravelMatrix] | None = None) -> Built:
    """Return the Problem of a day that has a shift; it may have no order yet.

    ``matrices`` are the travel of each profile, if the caller has it already.

    A window that opens before second 0 is cut there. A window that closes before second 0 becomes
    the one-second window at 0, so that only this order is unserved instead of the whole day
    being refused.
    """
    origin_at = min(shift.starts_at for shift in day.shifts)
    names = sorted({shift.profile for shift in day.shifts})
    if matrices is None:
        matrices = {
            name: travel(
                day.points,
                network=day.network or None,
                profile=name,  # type: ignore[arg-type]
                depart_minute=day.traffic_minute,
            )
            for name in names
        }
    unserved_cost = _unserved_cost(day, matrices)
    allowed = _allowed(day, names)
    problem = Problem(
        profiles=tuple(with_common_stops(day, name, matrices[name]) for name in names),
        visits=tuple(
            replace(visit_of(at, order, origin_at, unserved_cost), vehicles=allowed[at])
            for at, order in enumerate(day.orders)
        ),
        vehicles=tuple(_vehicle(shift, day, origin_at, names) for shift in day.shifts),
        dimensions=LOADS,
        name=f"{day.hub} {day.service_date}",
    )
    return Built(problem, origin_at, _travel_of(day, matrices))


def _allowed(day: Day, names: Sequence[str]) -> list[frozenset[str] | None]:
    """Return for each order the shifts whose vehicle can be sent there; None if all can.

    No shift is left if no street leads any of the vehicles to the place: such an order is never
    planned as served.
    """
    shifts = {name: {s.shift for s in day.shifts if s.profile == name} for name in names}
    every = {shift.shift for shift in day.shifts}
    by_profile = {
        name: doors_of(day.points, network=day.network, profile=name)  # type: ignore[arg-type]
        for name in names
    }
    result: list[frozenset[str] | None] = []
    for place in range(1, len(day.points)):
        reached = [name for name in names if not by_profile[name][place].fault]
        able: frozenset[str] = frozenset().union(*(shifts[name] for name in reached))
        result.append(None if len(able) == len(every) else able)
    return result


def _unserved_cost(day: Day, matrices: Mapping[str, TravelMatrix]) -> int:
    """Return the penalty for an unserved order, in minor units: above any cost of serving it.

    The base is the highest cost of a full shift with a drive to the farthest place and back. It is
    multiplied by UNSERVED_FACTOR, so that leaving an order out never saves money, and capped to
    prevent an overflow.
    """
    highest = 1
    for shift in day.shifts:
        matrix = matrices[shift.profile]
        metres = int(matrix.distance_m[0].max()) + int(matrix.distance_m[:, 0].max())
        hours = (shift.ends_at - shift.starts_at).total_seconds() / 3600
        cost = shift.fixed_cost_minor + metres / 1000 * shift.cost_per_km_minor
        highest = max(highest, round(cost + hours * shift.cost_per_hour_minor))
    return min(highest * UNSERVED_FACTOR + 1_000_000, 10**11)


def visit_of(index: int, order: OrderInput, origin_at: dt.datetime, unserved_cost: int) -> Visit:
    """Return an order as the solver's visit at place ``at + 1``; a return collects its load."""
    windows: tuple[Window, ...] = ()
    if order.opens_at is not None and order.closes_at is not None:
        opens = max(0, _seconds(order.opens_at, origin_at))
        closes = _seconds(order.closes_at, origin_at)
        windows = (Window(opens, closes) if closes > opens else Window(0, 1),)
        if order.arrival_s and closes > opens + order.arrival_s:  # it arrives when the place opens
            windows = (Window(opens + order.arrival_s, closes),)
    load = (order.weight_g, order.volume_cm3, order.parcels)
    return Visit(
        id=order.order,
        place=index + 1,
        service_s=order.service_s,
        demand=(0,) * len(load) if order.collects else load,
        collect=load if order.collects else (),
        windows=windows,
        unserved_cost=unserved_cost,
        skills=order.skills,
    )


def _vehicle(shift: ShiftInput, day: Day, origin_at: dt.datetime, names: list[str]) -> VehicleShift:
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
            # A break may also begin exactly at its closing time; solver windows exclude the end.
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


def _travel_of(day: Day, matrices: Mapping[str, TravelMatrix]) -> Travel:
    """Return the least reliable source of the matrices: a person must know about it."""
    straight = [m for m in matrices.values() if m.source == "straight_line"]
    noted = straight or [m for m in matrices.values() if m.note_code]
    weakest = noted[0] if noted else next(iter(matrices.values()))
    versions = {m.network_version for m in matrices.values() if m.network_version}
    network = f"{day.network}@{min(versions)}" if versions else ""
    return Travel(weakest.source, weakest.note_code, dict(weakest.note_params), network)
