"""Rules of a sequence that do not depend on the hour: goods, metres, battery. PURE, compiled.

``lay_out_route`` walks a vehicle's codes once. It writes into the scratch what ``scan`` needs for
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

FACILITIES: Final = 128  # most reloads and charges in one sequence, besides its visits

# The first rule that a sequence breaks; FINE: none
FINE: Final = 0
WHO: Final = 1  # the vehicle may not serve the visit
COMMITTED: Final = 2  # committed stops are missing or in another order
STOPS: Final = 3  # too many stops
TRIPS: Final = 4  # too many trips
ROOM: Final = 5  # the load exceeds the capacity
BOARD: Final = 6  # goods on board are on another trip, or others are loaded beside them
PAIRED: Final = 7  # a delivery does not follow its pickup on the same trip
COMPANY: Final = 8  # visits that must be apart are on one trip
BATTERY: Final = 9  # the battery runs empty
METRES: Final = 10  # too many metres
TIME: Final = 11  # no schedule exists

# Places in Scratch.out
FAULT: Final = 0
WAY: Final = 1  # metres
SERVED: Final = 2  # sum of service_cost, minor units
FIRST: Final = 3  # second at which the goods of the first trip are released
LATE_ALLOWED: Final = 4  # 1 where some visit may be late
BEGIN: Final = 5  # start of work
HAD: Final = 6  # breaks taken before work begins
FINISH: Final = 7  # end of work
TAKEN: Final = 8  # breaks taken before work ends
PAID: Final = 9  # paid seconds
LATENESS: Final = 10  # seconds late times minor units an hour
LATE_USED: Final = 11  # 1 where the schedule uses max_late_s
VISITS: Final = 12
OUT: Final = 13  # number of places


class Scratch(Packed):
    """Working arrays of one scan at a time; each thread needs its own."""

    place: Int64  # [stop + 2]
    drive: Int64  # [leg]
    serve: Int64  # [stop]
    lows: Int64  # [2, stop] first window: soft, hard
    highs: Int64  # [2, stop] after the last window
    floor: Int64  # [stop] earliest begin of a reload: its goods are released
    charging: Int64  # [stop] 1 at a charger: there the driver may take breaks
    time: Int64  # [stop + 2, breaks + 1] ready to leave, by breaks taken
    begin: Int64  # [stop + 1, breaks + 1] begin of service
    origin: Int64  # [stop + 2, breaks + 1] breaks taken when the leg before began
    plug: Int64  # [stop + 1, breaks + 1] breaks taken when a charge began
    plugged: Int64  # [stop + 1] breaks taken during a charge, set by ``retrace``
    bound: Int64  # [2, breaks + 1] latest times in the backward pass
    halt: Int64  # [breaks + 1, 2] begin and end of breaks on a leg
    load: Int64  # [dimension]
    mark: Int64  # [visit] stamp of the trip that has the pickup
    mark_set: Int64  # [set of apart] stamp of the trip that has a member
    stamp: Int64  # [1] number of the trip being checked
    out: Int64  # [OUT] results, see the places above


def new_scratch(model: Model) -> Scratch:
    """Return working arrays for scans of a problem's sequences."""
    stops = len(model.visit) + FACILITIES
    breaks = int((model.vehicle[:, BREAKS_END] - model.vehicle[:, BREAKS]).max(initial=0))
    return Scratch(
        place=np.zeros(stops + 2, dtype=np.int64),
        drive=np.zeros(stops + 1, dtype=np.int64),
        serve=np.zeros(stops + 1, dtype=np.int64),
        lows=np.zeros((2, stops + 1), dtype=np.int64),
        highs=np.zeros((2, stops + 1), dtype=np.int64),
        floor=np.zeros(stops + 1, dtype=np.int64),
        charging=np.zeros(stops + 1, dtype=np.int64),
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
    """Return True if a code is a reload of this vehicle."""
    row = model.vehicle[vehicle]
    return code < 0 and -1 - code < row[RELOADS_END] - row[RELOADS]


@compiled
def place_of(model: Model, vehicle: int, code: int) -> int:
    """Return the place of a code."""
    if code >= 0:
        return model.visit[code, PLACE]
    row = model.vehicle[vehicle]
    reloads = row[RELOADS_END] - row[RELOADS]
    if -1 - code < reloads:
        return model.reloads[row[RELOADS] - 1 - code]
    return model.chargers[row[CHARGERS] - 1 - code - reloads, 0]


@compiled
def lay_out_route(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Write a sequence into the scratch; return the first rule that it breaks, FINE if none."""
    if count > len(s.drive) - 1:
        return STOPS
    fault = _drives(model, vehicle, codes, count, s)
    if fault == FINE:
        fault = _trips(model, vehicle, codes, count, s)
    return fault


@compiled
def _drives(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Check vehicle, committed stops, metres and battery along the route."""
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    prefix = row[PREFIX_END] - row[PREFIX]
    full, charge = row[RANGE], row[CHARGE]
    metres, visits, served, softly = 0, 0, 0, 0
    place = row[START]
    s.place[0] = place
    for at in range(count + 1):
        code = codes[at] if at < count else 0
        target = place_of(model, vehicle, code) if at < count else row[END]
        s.drive[at] = model.fast[rate, place, target]
        way = model.metres[profile, place, target]
        metres += way
        charge -= way
        if full >= 0 and charge < 0:
            return BATTERY
        place = target
        s.place[at + 1] = place
        if at == count:
            break
        s.floor[at] = s.charging[at] = 0
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
            s.serve[at] = -((charge - full) * 60 // pace)
            s.charging[at] = 1
            charge = full
    s.out[WAY], s.out[SERVED], s.out[LATE_ALLOWED], s.out[VISITS] = metres, served, softly, visits
    if visits < prefix:
        return COMMITTED
    if visits > row[MAX_STOPS]:
        return STOPS
    return METRES if metres > row[MAX_METRES] else FINE


@compiled
def _trips(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> int:
    """Check the goods of each trip and write when they can be loaded."""
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
    """Return when a trip's goods are released, or minus the rule that its visits break."""
    on_board = model.vehicle[vehicle, ON_BOARD]
    s.stamp[0] += 1
    stamp = s.stamp[0]
    release, fetched, delivered = 0, 0, 0
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
            delivered += 1
        for member in range(visit[APART], visit[APART_END]):
            number = model.apart[member]
            if s.mark_set[number] == stamp:
                return -COMPANY
            s.mark_set[number] = stamp
    return release if fetched == delivered else -PAIRED


@compiled
def _loads(model: Model, vehicle: int, codes: Int64, begin: int, end: int, s: Scratch) -> int:
    """Check the load of one trip in each dimension."""
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
