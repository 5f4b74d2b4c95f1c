"""Recreate: absent jobs are inserted one by one where they cost least. PURE, compiled.

A job is a visit, a pair, or a group of alternatives: one visit of a group is served. Some gaps are
skipped at random (a blink), so that the same ruin can be rebuilt differently.

Source: Christiaens, Vanden Berghe (2020), Slack Induction by String Removals for Vehicle Routing
Problems, Transportation Science 54(2).
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.gap import alone_in, first_gap, open_to, pair_in, put
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import (
    GROUP,
    GROUP_END,
    HARD,
    HARD_END,
    KIND,
    PARTNER,
    PLACE,
    ROLE,
    START,
    TOGETHER,
    TOGETHER_END,
    Int64,
    Model,
)
from dispatch.solver.rich.rng import below, unit
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import BLINKS, HALT, NOW, Promises, State
from dispatch.solver.rich.stops import FEW, facilities, with_stop, with_two

# All chosen, not tuned; the campaign ``solver_fuzz`` compares the answers with the oracle.
ALL: Final = 60  # visits up to which every gap is tried: 0 or more
TRIES: Final = 60  # most jobs tried in one iteration: 1 or more
PEERS: Final = 24  # neighbours in whose routes a pair is tried: 1 to ``near.AROUND``
BOLD: Final = 0.1  # chance, 0 to 1, that one job is inserted at any cost: others may join it
STOP_CHANCE: Final = 0.1  # chance, 0 to 1, of trying a facility though a gap without one exists
TWICE: Final = 0.1  # chance, 0 to 1, of trying two facilities where one does not help

# Places in State.num
DONE: Final = 0  # iterations so far
ABSENT: Final = 1  # how many jobs are not served
TOUCHED: Final = 2  # how many vehicles the iteration has changed
ABSENT_BEFORE: Final = 3  # how many jobs were absent before the iteration
SEEN: Final = 4  # number of the present walk over vehicles, compared with ``State.seen``
# Places in State.pick, the cheapest insertion so far
VEHICLE: Final = 0
GAP: Final = 1
DELIVERY_GAP: Final = 2  # -1 for a visit alone, -2: the new codes are in ``State.other``
PICKED: Final = 3  # the visit, or the pickup of the pair
COUNT: Final = 4  # how many codes are in ``State.other``


@compiled
def touch(state: State, vehicle: int) -> None:
    """Save a vehicle's codes before the iteration changes them for the first time."""
    iteration = state.num[DONE]
    if state.stamp[vehicle] == iteration:
        return
    state.stamp[vehicle] = iteration
    state.touched[state.num[TOUCHED]] = vehicle
    state.num[TOUCHED] += 1
    count = state.count[vehicle]
    state.saved_count[vehicle] = count
    for at in range(count):
        state.saved[vehicle, at] = state.codes[vehicle, at]
    state.money[NOW] -= state.cost[vehicle]


@compiled
def tied(model: Model, state: State, visit: int, so_far: int) -> int:
    """Return the vehicle that serves the visits that must be together with this one.

    -1: no vehicle does; -2: several do. ``so_far`` is the result for the other visit of its pair.
    """
    for at in range(model.visit[visit, TOGETHER], model.visit[visit, TOGETHER_END]):
        number = model.together[at]
        for member in range(model.unions[number], model.unions[number + 1]):
            peer = model.union[member]
            vehicle = int(state.where[peer])
            if peer != visit and vehicle >= 0 and so_far != vehicle:
                so_far = vehicle if so_far == -1 else -2
    return so_far


@compiled
def recreate(
    model: Model, promise: Promises, state: State, s: Scratch, tries: int, bold: float
) -> None:
    """Insert absent jobs in a random order, each where it costs no more than missing it.

    With the chance ``bold`` the first job is inserted at any cost. A way that does not pay for one
    job may pay for several.
    """
    count = state.num[ABSENT]
    order(model, state, count)
    remaining, price = 0, INFINITE if unit(state.word) < bold else 0.0
    for at in range(count):
        job = state.absent[at]
        if at >= tries or not insert_job(model, promise, state, s, job, price if at == 0 else 0.0):
            state.absent[remaining] = job
            remaining += 1
    state.num[ABSENT] = remaining


@compiled
def order(model: Model, state: State, count: int) -> None:
    """Sort the absent jobs by one of nine keys, chosen at random."""
    kind = below(state.word, 9)
    for at in range(count):
        state.key[at] = _key(model, state, kind, state.absent[at])
    for at in range(1, count):
        key, job = state.key[at], state.absent[at]
        before = at - 1
        while before >= 0 and state.key[before] > key:
            state.key[before + 1] = state.key[before]
            state.absent[before + 1] = state.absent[before]
            before -= 1
        state.key[before + 1], state.absent[before + 1] = key, job


@compiled
def _key(model: Model, state: State, kind: int, job: int) -> float:
    """Return a job's sort key; the lowest comes first.

    Kinds 0 to 2: random; 3: largest load; 4: farthest from the depot; 5: nearest; 6: narrowest
    window; 7: earliest window; 8: highest cost of missing.
    """
    picked = model.visit[job, PARTNER] if model.visit[job, ROLE] == 1 else job
    low, high = model.visit[picked, HARD], model.visit[picked, HARD_END]
    if kind == 3 and model.demand.shape[1]:
        return -float(model.demand[picked, 0])
    if kind == 4:
        return -float(model.metres[0, model.vehicle[0, START], model.visit[picked, PLACE]])
    if kind == 5:
        return float(model.metres[0, model.vehicle[0, START], model.visit[picked, PLACE]])
    if kind == 6:
        return 1e9 if low == high else float(model.windows[high - 1, 1] - model.windows[low, 0])
    if kind == 7:
        return 0.0 if low == high else float(model.windows[low, 0])
    if kind == 8:
        return -model.missed[job]
    return unit(state.word)


@compiled
def insert_job(
    model: Model, promise: Promises, state: State, s: Scratch, job: int, price: float
) -> bool:
    """Insert one job where it costs least; return False if nothing costs less than the limit.

    The limit is the higher of ``price`` and the cost of missing the job.
    """
    pick = state.pick
    pick[VEHICLE] = -1
    best = max(price, model.missed[job] + 0.5)
    low, high = model.visit[job, GROUP], model.visit[job, GROUP_END]
    if low == high:
        best = _best_insertion(model, promise, state, s, job, pick, best)
    for at in range(low, high):
        best = _best_insertion(model, promise, state, s, model.group[at], pick, best)
    if pick[VEHICLE] < 0 or state.num[HALT]:
        return False
    return _apply(model, promise, state, s, pick)


@compiled
def _apply(model: Model, promise: Promises, state: State, s: Scratch, pick: Int64) -> bool:
    """Make the picked insertion; return False and restore the route if it is infeasible."""
    vehicle, picked = pick[VEHICLE], pick[PICKED]
    touch(state, vehicle)
    codes, count = state.codes[vehicle], state.count[vehicle]
    partner = model.visit[picked, PARTNER]
    old = count
    for at in range(count):
        state.base[at] = codes[at]
    if pick[DELIVERY_GAP] == -2:
        for at in range(pick[COUNT]):
            codes[at] = state.other[at]
        state.count[vehicle] = pick[COUNT]
    else:
        if pick[DELIVERY_GAP] >= 0:
            put(codes, count, codes, pick[DELIVERY_GAP], partner)
            count += 1
        put(codes, count, codes, pick[GAP], picked)
        state.count[vehicle] = count + 1
    if refresh(model, promise, state, s, vehicle):
        return True
    # The route has changed since the insertion was priced: restore it.
    state.count[vehicle] = old
    for at in range(old):
        codes[at] = state.base[at]
    state.where[picked] = -1
    if partner >= 0:
        state.where[partner] = -1
    refresh(model, promise, state, s, vehicle)
    return False


@compiled
def _best_insertion(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    pick: Int64,
    best: float,
) -> float:
    """Find the cheapest insertion of a visit, or of the pair that begins with it."""
    partner = model.visit[visit, PARTNER]
    limit = tied(model, state, visit, -1)
    if partner >= 0:
        limit = tied(model, state, partner, limit)
    if limit == -2:
        return best
    before = best
    if limit >= 0:
        best = _in_route(model, promise, state, s, visit, partner, limit, pick, best)
    else:
        best = _nearby(model, promise, state, s, visit, partner, pick, best)
        best = _empty(model, promise, state, s, visit, partner, pick, best)
        if best == before or len(state.where) <= ALL or state.near.shape[1] == 1:
            for vehicle in range(len(state.count)):
                if state.count[vehicle]:
                    best = _in_route(model, promise, state, s, visit, partner, vehicle, pick, best)
    if best == before or unit(state.word) < STOP_CHANCE:
        best = _with_stops(model, promise, state, s, visit, partner, limit, pick, best)
    return best


@compiled
def _nearby(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    pick: Int64,
    best: float,
) -> float:
    """Try the gaps beside the visit's neighbours; for a pair, every gap of their routes."""
    if len(state.where) <= ALL:
        return best  # every gap is tried afterwards
    if partner >= 0:
        state.num[SEEN] += 1
        seen = state.num[SEEN]
        for picked in (visit, partner):
            for at in range(min(PEERS, state.near.shape[1])):
                peer = state.near[picked, at]
                vehicle = state.where[peer] if peer >= 0 else -1
                if vehicle >= 0 and state.seen[vehicle] != seen:
                    state.seen[vehicle] = seen
                    best = _in_route(model, promise, state, s, visit, partner, vehicle, pick, best)
        return best
    for at in range(state.near.shape[1]):
        peer = state.near[visit, at]
        if peer < 0:
            break
        vehicle = state.where[peer]
        if vehicle < 0 or not model.may[visit, vehicle] or not open_to(model, state, vehicle, 1):
            continue
        for gap in range(state.position[peer], state.position[peer] + 2):
            if gap >= first_gap(model, vehicle) and unit(state.word) >= state.money[BLINKS]:
                added = alone_in(model, promise, state, s, visit, vehicle, gap, best)
                if added < best:
                    best = added
                    pick[VEHICLE], pick[GAP], pick[DELIVERY_GAP], pick[PICKED] = (
                        vehicle,
                        gap,
                        -1,
                        visit,
                    )
    return best


@compiled
def _empty(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    pick: Int64,
    best: float,
) -> float:
    """Try unused vehicles: one of each kind, or all of them where promises have penalties."""
    vehicles = len(state.count)
    state.num[SEEN] += 1
    seen = state.num[SEEN]
    for vehicle in range(vehicles):
        kind = model.vehicle[vehicle, KIND]
        if state.count[vehicle] == 0 and state.seen[kind] != seen:
            if not promise.active[0]:
                state.seen[kind] = seen
            best = _in_route(model, promise, state, s, visit, partner, vehicle, pick, best)
    return best


@compiled
def _in_route(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    vehicle: int,
    pick: Int64,
    best: float,
) -> float:
    """Try every gap of one route."""
    if not model.may[visit, vehicle] or not open_to(model, state, vehicle, 1 + (partner >= 0)):
        return best
    if partner >= 0 and not model.may[partner, vehicle]:
        return best
    if state.num[HALT]:
        return best
    for gap in range(first_gap(model, vehicle), state.count[vehicle] + 1):
        if unit(state.word) < state.money[BLINKS]:
            continue
        delivery_gap = -1
        if partner >= 0:
            added, delivery_gap = pair_in(
                model, promise, state, s, visit, partner, vehicle, gap, best
            )
        else:
            added = alone_in(model, promise, state, s, visit, vehicle, gap, best)
        if added < best:
            best = added
            pick[VEHICLE], pick[GAP], pick[DELIVERY_GAP], pick[PICKED] = (
                vehicle,
                gap,
                delivery_gap,
                visit,
            )
    return best


@compiled
def _with_stops(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    limit: int,
    pick: Int64,
    best: float,
) -> float:
    """Try the insertion with one or two more facilities, in up to four routes from a random one."""
    vehicles = len(state.count)
    first, tried = below(state.word, vehicles), 0
    for step in range(vehicles):
        if state.num[HALT]:
            break
        vehicle = (first + step) % vehicles
        if not facilities(model, vehicle) or not open_to(model, state, vehicle, 1 + (partner >= 0)):
            continue
        if (limit >= 0 and vehicle != limit) or not model.may[visit, vehicle]:
            continue
        if partner >= 0 and not model.may[partner, vehicle]:
            continue
        added, count = with_stop(model, promise, state, s, visit, partner, vehicle, best)
        if not count and (unit(state.word) < TWICE or state.count[vehicle] <= FEW):
            added, count = with_two(model, promise, state, s, visit, partner, vehicle, best)
        if added < best:
            best = added
            pick[VEHICLE], pick[DELIVERY_GAP], pick[PICKED], pick[COUNT] = vehicle, -2, visit, count
        tried += 1
        if tried == 4:
            break
    return best
