"""The schedule of a sequence that may break rules: the vehicle goes on and serves late. PURE."""

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
    """Return the meaning of a negative code: RELOAD or CHARGE, and the index in the vehicle."""
    at = -1 - code
    reloads = len(vehicle.reloads)
    return (RELOAD, at) if at < reloads else (CHARGE, at - reloads)


def place_of(problem: Problem, vehicle: VehicleShift, code: int) -> int:
    """Return the place of a code: of a visit, a reload or a charger."""
    if code >= 0:
        return problem.visits[code].place
    kind, at = facility(vehicle, code)
    return vehicle.reloads[at] if kind == RELOAD else vehicle.chargers[at].place


def trips(vehicle: VehicleShift, codes: Sequence[int]) -> list[list[int]]:
    """Split codes at the reloads; return the visits of each trip, by index."""
    result: list[list[int]] = [[]]
    for code in codes:
        if code >= 0:
            result[-1].append(code)
        elif facility(vehicle, code)[0] == RELOAD:
            result.append([])
    return result


def trip_loads(problem: Problem, vehicle: int, codes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the load that the vehicle takes for each trip, one value per dimension.

    The goods of a pair are not loaded: the vehicle picks them up on the way.
    """
    deliveries = {problem.visit_index[p.delivery] for p in problem.pairs}
    zeros = (0,) * len(problem.dimensions)
    return [
        tuple(
            sum(column)
            for column in zip(
                zeros, *(problem.visits[v].demand for v in trip if v not in deliveries), strict=True
            )
        )
        for trip in trips(problem.vehicles[vehicle], codes)
    ]


def lenient_route(timer: Timer, vehicle: int, codes: Sequence[int]) -> Tour:
    """Return the schedule of a sequence that may break rules.

    Work begins so that the vehicle reaches the first visit when its window opens, if the shift
    and the release of the goods allow it.
    """
    return _Walk(timer, vehicle, codes).route()


class _Walk:
    """A forward pass over the codes of a vehicle that collects the stops with their times."""

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
        full, at_start = self.vehicle.range_m or 0, self.vehicle.start_range_m
        self.charge_m = full if at_start is None else at_start

    def route(self) -> Tour:
        """Drive all legs and make all stops; return the tour."""
        rests, start = self.vehicle.breaks, self._start()
        depart = now = start + self.vehicle.first_loading_s
        breaks_done = 0
        while (
            breaks_done < len(rests)
            and rests[breaks_done].opens_s + rests[breaks_done].duration_s <= start
        ):
            breaks_done += 1
        for at, leg in enumerate(self.legs):
            now, breaks_done = self._leg(leg, now, breaks_done)
            self.charge_m -= self.metres[at]
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

    def _leg(self, leg: tuple[int, int], now: int, nth: int) -> tuple[int, int]:
        """Drive one leg with the breaks due on it, from the ``nth`` on.

        Return the arrival and the number of breaks taken by then.
        """
        rests, drive = self.vehicle.breaks, self._drive(leg, now)
        arrive = now + drive
        while nth < len(rests) and rests[nth].opens_s <= arrive:
            if self.profile.hourly:
                begin, end = arrive, arrive + rests[nth].duration_s
                arrive = end
            else:
                arrive, ((begin, end),) = place_breaks(rests[nth : nth + 1], now, now + drive)
                now, drive = end, max(0, arrive - end)
                arrive = now + drive
            self.breaks.append(TakenBreak(nth, begin, end, len(self.served)))
            nth += 1
        return arrive, nth

    def _stop(self, code: int, arrive: int) -> int:
        """Record a visit, reload or charge that begins at its arrival; return when it ends."""
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
        missing_m = (self.vehicle.range_m or 0) - self.charge_m
        done = arrive - (-missing_m * 60 // self.vehicle.chargers[at].m_per_minute)
        self.charges.append(Charge(at, arrive, arrive, done, len(self.served)))
        self.charge_m = self.vehicle.range_m or 0
        return done

    def _opening(self, visit: int, arrive: int) -> int:
        """Return the first second from the arrival on at which service may begin.

        If all windows are over, service begins on arrival.
        """
        late = self.problem.visits[visit].max_late_s
        for first, last in self.timer.windows(visit):
            if arrive <= min(NEVER, last + late):
                return max(first, arrive)
        return arrive

    def _drive(self, leg: tuple[int, int], leave: int) -> int:
        """Return the seconds of a leg that begins at ``leave``, through the hourly slices."""
        if not self.profile.hourly:
            return self.timer.drive_s(self.number, *leg)
        now, remaining = leave, LEG_PARTS
        while True:
            seconds, until = self._pace(leg, now)
            there = now - (-remaining * seconds // LEG_PARTS)
            if until is None or there <= until:
                return there - leave
            remaining -= (until - now) * LEG_PARTS // seconds
            now = until

    def _pace(self, leg: tuple[int, int], now: int) -> tuple[int, int | None]:
        """Return the seconds of the whole leg at a moment, and the end of that hourly slice."""
        matrix, until = self.profile.duration_s, None
        for part in self.profile.hourly:
            if part.from_s > now:
                until = part.from_s
                break
            matrix = part.duration_s
        return -(-int(matrix[leg]) * 100 // self.vehicle.speed_percent), until
