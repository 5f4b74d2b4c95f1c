"""The added cost of a visit, or a pair, in gaps of one route. PURE, compiled.

Cheap bounds come first: metres, capacity, and the least time by segments. The exact scan runs only
where the bound is below ``best`` and is not exact itself.
"""

from __future__ import annotations

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.layout import Scratch, is_reload
from dispatch.solver.rich.model import (
    BREAKS,
    BREAKS_END,
    FIXED,
    LOADING,
    LONGEST,
    MAX_METRES,
    MAX_STOPS,
    ON_BOARD,
    PAUSES,
    PER_M,
    PLACE,
    PREFIX,
    PREFIX_END,
    PROFILE,
    RANGE,
    RATE,
    RELEASE,
    RESTED,
    SERVICE_COST,
    Int64,
    Model,
)
from dispatch.solver.rich.route import join, own_segment, priced, soonest, tardiness
from dispatch.solver.rich.scan import INFINITE, MINOR, PER_SECOND, worked_cost
from dispatch.solver.rich.state import EARLY, LASTS, LATER, Promises, State
from dispatch.solver.timing.passes import NEVER


@compiled
def put(source: Int64, count: int, target: Int64, gap: int, code: int) -> None:
    """Insert a code at a gap: write ``source`` with it into ``target``, maybe the same array."""
    for at in range(count, gap, -1):
        target[at] = source[at - 1]
    target[gap] = code
    for at in range(gap):
        target[at] = source[at]


@compiled
def first_gap(model: Model, vehicle: int) -> int:
    """Return the first gap after the committed stops."""
    return model.vehicle[vehicle, PREFIX_END] - model.vehicle[vehicle, PREFIX]


@compiled
def open_to(model: Model, state: State, vehicle: int, visits: int) -> bool:
    """Return True unless a route is closed, or too long for this many more visits."""
    if state.closed[vehicle]:
        return False
    if state.count[vehicle] + visits + 2 > state.codes.shape[1]:
        return False
    return state.visits[vehicle] + visits <= model.vehicle[vehicle, MAX_STOPS]


@compiled
def _time_cost_bound(model: Model, state: State, vehicle: int, whole: Int64, busy: int) -> float:
    """Return a lower bound of the added cost of time of a whole route; INFINITE if too long.

    ``whole`` is the segment from start to end. A break that fits neither before the latest begin of
    work nor after its earliest end must be taken on the route. There it may use waiting time, but
    neither driving nor service; with a battery it may overlap with charging, so it is not added.
    """
    row = model.vehicle[vehicle]
    breaks, loading = row[BREAKS_END] - row[BREAKS], row[LOADING]
    if breaks == 0:
        if whole[LASTS] + loading > row[LONGEST]:
            return INFINITE
        return worked_cost(model, vehicle, whole[LASTS] + loading) - state.worked[vehicle]
    least, first = INFINITE, row[RESTED]
    for had in range(breaks + 1):
        way = row[PAUSES] + had
        if model.pauses[way, 0] == -NEVER or model.pauses[way, 2] > whole[LATER] - loading:
            break
        for breaks_taken in range(had, breaks + 1):
            if model.rested[first + breaks_taken, 0] < whole[EARLY] + whole[LASTS]:
                continue
            inside = model.rested[first + breaks_taken, 1] - model.rested[first + had, 1]
            lasts = whole[LASTS]
            if row[RANGE] < 0:
                lasts = max(lasts, busy + inside)
            if lasts + loading <= row[LONGEST]:
                unpaid = model.rested[first + breaks_taken, 2] - model.rested[first + had, 2]
                paid = max(0, lasts + loading - unpaid)
                least = min(least, worked_cost(model, vehicle, paid))
    return INFINITE if least >= INFINITE else least - state.worked[vehicle]


@compiled
def _lateness_bound(
    model: Model, state: State, vehicle: int, gap: int, visit: int, into: int, serve: int
) -> int:
    """Return a lower bound of lateness with a visit in a gap; -1 where a window is missed.

    The bound is late seconds times price an hour, on the earliest schedule without breaks. The walk
    ends at the first stop that is not later than without the visit.
    """
    codes, count, rate = state.codes[vehicle], state.count[vehicle], model.vehicle[vehicle, RATE]
    begin = soonest(model, visit, state.early[vehicle, gap] + into)
    late = state.tardies[vehicle] + tardiness(model, visit, begin)
    leave, place = begin + serve, model.visit[visit, PLACE]
    for at in range(gap, count):
        if begin >= NEVER:
            return -1
        target = state.place[vehicle, at + 1]
        ready = max(leave + model.fast[rate, place, target], state.own[vehicle, at, EARLY])
        begin = soonest(model, codes[at], ready)
        leave = begin + state.own[vehicle, at, LASTS]
        if leave == state.early[vehicle, at + 1]:
            return late
        late += tardiness(model, codes[at], begin) - state.tardy[vehicle, at]
        place = target
    return -1 if begin >= NEVER else late


@compiled
def has_room(model: Model, state: State, vehicle: int, gap: int, visit: int) -> bool:
    """Return True if the demand fits until the visit, and the collected goods fit after it."""
    for d in range(model.demand.shape[1]):
        room = model.room[vehicle, d]
        if state.most_before[vehicle, gap, d] + model.demand[visit, d] > room:
            return False
        if state.most_after[vehicle, gap, d] + model.collect[visit, d] > room:
            return False
    return True


@compiled
def alone_in(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    vehicle: int,
    gap: int,
    best: float,
) -> float:
    """Return the added cost of a visit in a gap; INFINITE if infeasible or not below ``best``."""
    if not has_room(model, state, vehicle, gap, visit):
        return INFINITE
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    here, origin = model.visit[visit, PLACE], state.place[vehicle, gap]
    target = state.place[vehicle, gap + 1]
    way = model.metres[profile, origin, here] + model.metres[profile, here, target]
    count = state.count[vehicle]
    added = model.visit[visit, SERVICE_COST] * MINOR
    if count:
        way -= model.metres[profile, origin, target]
    else:
        added += model.price[vehicle, FIXED]
    if state.way[vehicle] + way > row[MAX_METRES]:
        return INFINITE
    added += way * model.price[vehicle, PER_M]
    own, segment = state.own[vehicle, state.own.shape[1] - 1], state.own[vehicle, count]
    into, drive = model.fast[rate, origin, here], model.fast[rate, here, target]
    serve = model.service[visit, profile]
    own_segment(model, visit, serve, own)
    if not join(state.before[vehicle, gap], into, own, segment):
        return INFINITE
    if not join(segment, drive, state.after[vehicle, gap], segment):
        return INFINITE
    released, first = model.visit[visit, RELEASE], gap <= state.trip[vehicle]
    if first and segment[LATER] < released + row[LOADING] and not row[ON_BOARD]:
        return INFINITE
    busy = state.busy[vehicle] + into + serve + drive
    if count:
        busy -= model.fast[rate, origin, target]
    added += _time_cost_bound(model, state, vehicle, segment, busy)
    if added >= best:
        return INFINITE
    if state.exact[vehicle] and state.plain_visit[visit] and (first or not released):
        return added
    if state.loose[vehicle] or state.loose_visit[visit]:
        late = _lateness_bound(model, state, vehicle, gap, visit, into, serve)
        if late < 0 or added + late * PER_SECOND >= best:
            return INFINITE
    put(state.codes[vehicle], count, state.trial, gap, visit)
    cost = priced(model, promise, state, s, vehicle, state.trial, count + 1)
    return INFINITE if cost >= INFINITE else cost - state.cost[vehicle]


@compiled
def pair_in(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    pickup: int,
    delivery: int,
    vehicle: int,
    gap: int,
    best: float,
) -> tuple[float, int]:
    """Return the least added cost of a pair with its pickup in a gap, and its delivery's gap.

    The delivery's gap is counted without the pickup. INFINITE and -1 if nothing is below ``best``.
    """
    row = model.vehicle[vehicle]
    profile, rate, count = row[PROFILE], row[RATE], state.count[vehicle]
    here, there = model.visit[pickup, PLACE], model.visit[delivery, PLACE]
    origin = state.place[vehicle, gap]
    fixed = (model.visit[pickup, SERVICE_COST] + model.visit[delivery, SERVICE_COST]) * MINOR
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
    best_gap, place = -1, here
    for delivery_gap in range(gap, count + 1):
        if not _pair_fits(model, state, vehicle, gap, delivery_gap, delivery):
            break
        target = state.place[vehicle, delivery_gap + 1]
        way = to_pickup + model.metres[profile, place, there] + model.metres[profile, there, target]
        more = one[LASTS] + other[LASTS] + model.fast[rate, origin, here]
        more += model.fast[rate, place, there] + model.fast[rate, there, target]
        if delivery_gap > gap:
            beside = state.place[vehicle, gap + 1]
            more += model.fast[rate, here, beside] - model.fast[rate, origin, beside]
            more -= model.fast[rate, place, target]
            way += model.metres[profile, here, beside] - model.metres[profile, origin, beside]
            way -= model.metres[profile, place, target]
        elif count:
            more -= model.fast[rate, origin, target]
            way -= model.metres[profile, origin, target]
        added = fixed + way * model.price[vehicle, PER_M]
        if (
            state.way[vehicle] + way <= row[MAX_METRES]
            and _collected_fits(model, state, vehicle, delivery_gap, delivery)
            and join(run, model.fast[rate, place, there], other, whole)
            and join(
                whole, model.fast[rate, there, target], state.after[vehicle, delivery_gap], whole
            )
        ):
            added += _time_cost_bound(model, state, vehicle, whole, state.busy[vehicle] + more)
            if added < best and not plain:
                put(state.codes[vehicle], count, state.trial, delivery_gap, delivery)
                put(state.trial, count + 1, state.trial, gap, pickup)
                cost = priced(model, promise, state, s, vehicle, state.trial, count + 2)
                added = INFINITE if cost >= INFINITE else cost - state.cost[vehicle]
            if added < best:
                best, best_gap = added, delivery_gap
        if delivery_gap == count or is_reload(model, vehicle, state.codes[vehicle, delivery_gap]):
            break
        if not join(run, model.fast[rate, place, target], state.own[vehicle, delivery_gap], run):
            break
        place = target
    return (best, best_gap) if best_gap >= 0 else (INFINITE, -1)


@compiled
def _pair_fits(
    model: Model, state: State, vehicle: int, gap: int, delivery_gap: int, delivery: int
) -> bool:
    """Return True if the pair's goods still fit on board in the delivery's gap."""
    for d in range(model.demand.shape[1]):
        if (
            state.load[vehicle, delivery_gap, d] + model.demand[delivery, d]
            > model.room[vehicle, d]
        ):
            return False
    return gap <= delivery_gap


@compiled
def _collected_fits(model: Model, state: State, vehicle: int, gap: int, visit: int) -> bool:
    """Return True if the goods collected at a visit fit up to the end of the trip."""
    for d in range(model.demand.shape[1]):
        most = state.most_after[vehicle, gap, d] + model.collect[visit, d]
        if most > model.room[vehicle, d]:
            return False
    return True
