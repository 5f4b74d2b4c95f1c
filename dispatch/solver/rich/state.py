"""A plan during a search: each vehicle's codes, and data to price a change fast. PURE, compiled.

A gap is a position before, between or after the codes of a route. Each gap has these data:

- The segments before and after it: least seconds, earliest and latest begin. See
  ``timing.segments``.
- The load in the gap, and the highest load before and after it on the same trip.

These data price a change exactly if the route is *plain*. A plain route has no breaks, hourly
travel times, batteries, lateness or second windows, and goods released late only on its first
trip. For other routes the data give a lower bound, and ``scan`` gives the cost.

To call ``scan`` less often, each stop also has two figures of the earliest schedule without
breaks: when the stop ends, and the price of its lateness.
"""

from __future__ import annotations

from typing import Final

import numpy as np

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
from dispatch.solver.rich.rng import Word, seeded

# Up to this many visits, each route has space for all of them. For more it would need much memory.
WIDE: Final = 1000
SHORT: Final = 512  # with more visits: the least number of codes a route has space for. Chosen
BLINK: Final = 0.01  # chance, 0 to below 1, that a gap is skipped, as in ``classic.tuning``

# Columns of segments: seconds, earliest begin, latest begin
LASTS: Final = 0
EARLY: Final = 1
LATER: Final = 2

# Places in State.money
NOW: Final = 0  # cost of all routes and of missed jobs
BEST: Final = 1  # the same cost for the best plan
BLINKS: Final = 2  # chance that a gap is skipped

# A place in State.num; the others are named in ``recreate``
HALT: Final = 5  # set from outside when the time is up: the present try no longer counts


class Promises(Packed):
    """The promise already given for each visit, and the penalty for changing it."""

    vehicle: Int64  # promised vehicle, -1: none
    move: Float  # penalty for another vehicle
    opens: Int64  # promised begin of service: first and last second, -1: none
    closes: Int64
    slip: Float  # penalty for each second before ``opens`` or after ``closes``
    active: Bool  # [1] True if there is any penalty


class State(Packed):
    """All routes by vehicle; positions count codes, and gap p is before the code at p."""

    codes: Int64  # [vehicle, width]
    count: Int64  # [vehicle]
    visits: Int64  # [vehicle] number of visits among the codes
    cost: Float  # [vehicle]
    worked: Float  # [vehicle] the part of ``cost`` that depends on time
    way: Int64  # [vehicle] metres
    exact: Bool  # [vehicle] the route is plain
    where: Int64  # [visit] its vehicle or -1
    position: Int64  # [visit]
    place: Int64  # [vehicle, width + 2]
    own: Int64  # [vehicle, width, 3] segment of each stop; the last rows are scratch
    before: Int64  # [vehicle, width + 1, 3] segment of all stops before the gap
    after: Int64  # [vehicle, width + 1, 3] segment of all stops after the gap
    load: Int64  # [vehicle, width + 1, dimension] on board in the gap
    early: Int64  # [vehicle, width + 1] earliest end of the start, then of each stop
    tardy: Int64  # [vehicle, width] late seconds times price an hour of each stop, as in ``early``
    tardies: Int64  # [vehicle] sum of ``tardy``
    busy: Int64  # [vehicle] seconds driving and serving
    trip: Int64  # [vehicle] number of codes on the first trip
    loose: Bool  # [vehicle] some visit of the route is a ``loose_visit``
    loose_visit: Bool  # [visit] may be late or has several windows
    most_before: Int64  # ... highest load since the trip began
    most_after: Int64  # ... highest load until the trip ends
    plain_visit: Bool
    plain_vehicle: Bool
    locked: Bool  # [visit] must not be moved
    closed: Bool  # [vehicle] its route must not change
    near: Int64  # [visit, neighbour] nearest first, -1 ends
    saved: Int64  # [vehicle, width] codes before the iteration
    saved_count: Int64
    stamp: Int64  # [vehicle] last iteration that changed it
    touched: Int64  # vehicles changed in this iteration
    trial: Int64  # [width + 8] codes under trial; ``other`` and ``base`` likewise
    other: Int64
    base: Int64
    pick: Int64  # see ``recreate``
    seen: Int64  # [vehicle] number of the last walk that met it, see ``recreate.SEEN``
    absent: Int64  # jobs that are not served
    absent_before: Int64  # jobs that were absent before the iteration
    key: Float  # sort keys of ``absent``
    rests: Int64  # breaks taken on each leg
    best: Int64  # [vehicle, width]
    best_count: Int64
    num: Int64  # see ``recreate`` and ``settle``
    money: Float
    word: Word


def width_of(model: Model) -> int:
    """Return how many codes each route has space for."""
    visits, vehicles = model.may.shape
    if visits <= WIDE:
        return visits + FACILITIES
    return min(visits + FACILITIES, max(SHORT, 8 * visits // max(1, vehicles)))


def fresh(model: Model, near: Int64, seed: int, thread: int) -> State:
    """Return a state in which no visit is served."""
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
        absent_before=whole(visits + 1),
        key=np.zeros(visits + 1),
        rests=whole(width + 8),
        best=whole(vehicles, width),
        best_count=whole(vehicles),
        num=whole(16),
        money=np.array([0.0, 0.0, BLINK, 0.0]),
        word=seeded(seed, thread),
    )


def no_promises(model: Model) -> Promises:
    """Return promises that cost nothing to break."""
    none = np.full(len(model.visit), -1, dtype=np.int64)
    free = np.zeros(len(model.visit))
    return Promises(
        vehicle=none,
        move=free,
        opens=none.copy(),
        closes=none.copy(),
        slip=free.copy(),
        active=np.zeros(1, dtype=np.bool_),
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


def update_visit(model: Model, state: State, visit: int) -> None:
    """Update the flags of a visit that was replaced in the model."""
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
