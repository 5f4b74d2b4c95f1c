"""All gaps of a plan as columns: the cost of one visit in each of them, vectorised. PURE.

This works for plain problems. A plan of 10,000 visits has 10,000 gaps. For one visit, trying them
one by one takes 50 ms; trying them at once with numpy takes half a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.cost import PER_METRE, PER_SECOND, UNIT
from dispatch.solver.model.problem import service_s
from dispatch.solver.placing.draft import Context, Draft, DraftTour
from dispatch.solver.timing.segments import Segment

Column = npt.NDArray[Any]  # int64; Python integers (dtype object) where prices exceed int64

# Numbers of a row: origin, target, metres of the leg, segment before the gap, segment after it.
WIDTH: Final = 11
NONE: Final = (np.zeros(0, np.int64),) * 5  # the columns of a fleet without vehicles
DURATION, LATE, EARLIEST, LATEST = range(4)  # the fields of a segment
TOP: Final = 1 << 61  # bound of each of the three products in a price, so that int64 holds the sum


@dataclass(frozen=True, slots=True)
class Fitting:
    """Feasible gaps as columns: vehicle, visits before the gap, added seconds, metres and cost.

    ``exact`` is the added cost in 1/9,000,000 of a minor unit.
    """

    vehicle: Column
    position: Column
    added_s: Column
    added_m: Column
    exact: Column

    def __len__(self) -> int:
        return len(self.exact)

    def ranked(self) -> Column:
        """Return the order of the rows: by cost, then added seconds, vehicle and position."""
        return np.lexsort((self.position, self.vehicle, self.added_s, self.exact))

    def best(self) -> int:
        """Return the index of the cheapest row; there must be at least one row."""
        least = np.flatnonzero(self.exact == self.exact.min())
        ties = (self.position[least], self.vehicle[least], self.added_s[least])
        return int(least[np.lexsort(ties)[0]])


class Rows:
    """The gaps of all tours of a draft; tours that changed are updated with each question."""

    def __init__(self, draft: Draft) -> None:
        context, self.draft = draft.context, draft
        kinds: dict[tuple[int, int], list[int]] = {}
        for at, it in enumerate(context.problem.vehicles):
            kinds.setdefault((it.profile, it.speed_percent), []).append(at)
        self.groups = [_VehicleGroup(context, vehicles) for vehicles in kinds.values()]

    def fitting(self, visit: int) -> Fitting:
        """Return all feasible gaps for a visit that is in no tour, unsorted."""
        return self.in_windows(visit, [_span(self.draft.context, visit)])[0]

    def in_windows(self, visit: int, windows: Sequence[tuple[int, int]]) -> list[Fitting]:
        """Return the same for each of several windows, (first second, last second)."""
        near = [(group, group.near(self.draft, visit)) for group in self.groups]
        result = []
        for window in windows:
            parts = [NONE, *(group.fitting(beside, window) for group, beside in near)]
            columns = zip(*parts, strict=True)
            result.append(Fitting(*(np.concatenate(column) for column in columns)))
        return result


def rows_of(draft: Draft) -> Rows:
    """Return all gaps of a draft of a plain problem, computed on first use."""
    if draft.rows is None:
        draft.rows = Rows(draft)
    rows: Rows = draft.rows
    return rows


def _span(context: Context, visit: int) -> tuple[int, int]:
    """Return the windows of a visit as one, from the first to the last."""
    spans = context.timer.windows(visit)
    return spans[0][0], spans[-1][1]


@dataclass(frozen=True, slots=True)
class _Near:
    """The gaps of a group of vehicles with room for a visit; its windows are not considered.

    ``rows`` are the gaps, ``tour`` and ``cells`` belong to them. ``added_m`` are the added metres,
    ``drive_in`` and ``drive_out`` the seconds to the visit and on from it.
    """

    rows: Column
    tour: Column
    cells: Column
    added_m: Column
    drive_in: Column
    drive_out: Column
    service_s: int


class _VehicleGroup:
    """The gaps of the vehicles with one profile and one speed, as arrays.

    ``cells`` has WIDTH rows and one column for each gap; ``tour_of`` gives the tour of each gap.
    """

    def __init__(self, context: Context, vehicles: list[int]) -> None:
        problem, first = context.problem, vehicles[0]
        shifts_of = [problem.vehicles[v] for v in vehicles]
        self.context, self.vehicles = context, vehicles
        self.seconds, self.metres = context.timer.tables(first)
        self.name = np.array(vehicles)
        capacities = [it.capacity for it in shifts_of]
        self.room = np.array(capacities, np.int64).reshape(len(shifts_of), -1)
        self.range = np.array([context.ranges[v] for v in vehicles], np.int64)
        shifts = [context.timer.shifts[v] for v in vehicles]
        self.loading = np.array([s.loading for s in shifts], np.int64)
        self.longest = np.array([s.longest for s in shifts], np.int64)
        prices = [
            (it.cost_per_km * PER_METRE, it.cost_per_hour * PER_SECOND, it.fixed_cost * UNIT)
            for it in shifts_of
        ]
        self.top = max(max(p) for p in prices)
        self.price = np.array(prices, np.int64 if self.top < TOP else object)
        self.tours: list[DraftTour | None] = [None] * len(vehicles)
        self.blocks: list[Column] = [np.zeros((0, WIDTH), np.int64)] * len(vehicles)
        self.load = np.zeros_like(self.room)
        self.distance = np.zeros(len(vehicles), np.int64)
        self.duration = np.zeros(len(vehicles), np.int64)
        self.feasible = np.zeros(len(vehicles), bool)
        self.unused = np.ones(len(vehicles), bool)

    def near(self, draft: Draft, visit: int) -> _Near:
        """Return the gaps whose tours have room for a visit, and what it adds there."""
        self._update(draft)
        it, context = self.context.problem.visits[visit], self.context
        may = context.may[visit]
        roomy = (self.load + np.array(it.demand, np.int64) <= self.room).all(axis=1)
        possible = self.feasible & roomy
        if len(may) < len(context.problem.vehicles):
            possible &= np.array([v in may for v in self.vehicles])
        rows = np.flatnonzero(possible[self.tour_of])
        tour, cells = self.tour_of[rows], self.cells[:, rows]
        added_m = self.metres[cells[0], it.place] + self.metres[it.place, cells[1]] - cells[2]
        rows = rows[near := self.distance[tour] + added_m <= self.range[tour]]
        tour, cells, added_m = tour[near], cells[:, near], added_m[near]
        drive_in = self.seconds[cells[0], it.place].astype(np.int64)
        drive_out = self.seconds[it.place, cells[1]].astype(np.int64)
        service = service_s(it, context.problem.vehicles[self.vehicles[0]])
        return _Near(rows, tour, cells, added_m, drive_in, drive_out, service)

    def fitting(self, near: _Near, window: tuple[int, int]) -> tuple[Column, ...]:
        """Return the columns of ``Fitting`` for these vehicles and one window."""
        here: Segment = (near.service_s, 0, *window)
        cells = near.cells
        duration, late = _joined(cells[3:7], near.drive_in, here, near.drive_out, cells[7:11])
        work = duration + self.loading[near.tour]
        chosen = np.flatnonzero((late == 0) & (work <= self.longest[near.tour]))
        tour, metres = near.tour[chosen], near.added_m[chosen].astype(np.int64)
        more = work[chosen] - self.duration[tour]
        price = self.price[tour]
        most = int(max(np.abs(metres).max(initial=1), np.abs(more).max(initial=1)))
        if most * self.top >= TOP:
            metres, more, price = (a.astype(object) for a in (metres, more, price))
        exact = metres * price[:, 0] + more * price[:, 1] + self.unused[tour] * price[:, 2]
        return self.name[tour], near.rows[chosen] - self.first[tour], more, metres, exact

    def _update(self, draft: Draft) -> None:
        """Recompute the rows of the tours that have changed."""
        changed = False
        for at, vehicle in enumerate(self.vehicles):
            tour = draft.tours[vehicle]
            if tour is self.tours[at]:
                continue
            changed, self.tours[at] = True, tour
            self.blocks[at] = self._block(tour)
            self.load[at], self.distance[at] = tour.load, tour.distance
            self.feasible[at], self.duration[at] = tour.duration is not None, tour.duration or 0
            self.unused[at] = not tour.visits
        if changed:
            self.cells = np.ascontiguousarray(np.concatenate(self.blocks).T)
            sizes = [len(block) for block in self.blocks]
            self.tour_of = np.repeat(np.arange(len(sizes)), sizes)
            self.first = np.cumsum([0, *sizes[:-1]])

    def _block(self, tour: DraftTour) -> Column:
        """Return the rows of one tour: a gap before each of its places except the first."""
        block = np.zeros((len(tour.places) - 1, WIDTH), np.int64)
        block[:, 0], block[:, 1] = tour.places[:-1], tour.places[1:]
        if tour.visits:
            block[:, 2] = self.metres[block[:, 0], block[:, 1]]
        block[:, 3:7], block[:, 7:11] = tour.before, tour.after
        return block


def _joined(
    before: Column, drive_in: Column, here: Segment, drive_out: Column, behind: Column
) -> tuple[Column, Column]:
    """Return the duration and lateness of each tour with a visit inserted in the gap."""
    first = _merged(drive_in, before, here)
    duration, late, _, _ = _merged(drive_out, first, behind)
    return duration, late


def _merged(drive: Column, first: Any, second: Sequence[Any] | Column) -> tuple[Column, ...]:
    """Concatenate segments as ``segments.merge`` does, column by column."""
    shift = first[DURATION] - first[LATE] + drive
    wait = np.maximum(0, second[EARLIEST] - shift - first[LATEST])
    late = np.maximum(0, first[EARLIEST] + shift - second[LATEST])
    early = np.maximum(second[EARLIEST] - shift, first[EARLIEST])
    latest = np.minimum(second[LATEST] - shift, first[LATEST])
    return (
        first[DURATION] + second[DURATION] + drive + wait,
        first[LATE] + second[LATE] + late,
        early - wait,
        latest + late,
    )
