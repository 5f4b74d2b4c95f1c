"""When a given sequence of visits can be driven, exactly: windows, breaks, shift. PURE.

For one vehicle and one order of visits, ``Timer.schedule`` finds the schedule with the least
working time (and, among those, the earliest end), or says that there is none. It is exact for
any number of windows and breaks.

How. Let E(s) be the earliest end of work begun at s, with a given number of breaks spent before
work. Being earlier never hurts, so E comes from one forward pass over (visit, breaks taken), and
it never falls as s grows. One backward pass from an end finds the latest start that still
reaches it; start and end together are the best of their plateau. The next plateau begins one
second later. On a schedule without any waiting nothing later can be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final, cast

import numpy as np

from dispatch.solver.problem import MAX_TIME_S, Break, Int32, Problem, Vehicle, service_s
from dispatch.solver.solution import Route, Served, TakenBreak

NEVER: Final = 4 * MAX_TIME_S
Spans = tuple[tuple[int, int], ...]  # (first, last) second at which something may begin


@dataclass(frozen=True, slots=True)
class Pause:
    """Some breaks in a row taken on one leg.

    Possible when the leg begins at ``until`` or before; the next place is then reached at
    ``max(begin + drive + total, floor)``.
    """

    count: int
    until: int
    total: int
    floor: int


NO_PAUSE: Final = Pause(0, NEVER, 0, -NEVER)


def _pauses(rests: Spans, lengths: tuple[int, ...], taken: int) -> tuple[Pause, ...]:
    """Every way to take the next 0, 1, 2 … breaks on one leg when ``taken`` are done.

    With driving put off, break i begins at max(begin + lengths before it, floors before it): that
    bounds the begin. With driving done meanwhile, the leg ends at the larger of begin + drive +
    all lengths and the floor.
    """
    ways = [NO_PAUSE]
    until, total, floor = NEVER, 0, -NEVER
    for (first, last), length in zip(rests[taken:], lengths[taken:], strict=True):
        if max(floor, first) > last:
            break
        until = min(until, last - total)
        floor = max(floor, first) + length
        total += length
        ways.append(Pause(len(ways), until, total, floor))
    return tuple(ways)


def _ends(rests: Spans, lengths: tuple[int, ...], taken: int) -> int:
    """Latest end of work after which the breaks from ``taken`` on can still be had."""
    ways = _pauses(rests, lengths, taken)
    return ways[-1].until if len(ways) - 1 == len(rests) - taken else -NEVER


@dataclass(frozen=True, slots=True)
class Shift:
    """A vehicle's day as the passes need it."""

    opens: int
    latest: int
    closes: int
    loading: int
    longest: int
    pauses: tuple[tuple[Pause, ...], ...]  # by breaks already taken
    ends: tuple[int, ...]  # by breaks already taken: latest end of work
    rested: tuple[int, ...]  # seconds of the first j breaks

    @classmethod
    def of(cls, vehicle: Vehicle) -> Shift:
        """Return the vehicle's shift."""
        rests = tuple((b.opens_s, b.closes_s - 1) for b in vehicle.breaks)
        lengths = tuple(b.duration_s for b in vehicle.breaks)
        taken = range(len(rests) + 1)
        latest = vehicle.latest_start_s
        return cls(
            opens=vehicle.opens_s,
            latest=vehicle.closes_s if latest is None else min(latest, vehicle.closes_s),
            closes=vehicle.closes_s,
            loading=vehicle.loading_s,
            longest=NEVER if vehicle.max_duration_s is None else vehicle.max_duration_s,
            pauses=tuple(_pauses(rests, lengths, j) for j in taken),
            ends=tuple(_ends(rests, lengths, j) for j in taken),
            rested=tuple(accumulate(lengths, initial=0)),
        )


@dataclass(slots=True)
class Chain:
    """One vehicle's sequence: drives between, services and windows at the visits."""

    drives: list[int]  # one more than visits
    services: list[int]
    windows: list[Spans]
    distance: int

    @property
    def busy(self) -> int:
        """Seconds of driving and service: what no schedule can be shorter than."""
        return sum(self.drives) + sum(self.services)


@dataclass(frozen=True, slots=True)
class Begin:
    """When work begins, how many breaks are had by then, and when it ends."""

    start: int
    rested: int
    end: int


class Timer:
    """Times sequences of visits (by index) for the vehicles (by index) of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shifts = [Shift.of(vehicle) for vehicle in problem.vehicles]
        self._durations = {
            speed: [_view(scaled(p.duration_s, speed)) for p in problem.profiles]
            for speed in {v.speed_percent for v in problem.vehicles}
        }
        self._distances = [_view(p.distance_m) for p in problem.profiles]
        self._windows: list[Spans] = [
            tuple((w.opens_s, w.closes_s - 1) for w in visit.windows) or ((0, NEVER),)
            for visit in problem.visits
        ]

    def drive_s(self, vehicle: int, origin: int, target: int) -> int:
        """Seconds between two places for a vehicle."""
        it = self.problem.vehicles[vehicle]
        return int(self._durations[it.speed_percent][it.profile][origin, target])

    def drive_m(self, vehicle: int, origin: int, target: int) -> int:
        """Metres between two places for a vehicle."""
        return int(self._distances[self.problem.vehicles[vehicle].profile][origin, target])

    def windows(self, visit: int) -> Spans:
        """First and last second of each window of a visit; (0, NEVER) without any."""
        return self._windows[visit]

    def chain(self, vehicle: int, visits: Sequence[int]) -> Chain:
        """Look up what the sequence asks of the vehicle."""
        it = self.problem.vehicles[vehicle]
        seconds = self._durations[it.speed_percent][it.profile]
        metres = self._distances[it.profile]
        made = [self.problem.visits[v] for v in visits]
        legs = list(pairwise([it.start, *(v.place for v in made), it.end]))
        return Chain(
            drives=[seconds[leg] for leg in legs],
            services=[service_s(v, it) for v in made],
            windows=[self._windows[v] for v in visits],
            distance=sum(metres[leg] for leg in legs),
        )

    def schedule(self, vehicle: int, visits: Sequence[int]) -> Route | None:
        """Return the route with the least working time, or None when no schedule is feasible.

        Range, load and skills are not looked at: they do not depend on time.
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

    def as_it_comes(self, vehicle: int, visits: Sequence[int]) -> Route:
        """Time a sequence that may break rules: drive on, serve late, rest when due.

        Work begins so that the first visit is reached as its window opens, where the shift allows.
        """
        shift, chain = self.shifts[vehicle], self.chain(vehicle, visits)
        rests = self.problem.vehicles[vehicle].breaks
        start = self._lenient_start(shift, chain)
        now, at = start + shift.loading, 0
        while at < len(rests) and rests[at].opens_s + rests[at].duration_s <= start:
            at += 1
        served: list[Served] = []
        breaks: list[TakenBreak] = []
        for leg, drive in enumerate(chain.drives):
            arrive = now + drive
            while at < len(rests) and rests[at].opens_s <= arrive:
                arrive, ((begin, end),) = _place(rests[at : at + 1], now, now + drive)
                breaks.append(TakenBreak(at, begin, end, leg))
                now, drive, at = end, max(0, arrive - end), at + 1
                arrive = now + drive
            now = arrive
            if leg < len(visits):
                opening = _opening(chain.windows[leg], arrive)
                begin = arrive if opening == NEVER else opening
                now = begin + chain.services[leg]
                served.append(Served(self.problem.visits[visits[leg]].id, arrive, begin, now))
        return self._written(vehicle, visits, chain, start, served, now, breaks)

    @staticmethod
    def _lenient_start(shift: Shift, chain: Chain) -> int:
        lead = shift.loading + chain.drives[0]
        first = _opening(chain.windows[0], shift.opens + lead) if chain.windows else 0
        wished = shift.opens if first == NEVER else first - lead
        return max(shift.opens, min(wished, shift.latest))

    def load(self, visits: Sequence[int]) -> tuple[int, ...]:
        """Sum the demands of some visits, per dimension."""
        demands = [self.problem.visits[v].demand for v in visits]
        zeros = (0,) * len(self.problem.dimensions)
        return tuple(sum(column) for column in zip(zeros, *demands, strict=True))

    def _route(self, vehicle: int, visits: Sequence[int], chain: Chain, begin: Begin) -> Route:
        """Write the schedule out: one more forward pass that remembers its way."""
        shift = self.shifts[vehicle]
        served: list[Served] = []
        breaks: list[TakenBreak] = []
        now, at = begin.start + shift.loading, begin.rested
        for leg, taken in enumerate(_choices(shift, chain, begin)):
            rests = self.problem.vehicles[vehicle].breaks[at : at + taken]
            arrive, placed = _place(rests, now, now + chain.drives[leg])
            breaks += [TakenBreak(at + i, b, e, leg) for i, (b, e) in enumerate(placed)]
            now = max(arrive, placed[-1][1]) if placed else arrive
            at += taken
            if leg < len(visits):
                start = _opening(chain.windows[leg], now)
                now = start + chain.services[leg]
                served.append(Served(self.problem.visits[visits[leg]].id, arrive, start, now))
        return self._written(vehicle, visits, chain, begin.start, served, now, breaks)

    def _written(
        self,
        vehicle: int,
        visits: Sequence[int],
        chain: Chain,
        start: int,
        served: list[Served],
        end: int,
        breaks: list[TakenBreak],
    ) -> Route:
        return Route(
            vehicle=self.problem.vehicles[vehicle].id,
            start_s=start,
            depart_s=start + self.shifts[vehicle].loading,
            visits=tuple(served),
            end_s=end,
            distance_m=chain.distance,
            load=self.load(visits),
            breaks=tuple(breaks),
        )


def _place(rests: Sequence[Break], leave: int, arrive: int) -> tuple[int, list[tuple[int, int]]]:
    """Put breaks into one leg; return the arrival and each break's begin and end.

    A break is spent on arrival where its window allows, else on the way, as late as it and those
    behind it may begin.
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


def _view(matrix: Int32) -> memoryview[int]:
    """Look into a matrix without a copy; its items come out as Python's own integers."""
    return cast("memoryview[int]", memoryview(matrix))  # type: ignore[arg-type]


def scaled(duration_s: Int32, speed_percent: int) -> Int32:
    """Return a duration matrix at a speed: ``ceil(seconds * 100 / speed_percent)``."""
    if speed_percent == 100:
        return duration_s
    wide = duration_s.astype(np.int64) * -100
    return (-(wide // speed_percent)).astype(np.int32)


def _opening(spans: Spans, arrive: int) -> int:
    """First second at or after ``arrive`` at which service may begin, else NEVER."""
    for first, last in spans:
        if arrive <= last:
            return max(first, arrive)
    return NEVER


def best_begin(shift: Shift, chain: Chain) -> Begin | None:
    """Find the begin and end of work with the least time between, then the earliest end."""
    best: Begin | None = None
    for rested in range(len(shift.rested)):
        before = shift.pauses[0][rested] if rested < len(shift.pauses[0]) else None
        if before is None:
            break  # these breaks cannot all be had one after the other
        start = max(shift.opens, before.floor)
        while start <= shift.latest:
            found = _plateau(shift, chain, start, rested)
            if found is None:
                break
            begin, idle = found
            length = begin.end - begin.start
            if length <= shift.longest and (
                best is None or (length, begin.end) < (best.end - best.start, best.end)
            ):
                best = begin
            if not idle:
                break
            start = begin.start + 1
    return best


def _plateau(shift: Shift, chain: Chain, start: int, rested: int) -> tuple[Begin, int] | None:
    """Return the latest begin that ends as early as ``start`` does, and its seconds of waiting."""
    reached = _forward(shift, chain, start, rested)
    if reached is None:
        return None
    end, taken = reached
    begin = min(shift.latest, _backward(shift, chain, end, rested))
    idle = end - begin - chain.busy - shift.loading
    return Begin(begin, rested, end), idle - (shift.rested[taken] - shift.rested[rested])


def _forward(shift: Shift, chain: Chain, start: int, rested: int) -> tuple[int, int] | None:
    """Return the earliest end of work begun at ``start``, and the breaks had by then."""
    states = {rested: start + shift.loading}
    for leg in range(len(chain.drives)):
        states = _onward(shift, chain, leg, states)[0]
    return _finish(shift, states)


def _finish(shift: Shift, states: dict[int, int]) -> tuple[int, int] | None:
    ends = [(t, j) for j, t in states.items() if t <= min(shift.closes, shift.ends[j])]
    return min(ends) if ends else None


def _onward(
    shift: Shift, chain: Chain, leg: int, states: dict[int, int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Drive one leg and serve: earliest second free, by breaks had; and where each came from."""
    drive = chain.drives[leg]
    after: dict[int, int] = {}
    origin: dict[int, int] = {}
    for taken, leave in states.items():
        for pause in shift.pauses[taken]:
            ready = max(leave + drive + pause.total, pause.floor)
            total = taken + pause.count
            if leave <= pause.until and ready < after.get(total, NEVER):
                after[total] = ready
                origin[total] = taken
    if leg < len(chain.services):
        spans, service = chain.windows[leg], chain.services[leg]
        after = {
            taken: start + service
            for taken, ready in after.items()
            if (start := _opening(spans, ready)) < NEVER
        }
    return after, origin


def _backward(shift: Shift, chain: Chain, end: int, rested: int) -> int:
    """Return the latest begin of work that can still end at ``end``."""
    bounds = [min(end, shift.closes, last) for last in shift.ends]
    for leg in range(len(chain.drives) - 1, -1, -1):
        drive = chain.drives[leg]
        leaves = [
            max(
                (
                    min(p.until, bounds[taken + p.count] - drive - p.total)
                    for p in ways
                    if p.floor <= bounds[taken + p.count]
                ),
                default=-NEVER,
            )
            for taken, ways in enumerate(shift.pauses)
        ]
        if leg == 0:
            return leaves[rested] - shift.loading
        spans, service = chain.windows[leg - 1], chain.services[leg - 1]
        bounds = [_closing(spans, leave - service) for leave in leaves]
    raise AssertionError("a chain has at least one drive")


def _closing(spans: Spans, latest: int) -> int:
    """Last second at or before ``latest`` at which service may begin, else -NEVER."""
    for first, last in reversed(spans):
        if first <= latest:
            return min(last, latest)
    return -NEVER


def _choices(shift: Shift, chain: Chain, begin: Begin) -> list[int]:
    """Return how many breaks the schedule from ``begin`` takes on each leg."""
    states = {begin.rested: begin.start + shift.loading}
    origins: list[dict[int, int]] = []
    for leg in range(len(chain.drives)):
        states, origin = _onward(shift, chain, leg, states)
        origins.append(origin)
    finish = _finish(shift, states)
    if finish is None:
        raise AssertionError("best_begin returned a begin that cannot be driven")
    taken, counts = finish[1], []
    for origin in reversed(origins):
        counts.append(taken - origin[taken])
        taken = origin[taken]
    return counts[::-1]
