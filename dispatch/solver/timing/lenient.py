"""A sequence timed as it comes, whatever rules it breaks: drive on, serve late. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from dispatch.solver.model.problem import LEG_PARTS, Problem, VehicleShift, service_s
from dispatch.solver.model.solution import Charge, Reload, Served, TakenBreak, Tour
from dispatch.solver.timing.passes import NEVER
from dispatch.solver.timing.timer import Timer, place_breaks

RELOAD: Final = 0
CHARGE: Final = 1


def facility(vehicle: VehicleShift, code: int) -> tuple[int, int]:
    """Return what a negative code stands for: RELOAD or CHARGE, and its index in the vehicle's."""
    at = -1 - code
    reloads = len(vehicle.reloads)
    return (RELOAD, at) if at < reloads else (CHARGE, at - reloads)


def place_of(problem: Problem, vehicle: VehicleShift, code: int) -> int:
    """Return the place that a code stands for."""
    if code >= 0:
        return problem.visits[code].place
    kind, at = facility(vehicle, code)
    return vehicle.reloads[at] if kind == RELOAD else vehicle.chargers[at].place


def trips(vehicle: VehicleShift, codes: Sequence[int]) -> list[list[int]]:
    """Return the visits of each trip."""
    made: list[list[int]] = [[]]
    for code in codes:
        if code >= 0:
            made[-1].append(code)
        elif facility(vehicle, code)[0] == RELOAD:
            made.append([])
    return made


def trip_loads(problem: Problem, vehicle: int, codes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return what the vehicle loads for each trip, per dimension."""
    fetched = {problem.visit_index[p.delivery] for p in problem.pairs}
    zeros = (0,) * len(problem.dimensions)
    return [
        tuple(
            sum(column)
            for column in zip(
                zeros, *(problem.visits[v].demand for v in trip if v not in fetched), strict=True
            )
        )
        for trip in trips(problem.vehicles[vehicle], codes)
    ]


def lenient_route(timer: Timer, vehicle: int, codes: Sequence[int]) -> Tour:
    """Time a vehicle's codes that may break rules.

    Work begins so that the first visit is reached as its window opens, where the shift and the
    release of the goods allow.
    """
    return _Walk(timer, vehicle, codes).route()


class _Walk:
    def __init__(self, timer: Timer, vehicle: int, codes: Sequence[int]) -> None:
        self.timer, self.number, self.codes = timer, vehicle, list(codes)
        self.problem = timer.problem
        self.vehicle = self.problem.vehicles[vehicle]
        self.profile = self.problem.profiles[self.vehicle.profile]
        places = [place_of(self.problem, self.vehicle, code) for code in codes]
        self.legs = list(pairwise([self.vehicle.start, *places, self.vehicle.end]))
        self.metres = [int(self.profile.distance_m[leg]) for leg in self.legs]
        on_board = self.vehicle.loaded or frozenset()
        visits = self.problem.visits
        self.releases = [
            max((visits[v].release_s for v in trip if visits[v].id not in on_board), default=0)
            for trip in trips(self.vehicle, codes)
        ]
        self.loads = trip_loads(self.problem, vehicle, codes)
        self.served: list[Served] = []
        self.breaks: list[TakenBreak] = []
        self.reloads: list[Reload] = []
        self.charges: list[Charge] = []
        full, begun = self.vehicle.range_m or 0, self.vehicle.start_range_m
        self.left = full if begun is None else begun

    def route(self) -> Tour:
        """Walk the way once."""
        rests, start = self.vehicle.breaks, self._start()
        depart = now = start + self.vehicle.first_loading_s
        had = 0
        while had < len(rests) and rests[had].opens_s + rests[had].duration_s <= start:
            had += 1
        for at, leg in enumerate(self.legs):
            now, had = self._leg(leg, now, had)
            self.left -= self.metres[at]
            if at < len(self.codes):
                now = self._stop(self.codes[at], now)
        return Tour(
            vehicle=self.vehicle.id,
            start_s=start,
            depart_s=depart,
            visits=tuple(self.served),
            end_s=now,
            distance_m=sum(self.metres),
            load=self.loads[0],
            breaks=tuple(self.breaks),
            reloads=tuple(self.reloads),
            charges=tuple(self.charges),
        )

    def _start(self) -> int:
        shift, codes = self.timer.shifts[self.number], self.codes
        lead = self.vehicle.first_loading_s + self._drive(self.legs[0], shift.opens)
        spans = self.timer.windows(codes[0]) if codes and codes[0] >= 0 else ()
        first = next((max(a, shift.opens + lead) for a, b in spans if shift.opens + lead <= b), 0)
        wished = max(first - lead, self.releases[0])
        return max(shift.opens, min(wished, shift.latest))

    def _leg(self, leg: tuple[int, int], now: int, had: int) -> tuple[int, int]:
        """Drive one leg with the breaks that fall due on it; return the arrival."""
        rests, drive = self.vehicle.breaks, self._drive(leg, now)
        arrive = now + drive
        while had < len(rests) and rests[had].opens_s <= arrive:
            if self.profile.hourly:
                begin, end = arrive, arrive + rests[had].duration_s
                arrive = end
            else:
                arrive, ((begin, end),) = place_breaks(rests[had : had + 1], now, now + drive)
                now, drive = end, max(0, arrive - end)
                arrive = now + drive
            self.breaks.append(TakenBreak(had, begin, end, len(self.served)))
            had += 1
        return arrive, had

    def _stop(self, code: int, arrive: int) -> int:
        """Do what a stop is for; return when that is done."""
        if code >= 0:
            visit = self.problem.visits[code]
            begin = self._opening(code, arrive)
            done = begin + service_s(visit, self.vehicle)
            self.served.append(Served(visit.id, arrive, begin, done))
            return done
        kind, at = facility(self.vehicle, code)
        if kind == RELOAD:
            trip = len(self.reloads) + 1
            begin = max(arrive, self.releases[trip])
            done = begin + self.vehicle.reloading_s
            place, before = self.vehicle.reloads[at], len(self.served)
            self.reloads.append(Reload(place, arrive, begin, done, before, self.loads[trip]))
            return done
        missing = (self.vehicle.range_m or 0) - self.left
        done = arrive - (-missing * 60 // self.vehicle.chargers[at].m_per_minute)
        self.charges.append(Charge(at, arrive, arrive, done, len(self.served)))
        self.left = self.vehicle.range_m or 0
        return done

    def _opening(self, visit: int, arrive: int) -> int:
        """First second from the arrival on at which service may begin, the arrival if none."""
        late = self.problem.visits[visit].max_late_s
        for first, last in self.timer.windows(visit):
            if arrive <= min(NEVER, last + late):
                return max(first, arrive)
        return arrive

    def _drive(self, leg: tuple[int, int], leave: int) -> int:
        """Seconds of a leg begun then, through the hours where they differ."""
        if not self.profile.hourly:
            return self.timer.drive_s(self.number, *leg)
        now, left = leave, LEG_PARTS
        while True:
            seconds, until = self._pace(leg, now)
            there = now - (-left * seconds // LEG_PARTS)
            if until is None or there <= until:
                return there - leave
            left -= (until - now) * LEG_PARTS // seconds
            now = until

    def _pace(self, leg: tuple[int, int], now: int) -> tuple[int, int | None]:
        matrix, until = self.profile.duration_s, None
        for part in self.profile.hourly:
            if part.from_s > now:
                until = part.from_s
                break
            matrix = part.duration_s
        return -(-int(matrix[leg]) * 100 // self.vehicle.speed_percent), until
