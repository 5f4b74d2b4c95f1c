"""A problem in flat arrays for compiled code; this module itself is not compiled. PURE.

A vehicle's sequence is a row of integer codes. A visit's code is its index, 0 or more. Code -1 - r
is entry r of ``VehicleShift.reloads``. With R reloads, code -1 - R - c is charger c.
"""

from __future__ import annotations

from itertools import accumulate, chain, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.cost import PER_METRE, PER_MILLIGRAM, PER_SECOND, UNIT
from dispatch.solver.model.problem import Problem, VehicleShift, Visit, missed_cost
from dispatch.solver.rich.packed import Packed
from dispatch.solver.timing.passes import NEVER, Workday
from dispatch.solver.timing.timer import scaled

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

# Columns of Model.visit
PLACE: Final = 0
HARD: Final = 1  # first row of its windows with max_late_s added; HARD_END: after the last
HARD_END: Final = 2
SOFT: Final = 3  # first row of its windows as promised
SOFT_END: Final = 4
LATE_PRICE: Final = 5  # minor units an hour
LATE: Final = 6  # max_late_s: seconds that service may begin late
RELEASE: Final = 7
SERVICE_COST: Final = 8
PARTNER: Final = 9  # the other end of its pair, or -1
ROLE: Final = 10  # 0 alone, 1 pickup, 2 delivery
BRINGS: Final = 11  # 1 where its demand must be loaded before the trip
OWNER: Final = 12  # vehicle that already has its goods on board, or -1
APART: Final = 13  # first entry of its sets in Model.apart
APART_END: Final = 14
TOGETHER: Final = 15
TOGETHER_END: Final = 16
JOB: Final = 17  # the pickup of its pair, the first visit of its group, or itself
GROUP: Final = 18  # first entry in Model.group of its alternatives, including itself
GROUP_END: Final = 19
VISIT: Final = 20  # number of columns

# Columns of Model.vehicle
START: Final = 0
END: Final = 1
OPENS: Final = 2
LATEST: Final = 3
CLOSES: Final = 4
RATE: Final = 5  # profile and speed: row of Model.slices and of Model.fast
PROFILE: Final = 6
LOADING: Final = 7
RELOADING: Final = 8
MAX_METRES: Final = 9
LONGEST: Final = 10  # most seconds from the begin of work to its end
MAX_STOPS: Final = 11
MAX_TRIPS: Final = 12
RANGE: Final = 13  # -1: no battery
CHARGE: Final = 14  # metres that the battery lasts at the start
OVER_AFTER: Final = 15  # paid seconds after which overtime begins
PREFIX: Final = 16
PREFIX_END: Final = 17
ON_BOARD: Final = 18  # 1 where the goods of the first trip are already on board
BREAKS: Final = 19
BREAKS_END: Final = 20
PAUSES: Final = 21  # first row in Model.pauses: (breaks + 1) ** 2 of them
RESTED: Final = 22  # first row in Model.rested: breaks + 1 of them
RELOADS: Final = 23
RELOADS_END: Final = 24
CHARGERS: Final = 25
CHARGERS_END: Final = 26
KIND: Final = 27  # first vehicle with the same fields except the id
VEHICLE: Final = 28  # number of columns

# Columns of Model.price
PER_M: Final = 0
PER_S: Final = 1
OVER_PER_S: Final = 2
FIXED: Final = 3
PRICE: Final = 4  # number of columns


class Model(Packed):
    """A problem in flat arrays that no search changes. Money is in floats of 1/UNIT minor units.

    Windows are first and last second. A row of ``pauses`` is (until, total, floor) as in
    ``timing.passes``. A row of ``rested`` is (latest end of work, seconds of breaks, unpaid seconds
    of breaks), by number of breaks taken.
    """

    visit: Int64  # [visit, VISIT]
    service: Int32  # [visit, profile]
    demand: Int64  # [visit, dimension]
    collect: Int64
    windows: Int64  # [window, 2]
    may: Bool  # [visit, vehicle] True where the vehicle may serve the visit
    missed: Float  # [visit] cost of not serving its job
    vehicle: Int64  # [vehicle, VEHICLE]
    price: Float  # [vehicle, PRICE]
    room: Int64  # [vehicle, dimension] capacity
    breaks: Int64  # [break, 4] first second, last second, length, unpaid length
    pauses: Int64  # [.., 3]
    rested: Int64  # [.., 3]
    prefix: Int64
    reloads: Int64  # places
    chargers: Int64  # [charger, 2] place, metres a minute
    apart: Int64  # sets by visit
    together: Int64
    union: Int64  # visits by set of ``together``
    unions: Int64  # [set + 1] first entry of each set in ``union``
    group: Int64  # alternatives
    seconds: Int32  # [slice, place, place]
    slice_from: Int64  # [slice] second from which it holds
    slices: Int64  # [rate + 1] first slice of each rate
    fast: Int32  # [rate, place, place] seconds at the fastest hour
    metres: Int32  # [profile, place, place]
    fairness: Float  # [1] price of a squared second of paid time
    marks: Int64  # [sets of ``apart``] zeros; only the length is used


def lay_out(problem: Problem) -> Model:
    """Return a problem as flat arrays."""
    owner = _owners(problem)
    deliveries = {p.delivery for p in problem.pairs}
    windows: list[tuple[int, int]] = []
    apart, together = _sets(problem, problem.apart), _sets(problem, problem.together)
    visits = np.zeros((len(problem.visits), VISIT), dtype=np.int64)
    for at, visit in enumerate(problem.visits):
        write_visit(visits[at], problem, at, windows)
        _write_job(visits[at], problem, at, visit, delivery=visit.id in deliveries)
        visits[at, OWNER] = owner[at]
        visits[at, APART : APART_END + 1] = apart[1][at : at + 2]
        visits[at, TOGETHER : TOGETHER_END + 1] = together[1][at : at + 2]
    _alternatives(visits, problem)
    unions = [sorted(u) for u in problem.together]
    rates = sorted({(v.profile, v.speed_percent) for v in problem.vehicles}) or [(0, 100)]
    seconds, slice_from, slices = _seconds(problem, rates)
    fleet = _Fleet(problem, rates)
    demand = np.array([v.demand for v in problem.visits], dtype=np.int64)
    collect = np.array([v.collect or (0,) * len(problem.dimensions) for v in problem.visits])
    return Model(
        visit=visits,
        service=_services(problem),
        demand=demand.reshape(len(problem.visits), len(problem.dimensions)),
        collect=collect.astype(np.int64).reshape(len(problem.visits), len(problem.dimensions)),
        windows=_rows(windows, 2),
        may=_may(problem, owner),
        missed=_missed(problem),
        vehicle=fleet.vehicle,
        price=fleet.price,
        room=np.array([v.capacity for v in problem.vehicles], dtype=np.int64).reshape(
            len(problem.vehicles), len(problem.dimensions)
        ),
        breaks=_rows(fleet.breaks, 4),
        pauses=_rows(fleet.pauses, 3),
        rested=_rows(fleet.rested, 3),
        prefix=np.array(fleet.prefix, dtype=np.int64),
        reloads=np.array(fleet.reloads, dtype=np.int64),
        chargers=_rows(fleet.chargers, 2),
        apart=apart[0],
        together=together[0],
        union=np.array([problem.visit_index[v] for v in chain(*unions)], dtype=np.int64),
        unions=np.array([0, *accumulate(len(u) for u in unions)], dtype=np.int64),
        group=np.array(list(chain(*problem.groups.values())), dtype=np.int64),
        seconds=seconds,
        slice_from=slice_from,
        slices=slices,
        fast=_fast(seconds, slices),
        metres=np.stack([p.distance_m for p in problem.profiles]),
        fairness=np.array([float(problem.fairness_cost) * UNIT / (3600 * 3600)]),
        marks=np.zeros(len(problem.apart), dtype=np.int64),
    )


def _rows(rows: list[Any], width: int) -> Int64:
    return np.array(rows, dtype=np.int64).reshape(-1, width)


def write_visit(row: Int64, problem: Problem, at: int, windows: list[tuple[int, int]]) -> None:
    """Write a visit's own data into its row and append its windows to ``windows``."""
    visit = problem.visits[at]
    row[PLACE] = visit.place
    row[SOFT] = len(windows)
    windows += [(w.opens_s, w.closes_s - 1) for w in visit.windows]
    row[SOFT_END] = row[HARD] = len(windows)
    if visit.max_late_s:
        windows += [(w.opens_s, w.closes_s - 1 + visit.max_late_s) for w in visit.windows]
        row[HARD_END] = len(windows)
    else:
        row[HARD], row[HARD_END] = row[SOFT], row[SOFT_END]
    row[LATE_PRICE], row[LATE] = visit.late_cost_per_hour, visit.max_late_s
    row[RELEASE], row[SERVICE_COST] = visit.release_s, visit.service_cost


def _write_job(row: Int64, problem: Problem, at: int, visit: Visit, *, delivery: bool) -> None:
    """Write the visit's pair or group into its row."""
    row[PARTNER] = problem.partner.get(at, -1)
    row[JOB] = at
    if row[PARTNER] >= 0:
        row[ROLE] = 2 if delivery else 1
        row[JOB] = row[PARTNER] if delivery else at
    elif visit.group:
        row[JOB] = problem.groups[visit.group][0]
    row[BRINGS] = int(any(visit.demand) and row[ROLE] != 2)


def _alternatives(visits: Int64, problem: Problem) -> None:
    begin = 0
    for members in problem.groups.values():
        for at in members:
            visits[at, GROUP], visits[at, GROUP_END] = begin, begin + len(members)
        begin += len(members)


def _owners(problem: Problem) -> list[int]:
    owner = [-1] * len(problem.visits)
    for at, vehicle in enumerate(problem.vehicles):
        for name in vehicle.loaded or ():
            owner[problem.visit_index[name]] = at
    return owner


def _sets(problem: Problem, sets: tuple[frozenset[str], ...]) -> tuple[Int64, Int64]:
    """Return the numbers of each visit's sets in one row, and where each visit's numbers begin."""
    member: list[list[int]] = [[] for _ in problem.visits]
    for number, names in enumerate(sets):
        for name in names:
            member[problem.visit_index[name]].append(number)
    begins = list(accumulate((len(m) for m in member), initial=0))
    flat = [number for m in member for number in m]
    return np.array(flat, dtype=np.int64), np.array(begins, dtype=np.int64)


def _services(problem: Problem) -> Int32:
    rows = [
        v.service_s if isinstance(v.service_s, tuple) else (v.service_s,) * len(problem.profiles)
        for v in problem.visits
    ]
    return np.array(rows, dtype=np.int32).reshape(len(rows), len(problem.profiles))


def _may(problem: Problem, owner: list[int]) -> Bool:
    """Return True for each vehicle that may serve a visit; shape [visit, vehicle].

    Skills, permissions, goods on board and committed stops decide.
    """
    kinds: dict[tuple[frozenset[str], frozenset[str] | None], Bool] = {}
    may = np.zeros((len(problem.visits), len(problem.vehicles)), dtype=np.bool_)
    for at, visit in enumerate(problem.visits):
        kind = (visit.skills, visit.vehicles)
        if kind not in kinds:
            allowed = visit.vehicles
            kinds[kind] = np.array(
                [
                    visit.skills <= vehicle.skills and (allowed is None or vehicle.id in allowed)
                    for vehicle in problem.vehicles
                ],
                dtype=np.bool_,
            )
        may[at] = kinds[kind]
        if owner[at] >= 0:
            may[at, : owner[at]] = may[at, owner[at] + 1 :] = False
    for number, vehicle in enumerate(problem.vehicles):
        for name in vehicle.prefix:
            at = problem.visit_index[name]
            may[at, :number] = may[at, number + 1 :] = False
    return may


def _missed(problem: Problem) -> Float:
    """Return the cost of missing each visit's job: of a pair the sum, of a group the highest."""
    prices = [missed_cost(v) for v in problem.visits]
    whole = list(prices)
    for at, partner in problem.partner.items():
        whole[at] = prices[at] + prices[partner]
    for members in problem.groups.values():
        for at in members:
            whole[at] = max(prices[m] for m in members)
    return np.array(whole, dtype=np.float64) * UNIT


def _seconds(problem: Problem, rates: list[tuple[int, int]]) -> tuple[Int32, Int64, Int64]:
    matrices: list[Int32] = []
    begins: list[int] = []
    first = [0]
    for profile, speed in rates:
        table = problem.profiles[profile]
        matrices.append(scaled(table.duration_s, speed))
        begins.append(-NEVER)
        for part in table.hourly:
            matrices.append(scaled(part.duration_s, speed))
            begins.append(part.from_s)
        first.append(len(matrices))
    return np.stack(matrices), np.array(begins), np.array(first)


def _fast(seconds: Int32, slices: Int64) -> Int32:
    """Return the least seconds of each leg by rate; ``seconds`` itself where no hour differs."""
    if len(slices) - 1 == len(seconds):
        return seconds
    least = [seconds[a:b].min(axis=0) for a, b in pairwise(slices)]
    return np.stack(least)


class _Fleet:
    """The arrays of the vehicles, filled vehicle by vehicle."""

    def __init__(self, problem: Problem, rates: list[tuple[int, int]]) -> None:
        self.problem = problem
        self.vehicle = np.zeros((len(problem.vehicles), VEHICLE), dtype=np.int64)
        self.price = np.zeros((len(problem.vehicles), PRICE))
        self.breaks: list[tuple[int, int, int, int]] = []
        self.pauses: list[tuple[int, int, int]] = []
        self.rested: list[tuple[int, int, int]] = []
        self.prefix: list[int] = []
        self.reloads: list[int] = []
        self.chargers: list[tuple[int, int]] = []
        kinds: dict[Any, int] = {}
        named_ids = frozenset().union(
            *(v.vehicles for v in problem.visits if v.vehicles is not None)
        )
        for at, it in enumerate(problem.vehicles):
            row = self.vehicle[at]
            row[RATE] = rates.index((it.profile, it.speed_percent))
            row[KIND] = kinds.setdefault(_kind(it, named_ids), at)
            self._limits(row, it)
            self._prices(self.price[at], it)
            self._rests(row, it)
            self._places(row, it)

    def _limits(self, row: Int64, it: VehicleShift) -> None:
        shift = Workday.from_vehicle(it)
        row[START], row[END] = it.start, it.end
        row[OPENS], row[LATEST], row[CLOSES] = shift.opens, shift.latest, shift.closes
        row[PROFILE], row[LOADING] = it.profile, it.first_loading_s
        row[RELOADING], row[LONGEST] = it.reloading_s, shift.longest
        row[MAX_METRES] = _limit(it.max_distance_m)
        row[MAX_STOPS], row[MAX_TRIPS] = _limit(it.max_stops), it.max_trips
        row[RANGE] = -1 if it.range_m is None else it.range_m
        row[CHARGE] = row[RANGE] if it.start_range_m is None else it.start_range_m
        row[OVER_AFTER] = _limit(it.overtime_after_s)
        row[ON_BOARD] = int(it.loaded is not None)

    def _prices(self, row: Float, it: VehicleShift) -> None:
        grams = it.co2_mg_per_m * self.problem.co2_cost_per_kg * PER_MILLIGRAM
        row[PER_M] = float(it.cost_per_km) * PER_METRE + float(grams)
        row[PER_S] = float(it.cost_per_hour) * PER_SECOND
        row[OVER_PER_S] = float(it.overtime_cost_per_hour) * PER_SECOND
        row[FIXED] = float(it.fixed_cost) * UNIT

    def _rests(self, row: Int64, it: VehicleShift) -> None:
        shift = Workday.from_vehicle(it)
        row[BREAKS], row[PAUSES], row[RESTED] = (
            len(self.breaks),
            len(self.pauses),
            len(self.rested),
        )
        unpaid = [0 if b.paid else b.duration_s for b in it.breaks]
        for rest, free in zip(it.breaks, unpaid, strict=True):
            self.breaks.append((rest.opens_s, rest.closes_s - 1, rest.duration_s, free))
        for done in range(len(it.breaks) + 1):
            ways = {p.count: (p.until, p.total, p.floor) for p in shift.pauses[done]}
            none = (-NEVER, 0, NEVER)
            self.pauses += [ways.get(count, none) for count in range(len(it.breaks) + 1)]
            self.rested.append((shift.ends[done], shift.rested[done], sum(unpaid[:done])))
        row[BREAKS_END] = len(self.breaks)

    def _places(self, row: Int64, it: VehicleShift) -> None:
        row[PREFIX], row[RELOADS], row[CHARGERS] = (
            len(self.prefix),
            len(self.reloads),
            len(self.chargers),
        )
        self.prefix += [self.problem.visit_index[name] for name in it.prefix]
        self.reloads += it.reloads
        self.chargers += [(c.place, c.m_per_minute) for c in it.chargers]
        row[PREFIX_END], row[RELOADS_END], row[CHARGERS_END] = (
            len(self.prefix),
            len(self.reloads),
            len(self.chargers),
        )


def _limit(value: int | None) -> int:
    return 10**15 if value is None else value


def _kind(it: VehicleShift, named_ids: frozenset[str]) -> Any:
    """Return a key that exchangeable vehicles share: all fields but the id.

    The id is added if visits name the vehicle, or if it has committed stops or goods on board.
    """
    fields = tuple(getattr(it, name) for name in it.__slots__ if name != "id")
    own = it.id in named_ids or it.prefix or it.loaded is not None
    return (fields, it.id if own else "")
