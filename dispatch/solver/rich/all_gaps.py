"""All feasible insertions of a visit, or a pair, with figures of the new route. PURE, compiled.

A gap is a position before, between or after the codes of a route.
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.gap import first_gap, has_room, open_to, put
from dispatch.solver.rich.layout import BEGIN, FINISH, LATENESS, PAID, WAY, Scratch, is_reload
from dispatch.solver.rich.model import PARTNER, PLACE, PROFILE, RATE, Int64, Model
from dispatch.solver.rich.route import join, own_segment
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.state import State

# Columns of the rows
VEHICLE: Final = 0
GAP: Final = 1
DELIVERY_GAP: Final = 2  # counted without the pickup; -1 for a visit alone
LASTS: Final = 3  # seconds of the whole new route
METRES: Final = 4
PAYS: Final = 5  # paid seconds
LATE: Final = 6  # as LATENESS in Scratch.out
COLUMNS: Final = 7  # number of columns


@compiled
def list_gaps(
    model: Model, state: State, s: Scratch, visit: int, limit: int, rows: Int64, count: int
) -> int:
    """Write every feasible insertion of a visit to ``rows``; return the number of rows in use.

    If the visit is the pickup of a pair, both visits of the pair are inserted. ``limit`` is the
    only vehicle tried, -1 for all. Routes must have been refreshed (``route.refresh``), and
    infeasible routes closed. Nothing is written after the last of ``rows``.
    """
    partner = model.visit[visit, PARTNER]
    for vehicle in range(len(state.count)):
        if (limit >= 0 and vehicle != limit) or not model.may[visit, vehicle]:
            continue
        if partner >= 0 and not model.may[partner, vehicle]:
            continue
        if not open_to(model, state, vehicle, 2 if partner >= 0 else 1):
            continue
        for gap in range(first_gap(model, vehicle), state.count[vehicle] + 1):
            if partner >= 0:
                count = _pair(model, state, s, visit, partner, vehicle, gap, rows, count)
            elif _hopeful(model, state, visit, vehicle, gap):
                put(state.codes[vehicle], state.count[vehicle], state.trial, gap, visit)
                size = state.count[vehicle] + 1
                count = _note(model, state, s, vehicle, gap, -1, size, rows, count)
    return count


@compiled
def _note(
    model: Model,
    state: State,
    s: Scratch,
    vehicle: int,
    gap: int,
    delivery_gap: int,
    size: int,
    rows: Int64,
    count: int,
) -> int:
    """Append the sequence in ``state.trial`` to the rows if it is feasible."""
    if count >= len(rows) or scan(model, vehicle, state.trial, size, s) >= INFINITE:
        return count
    row = rows[count]
    row[VEHICLE], row[GAP], row[DELIVERY_GAP] = vehicle, gap, delivery_gap
    row[LASTS], row[METRES] = s.out[FINISH] - s.out[BEGIN], s.out[WAY]
    row[PAYS], row[LATE] = s.out[PAID], s.out[LATENESS]
    return count + 1


@compiled
def _hopeful(model: Model, state: State, visit: int, vehicle: int, gap: int) -> bool:
    """Return False if capacity or the least time already excludes a visit from a gap."""
    if not has_room(model, state, vehicle, gap, visit):
        return False
    row = model.vehicle[vehicle]
    here, rate = model.visit[visit, PLACE], row[RATE]
    last = state.own.shape[1] - 1
    own, segment = state.own[vehicle, last], state.own[vehicle, last - 1]
    own_segment(model, visit, model.service[visit, row[PROFILE]], own)
    drive = model.fast[rate, state.place[vehicle, gap], here]
    if not join(state.before[vehicle, gap], drive, own, segment):
        return False
    drive = model.fast[rate, here, state.place[vehicle, gap + 1]]
    return join(segment, drive, state.after[vehicle, gap], segment)


@compiled
def _pair(
    model: Model,
    state: State,
    s: Scratch,
    pickup: int,
    delivery: int,
    vehicle: int,
    gap: int,
    rows: Int64,
    count: int,
) -> int:
    """Write the feasible insertions of a pair whose pickup is in ``gap``; return the rows in use.

    The delivery is tried in the same gap, behind the pickup, and in each later gap of the trip.
    """
    row = model.vehicle[vehicle]
    rate, size, last = row[RATE], state.count[vehicle], state.own.shape[1] - 1
    here, there = model.visit[pickup, PLACE], model.visit[delivery, PLACE]
    one, other = state.own[vehicle, last], state.own[vehicle, last - 1]
    run, whole = state.own[vehicle, last - 2], state.own[vehicle, last - 3]
    own_segment(model, pickup, model.service[pickup, row[PROFILE]], one)
    own_segment(model, delivery, model.service[delivery, row[PROFILE]], other)
    if not join(
        state.before[vehicle, gap], model.fast[rate, state.place[vehicle, gap], here], one, run
    ):
        return count
    place = here
    for delivery_gap in range(gap, size + 1):
        for d in range(model.demand.shape[1]):
            if (
                state.load[vehicle, delivery_gap, d] + model.demand[delivery, d]
                > model.room[vehicle, d]
            ):
                return count
        target = state.place[vehicle, delivery_gap + 1]
        if join(run, model.fast[rate, place, there], other, whole) and join(
            whole, model.fast[rate, there, target], state.after[vehicle, delivery_gap], whole
        ):
            put(state.codes[vehicle], size, state.trial, delivery_gap, delivery)
            put(state.trial, size + 1, state.trial, gap, pickup)
            count = _note(model, state, s, vehicle, gap, delivery_gap, size + 2, rows, count)
        if delivery_gap == size or is_reload(model, vehicle, state.codes[vehicle, delivery_gap]):
            return count
        if not join(run, model.fast[rate, place, target], state.own[vehicle, delivery_gap], run):
            return count
        place = target
    return count
