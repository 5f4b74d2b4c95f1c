"""Visits back to where they cost least: one job after the other. PURE, compiled.

A job is a visit, a pair, or a group of alternatives of which one is served. Now and then a gap
is overlooked on purpose (a blink), so that the same ruin can be rebuilt otherwise.

Source: Christiaens, Vanden Berghe (2020), Slack Induction by String Removals for Vehicle Routing
Problems, Transportation Science 54(2).
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.chance import below, unit
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
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import BLINKS, HALT, NOW, Announcements, State
from dispatch.solver.rich.stops import FEW, facilities, with_stop, with_two

# All of these were chosen, not tuned; the campaign ``solver_fuzz`` holds the answers to the oracle.
ALL: Final = 60  # visits up to which every gap is tried: 0 or more
TRIES: Final = 60  # jobs that are tried in one iteration, at most: 1 or more
PEERS: Final = 24  # neighbours whose routes a pair is tried in: 1 to ``near.AROUND``
BOLD: Final = 0.1  # chance, 0 to 1, that one job is served whatever it costs: others may join it
STOP_CHANCE: Final = 0.1  # chance, 0 to 1, of trying a reload or charge though it goes without
TWICE: Final = 0.1  # chance, 0 to 1, that two of them are tried where one does not help

# Places in State.num
DONE: Final = 0  # iterations made
ABSENT: Final = 1  # jobs not served
TOUCHED: Final = 2
KEPT: Final = 3
SEEN: Final = 4  # looks at vehicles so far
# Places in the pick
VEHICLE: Final = 0
GAP: Final = 1
THEN: Final = 2  # gap of the delivery, -1 for a visit alone, -2: codes stand in ``other``
WHOM: Final = 3
COUNT: Final = 4


@compiled
def touch(state: State, vehicle: int) -> None:
    """Keep a vehicle's codes before the first change of an iteration."""
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
    """Return the vehicle that serves those it must be together with.

    -1: none does, -2: several do. ``so_far`` is the same for the other end of its pair.
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
    model: Model, promise: Announcements, state: State, s: Scratch, tries: int, bold: float
) -> None:
    """Put absent jobs back, in a random kind of order, where that costs no more than missing.

    With the chance ``bold`` the first goes back at any price: what is not worth a way for one
    may be for several.
    """
    count = state.num[ABSENT]
    order(model, state, count)
    left, price = 0, INFINITE if unit(state.word) < bold else 0.0
    for at in range(count):
        job = state.absent[at]
        if at >= tries or not serve(model, promise, state, s, job, price if at == 0 else 0.0):
            state.absent[left] = job
            left += 1
    state.num[ABSENT] = left


@compiled
def order(model: Model, state: State, count: int) -> None:
    """Sort the absent jobs by one of nine keys."""
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
    whom = model.visit[job, PARTNER] if model.visit[job, ROLE] == 1 else job
    low, high = model.visit[whom, HARD], model.visit[whom, HARD_END]
    if kind == 3 and model.demand.shape[1]:
        return -float(model.demand[whom, 0])
    if kind == 4:
        return -float(model.metres[0, model.vehicle[0, START], model.visit[whom, PLACE]])
    if kind == 5:
        return float(model.metres[0, model.vehicle[0, START], model.visit[whom, PLACE]])
    if kind == 6:
        return 1e9 if low == high else float(model.windows[high - 1, 1] - model.windows[low, 0])
    if kind == 7:
        return 0.0 if low == high else float(model.windows[low, 0])
    if kind == 8:
        return -model.missed[job]
    return unit(state.word)


@compiled
def serve(
    model: Model, promise: Announcements, state: State, s: Scratch, job: int, price: float
) -> bool:
    """Put one job where it costs least; False where that is above the price and its missing."""
    pick = state.pick
    pick[VEHICLE] = -1
    best = max(price, model.missed[job] + 0.5)
    low, high = model.visit[job, GROUP], model.visit[job, GROUP_END]
    if low == high:
        best = _try(model, promise, state, s, job, pick, best)
    for at in range(low, high):
        best = _try(model, promise, state, s, model.group[at], pick, best)
    if pick[VEHICLE] < 0 or state.num[HALT]:
        return False
    return _apply(model, promise, state, s, pick)


@compiled
def _apply(model: Model, promise: Announcements, state: State, s: Scratch, pick: Int64) -> bool:
    vehicle, whom = pick[VEHICLE], pick[WHOM]
    touch(state, vehicle)
    codes, count = state.codes[vehicle], state.count[vehicle]
    partner = model.visit[whom, PARTNER]
    old = count
    for at in range(count):
        state.base[at] = codes[at]
    if pick[THEN] == -2:
        for at in range(pick[COUNT]):
            codes[at] = state.other[at]
        state.count[vehicle] = pick[COUNT]
    else:
        if pick[THEN] >= 0:
            put(codes, count, codes, pick[THEN], partner)
            count += 1
        put(codes, count, codes, pick[GAP], whom)
        state.count[vehicle] = count + 1
    if refresh(model, promise, state, s, vehicle):
        return True
    # The gaps were priced for a route that has changed since: leave it as it was.
    state.count[vehicle] = old
    for at in range(old):
        codes[at] = state.base[at]
    state.where[whom] = -1
    if partner >= 0:
        state.where[partner] = -1
    refresh(model, promise, state, s, vehicle)
    return False


@compiled
def _try(
    model: Model,
    promise: Announcements,
    state: State,
    s: Scratch,
    visit: int,
    pick: Int64,
    best: float,
) -> float:
    """Look for the cheapest place of a visit, or of the pair that it begins."""
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
    promise: Announcements,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    pick: Int64,
    best: float,
) -> float:
    """Try the gaps beside the visit's neighbours; for a pair, their whole routes."""
    if len(state.where) <= ALL:
        return best  # every gap is tried afterwards
    if partner >= 0:
        state.num[SEEN] += 1
        seen = state.num[SEEN]
        for whom in (visit, partner):
            for at in range(min(PEERS, state.near.shape[1])):
                peer = state.near[whom, at]
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
                    pick[VEHICLE], pick[GAP], pick[THEN], pick[WHOM] = vehicle, gap, -1, visit
    return best


@compiled
def _empty(
    model: Model,
    promise: Announcements,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    pick: Int64,
    best: float,
) -> float:
    """Try one vehicle of each kind that is still at home."""
    vehicles = len(state.count)
    state.num[SEEN] += 1
    seen = state.num[SEEN]
    for vehicle in range(vehicles):
        kind = model.vehicle[vehicle, KIND]
        if state.count[vehicle] == 0 and state.seen[kind] != seen:
            if not promise.asked[0]:
                state.seen[kind] = seen
            best = _in_route(model, promise, state, s, visit, partner, vehicle, pick, best)
    return best


@compiled
def _in_route(
    model: Model,
    promise: Announcements,
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
        then = -1
        if partner >= 0:
            added, then = pair_in(model, promise, state, s, visit, partner, vehicle, gap, best)
        else:
            added = alone_in(model, promise, state, s, visit, vehicle, gap, best)
        if added < best:
            best = added
            pick[VEHICLE], pick[GAP], pick[THEN], pick[WHOM] = vehicle, gap, then, visit
    return best


@compiled
def _with_stops(
    model: Model,
    promise: Announcements,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    limit: int,
    pick: Int64,
    best: float,
) -> float:
    """Try it with one more reload or charge: a few routes, begun at a random one."""
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
            pick[VEHICLE], pick[THEN], pick[WHOM], pick[COUNT] = vehicle, -2, visit, count
        tried += 1
        if tried == 4:
            break
    return best
