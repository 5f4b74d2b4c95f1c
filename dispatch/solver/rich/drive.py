"""The two passes of a scan: forward from a begin of work, backward from its end. PURE, compiled."""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.charging import charge_backward, charge_forward
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.hours import drive_by_hour, drive_by_hour_with_breaks, latest_departure
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

# Most begins of work that ``delayed_begin`` tries where travel differs by the hour: 1 or more. The
# first comes from the backward pass; after each failure the delay is halved. Each costs one forward
# pass. Chosen, not measured.
HALVINGS: Final = 6


@compiled
def break_count(model: Model, vehicle: int) -> int:
    """Return how many breaks a vehicle has."""
    return int(model.vehicle[vehicle, BREAKS_END] - model.vehicle[vehicle, BREAKS])


@compiled
def by_hour(model: Model, rate: int) -> bool:
    """Return True if travel times of a rate differ by the hour."""
    return model.slices[rate + 1] - model.slices[rate] > 1


@compiled
def opening(model: Model, low: int, high: int, floor: int, arrive: int) -> int:
    """Return the first second from the arrival on at which service may begin, NEVER if none."""
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
    """Schedule a route as early as possible from a begin of work.

    Returns the number of breaks taken by the end of work, of several the one with the least paid
    time. Returns -1 if the route is infeasible.
    """
    row = model.vehicle[vehicle]
    rate, breaks = row[RATE], row[BREAKS_END] - row[BREAKS]
    hourly = by_hour(model, rate)
    for j in range(breaks + 1):
        s.time[0, j] = NEVER
    s.time[0, had] = start + row[LOADING]
    for leg in range(count + 1):
        if breaks:
            _drive_with_breaks(model, vehicle, s, leg, had, breaks, hourly)
        elif hourly:
            place, target = s.place[leg], s.place[leg + 1]
            s.time[leg + 1, 0] = drive_by_hour(
                model, rate, place, target, s.time[leg, 0], s.halt, 0
            )
            s.origin[leg + 1, 0] = 0
        else:
            s.time[leg + 1, 0] = s.time[leg, 0] + s.drive[leg]
            s.origin[leg + 1, 0] = 0
        if leg == count:
            break
        if not _serve(model, vehicle, s, hard, leg, had, breaks):
            return -1
    breaks_taken, least = -1, NEVER
    for j in range(had, breaks + 1):
        end = s.time[count + 1, j]
        ends = model.rested[row[RESTED] + j, 0]
        if end <= row[CLOSES] and end <= ends:
            paid = end - model.rested[row[RESTED] + j, 2]
            if breaks_taken < 0 or paid < least:
                breaks_taken, least = j, paid
    return breaks_taken


@compiled
def _drive_with_breaks(
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
                ready = drive_by_hour_with_breaks(model, vehicle, s, leg, leave, j, rests)
            else:
                ready = max(leave + s.drive[leg] + model.pauses[way, 1], model.pauses[way, 2])
            if ready < s.time[leg + 1, j + rests]:
                s.time[leg + 1, j + rests] = ready
                s.origin[leg + 1, j + rests] = j


@compiled
def _serve(
    model: Model, vehicle: int, s: Scratch, hard: int, at: int, had: int, breaks: int
) -> bool:
    """Serve, load or charge at a stop; return False if it is too late with any number of breaks."""
    alive = False
    low, high, floor = s.lows[hard, at], s.highs[hard, at], s.floor[at]
    for j in range(had, breaks + 1):
        if s.time[at + 1, j] < NEVER:
            begin = opening(model, low, high, floor, s.time[at + 1, j])
            s.begin[at, j] = begin
            s.time[at + 1, j] = NEVER if begin == NEVER else begin + s.serve[at]
            alive = alive or begin < NEVER
    if alive and breaks and s.charging[at]:
        charge_forward(model, vehicle, s, at, had, breaks)
    return alive


@compiled
def backward(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, end: int, had: int
) -> int:
    """Return the latest begin of work that still lets work end at ``end``."""
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
                        leave = latest_departure(model, rate, place, target, bound)
                    leave = min(model.pauses[way, 0], leave - model.pauses[way, 1])
                    latest = max(latest, leave)
            if leg > 0 and not (breaks and s.charging[leg - 1]):
                latest = _closing(
                    model,
                    s.lows[hard, leg - 1],
                    s.highs[hard, leg - 1],
                    s.floor[leg - 1],
                    latest - s.serve[leg - 1],
                )
            s.bound[before, j] = latest
        now, before = before, now
        if leg > 0 and breaks and s.charging[leg - 1]:
            charge_backward(model, vehicle, s, leg - 1, now, breaks)
    return s.bound[now, had] - row[LOADING]


@compiled
def _closing(model: Model, low: int, high: int, floor: int, latest: int) -> int:
    """Return the last second at or before ``latest`` at which service may begin, -NEVER if none."""
    if low == high:
        return latest if latest >= floor else -NEVER
    for window in range(high - 1, low - 1, -1):
        if model.windows[window, 0] <= latest:
            return min(latest, model.windows[window, 1])
    return -NEVER


@compiled
def delayed_begin(
    model: Model,
    vehicle: int,
    count: int,
    s: Scratch,
    hard: int,
    start: int,
    had: int,
    end: int,
) -> int:
    """Return a later begin of work with the same end, where travel differs by the hour.

    The backward pass counts only the length of the breaks on a leg, so its begin may be too late.
    The delay is then halved until the end stays the same.
    """
    feasible = start
    infeasible = min(model.vehicle[vehicle, LATEST], end) + 1
    middle = min(infeasible - 1, backward(model, vehicle, count, s, hard, end, had))
    for _ in range(HALVINGS):
        if middle <= feasible:
            break
        breaks_taken = forward(model, vehicle, count, s, hard, middle, had)
        if breaks_taken >= 0 and s.time[count + 1, breaks_taken] <= end:
            feasible = middle
            break
        infeasible = middle
        middle = (feasible + infeasible) // 2
    return feasible
