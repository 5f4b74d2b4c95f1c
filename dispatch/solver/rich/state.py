"""A plan under search: each vehicle's codes, and what prices a change fast. PURE, compiled.

Beside each route stand the segments before and behind each gap (least seconds, earliest and
latest begin; see ``segments``), the loads there, and the most that is on board before and behind
it on the same trip. They price a change exactly where the route is *plain* (no breaks, hours,
batteries, lateness, second windows; goods released late for its first trip alone); elsewhere they
never say too much, and ``scan`` says how much it is. So that it is asked seldom, each stop also
keeps when it is over on the earliest schedule without rest, and what lateness costs there.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.solver.rich.chance import Word, seeded
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.lay import (
    FACILITIES,
    FIRST,
    LATENESS,
    PAID,
    VISITS,
    WAY,
    Scratch,
    is_reload,
)
from dispatch.solver.rich.model import (
    APART,
    APART_END,
    BREAKS,
    BREAKS_END,
    CLOSES,
    HARD,
    HARD_END,
    LATE,
    LATE_PRICE,
    LATEST,
    LOADING,
    ON_BOARD,
    OPENS,
    PARTNER,
    RANGE,
    RATE,
    ROLE,
    SOFT_END,
    Bool,
    Float,
    Int64,
    Model,
)
from dispatch.solver.rich.packed import Packed
from dispatch.solver.rich.scan import INFINITE, opening, retrace, scan, worked_cost
from dispatch.solver.timing.passes import NEVER

WIDE: Final = 1000  # visits up to which a route may hold all of them
SHORT: Final = 512
BLINK: Final = 0.01

# Columns of segments
LASTS: Final = 0
EARLY: Final = 1
LATER: Final = 2

# Places in State.money
NOW: Final = 0  # cost of all routes and of what is missed
BEST: Final = 1
BLINKS: Final = 2  # chance that a gap is overlooked

# A place in State.num; the others are named in ``recreate``
HALT: Final = 5  # set from outside when the time is up: what is being tried counts no more


class Announcements(Packed):
    """What is already promised, by visit, and what it costs to change it."""

    vehicle: Int64  # who was to come, -1: nobody
    move: Float  # price of another vehicle
    opens: Int64  # promised begin of service: first and last second
    closes: Int64
    slip: Float  # price of a second outside of that
    asked: Bool  # [1] whether there is any price at all


class State(Packed):
    """Routes by vehicle; positions count codes, gap p is before the code at p."""

    codes: Int64  # [vehicle, width]
    count: Int64  # [vehicle]
    visits: Int64  # [vehicle] visits among the codes
    cost: Float  # [vehicle]
    worked: Float  # [vehicle] the part of it that depends on time
    way: Int64  # [vehicle] metres
    exact: Bool  # [vehicle] the route is plain
    where: Int64  # [visit] its vehicle or -1
    position: Int64  # [visit]
    place: Int64  # [vehicle, width + 2]
    own: Int64  # [vehicle, width, 3] segment of each stop
    before: Int64  # [vehicle, width + 1, 3] of all before the gap
    after: Int64  # [vehicle, width + 1, 3] of all behind it
    load: Int64  # [vehicle, width + 1, dimension] on board in the gap
    early: Int64  # [vehicle, width + 1] earliest second free: at the start, then at each stop
    tardy: Int64  # [vehicle, width] late seconds times their price an hour at each stop then
    tardies: Int64  # [vehicle] their sum
    busy: Int64  # [vehicle] seconds driving and serving
    trip: Int64  # [vehicle] codes of the first trip
    loose: Bool  # [vehicle] some stop of it is
    loose_visit: Bool  # [visit] it may be late or has several windows
    most_before: Int64  # ... at most since the trip began
    most_after: Int64  # ... at most until the trip ends
    plain_visit: Bool
    plain_vehicle: Bool
    locked: Bool  # [visit] stays where it is
    closed: Bool  # [vehicle] stays as it is
    near: Int64  # [visit, neighbour] nearest first, -1 ends
    saved: Int64  # [vehicle, width] codes before the iteration
    saved_count: Int64
    stamp: Int64  # [vehicle] iteration that touched it last
    touched: Int64  # vehicles touched in this iteration
    trial: Int64  # [width + 8]
    other: Int64
    base: Int64
    pick: Int64  # see ``recreate``
    seen: Int64  # [vehicle]
    absent: Int64  # jobs that are not served
    kept: Int64  # jobs that were absent before the iteration
    key: Float
    rests: Int64
    best: Int64  # [vehicle, width]
    best_count: Int64
    num: Int64  # see ``recreate`` and ``settle``
    money: Float
    word: Word


def width_of(model: Model) -> int:
    """Return how many codes a route may hold."""
    visits, vehicles = model.may.shape
    if visits <= WIDE:
        return visits + FACILITIES
    return min(visits + FACILITIES, max(SHORT, 8 * visits // max(1, vehicles)))


def fresh(model: Model, near: Int64, seed: int, thread: int) -> State:
    """Return a state in which nobody is served."""
    visits, vehicles = model.may.shape
    width, dimensions = width_of(model), model.demand.shape[1]

    def whole(*shape: int) -> Int64:
        return np.zeros(shape, dtype=np.int64)

    return State(
        codes=whole(vehicles, width),
        count=whole(vehicles),
        visits=whole(vehicles),
        cost=np.zeros(vehicles),
        worked=np.zeros(vehicles),
        way=whole(vehicles),
        exact=np.zeros(vehicles, dtype=np.bool_),
        where=np.full(visits, -1, dtype=np.int64),
        position=whole(visits),
        place=whole(vehicles, width + 2),
        own=whole(vehicles, width, 3),
        before=whole(vehicles, width + 1, 3),
        after=whole(vehicles, width + 1, 3),
        load=whole(vehicles, width + 1, dimensions),
        early=whole(vehicles, width + 1),
        tardy=whole(vehicles, width),
        tardies=whole(vehicles),
        busy=whole(vehicles),
        trip=whole(vehicles),
        loose=np.zeros(vehicles, dtype=np.bool_),
        loose_visit=_loose(model),
        most_before=whole(vehicles, width + 1, dimensions),
        most_after=whole(vehicles, width + 1, dimensions),
        plain_visit=_plain_visits(model),
        plain_vehicle=_plain_vehicles(model),
        locked=np.zeros(visits, dtype=np.bool_),
        closed=np.zeros(vehicles, dtype=np.bool_),
        near=near,
        saved=whole(vehicles, width),
        saved_count=whole(vehicles),
        stamp=whole(vehicles),
        touched=whole(vehicles + 1),
        trial=whole(width + 8),
        other=whole(width + 8),
        base=whole(width + 8),
        pick=whole(8),
        seen=whole(vehicles),
        absent=whole(visits + 1),
        kept=whole(visits + 1),
        key=np.zeros(visits + 1),
        rests=whole(width + 8),
        best=whole(vehicles, width),
        best_count=whole(vehicles),
        num=whole(16),
        money=np.array([0.0, 0.0, BLINK, 0.0]),
        word=seeded(seed, thread),
    )


def nothing_promised(model: Model) -> Announcements:
    """Return the promise that costs nothing to break."""
    none = np.full(len(model.visit), -1, dtype=np.int64)
    free = np.zeros(len(model.visit))
    return Announcements(
        vehicle=none,
        move=free,
        opens=none.copy(),
        closes=none.copy(),
        slip=free.copy(),
        asked=np.zeros(1, dtype=np.bool_),
    )


def _plain_visits(model: Model) -> Bool:
    visit = model.visit
    return np.asarray(
        (visit[:, HARD_END] - visit[:, HARD] <= 1)
        & (visit[:, LATE] == 0)
        & (visit[:, APART] == visit[:, APART_END])
    )


def _loose(model: Model) -> Bool:
    visit = model.visit
    return np.asarray((visit[:, HARD_END] - visit[:, HARD] > 1) | (visit[:, LATE] > 0))


def look_again(model: Model, state: State, visit: int) -> None:
    """Note what kind of windows a visit has, after it was exchanged in the model."""
    state.plain_visit[visit] = _plain_visits(model)[visit]
    state.loose_visit[visit] = _loose(model)[visit]


def _plain_vehicles(model: Model) -> Bool:
    row = model.vehicle
    several = np.diff(model.slices)[row[:, RATE]] > 1
    return np.asarray(
        (row[:, BREAKS] == row[:, BREAKS_END])
        & (row[:, RANGE] < 0)
        & (row[:, ON_BOARD] == 0)
        & ~several
    )


@compiled
def priced(
    model: Model,
    promise: Announcements,
    state: State,
    s: Scratch,
    vehicle: int,
    codes: Int64,
    count: int,
) -> float:
    """Return what a sequence costs with what it breaks of the promises, INFINITE if it fails."""
    cost = scan(model, vehicle, codes, count, s)
    if not promise.asked[0] or cost >= INFINITE or count == 0:
        return cost
    retrace(model, vehicle, count, s, state.rests)
    had = s.out[6]
    for at in range(count):
        had += state.rests[at]
        had += s.plugged[at]
        code = codes[at]
        if code < 0:
            continue
        if promise.vehicle[code] != vehicle and promise.vehicle[code] >= 0:
            cost += promise.move[code]
        begin = s.begin[at, had]
        if promise.closes[code] >= 0:
            off = max(promise.opens[code] - begin, begin - promise.closes[code])
            cost += max(0, off) * promise.slip[code]
    return cost


@compiled
def refresh(model: Model, promise: Announcements, state: State, s: Scratch, vehicle: int) -> bool:
    """Price a vehicle's route anew and lay out its gaps; False where it does not hold."""
    count = state.count[vehicle]
    cost = priced(model, promise, state, s, vehicle, state.codes[vehicle], count)
    if cost >= INFINITE:
        return False
    state.cost[vehicle] = cost
    state.way[vehicle] = s.out[WAY]
    state.visits[vehicle] = s.out[VISITS]
    state.worked[vehicle] = 0.0
    if count:
        free = model.price[vehicle, 3] + s.out[WAY] * model.price[vehicle, 0] + s.out[2] * 9e6
        state.worked[vehicle] = cost - free
        if not promise.asked[0]:
            state.worked[vehicle] = (
                worked_cost(model, vehicle, s.out[PAID]) + s.out[LATENESS] * 2500.0
            )
    _segments(model, state, s, vehicle, count, promise.asked[0])
    if model.demand.shape[1]:
        _loads(model, state, vehicle, count)
    return True


@compiled
def own_segment(model: Model, visit: int, serve: int, own: Int64) -> None:
    """Write the segment of one stop, its windows taken as one from first to last."""
    own[LASTS] = serve
    if visit < 0 or model.visit[visit, HARD] == model.visit[visit, HARD_END]:
        own[EARLY], own[LATER] = 0, NEVER
        return
    own[EARLY] = model.windows[model.visit[visit, HARD], 0]
    own[LATER] = model.windows[model.visit[visit, HARD_END] - 1, 1]


@compiled
def _segments(
    model: Model, state: State, s: Scratch, vehicle: int, count: int, asked: bool
) -> None:
    row = model.vehicle[vehicle]
    before, after = state.before[vehicle], state.after[vehicle]
    before[0, LASTS] = 0
    first = max(row[OPENS], s.out[FIRST]) + row[LOADING]
    before[0, EARLY] = first
    before[0, LATER] = row[LATEST] + row[LOADING]
    after[count, LASTS], after[count, EARLY], after[count, LATER] = 0, 0, row[CLOSES]
    plain, loose = state.plain_vehicle[vehicle] and not asked, False
    state.trip[vehicle] = count
    state.early[vehicle, 0] = first
    busy, tardies = s.drive[count] if count else 0, 0
    state.place[vehicle, 0] = row[0]
    state.place[vehicle, count + 1] = row[1]
    for at in range(count):
        code = state.codes[vehicle, at]
        own_segment(model, code, s.serve[at], state.own[vehicle, at])
        state.place[vehicle, at + 1] = s.place[at + 1]
        busy += s.drive[at] + s.serve[at]
        ready = state.early[vehicle, at] + s.drive[at]
        begin = soonest(model, code, max(ready, s.floor[at]))
        state.early[vehicle, at + 1] = begin + s.serve[at]
        state.tardy[vehicle, at] = tardiness(model, code, begin)
        tardies += state.tardy[vehicle, at]
        if code < 0:
            state.own[vehicle, at, EARLY] = s.floor[at]
            if is_reload(model, vehicle, code):
                state.trip[vehicle] = min(state.trip[vehicle], at)
        else:
            loose = loose or state.loose_visit[code]
            state.where[code] = vehicle
            state.position[code] = at
            plain = plain and state.plain_visit[code]
        join(before[at], s.drive[at], state.own[vehicle, at], before[at + 1])
    state.exact[vehicle], state.loose[vehicle] = plain, loose
    state.busy[vehicle], state.tardies[vehicle] = busy, tardies
    for at in range(count - 1, -1, -1):
        join(state.own[vehicle, at], s.drive[at + 1], after[at + 1], after[at])


@compiled
def soonest(model: Model, code: int, ready: int) -> int:
    """Return when service may begin at or after a second, NEVER if never; at once at a facility."""
    if code < 0:
        return ready
    return opening(model, model.visit[code, HARD], model.visit[code, HARD_END], 0, ready)


@compiled
def tardiness(model: Model, code: int, begin: int) -> int:
    """Return the late seconds times their price an hour of a begin at a second or behind it.

    A vehicle may wait for a later window; behind the last one lateness only grows.
    """
    if code < 0 or model.visit[code, LATE] == 0:
        return 0
    last = model.windows[model.visit[code, SOFT_END] - 1, 1]
    return int(max(0, begin - last) * model.visit[code, LATE_PRICE])


@compiled
def join(first: Int64, drive: int, second: Int64, whole: Int64) -> bool:
    """Join two segments with a drive between; False where the second comes too late."""
    shift = first[LASTS] + drive
    late = first[EARLY] + shift > second[LATER]
    wait = max(0, second[EARLY] - shift - first[LATER])
    early = max(second[EARLY] - shift, first[EARLY]) - wait
    later = min(second[LATER] - shift, first[LATER])
    whole[LASTS] = shift + second[LASTS] + wait
    whole[EARLY], whole[LATER] = early, later
    return not late


@compiled
def _loads(model: Model, state: State, vehicle: int, count: int) -> None:
    """Follow the load through each trip, forwards for what was, backwards for what will be."""
    dimensions = model.demand.shape[1]
    codes, load = state.codes[vehicle], state.load[vehicle]
    most_before, most_after = state.most_before[vehicle], state.most_after[vehicle]
    begin = 0
    while True:
        end = begin
        while end < count and not is_reload(model, vehicle, codes[end]):
            end += 1
        for d in range(dimensions):
            on_board = 0
            for at in range(begin, end):
                code = codes[at]
                if code >= 0 and model.visit[code, ROLE] != 2:
                    on_board += model.demand[code, d]
            most = on_board
            load[begin, d] = most_before[begin, d] = on_board
            for at in range(begin, end):
                code = codes[at]
                if code >= 0:
                    on_board += model.collect[code, d] - model.demand[code, d]
                    if model.visit[code, ROLE] == 1:
                        on_board += model.demand[model.visit[code, PARTNER], d]
                most = max(most, on_board)
                load[at + 1, d], most_before[at + 1, d] = on_board, most
            most = 0
            for at in range(end, begin - 1, -1):
                most = max(most, load[at, d])
                most_after[at, d] = most
        if end >= count:
            break
        begin = end + 1
