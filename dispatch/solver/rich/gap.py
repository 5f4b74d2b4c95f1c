"""What it costs to put visits into one gap, or two, of one route. PURE, compiled.

First what is certain at once (metres, room, and the least time by segments); the scan is asked
only where that leaves hope to be better than ``best`` and is not exact itself.
"""

from __future__ import annotations

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.lay import Scratch, is_reload, place_of
from dispatch.solver.rich.model import (
    BEHIND,
    CHARGERS,
    CHARGERS_END,
    END,
    FIXED,
    LOADING,
    LONGEST,
    MAX_METRES,
    MAX_STOPS,
    PER_M,
    PER_S,
    PLACE,
    PREFIX,
    PREFIX_END,
    PROFILE,
    RATE,
    RELOADS,
    RELOADS_END,
    SERVICE_COST,
    START,
    Int64,
    Model,
)
from dispatch.solver.rich.scan import INFINITE, worked_cost
from dispatch.solver.rich.state import LASTS, Promise, State, join, own_segment, priced

SMALL = 12  # stops up to which nothing is left out for speed


@compiled
def put(source: Int64, count: int, target: Int64, gap: int, code: int) -> None:
    """Copy codes with one more in a gap; source and target may be the same."""
    for at in range(count, gap, -1):
        target[at] = source[at - 1]
    target[gap] = code
    for at in range(gap):
        target[at] = source[at]


@compiled
def first_gap(model: Model, vehicle: int) -> int:
    """Return the first gap behind the committed visits."""
    return model.vehicle[vehicle, PREFIX_END] - model.vehicle[vehicle, PREFIX]


@compiled
def open_to(model: Model, state: State, vehicle: int, visits: int) -> bool:
    """Tell whether so many more visits may come to a route at all."""
    if state.closed[vehicle]:
        return False
    if state.count[vehicle] + visits + 2 > state.codes.shape[1]:
        return False
    return state.visits[vehicle] + visits <= model.vehicle[vehicle, MAX_STOPS]


@compiled
def _timed(model: Model, state: State, vehicle: int, lasts: int) -> float:
    """Return what the time costs more for a route that takes so long; INFINITE if too long."""
    row = model.vehicle[vehicle]
    if lasts + row[LOADING] > row[LONGEST]:
        return INFINITE
    paid = max(0, lasts + row[LOADING] - row[BEHIND])
    return worked_cost(model, vehicle, paid) - state.worked[vehicle]


@compiled
def alone_in(
    model: Model,
    promise: Promise,
    state: State,
    s: Scratch,
    visit: int,
    vehicle: int,
    gap: int,
    best: float,
) -> float:
    """Return what a visit in a gap adds, INFINITE if it fails or is no better than ``best``."""
    for d in range(model.demand.shape[1]):
        room = model.room[vehicle, d]
        if state.most_before[vehicle, gap, d] + model.demand[visit, d] > room:
            return INFINITE
        if state.most_after[vehicle, gap, d] + model.collect[visit, d] > room:
            return INFINITE
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    here, origin = model.visit[visit, PLACE], state.place[vehicle, gap]
    target = state.place[vehicle, gap + 1]
    way = model.metres[profile, origin, here] + model.metres[profile, here, target]
    count = state.count[vehicle]
    added = model.visit[visit, SERVICE_COST] * 9e6
    if count:
        way -= model.metres[profile, origin, target]
    else:
        added += model.price[vehicle, FIXED]
    if state.way[vehicle] + way > row[MAX_METRES]:
        return INFINITE
    added += way * model.price[vehicle, PER_M]
    own, segment = state.own[vehicle, state.own.shape[1] - 1], state.own[vehicle, count]
    own_segment(model, visit, model.service[visit, profile], own)
    if not join(state.before[vehicle, gap], model.fast[rate, origin, here], own, segment):
        return INFINITE
    drive = model.fast[rate, here, target]
    if not join(segment, drive, state.after[vehicle, gap], segment):
        return INFINITE
    added += _timed(model, state, vehicle, segment[LASTS])
    if added >= best:
        return INFINITE
    if state.exact[vehicle] and state.plain_visit[visit]:
        return added
    put(state.codes[vehicle], count, state.trial, gap, visit)
    cost = priced(model, promise, state, s, vehicle, state.trial, count + 1)
    return INFINITE if cost >= INFINITE else cost - state.cost[vehicle]


@compiled
def pair_in(
    model: Model,
    promise: Promise,
    state: State,
    s: Scratch,
    pickup: int,
    delivery: int,
    vehicle: int,
    gap: int,
    best: float,
) -> tuple[float, int]:
    """Return what a pair adds at best with its pickup in a gap, and the gap of its delivery.

    The delivery's gap is counted without the pickup.
    """
    row = model.vehicle[vehicle]
    profile, rate, count = row[PROFILE], row[RATE], state.count[vehicle]
    here, there = model.visit[pickup, PLACE], model.visit[delivery, PLACE]
    origin = state.place[vehicle, gap]
    fixed = (model.visit[pickup, SERVICE_COST] + model.visit[delivery, SERVICE_COST]) * 9e6
    if count == 0:
        fixed += model.price[vehicle, FIXED]
    last = state.own.shape[1] - 1
    one, other = state.own[vehicle, last], state.own[vehicle, last - 1]
    run, whole = state.own[vehicle, last - 2], state.own[vehicle, last - 3]
    own_segment(model, pickup, model.service[pickup, profile], one)
    own_segment(model, delivery, model.service[delivery, profile], other)
    if not join(state.before[vehicle, gap], model.fast[rate, origin, here], one, run):
        return INFINITE, -1
    to_pickup = model.metres[profile, origin, here]
    plain = state.exact[vehicle] and state.plain_visit[pickup] and state.plain_visit[delivery]
    found, place = -1, here
    for then in range(gap, count + 1):
        if not _carries(model, state, vehicle, gap, then, delivery):
            break
        target = state.place[vehicle, then + 1]
        way = to_pickup + model.metres[profile, place, there] + model.metres[profile, there, target]
        if then > gap:
            beside = state.place[vehicle, gap + 1]
            way += model.metres[profile, here, beside] - model.metres[profile, origin, beside]
            way -= model.metres[profile, place, target]
        elif count:
            way -= model.metres[profile, origin, target]
        added = fixed + way * model.price[vehicle, PER_M]
        if (
            state.way[vehicle] + way <= row[MAX_METRES]
            and _fits_behind(model, state, vehicle, then, delivery)
            and join(run, model.fast[rate, place, there], other, whole)
            and join(whole, model.fast[rate, there, target], state.after[vehicle, then], whole)
        ):
            added += _timed(model, state, vehicle, whole[LASTS])
            if added < best and not plain:
                put(state.codes[vehicle], count, state.trial, then, delivery)
                put(state.trial, count + 1, state.trial, gap, pickup)
                cost = priced(model, promise, state, s, vehicle, state.trial, count + 2)
                added = INFINITE if cost >= INFINITE else cost - state.cost[vehicle]
            if added < best:
                best, found = added, then
        if then == count or is_reload(model, vehicle, state.codes[vehicle, then]):
            break
        if not join(run, model.fast[rate, place, target], state.own[vehicle, then], run):
            break
        place = target
    return (best, found) if found >= 0 else (INFINITE, -1)


@compiled
def _carries(model: Model, state: State, vehicle: int, gap: int, then: int, delivery: int) -> bool:
    """Tell whether what is fetched in one gap fits on board in the other too."""
    for d in range(model.demand.shape[1]):
        if state.load[vehicle, then, d] + model.demand[delivery, d] > model.room[vehicle, d]:
            return False
    return gap <= then


@compiled
def _fits_behind(model: Model, state: State, vehicle: int, gap: int, visit: int) -> bool:
    """Tell whether what a visit gives to the vehicle fits to the end of the trip."""
    for d in range(model.demand.shape[1]):
        most = state.most_after[vehicle, gap, d] + model.collect[visit, d]
        if most > model.room[vehicle, d]:
            return False
    return True


@compiled
def with_stop(
    model: Model,
    promise: Promise,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    vehicle: int,
    best: float,
) -> tuple[float, int]:
    """Try a visit, or a pair, together with one more reload or charge.

    The codes of what is best are left in ``state.other``; returns what it adds and their count.
    """
    row = model.vehicle[vehicle]
    count, begin = state.count[vehicle], first_gap(model, vehicle)
    stops = (row[RELOADS_END] - row[RELOADS]) + (row[CHARGERS_END] - row[CHARGERS])
    base = state.base
    found = 0
    for stop in range(stops):
        code = -1 - stop
        for where in range(begin, count + 1):
            put(state.codes[vehicle], count, base, where, code)
            size = count + 1
            for side in range(2):
                low, high = (begin, where + 1) if side == 0 else (where + 1, size + 1)
                if partner < 0 and count > SMALL:
                    low = _nearest_gap(model, vehicle, base, size, visit, low, high)
                    high = low + 1
                elif partner >= 0 and count > SMALL // 2:
                    low = min(high, size) - 1 if side == 0 else where + 1
                    high = low + 1
                for gap in range(low, high):
                    put(base, size, state.trial, gap, visit)
                    thens = size + 2 if count <= SMALL // 2 else gap + 2
                    for then in range(gap + 1, thens if partner >= 0 else gap + 2):
                        total = size + 1
                        if partner >= 0:
                            put(base, size, state.trial, gap, visit)
                            put(state.trial, total, state.trial, then, partner)
                            total += 1
                        cost = priced(model, promise, state, s, vehicle, state.trial, total)
                        if cost - state.cost[vehicle] < best:
                            best, found = cost - state.cost[vehicle], total
                            for at in range(total):
                                state.other[at] = state.trial[at]
    return (best, found) if found else (INFINITE, 0)


@compiled
def _nearest_gap(
    model: Model, vehicle: int, codes: Int64, count: int, visit: int, low: int, high: int
) -> int:
    """Return the gap of some whose detour by a visit is the least in price of metres and time."""
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    here = model.visit[visit, PLACE]
    least, found = INFINITE, low
    for gap in range(low, high):
        origin = row[START] if gap == 0 else place_of(model, vehicle, codes[gap - 1])
        target = row[END] if gap == count else place_of(model, vehicle, codes[gap])
        metres = model.metres[profile, origin, here] + model.metres[profile, here, target]
        metres -= model.metres[profile, origin, target]
        seconds = model.fast[rate, origin, here] + model.fast[rate, here, target]
        seconds -= model.fast[rate, origin, target]
        detour = metres * (model.price[vehicle, PER_M] + 1.0)
        detour += seconds * (model.price[vehicle, PER_S] + 1.0)
        if detour < least:
            least, found = detour, gap
    return found
