"""The exact schedule of a sequence of visits: windows, breaks and shift. PURE.

For a vehicle and a sequence of visits, ``Timer.schedule`` finds the schedule with the least
working time and, among those, the earliest end. It is exact for any number of windows and
breaks. ``passes`` describes the algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, cast

import numpy as np

from dispatch.solver.model.problem import Break, Int32, Problem, Visit, service_s
from dispatch.solver.model.solution import Served, TakenBreak, Tour
from dispatch.solver.timing.passes import (
    NEVER,
    Begin,
    Chain,
    Spans,
    Workday,
    best_begin,
    choices,
    opening,
)

FULL_SPEED: Final = 100  # per cent: the matrices are used without a copy


class Timer:
    """Schedules sequences of visits for the vehicles of one problem, both by index."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shifts = [Workday.from_vehicle(vehicle) for vehicle in problem.vehicles]
        self._durations = {
            speed: [_view(scaled(p.duration_s, speed)) for p in problem.profiles]
            for speed in {v.speed_percent for v in problem.vehicles}
        }
        self._distances = [_view(p.distance_m) for p in problem.profiles]
        self._windows: list[Spans] = [_spans(visit) for visit in problem.visits]

    def replace_visit(self, problem: Problem, visit: int) -> None:
        """Replace a visit (by index) by that of another problem with the same other visits.

        The row and column of its place have already changed in the travel matrices.
        """
        self.problem = problem
        place = problem.visits[visit].place
        self._windows[visit] = _spans(problem.visits[visit])
        for speed, tables in self._durations.items():
            for profile, table in zip(problem.profiles, tables, strict=True):
                if speed != FULL_SPEED:
                    matrix, row = np.asarray(table), profile.duration_s[place]
                    matrix[place, :] = scaled(row, speed)
                    matrix[:, place] = scaled(profile.duration_s[:, place], speed)

    def drive_s(self, vehicle: int, origin: int, target: int) -> int:
        """Return the seconds of driving between two places for a vehicle."""
        it = self.problem.vehicles[vehicle]
        return int(self._durations[it.speed_percent][it.profile][origin, target])

    def drive_m(self, vehicle: int, origin: int, target: int) -> int:
        """Return the metres between two places for a vehicle."""
        return int(self._distances[self.problem.vehicles[vehicle].profile][origin, target])

    def tables(self, vehicle: int) -> tuple[Int32, Int32]:
        """Return the matrices of seconds and of metres between all places for a vehicle."""
        it = self.problem.vehicles[vehicle]
        return (
            np.asarray(self._durations[it.speed_percent][it.profile]),
            np.asarray(self._distances[it.profile]),
        )

    def windows(self, visit: int) -> Spans:
        """Return the first and last second of each window of a visit; (0, NEVER) without any."""
        return self._windows[visit]

    def chain(self, vehicle: int, visits: Sequence[int]) -> Chain:
        """Return the drives, service times, windows and metres of a sequence."""
        it = self.problem.vehicles[vehicle]
        seconds = self._durations[it.speed_percent][it.profile]
        metres = self._distances[it.profile]
        sequence = [self.problem.visits[v] for v in visits]
        legs = list(pairwise([it.start, *(v.place for v in sequence), it.end]))
        return Chain(
            drives=[seconds[leg] for leg in legs],
            services=[service_s(v, it) for v in sequence],
            windows=[self._windows[v] for v in visits],
            distance=sum(metres[leg] for leg in legs),
        )

    def schedule(self, vehicle: int, visits: Sequence[int]) -> Tour | None:
        """Return the route with the least working time, or None when no schedule is feasible.

        Range, load and skills are not checked here, because they do not depend on time.
        """
        chain = self.chain(vehicle, visits)
        begin = best_begin(self.shifts[vehicle], chain)
        if begin is None:
            return None
        return self._route(vehicle, visits, chain, begin)

    def shortest(self, vehicle: int, visits: Sequence[int]) -> int | None:
        """Return the least working time in seconds, or None when no schedule is feasible."""
        begin = best_begin(self.shifts[vehicle], self.chain(vehicle, visits))
        return None if begin is None else begin.end - begin.start

    def load(self, visits: Sequence[int]) -> tuple[int, ...]:
        """Return the sum of the demands of these visits, one value per dimension."""
        demands = [self.problem.visits[v].demand for v in visits]
        zeros = (0,) * len(self.problem.dimensions)
        return tuple(sum(column) for column in zip(zeros, *demands, strict=True))

    def _route(self, vehicle: int, visits: Sequence[int], chain: Chain, begin: Begin) -> Tour:
        """Return the schedule as a tour: a last forward pass that records all times."""
        shift = self.shifts[vehicle]
        served: list[Served] = []
        breaks: list[TakenBreak] = []
        now, at = begin.start + shift.loading, begin.rested
        for leg, count in enumerate(choices(shift, chain, begin)):
            rests = self.problem.vehicles[vehicle].breaks[at : at + count]
            arrive, placed = place_breaks(rests, now, now + chain.drives[leg])
            breaks += [TakenBreak(at + i, b, e, leg) for i, (b, e) in enumerate(placed)]
            now = max(arrive, placed[-1][1]) if placed else arrive
            at += count
            if leg < len(visits):
                start = opening(chain.windows[leg], now)
                now = start + chain.services[leg]
                served.append(Served(self.problem.visits[visits[leg]].id, arrive, start, now))
        return Tour(
            vehicle=self.problem.vehicles[vehicle].id,
            start_s=begin.start,
            depart_s=begin.start + shift.loading,
            visits=tuple(served),
            end_s=now,
            distance_m=chain.distance,
            load=self.load(visits),
            breaks=tuple(breaks),
        )


def place_breaks(
    rests: Sequence[Break], leave: int, arrive: int
) -> tuple[int, list[tuple[int, int]]]:
    """Place breaks on one leg; return the arrival, and the begin and end of each break.

    A break is taken on arrival if its window allows this. Otherwise it is taken on the way, as
    late as its window and the breaks after it allow.
    """
    latest, bounds = NEVER, []
    for rest in reversed(rests):
        latest = min(latest - rest.duration_s, rest.closes_s - 1)
        bounds.append(latest)
    placed: list[tuple[int, int]] = []
    free = leave
    for rest, bound in zip(rests, reversed(bounds), strict=True):
        start = max(min(max(arrive, free, rest.opens_s), bound), free, rest.opens_s)
        if start < arrive:
            arrive += rest.duration_s
        free = start + rest.duration_s
        placed.append((start, free))
    return arrive, placed


def _spans(visit: Visit) -> Spans:
    """Return the first and last second of each window; (0, NEVER) without any."""
    return tuple((w.opens_s, w.closes_s - 1) for w in visit.windows) or ((0, NEVER),)


def _view(matrix: Int32) -> memoryview[int]:
    """Return a view of a matrix without a copy; its items are plain Python integers."""
    return cast("memoryview[int]", memoryview(matrix))  # type: ignore[arg-type]


def scaled(duration_s: Int32, speed_percent: int) -> Int32:
    """Return durations at a speed: ``ceil(seconds * 100 / speed_percent)``."""
    if speed_percent == FULL_SPEED:
        return duration_s
    wide = duration_s.astype(np.int64) * -100
    return (-(wide // speed_percent)).astype(np.int32)
