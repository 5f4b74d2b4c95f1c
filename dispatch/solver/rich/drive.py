"""The passes of a scan: forwards from a begin of work, backwards from an end. PURE, compiled."""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.cable import plugged, unplugged
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.hours import driven, halting, leaving
from dispatch.solver.rich.layout import (
    Scratch,
)
from dispatch.solver.rich.model import (
    BREAKS,
    BREAKS_END,
    CLOSES,
    LATEST,
    LOADING,
    PAUSES,
    RATE,
    RESTED,
    Model,
)
from dispatch.solver.timing.passes import NEVER

# Begins of work that ``put_off`` tries where travel differs by the hour, 1 or more: the one that
# looking back gives, then halfway between what holds and what does not. Each costs one forward
# pass. Chosen.
HALVINGS: Final = 6


@compiled
def rests_of(model: Model, vehicle: int) -> int:
    return int(model.vehicle[vehicle, BREAKS_END] - model.vehicle[vehicle, BREAKS])


@compiled
def by_hour(model: Model, rate: int) -> bool:
    return model.slices[rate + 1] - model.slices[rate] > 1


@compiled
def opening(model: Model, low: int, high: int, floor: int, arrive: int) -> int:
    """First second at or after the arrival at which service may begin, else NEVER."""
    if low == high:
        return max(arrive, floor)
    for window in range(low, high):
        if arrive <= model.windows[window, 1]:
            return max(arrive, model.windows[window, 0])
    return NEVER


@compiled
def forward(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, start: int, had: int
) -> int:
    """Work from a begin as early as can be; return the breaks had at the end, -1 if it fails."""
    row = model.vehicle[vehicle]
    rate, breaks = row[RATE], row[BREAKS_END] - row[BREAKS]
    hourly = by_hour(model, rate)
    for j in range(breaks + 1):
        s.time[0, j] = NEVER
    s.time[0, had] = start + row[LOADING]
    for leg in range(count + 1):
        if breaks:
            _rest_on(model, vehicle, s, leg, had, breaks, hourly)
        elif hourly:
            place, target = s.place[leg], s.place[leg + 1]
            s.time[leg + 1, 0] = driven(model, rate, place, target, s.time[leg, 0], s.halt, 0)
            s.origin[leg + 1, 0] = 0
        else:
            s.time[leg + 1, 0] = s.time[leg, 0] + s.drive[leg]
            s.origin[leg + 1, 0] = 0
        if leg == count:
            break
        if not _stop(model, vehicle, s, hard, leg, had, breaks):
            return -1
    taken, least = -1, NEVER
    for j in range(had, breaks + 1):
        end = s.time[count + 1, j]
        ends = model.rested[row[RESTED] + j, 0]
        if end <= row[CLOSES] and end <= ends:
            paid = end - model.rested[row[RESTED] + j, 2]
            if taken < 0 or paid < least:
                taken, least = j, paid
    return taken


@compiled
def _rest_on(
    model: Model, vehicle: int, s: Scratch, leg: int, had: int, breaks: int, hourly: bool
) -> None:
    """Drive one leg with each possible number of breaks on it."""
    row = model.vehicle[vehicle]
    for j in range(breaks + 1):
        s.time[leg + 1, j] = NEVER
    for j in range(had, breaks + 1):
        leave = s.time[leg, j]
        if leave >= NEVER:
            continue
        for rests in range(breaks + 1 - j):
            way = row[PAUSES] + j * (breaks + 1) + rests
            if leave > model.pauses[way, 0]:
                break
            if hourly:
                ready = halting(model, vehicle, s, leg, leave, j, rests)
            else:
                ready = max(leave + s.drive[leg] + model.pauses[way, 1], model.pauses[way, 2])
            if ready < s.time[leg + 1, j + rests]:
                s.time[leg + 1, j + rests] = ready
                s.origin[leg + 1, j + rests] = j


@compiled
def _stop(
    model: Model, vehicle: int, s: Scratch, hard: int, at: int, had: int, breaks: int
) -> bool:
    """Serve, load or charge at a stop; False where it is too late for that, whoever rested."""
    alive = False
    low, high, floor = s.lows[hard, at], s.highs[hard, at], s.floor[at]
    for j in range(had, breaks + 1):
        if s.time[at + 1, j] < NEVER:
            begin = opening(model, low, high, floor, s.time[at + 1, j])
            s.begin[at, j] = begin
            s.time[at + 1, j] = NEVER if begin == NEVER else begin + s.serve[at]
            alive = alive or begin < NEVER
    if alive and breaks and s.cable[at]:
        plugged(model, vehicle, s, at, had, breaks)
    return alive


@compiled
def backward(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, end: int, had: int
) -> int:
    """Return the latest begin of work that can still end then."""
    row = model.vehicle[vehicle]
    breaks = row[BREAKS_END] - row[BREAKS]
    rate = row[RATE]
    hourly = by_hour(model, rate)
    now, before = 0, 1
    for j in range(breaks + 1):
        s.bound[now, j] = min(end, min(row[CLOSES], model.rested[row[RESTED] + j, 0]))
    for leg in range(count, -1, -1):
        drive = s.drive[leg]
        for j in range(breaks + 1):
            latest = -NEVER
            for rests in range(breaks + 1 - j):
                way = row[PAUSES] + j * (breaks + 1) + rests
                bound = s.bound[now, j + rests]
                if model.pauses[way, 2] <= bound:
                    leave = bound - drive
                    if hourly and bound > 0:
                        place, target = s.place[leg], s.place[leg + 1]
                        leave = leaving(model, rate, place, target, bound)
                    leave = min(model.pauses[way, 0], leave - model.pauses[way, 1])
                    latest = max(latest, leave)
            if leg > 0 and not (breaks and s.cable[leg - 1]):
                latest = _closing(
                    model,
                    s.lows[hard, leg - 1],
                    s.highs[hard, leg - 1],
                    s.floor[leg - 1],
                    latest - s.serve[leg - 1],
                )
            s.bound[before, j] = latest
        now, before = before, now
        if leg > 0 and breaks and s.cable[leg - 1]:
            unplugged(model, vehicle, s, leg - 1, now, breaks)
    return s.bound[now, had] - row[LOADING]


@compiled
def _closing(model: Model, low: int, high: int, floor: int, latest: int) -> int:
    """Last second at or before ``latest`` at which service may begin, else -NEVER."""
    if low == high:
        return latest if latest >= floor else -NEVER
    for window in range(high - 1, low - 1, -1):
        if model.windows[window, 0] <= latest:
            return min(latest, model.windows[window, 1])
    return -NEVER


@compiled
def put_off(
    model: Model,
    vehicle: int,
    count: int,
    s: Scratch,
    hard: int,
    start: int,
    had: int,
    end: int,
) -> int:
    """Return a late begin of work that ends no later, by looking back through the hours.

    Breaks on a leg are looked at by their length alone; where that says too much, the begin is
    found by halving.
    """
    sure = start
    never = min(model.vehicle[vehicle, LATEST], end) + 1
    middle = min(never - 1, backward(model, vehicle, count, s, hard, end, had))
    for _ in range(HALVINGS):
        if middle <= sure:
            break
        taken = forward(model, vehicle, count, s, hard, middle, had)
        if taken >= 0 and s.time[count + 1, taken] <= end:
            sure = middle
            break
        never = middle
        middle = (sure + never) // 2
    return sure
