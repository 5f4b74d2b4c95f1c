"""What a sequence asks for whatever the hour: who, goods, company, metres, battery. PURE, compiled.

``lay_out_route`` walks a vehicle's codes once and writes into the scratch what ``scan`` needs for
the times: each leg's drive, each stop's service and windows, and when loading may begin.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.model import (
    APART,
    APART_END,
    BREAKS,
    BREAKS_END,
    BRINGS,
    CHARGE,
    CHARGERS,
    END,
    HARD,
    HARD_END,
    LATE,
    MAX_METRES,
    MAX_STOPS,
    MAX_TRIPS,
    ON_BOARD,
    OWNER,
    PARTNER,
    PLACE,
    PREFIX,
    PREFIX_END,
    PROFILE,
    RANGE,
    RATE,
    RELEASE,
    RELOADING,
    RELOADS,
    RELOADS_END,
    ROLE,
    SERVICE_COST,
    SOFT,
    SOFT_END,
    START,
    Int64,
    Model,
)
from dispatch.solver.rich.packed import Packed

FACILITIES: Final = 128  # reloads and charges beside the visits of one sequence, at most

# What is wrong with a sequence; 0: nothing
FINE: Final = 0
WHO: Final = 1
COMMITTED: Final = 2
STOPS: Final = 3
TRIPS: Final = 4
ROOM: Final = 5
BOARD: Final = 6
PAIRED: Final = 7
COMPANY: Final = 8
BATTERY: Final = 9
METRES: Final = 10
TIME: Final = 11

# Places in Scratch.out
FAULT: Final = 0
WAY: Final = 1  # metres
SERVED: Final = 2  # price of serving, minor units
FIRST: Final = 3  # second at which the goods of the first trip are released
SOFTLY: Final = 4  # 1 where some visit may be late
BEGIN: Final = 5  # start of work
HAD: Final = 6  # breaks had by then
FINISH: Final = 7  # end of work
TAKEN: Final = 8  # breaks had by then
PAID: Final = 9  # paid seconds
LATENESS: Final = 10  # seconds late times minor units an hour
HARDLY: Final = 11  # 1 where the schedule uses max_late_s
VISITS: Final = 12
OUT: Final = 13


class Scratch(Packed):
    """Room for one scan at a time; each thread needs its own."""

    place: Int64  # [stop + 2]
    drive: Int64  # [leg]
    serve: Int64  # [stop]
    lows: Int64  # [2, stop] first window: soft, hard
    highs: Int64
    floor: Int64  # [stop] not before, for reloads
    cable: Int64  # [stop] 1 where the battery is charged: there the driver may rest
    time: Int64  # [stop + 2, breaks + 1] ready to leave
    begin: Int64  # [stop + 1, breaks + 1] begin of service
    origin: Int64  # [stop + 2, breaks + 1] breaks had on the leg's other end
    plug: Int64  # [stop + 1, breaks + 1] breaks had when a charge began
    plugged: Int64  # [stop + 1] breaks taken on the cable, as ``retrace`` found
    bound: Int64  # [2, breaks + 1]
    halt: Int64  # [breaks + 1, 2]
    load: Int64  # [dimension]
    mark: Int64  # [visit]
    mark_set: Int64  # [set of apart]
    stamp: Int64  # [1]
    out: Int64  # [OUT]


def new_scratch(model: Model) -> Scratch:
    """Return room for scans of a problem's sequences."""
    stops = len(model.visit) + FACILITIES
    breaks = int((model.vehicle[:, BREAKS_END] - model.vehicle[:, BREAKS]).max(initial=0))
    return Scratch(
        place=np.zeros(stops + 2, dtype=np.int64),
        drive=np.zeros(stops + 1, dtype=np.int64),
        serve=np.zeros(stops + 1, dtype=np.int64),
        lows=np.zeros((2, stops + 1), dtype=np.int64),
        highs=np.zeros((2, stops + 1), dtype=np.int64),
        floor=np.zeros(stops + 1, dtype=np.int64),
        cable=np.zeros(stops + 1, dtype=np.int64),
        time=np.zeros((stops + 2, breaks + 1), dtype=np.int64),
        begin=np.zeros((stops + 2, breaks + 1), dtype=np.int64),
        origin=np.zeros((stops + 2, breaks + 1), dtype=np.int64),
        plug=np.zeros((stops + 2, breaks + 1), dtype=np.int64),
        plugged=np.zeros(stops + 2, dtype=np.int64),
        bound=np.zeros((2, breaks + 1), dtype=np.int64),
        halt=np.zeros((breaks + 1, 2), dtype=np.int64),
        load=np.zeros(model.demand.shape[1], dtype=np.int64),
        mark=np.zeros(len(model.visit), dtype=np.int64),
        mark_set=np.zeros(len(model.marks), dtype=np.int64),
        stamp=np.zeros(1, dtype=np.int64),
        out=np.zeros(OUT, dtype=np.int64),
    )


@compiled
def is_reload(model: Model, vehicle: int, code: int) -> bool:
    """Tell whether a code stands for a reload of this vehicle."""
    row = model.vehicle[vehicle]
    return code < 0 and -1 - code < row[RELOADS_END] - row[RELOADS]


@compiled
def place_of(model: Model, vehicle: int, code: int) -> int:
    """Return the place that a code stands for."""
    if code >= 0:
        return model.visit[code, PLACE]
    row = model.vehicle[vehicle]
    reloads = row[RELOADS_END] - row[RELOADS]
    if -1 - code < reloads:
        return model.reloads[row[RELOADS] - 1 - code]
    return model.chargers[row[CHARGERS] - 1 - code - reloads, 0]


@compiled
def lay_out_route(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Lay a sequence out; return what is wrong with it, FINE if nothing is."""
    if count > len(s.drive) - 1:
        return STOPS
    fault = _way(model, vehicle, codes, count, s)
    if fault == FINE:
        fault = _trips(model, vehicle, codes, count, s)
    return fault


@compiled
def _way(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Walk the way: who, committed stops, metres, battery."""
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    prefix = row[PREFIX_END] - row[PREFIX]
    full, left = row[RANGE], row[CHARGE]
    metres, visits, served, softly = 0, 0, 0, 0
    place = row[START]
    s.place[0] = place
    for at in range(count + 1):
        code = codes[at] if at < count else 0
        target = place_of(model, vehicle, code) if at < count else row[END]
        s.drive[at] = model.fast[rate, place, target]
        way = model.metres[profile, place, target]
        metres += way
        left -= way
        if full >= 0 and left < 0:
            return BATTERY
        place = target
        s.place[at + 1] = place
        if at == count:
            break
        s.floor[at] = s.cable[at] = 0
        if code >= 0:
            if not model.may[code, vehicle]:
                return WHO
            if visits < prefix and model.prefix[row[PREFIX] + visits] != code:
                return COMMITTED
            visits += 1
            visit = model.visit[code]
            s.serve[at] = model.service[code, profile]
            s.lows[0, at], s.highs[0, at] = visit[SOFT], visit[SOFT_END]
            s.lows[1, at], s.highs[1, at] = visit[HARD], visit[HARD_END]
            served += visit[SERVICE_COST]
            if visit[LATE] > 0:
                softly = 1
            continue
        if visits < prefix:
            return COMMITTED
        s.lows[0, at] = s.highs[0, at] = s.lows[1, at] = s.highs[1, at] = 0
        reloads = row[RELOADS_END] - row[RELOADS]
        if -1 - code < reloads:
            s.serve[at] = row[RELOADING]
        else:
            pace = model.chargers[row[CHARGERS] - 1 - code - reloads, 1]
            s.serve[at] = -((left - full) * 60 // pace)
            s.cable[at] = 1
            left = full
    s.out[WAY], s.out[SERVED], s.out[SOFTLY], s.out[VISITS] = metres, served, softly, visits
    if visits < prefix:
        return COMMITTED
    if visits > row[MAX_STOPS]:
        return STOPS
    return METRES if metres > row[MAX_METRES] else FINE


@compiled
def _trips(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Look at the goods of each trip and leave when they can be loaded."""
    trip, begin = 0, 0
    while True:
        end = begin
        while end < count and not is_reload(model, vehicle, codes[end]):
            end += 1
        release = _goods(model, vehicle, codes, begin, end, trip, s)
        if release < 0:
            return -release
        fault = _loads(model, vehicle, codes, begin, end, s)
        if fault != FINE:
            return fault
        if trip == 0:
            s.out[FIRST] = release
        else:
            s.floor[begin - 1] = release
        if end >= count:
            break
        trip += 1
        begin = end + 1
    return TRIPS if trip + 1 > model.vehicle[vehicle, MAX_TRIPS] else FINE


@compiled
def _goods(
    model: Model, vehicle: int, codes: Int64, begin: int, end: int, trip: int, s: Scratch
) -> int:
    """Return when a trip's goods are released, or less than 0: what is wrong with its company."""
    on_board = model.vehicle[vehicle, ON_BOARD]
    s.stamp[0] += 1
    stamp = s.stamp[0]
    release, fetched, brought = 0, 0, 0
    for at in range(begin, end):
        code = codes[at]
        if code < 0:
            continue
        visit = model.visit[code]
        if on_board and visit[OWNER] == vehicle:
            if trip > 0:
                return -BOARD
        else:
            release = max(release, visit[RELEASE])
            if on_board and trip == 0 and visit[BRINGS]:
                return -BOARD
        if visit[ROLE] == 1:
            s.mark[code] = stamp
            fetched += 1
        elif visit[ROLE] == 2:
            if s.mark[visit[PARTNER]] != stamp:
                return -PAIRED
            brought += 1
        for member in range(visit[APART], visit[APART_END]):
            number = model.apart[member]
            if s.mark_set[number] == stamp:
                return -COMPANY
            s.mark_set[number] = stamp
    return release if fetched == brought else -PAIRED


@compiled
def _loads(model: Model, vehicle: int, codes: Int64, begin: int, end: int, s: Scratch) -> int:
    """Follow the load of one trip in each dimension."""
    for dimension in range(len(s.load)):
        room = model.room[vehicle, dimension]
        load = 0
        for at in range(begin, end):
            code = codes[at]
            if code >= 0 and model.visit[code, ROLE] != 2:
                load += model.demand[code, dimension]
        if load > room:
            return ROOM
        for at in range(begin, end):
            code = codes[at]
            if code < 0:
                continue
            load += model.collect[code, dimension] - model.demand[code, dimension]
            if model.visit[code, ROLE] == 1:
                load += model.demand[model.visit[code, PARTNER], dimension]
            if load > room:
                return ROOM
    return FINE
