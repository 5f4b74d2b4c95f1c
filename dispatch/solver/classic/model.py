"""A problem as arrays for the classic engine: visits, kinds of vehicles, prices in one unit. PURE.

Visits are numbered from 1; visits that no vehicle can serve even alone are omitted. Vehicles that
differ only in their id form a kind. Costs are in the exact unit of ``model.cost`` divided by the
greatest common divisor of all prices. Loads are unchanged; a limit of stops is one more load
dimension. Breaks at a common time are removed by the clock of ``timing.pauses``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.classic.arrays import NEVER, Int32, Int64
from dispatch.solver.model.cost import PER_METRE, PER_MILLIGRAM, PER_SECOND, UNIT
from dispatch.solver.model.problem import Problem, VehicleShift, missed_cost
from dispatch.solver.placing.draft import Context
from dispatch.solver.timing.pauses import WorkClock, work_clock
from dispatch.solver.timing.timer import scaled

TOP_PRICE: Final = 1 << 45  # largest cost of not serving a visit; 20,000 of them sum below 2**60
TOP_LEG: Final = 1 << 28  # largest cost of a leg, so that sums of a few legs fit int32
NO_LIMIT: Final = 1 << 60
ROWS: Final = 64  # rows of a matrix that are compared at once


@dataclass(frozen=True, slots=True)
class Kind:
    """Vehicles that differ only in their id, and the indices of their travel matrices."""

    vehicles: tuple[int, ...]
    metre_price: int  # in the model's unit of cost
    cost_layer: int
    time_layer: int
    metre_layer: int


@dataclass(frozen=True, slots=True)
class Model:
    """A problem as arrays. Row 0 of arrays by visit is unused.

    ``divisor`` : a cost times this number is in the exact unit of ``model.cost``.
    ``metres``, ``seconds`` : matrices by place; seconds at the speed of each time layer.
    ``full`` : the problem needs ``place.best_gap_full``.
    ``timed``, ``ranged``, ``masked`` : working time has a price or a limit; some vehicle has a
    limit of metres; some visit does not allow all kinds of vehicles.
    """

    visits: tuple[int, ...]  # the index in the problem of visits 1, 2, …
    places: Int64  # [visit] row 0: the start of the first kind
    kinds: tuple[Kind, ...]
    divisor: int
    cost_layers: tuple[tuple[int, int], ...]  # profile, price of a metre
    time_layers: tuple[tuple[int, int], ...]  # profile, speed
    metres: tuple[Int32, ...]  # by profile
    seconds: tuple[Int32, ...]  # by time layer
    alike: bool  # the cost of each leg equals its seconds: one matrix is enough
    full: bool
    timed: bool
    ranged: bool
    masked: bool
    opens: Int32  # [visit] first second at which service may begin
    closes: Int32  # [visit] last second at which service may begin
    service: Int32  # [time layer, visit] seconds
    demand: Int64  # [visit, dimension]
    price: Int64  # [visit] cost of not serving, less the cost of serving
    may: npt.NDArray[np.uint8]  # [visit, kind] 1 if the kind may serve the visit
    start: Int64  # [kind] place
    end: Int64  # [kind] place
    fixed: Int64  # [kind] cost of using the vehicle
    second: Int64  # [kind] cost of a second of work
    longest: Int64  # [kind] largest number of seconds of work
    reach: Int64  # [kind] largest number of metres
    first: Int32  # [kind] first start of work
    latest: Int32  # [kind] latest start of work
    loading: Int32  # [kind] seconds
    home: Int32  # [kind] latest end of work
    room: Int64  # [kind, dimension] capacity

    @property
    def size(self) -> int:
        """The number of visits."""
        return len(self.visits)

    @property
    def blend(self) -> tuple[float, float]:
        """The mean prices of a metre and of a second, used to rank neighbours."""
        metre = float(np.mean([k.metre_price for k in self.kinds]))
        second = float(self.second.mean())
        return (metre, second) if metre + second > 0 else (0.0, 1.0)


def model_of(context: Context) -> Model | None:
    """Return the model of a problem, or None if there are no visits or no usable vehicles."""
    problem = context.problem
    clock = work_clock(problem.vehicles)
    groups = [g for g in _alike(context) if _usable(problem.vehicles[g[0]], clock)]
    if not groups or not problem.visits:
        return None
    chosen = [problem.vehicles[g[0]] for g in groups]
    metre = [_metre_price(problem, v) for v in chosen]
    second = [v.cost_per_hour * PER_SECOND for v in chosen]
    divisor = _divisor(problem, chosen, metre, second)
    costs = sorted({(v.profile, p // divisor) for v, p in zip(chosen, metre, strict=True)})
    times = sorted({(v.profile, v.speed_percent) for v in chosen})
    kinds = tuple(
        Kind(
            tuple(group),
            price // divisor,
            costs.index((v.profile, price // divisor)),
            times.index((v.profile, v.speed_percent)),
            v.profile,
        )
        for group, v, price in zip(groups, chosen, metre, strict=True)
    )
    seconds = tuple(scaled(problem.profiles[p].duration_s, speed) for p, speed in times)
    reach = np.array([_reach(v) for v in chosen], np.int64)
    longest = np.array([_longest(v) for v in chosen], np.int64)
    fields: dict[str, Any] = {
        "start": np.array([v.start for v in chosen], np.int64),
        "end": np.array([v.end for v in chosen], np.int64),
        "fixed": np.array([v.fixed_cost * UNIT // divisor for v in chosen], np.int64),
        "second": np.array([s // divisor for s in second], np.int64),
        "longest": longest,
        "reach": reach,
        "first": np.array([clock(v.opens_s) for v in chosen], np.int32),
        "latest": np.array([_latest(v, clock) for v in chosen], np.int32),
        "loading": np.array([v.loading_s for v in chosen], np.int32),
        "home": np.array([clock(v.closes_s) for v in chosen], np.int32),
        "timed": bool(any(second)) or bool((longest < NO_LIMIT).any()),
        "ranged": bool((reach < NO_LIMIT).any()),
    }
    fields |= _visits(context, clock, kinds, chosen, times, divisor)
    fields |= _possible(problem, kinds, seconds, fields)
    metres = tuple(p.distance_m for p in problem.profiles)
    one = len(costs) == 1 and len(times) == 1
    fields["full"] = not one or fields["timed"] or fields["ranged"] or fields["masked"]
    fields["alike"] = (
        not fields["full"] and costs[0][1] == 1 and _equal(metres[costs[0][0]], seconds[0])
    )
    return Model(
        kinds=kinds,
        divisor=divisor,
        cost_layers=tuple(costs),
        time_layers=tuple(times),
        metres=metres,
        seconds=seconds,
        **fields,
    )


def _equal(one: Int32, other: Int32) -> bool:
    """Return True if two matrices are equal; some rows at a time, up to the first difference."""
    return one is other or all(
        np.array_equal(one[at : at + ROWS], other[at : at + ROWS])
        for at in range(0, len(one), ROWS)
    )


def _alike(context: Context) -> list[list[int]]:
    """Group the vehicles that differ only in their id and that the same visits allow."""
    problem = context.problem
    sets = sorted(set(context.may), key=sorted)
    limits = [s for s in sets if len(s) < len(problem.vehicles)]
    kinds: dict[tuple[VehicleShift, tuple[bool, ...]], list[int]] = {}
    for at, vehicle in enumerate(problem.vehicles):
        member = tuple(at in limit for limit in limits)
        kinds.setdefault((replace(vehicle, id=""), member), []).append(at)
    return list(kinds.values())


def _usable(vehicle: VehicleShift, clock: WorkClock) -> bool:
    begin, end = clock(vehicle.opens_s), clock(vehicle.closes_s)
    return begin <= _latest(vehicle, clock) and begin + vehicle.loading_s <= end


def _latest(vehicle: VehicleShift, clock: WorkClock) -> int:
    latest = vehicle.closes_s if vehicle.latest_start_s is None else vehicle.latest_start_s
    return clock(min(latest, vehicle.closes_s))


def _metre_price(problem: Problem, vehicle: VehicleShift) -> int:
    co2 = vehicle.co2_mg_per_m * problem.co2_cost_per_kg * PER_MILLIGRAM
    return vehicle.cost_per_km * PER_METRE + co2


def _reach(vehicle: VehicleShift) -> int:
    limits = [vehicle.max_distance_m, vehicle.range_m]
    if vehicle.range_m is not None:
        limits.append(vehicle.start_range_m)
    return min((m for m in limits if m is not None), default=NO_LIMIT)


def _longest(vehicle: VehicleShift) -> int:
    if vehicle.max_duration_s is None:
        return NO_LIMIT
    return vehicle.max_duration_s - sum(b.duration_s for b in vehicle.breaks)


def _divisor(
    problem: Problem, chosen: list[VehicleShift], metre: list[int], second: list[int]
) -> int:
    """Return the greatest common divisor of all prices; larger if a leg would exceed TOP_LEG."""
    fixed = [v.fixed_cost * UNIT for v in chosen]
    common = math.gcd(*metre, *second, *fixed) or 1
    longest = max(int(p.distance_m.max()) for p in problem.profiles)
    return common * max(1, -(-longest * max(metre) // (common * TOP_LEG)))


def _visits(
    context: Context,
    clock: WorkClock,
    kinds: tuple[Kind, ...],
    chosen: list[VehicleShift],
    times: list[tuple[int, int]],
    divisor: int,
) -> dict[str, Any]:
    """Return the arrays by visit, with row 0 unused; windows count as one, from first to last."""
    problem = context.problem
    visits = problem.visits
    stops = any(v.max_stops is not None for v in chosen)
    opens = [0, *(clock(v.windows[0].opens_s) if v.windows else 0 for v in visits)]
    closes = [0, *(clock(v.windows[-1].closes_s - 1) if v.windows else NEVER for v in visits)]
    service = np.zeros((len(times), len(visits) + 1), np.int32)
    for layer, (profile, _) in enumerate(times):
        service[layer, 1:] = [
            v.service_s if isinstance(v.service_s, int) else v.service_s[profile] for v in visits
        ]
    demand = np.zeros((len(visits) + 1, len(problem.dimensions) + stops), np.int64)
    for at, visit in enumerate(visits, start=1):
        demand[at, : len(problem.dimensions)] = visit.demand
    room = np.zeros((len(kinds), demand.shape[1]), np.int64)
    for at, vehicle in enumerate(chosen):
        room[at, : len(problem.dimensions)] = vehicle.capacity
    if stops:
        demand[1:, -1] = 1
        room[:, -1] = [len(visits) if v.max_stops is None else v.max_stops for v in chosen]
    worth = [min(TOP_PRICE, (missed_cost(v) - v.service_cost) * UNIT // divisor) for v in visits]
    masks: dict[frozenset[int], list[bool]] = {}
    for may in context.may:
        if may not in masks:
            masks[may] = [kind.vehicles[0] in may for kind in kinds]
    return {
        "places": np.array([chosen[0].start, *(v.place for v in visits)], np.int64),
        "opens": np.array(opens, np.int32),
        "closes": np.minimum(np.array(closes, np.int64), NEVER).astype(np.int32),
        "service": service,
        "demand": demand if demand.shape[1] else _no_load(len(visits)),
        "room": room if room.shape[1] else _no_load(len(kinds) - 1),
        "price": np.array([0, *worth], np.int64),
        "may": np.array([[True] * len(kinds), *(masks[m] for m in context.may)], np.uint8),
        "masked": any(not all(mask) for mask in masks.values()),
    }


def _no_load(rows: int) -> Int64:
    return np.zeros((rows + 1, 1), np.int64)


def _possible(
    problem: Problem, kinds: tuple[Kind, ...], seconds: tuple[Int32, ...], it: dict[str, Any]
) -> dict[str, Any]:
    """Return the arrays by visit without the visits that no kind of vehicle can serve alone."""
    places, able, worth = it["places"], np.zeros(len(it["places"]), bool), it["price"] >= 0
    for at, kind in enumerate(kinds):
        layer = kind.time_layer
        out, back = seconds[layer][it["start"][at], places], seconds[layer][places, it["end"][at]]
        metres = problem.profiles[kind.metre_layer].distance_m
        way = metres[it["start"][at], places].astype(np.int64) + metres[places, it["end"][at]]
        arrive = it["first"][at] + it["loading"][at] + out.astype(np.int64)
        leave = np.maximum(arrive, it["opens"]) + it["service"][layer]
        able |= (
            (arrive <= it["closes"])
            & (leave + back <= it["home"][at])
            & (way <= it["reach"][at])
            & (it["demand"] <= it["room"][at]).all(axis=1)
            & (it["may"][:, at] > 0)
            & worth  # ``price`` is the cost of not serving, less the service cost: not below 0
        )
    able[0] = True
    return {
        "visits": tuple(int(v) - 1 for v in np.flatnonzero(able)[1:]),
        "service": np.ascontiguousarray(it["service"][:, able]),
    } | {
        name: np.ascontiguousarray(it[name][able])
        for name in ("places", "opens", "closes", "demand", "price", "may")
    }
