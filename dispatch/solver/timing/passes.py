"""The passes behind ``timing``: the best begin of work for one chain of visits. PURE.

How. Let E(s) be the earliest end of work begun at s, with a given number of breaks spent before
work. Being earlier never hurts, so E comes from one forward pass over (visit, breaks taken), and
it never falls as s grows. One backward pass from an end finds the latest start that still
reaches it; start and end together are the best of their plateau. The next plateau begins one
second later. On a schedule without any waiting nothing later can be better.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from dispatch.solver.model.problem import MAX_TIME_S, VehicleShift

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
class Workday:
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
    def from_vehicle(cls, vehicle: VehicleShift) -> Workday:
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


def best_begin(shift: Workday, chain: Chain) -> Begin | None:
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


def _plateau(shift: Workday, chain: Chain, start: int, rested: int) -> tuple[Begin, int] | None:
    """Return the latest begin that ends as early as ``start`` does, and its seconds of waiting."""
    reached = _forward(shift, chain, start, rested)
    if reached is None:
        return None
    end, taken = reached
    begin = min(shift.latest, _backward(shift, chain, end, rested))
    idle = end - begin - chain.busy - shift.loading
    return Begin(begin, rested, end), idle - (shift.rested[taken] - shift.rested[rested])


def _forward(shift: Workday, chain: Chain, start: int, rested: int) -> tuple[int, int] | None:
    """Return the earliest end of work begun at ``start``, and the breaks had by then."""
    states = {rested: start + shift.loading}
    for leg in range(len(chain.drives)):
        states = _onward(shift, chain, leg, states)[0]
    return _finish(shift, states)


def _finish(shift: Workday, states: dict[int, int]) -> tuple[int, int] | None:
    ends = [(t, j) for j, t in states.items() if t <= min(shift.closes, shift.ends[j])]
    return min(ends) if ends else None


def _onward(
    shift: Workday, chain: Chain, leg: int, states: dict[int, int]
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
            if (start := opening(spans, ready)) < NEVER
        }
    return after, origin


def _backward(shift: Workday, chain: Chain, end: int, rested: int) -> int:
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


def choices(shift: Workday, chain: Chain, begin: Begin) -> list[int]:
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


def opening(spans: Spans, arrive: int) -> int:
    """First second at or after ``arrive`` at which service may begin, else NEVER."""
    for first, last in spans:
        if arrive <= last:
            return max(first, arrive)
    return NEVER
