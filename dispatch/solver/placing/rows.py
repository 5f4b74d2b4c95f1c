"""Every gap of a plan side by side: what one more visit would take there, at once. PURE.

For plain problems. A plan of 10,000 visits has as many gaps; one by one they take 50 ms a visit,
side by side half a millisecond.
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

Column = npt.NDArray[Any]  # int64; Python's own integers where prices are past it

WIDTH: Final = 11  # origin, target, leg's metres, segment before, segment behind
NONE: Final = (np.zeros(0, np.int64),) * 5  # columns of a fleet of nobody
DURATION, LATE, EARLIEST, LATEST = range(4)
TOP: Final = 1 << 61  # a third of a price's sum at most, to stay in int64


@dataclass(frozen=True, slots=True)
class Fitting:
    """Feasible gaps as columns: vehicle, visits before, and what is added."""

    vehicle: Column
    position: Column
    added_s: Column
    added_m: Column
    exact: Column

    def __len__(self) -> int:
        return len(self.exact)

    def ranked(self) -> Column:
        """Return the order: cheapest first, then shortest, by vehicle, by position."""
        return np.lexsort((self.position, self.vehicle, self.added_s, self.exact))

    def best(self) -> int:
        """Return the number of the cheapest; there must be one."""
        least = np.flatnonzero(self.exact == self.exact.min())
        ties = (self.position[least], self.vehicle[least], self.added_s[least])
        return int(least[np.lexsort(ties)[0]])


class Rows:
    """The gaps of all tours of a draft; follows the draft when tours are changed."""

    def __init__(self, draft: Draft) -> None:
        context, self.draft = draft.context, draft
        kinds: dict[tuple[int, int], list[int]] = {}
        for at, it in enumerate(context.problem.vehicles):
            kinds.setdefault((it.profile, it.speed_percent), []).append(at)
        self.kinds = [_Kind(context, vehicles) for vehicles in kinds.values()]

    def fitting(self, visit: int) -> Fitting:
        """Return all feasible gaps for a visit in no tour, in no order."""
        found = [NONE, *(kind.fitting(self.draft, visit) for kind in self.kinds)]
        columns = zip(*found, strict=True)
        return Fitting(*(np.concatenate(column) for column in columns))


def rows_of(draft: Draft) -> Rows:
    """Return all gaps of a draft of a plain problem, laid out when first asked for."""
    if draft.rows is None:
        draft.rows = Rows(draft)
    rows: Rows = draft.rows
    return rows


class _Kind:
    """The gaps of vehicles on one profile at one speed."""

    def __init__(self, context: Context, vehicles: list[int]) -> None:
        problem, first = context.problem, vehicles[0]
        its = [problem.vehicles[v] for v in vehicles]
        self.context, self.vehicles = context, vehicles
        self.seconds, self.metres = context.timer.tables(first)
        self.name = np.array(vehicles)
        self.room = np.array([it.capacity for it in its], np.int64).reshape(len(its), -1)
        self.range = np.array([context.ranges[v] for v in vehicles], np.int64)
        shifts = [context.timer.shifts[v] for v in vehicles]
        self.loading = np.array([s.loading for s in shifts], np.int64)
        self.longest = np.array([s.longest for s in shifts], np.int64)
        prices = [
            (it.cost_per_km * PER_METRE, it.cost_per_hour * PER_SECOND, it.fixed_cost * UNIT)
            for it in its
        ]
        self.top = max(max(p) for p in prices)
        self.price = np.array(prices, np.int64 if self.top < TOP else object)
        self.tours: list[DraftTour | None] = [None] * len(vehicles)
        self.blocks: list[Column] = [np.zeros((0, WIDTH), np.int64)] * len(vehicles)
        self.load = np.zeros_like(self.room)
        self.distance = np.zeros(len(vehicles), np.int64)
        self.duration = np.zeros(len(vehicles), np.int64)
        self.sound = np.zeros(len(vehicles), bool)
        self.home = np.ones(len(vehicles), bool)

    def fitting(self, draft: Draft, visit: int) -> tuple[Column, ...]:
        """Return the columns of ``Fitting`` for these vehicles."""
        self._follow(draft)
        it, context = self.context.problem.visits[visit], self.context
        may = context.may[visit]
        open_ = self.sound & (self.load + np.array(it.demand, np.int64) <= self.room).all(axis=1)
        if len(may) < len(context.problem.vehicles):
            open_ &= np.array([v in may for v in self.vehicles])
        rows = np.flatnonzero(open_[self.of])
        of, cells = self.of[rows], self.cells[:, rows]
        added_m = self.metres[cells[0], it.place] + self.metres[it.place, cells[1]] - cells[2]
        span = context.timer.windows(visit)
        service = service_s(it, context.problem.vehicles[self.vehicles[0]])
        here: Segment = (service, 0, span[0][0], span[-1][1])
        come = self.seconds[cells[0], it.place].astype(np.int64)
        go = self.seconds[it.place, cells[1]].astype(np.int64)
        duration, late = _joined(cells[3:7], come, here, go, cells[7:11])
        whole = duration + self.loading[of]
        fits = (late == 0) & (whole <= self.longest[of])
        fits &= self.distance[of] + added_m <= self.range[of]
        chosen = np.flatnonzero(fits)
        of, metres = of[chosen], added_m[chosen].astype(np.int64)
        more = whole[chosen] - self.duration[of]
        price = self.price[of]
        most = int(max(np.abs(metres).max(initial=1), np.abs(more).max(initial=1)))
        if most * self.top >= TOP:
            metres, more, price = (a.astype(object) for a in (metres, more, price))
        exact = metres * price[:, 0] + more * price[:, 1] + self.home[of] * price[:, 2]
        return self.name[of], rows[chosen] - self.first[of], more, metres, exact

    def _follow(self, draft: Draft) -> None:
        """Take over the tours that have changed."""
        changed = False
        for at, vehicle in enumerate(self.vehicles):
            tour = draft.tours[vehicle]
            if tour is self.tours[at]:
                continue
            changed, self.tours[at] = True, tour
            self.blocks[at] = self._block(tour)
            self.load[at], self.distance[at] = tour.load, tour.distance
            self.sound[at], self.duration[at] = tour.duration is not None, tour.duration or 0
            self.home[at] = not tour.visits
        if changed:
            self.cells = np.ascontiguousarray(np.concatenate(self.blocks).T)
            sizes = [len(block) for block in self.blocks]
            self.of = np.repeat(np.arange(len(sizes)), sizes)
            self.first = np.cumsum([0, *sizes[:-1]])

    def _block(self, tour: DraftTour) -> Column:
        """Return the rows of one tour: a gap before each place but the first."""
        block = np.zeros((len(tour.places) - 1, WIDTH), np.int64)
        block[:, 0], block[:, 1] = tour.places[:-1], tour.places[1:]
        if tour.visits:
            block[:, 2] = self.metres[block[:, 0], block[:, 1]]
        block[:, 3:7], block[:, 7:11] = tour.before, tour.after
        return block


def _joined(
    before: Column, come: Column, here: Segment, go: Column, behind: Column
) -> tuple[Column, Column]:
    """Return duration and lateness of a tour's two pieces with a visit between them."""
    first = _merged(come, before, here)
    duration, late, _, _ = _merged(go, first, behind)
    return duration, late


def _merged(drive: Column, first: Any, second: Sequence[Any] | Column) -> tuple[Column, ...]:
    """Join segments as ``segments.merge`` does, column by column."""
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
