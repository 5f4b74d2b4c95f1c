"""Breaks taken while the battery charges: they overlap with the charge. PURE, compiled."""

from __future__ import annotations

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import PAUSES, Model
from dispatch.solver.timing.passes import NEVER


@compiled
def charge_forward(model: Model, vehicle: int, s: Scratch, leg: int, had: int, breaks: int) -> None:
    """Compute when a charge is over, for each number of breaks taken by then.

    Breaks taken while charging add time only where they last longer than the charge.
    """
    first, serve = model.vehicle[vehicle, PAUSES], s.serve[leg]
    for j in range(breaks, had - 1, -1):
        least = NEVER
        for before in range(had, j + 1):
            # ``j`` decreases, so these entries of ``s.time`` still hold the end of the charge
            # without breaks during the charge.
            begin = s.time[leg + 1, before] - serve
            way = first + before * (breaks + 1) + j - before
            if s.time[leg + 1, before] >= NEVER or begin > model.pauses[way, 0]:
                continue
            ready = max(begin + max(serve, model.pauses[way, 1]), model.pauses[way, 2])
            if ready < least:
                least = ready
                s.begin[leg, j], s.plug[leg, j] = begin, before
        s.time[leg + 1, j] = least


@compiled
def charge_backward(
    model: Model, vehicle: int, s: Scratch, stop: int, now: int, breaks: int
) -> None:
    """Turn the latest ends of a charge into its latest begins, by number of breaks taken."""
    first, serve = model.vehicle[vehicle, PAUSES], s.serve[stop]
    for j in range(breaks + 1):
        latest = -NEVER
        for rests in range(breaks + 1 - j):
            way, bound = first + j * (breaks + 1) + rests, s.bound[now, j + rests]
            if model.pauses[way, 2] <= bound:
                begin = bound - max(serve, model.pauses[way, 1])
                latest = max(latest, min(model.pauses[way, 0], begin))
        s.bound[now, j] = latest


@compiled
def charging_s(s: Scratch, count: int) -> int:
    """Return the seconds of charging on the whole route."""
    seconds = 0
    for at in range(count):
        seconds += s.charging[at] * s.serve[at]
    return int(seconds)


@compiled
def next_change_s(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, had: int, breaks: int
) -> int:
    """Return the smallest delay of the begin of work, in seconds, that changes the schedule.

    A smaller delay only moves all times later: no window is missed, no break moves to another
    place and no waiting begins. So a begin of work in between cannot give a shorter schedule.
    """
    least, first = NEVER, model.vehicle[vehicle, PAUSES]
    for leg in range(count + 1):
        for j in range(had, breaks + 1):
            leave = s.time[leg, j]
            if leave >= NEVER:
                continue
            if leg and s.highs[hard, leg - 1] > s.lows[hard, leg - 1]:
                for window in range(s.lows[hard, leg - 1], s.highs[hard, leg - 1]):
                    least = _smaller_positive(
                        least, model.windows[window, 1] + 1 - s.begin[leg - 1, j]
                    )
            for more in range(breaks + 1 - j):
                way = first + j * (breaks + 1) + more
                least = _smaller_positive(least, model.pauses[way, 0] + 1 - leave)
                ready = leave + s.drive[leg] + model.pauses[way, 1]
                least = _smaller_positive(least, model.pauses[way, 2] - ready)
                if leg and s.charging[leg - 1]:
                    begin = s.begin[leg - 1, j]
                    least = _smaller_positive(least, model.pauses[way, 0] + 1 - begin)
                    ready = begin + max(s.serve[leg - 1], model.pauses[way, 1])
                    least = _smaller_positive(least, model.pauses[way, 2] - ready)
                    least = _smaller_positive(least, model.pauses[way, 2] - s.time[leg, j + more])
    return 1 if least == NEVER else least


@compiled
def _smaller_positive(least: int, other: int) -> int:
    return other if 0 < other < least else least
