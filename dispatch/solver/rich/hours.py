"""Travel times that differ by the hour: when a drive arrives or must leave. PURE, compiled."""

from __future__ import annotations

from dispatch.solver.model.problem import LEG_PARTS
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import BREAKS, RATE, Int64, Model
from dispatch.solver.timing.passes import NEVER


@compiled
def latest_departure(model: Model, rate: int, origin: int, target: int, arrive: int) -> int:
    """Return the latest second to leave in order to arrive by ``arrive``."""
    piece, first = model.slices[rate + 1] - 1, model.slices[rate]
    while piece > first and model.slice_from[piece] >= arrive:
        piece -= 1
    now, parts = arrive, LEG_PARTS
    while True:
        seconds = int(model.seconds[piece, origin, target])
        leave = now + (-parts * seconds // LEG_PARTS)
        if piece == first or leave >= model.slice_from[piece]:
            break
        parts -= (now - int(model.slice_from[piece])) * LEG_PARTS // seconds
        now = int(model.slice_from[piece])
        piece -= 1
    while drive_by_hour(model, rate, origin, target, leave, model.breaks, 0) > arrive:
        leave -= 1
    return leave


@compiled
def drive_by_hour(
    model: Model, rate: int, origin: int, target: int, leave: int, halts: Int64, count: int
) -> int:
    """Return the arrival of a drive that pauses during each of the first ``count`` halts.

    A row of ``halts`` has two values: the second at which a halt begins, and the second at which
    the drive continues.
    """
    now, parts, halt = leave, LEG_PARTS, 0
    piece, last = model.slices[rate], model.slices[rate + 1]
    while True:
        while piece + 1 < last and model.slice_from[piece + 1] <= now:
            piece += 1
        seconds = int(model.seconds[piece, origin, target])
        there = now - (-parts * seconds // LEG_PARTS)
        boundary = int(model.slice_from[piece + 1]) if piece + 1 < last else 4 * NEVER
        resting = halt < count and halts[halt, 0] <= boundary
        if resting:
            boundary = int(halts[halt, 0])
        if there <= boundary:
            return there
        if boundary > now:
            parts -= (boundary - now) * LEG_PARTS // seconds
        now = boundary
        if resting:
            now = int(halts[halt, 1])
            halt += 1


@compiled
def drive_by_hour_with_breaks(
    model: Model, vehicle: int, s: Scratch, leg: int, leave: int, had: int, rests: int
) -> int:
    """Return when a leg with ``rests`` breaks on it is over; ``s.halt`` gets their times.

    As in ``timing``: a break is taken on arrival where its window allows. Otherwise it is taken on
    the way, as late as its window and the breaks after it allow.
    """
    row = model.vehicle[vehicle]
    place, target = s.place[leg], s.place[leg + 1]
    arrive = drive_by_hour(model, row[RATE], place, target, leave, s.halt, 0)
    free = leave
    for number in range(rests):
        at = row[BREAKS] + had + number
        bound = NEVER
        for behind in range(row[BREAKS] + had + rests - 1, at - 1, -1):
            bound = min(bound - model.breaks[behind, 2], model.breaks[behind, 1])
        opens = max(free, model.breaks[at, 0])
        start = max(min(max(arrive, opens), bound), opens)
        free = start + model.breaks[at, 2]
        s.halt[number, 0], s.halt[number, 1] = start, free
        if start < arrive:
            arrive = drive_by_hour(model, row[RATE], place, target, leave, s.halt, number + 1)
    return max(arrive, free)
