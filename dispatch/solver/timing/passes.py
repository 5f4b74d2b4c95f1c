"""The forward and backward passes of ``timer``: the best start of work for a sequence. PURE.

Let E(s) be the earliest end of work that starts at s, with a given number of breaks taken before
work. Being earlier is never worse, so one forward pass over (visit, breaks taken) computes E(s).
E never decreases as s grows: it is constant on plateaus of s. One backward pass from an end finds
the latest start that still reaches this end. This start and end have the least working time on
their plateau. The next plateau begins one second later. Once a schedule has no waiting time, no
later start has less working time, and the search ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from dispatch.solver.model.problem import MAX_TIME_S, VehicleShift

NEVER: Final = 4 * MAX_TIME_S  # a second after all others
Spans = tuple[tuple[int, int], ...]  # (first, last) second at which a service or break may begin


@dataclass(frozen=True, slots=True)
class Pause:
    """A number of consecutive breaks that are taken on one leg.

    ``count`` breaks last ``total`` seconds. They are possible if the leg begins at second
    ``until`` or earlier. The vehicle then reaches the next place at
    ``max(begin + drive + total, floor)``: ``floor`` is the earliest end of the last break.
    """

    count: int
    until: int
    total: int
    floor: int


NO_PAUSE: Final = Pause(0, NEVER, 0, -NEVER)


def _pauses(rests: Spans, lengths: tuple[int, ...], done: int) -> tuple[Pause, ...]:
    """Return the ways to take the next 0, 1, 2 … breaks on one leg when ``done`` are taken.

    If all driving comes after the breaks, each break begins as early as it can: after the breaks
    before it on this leg, and not before its window. This limits the begin of the leg
    (``until``). If the driver drives between the breaks, the leg ends at
    max(begin + drive + total, floor).
    """
    ways = [NO_PAUSE]
    until, total, floor = NEVER, 0, -NEVER
    for (first, last), length in zip(rests[done:], lengths[done:], strict=True):
        if max(floor, first) > last:
            break
        until = min(until, last - total)
        floor = max(floor, first) + length
        total += length
        ways.append(Pause(len(ways), until, total, floor))
    return tuple(ways)


def _latest_end(rests: Spans, lengths: tuple[int, ...], done: int) -> int:
    """Return the latest end of work after which the breaks from ``done`` on still fit."""
    ways = _pauses(rests, lengths, done)
    return ways[-1].until if len(ways) - 1 == len(rests) - done else -NEVER


@dataclass(frozen=True, slots=True)
class Workday:
    """The shift of a vehicle in the form that the passes need; all times in seconds."""

    opens: int  # earliest start of work
    latest: int  # latest start of work
    closes: int  # latest end of work
    loading: int
    longest: int  # longest working time
    pauses: tuple[tuple[Pause, ...], ...]  # ways to take further breaks, by breaks already taken
    ends: tuple[int, ...]  # latest end of work, by breaks already taken
    rested: tuple[int, ...]  # seconds of the first j breaks, for j = 0, 1, 2 …

    @classmethod
    def from_vehicle(cls, vehicle: VehicleShift) -> Workday:
        """Return the workday of a vehicle."""
        rests = tuple((b.opens_s, b.closes_s - 1) for b in vehicle.breaks)
        lengths = tuple(b.duration_s for b in vehicle.breaks)
        counts = range(len(rests) + 1)
        latest = vehicle.latest_start_s
        return cls(
            opens=vehicle.opens_s,
            latest=vehicle.closes_s if latest is None else min(latest, vehicle.closes_s),
            closes=vehicle.closes_s,
            loading=vehicle.loading_s,
            longest=NEVER if vehicle.max_duration_s is None else vehicle.max_duration_s,
            pauses=tuple(_pauses(rests, lengths, j) for j in counts),
            ends=tuple(_latest_end(rests, lengths, j) for j in counts),
            rested=tuple(accumulate(lengths, initial=0)),
        )


@dataclass(slots=True)
class Chain:
    """The sequence of one vehicle: drives, service times and windows in seconds, and metres."""

    drives: list[int]  # one more than visits
    services: list[int]
    windows: list[Spans]
    distance: int

    @property
    def busy(self) -> int:
        """The seconds of driving and service: a lower bound of the working time."""
        return sum(self.drives) + sum(self.services)


@dataclass(frozen=True, slots=True)
class Begin:
    """The start and end of work, and the number of breaks taken before work (``rested``)."""

    start: int
    rested: int
    end: int


def best_begin(shift: Workday, chain: Chain) -> Begin | None:
    """Return the start and end of work with the least working time, then the earliest end."""
    best: Begin | None = None
    for rested in range(len(shift.rested)):
        before = shift.pauses[0][rested] if rested < len(shift.pauses[0]) else None
        if before is None:
            break  # these breaks do not fit one after the other
        start = max(shift.opens, before.floor)
        while start <= shift.latest:
            plateau = _plateau(shift, chain, start, rested)
            if plateau is None:
                break
            begin, idle = plateau
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
    """Return the latest start with the same end as ``start``, and its seconds of waiting."""
    reached = _forward(shift, chain, start, rested)
    if reached is None:
        return None
    end, done = reached
    begin = min(shift.latest, _backward(shift, chain, end, rested))
    idle = end - begin - chain.busy - shift.loading
    return Begin(begin, rested, end), idle - (shift.rested[done] - shift.rested[rested])


def _forward(shift: Workday, chain: Chain, start: int, rested: int) -> tuple[int, int] | None:
    """Return the earliest end of work that starts at ``start``, and the breaks taken by then."""
    states = {rested: start + shift.loading}
    for leg in range(len(chain.drives)):
        states = _onward(shift, chain, leg, states)[0]
    return _finish(shift, states)


def _finish(shift: Workday, states: dict[int, int]) -> tuple[int, int] | None:
    """Return the earliest end of work in the shift after which the other breaks still fit."""
    ends = [(t, j) for j, t in states.items() if t <= min(shift.closes, shift.ends[j])]
    return min(ends) if ends else None


def _onward(
    shift: Workday, chain: Chain, leg: int, states: dict[int, int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Extend the states by one leg and the service at its end.

    A state is the earliest departure by the number of breaks taken. Also return for each new
    state the number of breaks in the state that it extends.
    """
    drive = chain.drives[leg]
    after: dict[int, int] = {}
    origin: dict[int, int] = {}
    for done, leave in states.items():
        for pause in shift.pauses[done]:
            ready = max(leave + drive + pause.total, pause.floor)
            total = done + pause.count
            if leave <= pause.until and ready < after.get(total, NEVER):
                after[total] = ready
                origin[total] = done
    if leg < len(chain.services):
        spans, service = chain.windows[leg], chain.services[leg]
        after = {
            done: start + service
            for done, ready in after.items()
            if (start := opening(spans, ready)) < NEVER
        }
    return after, origin


def _backward(shift: Workday, chain: Chain, end: int, rested: int) -> int:
    """Return the latest start of work that can still end at ``end``."""
    bounds = [min(end, shift.closes, last) for last in shift.ends]
    for leg in range(len(chain.drives) - 1, -1, -1):
        drive = chain.drives[leg]
        leaves = [
            max(
                (
                    min(p.until, bounds[done + p.count] - drive - p.total)
                    for p in ways
                    if p.floor <= bounds[done + p.count]
                ),
                default=-NEVER,
            )
            for done, ways in enumerate(shift.pauses)
        ]
        if leg == 0:
            return leaves[rested] - shift.loading
        spans, service = chain.windows[leg - 1], chain.services[leg - 1]
        bounds = [_closing(spans, leave - service) for leave in leaves]
    raise AssertionError("a chain has at least one drive")


def _closing(spans: Spans, latest: int) -> int:
    """Return the last second up to ``latest`` at which service may begin, else -NEVER."""
    for first, last in reversed(spans):
        if first <= latest:
            return min(last, latest)
    return -NEVER


def choices(shift: Workday, chain: Chain, begin: Begin) -> list[int]:
    """Return the number of breaks on each leg of the best schedule from ``begin``."""
    states = {begin.rested: begin.start + shift.loading}
    origins: list[dict[int, int]] = []
    for leg in range(len(chain.drives)):
        states, origin = _onward(shift, chain, leg, states)
        origins.append(origin)
    finish = _finish(shift, states)
    if finish is None:
        raise AssertionError("best_begin returned a begin that cannot be driven")
    done, counts = finish[1], []
    for origin in reversed(origins):
        counts.append(done - origin[done])
        done = origin[done]
    return counts[::-1]


def opening(spans: Spans, arrive: int) -> int:
    """Return the first second from ``arrive`` on at which service may begin, else NEVER."""
    for first, last in spans:
        if arrive <= last:
            return max(first, arrive)
    return NEVER
