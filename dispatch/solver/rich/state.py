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
from dispatch.solver.rich.layout import (
    FACILITIES,
)
from dispatch.solver.rich.model import (
    APART,
    APART_END,
    BREAKS,
    BREAKS_END,
    HARD,
    HARD_END,
    LATE,
    ON_BOARD,
    RANGE,
    RATE,
    Bool,
    Float,
    Int64,
    Model,
)
from dispatch.solver.rich.packed import Packed

WIDE: Final = 1000  # visits up to which a route may hold all of them: room for codes is memory
SHORT: Final = 512  # codes that a route may hold at least where there are more. Chosen
BLINK: Final = 0.01  # chance, 0 to below 1, that a gap is overlooked, as in ``classic.tuning``

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
