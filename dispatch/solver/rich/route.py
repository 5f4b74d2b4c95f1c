"""The price of one route, and the data that price insertions into its gaps. PURE, compiled."""

from __future__ import annotations

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.drive import opening
from dispatch.solver.rich.layout import (
    FIRST,
    HAD,
    LATENESS,
    PAID,
    SERVED,
    VISITS,
    WAY,
    Scratch,
    is_reload,
)
from dispatch.solver.rich.model import (
    CLOSES,
    END,
    FIXED,
    HARD,
    HARD_END,
    LATE,
    LATE_PRICE,
    LATEST,
    LOADING,
    OPENS,
    PARTNER,
    PER_M,
    ROLE,
    SOFT_END,
    START,
    Int64,
    Model,
)
from dispatch.solver.rich.scan import INFINITE, MINOR, PER_SECOND, retrace, scan, worked_cost
from dispatch.solver.rich.state import EARLY, LASTS, LATER, Promises, State
from dispatch.solver.timing.passes import NEVER


@compiled
def priced(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    vehicle: int,
    codes: Int64,
    count: int,
) -> float:
    """Return a sequence's cost plus penalties for broken promises; INFINITE if it is infeasible."""
    cost = scan(model, vehicle, codes, count, s)
    if not promise.active[0] or cost >= INFINITE or count == 0:
        return cost
    retrace(model, vehicle, count, s, state.rests)
    had = s.out[HAD]
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
def refresh(model: Model, promise: Promises, state: State, s: Scratch, vehicle: int) -> bool:
    """Price a vehicle's route and update the data of its gaps; return False if it is infeasible."""
    count = state.count[vehicle]
    cost = priced(model, promise, state, s, vehicle, state.codes[vehicle], count)
    if cost >= INFINITE:
        return False
    state.cost[vehicle] = cost
    state.way[vehicle] = s.out[WAY]
    state.visits[vehicle] = s.out[VISITS]
    state.worked[vehicle] = 0.0
    if count:
        free = (
            model.price[vehicle, FIXED]
            + s.out[WAY] * model.price[vehicle, PER_M]
            + s.out[SERVED] * MINOR
        )
        state.worked[vehicle] = cost - free
        if not promise.active[0]:
            state.worked[vehicle] = (
                worked_cost(model, vehicle, s.out[PAID]) + s.out[LATENESS] * PER_SECOND
            )
    _segments(model, state, s, vehicle, count, promise.active[0])
    if model.demand.shape[1]:
        _loads(model, state, vehicle, count)
    return True


@compiled
def own_segment(model: Model, visit: int, serve: int, own: Int64) -> None:
    """Write the segment of one stop; its windows count as one from the first to the last."""
    own[LASTS] = serve
    if visit < 0 or model.visit[visit, HARD] == model.visit[visit, HARD_END]:
        own[EARLY], own[LATER] = 0, NEVER
        return
    own[EARLY] = model.windows[model.visit[visit, HARD], 0]
    own[LATER] = model.windows[model.visit[visit, HARD_END] - 1, 1]


@compiled
def _segments(
    model: Model, state: State, s: Scratch, vehicle: int, count: int, active: bool
) -> None:
    """Update places, earliest times, lateness and segments of each stop and gap."""
    row = model.vehicle[vehicle]
    before, after = state.before[vehicle], state.after[vehicle]
    before[0, LASTS] = 0
    first = max(row[OPENS], s.out[FIRST]) + row[LOADING]
    before[0, EARLY] = first
    before[0, LATER] = row[LATEST] + row[LOADING]
    after[count, LASTS], after[count, EARLY], after[count, LATER] = 0, 0, row[CLOSES]
    plain, loose = state.plain_vehicle[vehicle] and not active, False
    state.trip[vehicle] = count
    state.early[vehicle, 0] = first
    busy, tardies = s.drive[count] if count else 0, 0
    state.place[vehicle, 0] = row[START]
    state.place[vehicle, count + 1] = row[END]
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
    """Return the first second from ``ready`` on at which service may begin, NEVER if none.

    A facility has no windows: service begins at ``ready``.
    """
    if code < 0:
        return ready
    return opening(model, model.visit[code, HARD], model.visit[code, HARD_END], 0, ready)


@compiled
def tardiness(model: Model, code: int, begin: int) -> int:
    """Return a lower bound of the price of lateness if service begins at ``begin`` or later.

    The price is in late seconds times the price an hour. Only the time after the last window
    counts. A vehicle may wait for a later window, but after the last one lateness only grows.
    """
    if code < 0 or model.visit[code, LATE] == 0:
        return 0
    last = model.windows[model.visit[code, SOFT_END] - 1, 1]
    return int(max(0, begin - last) * model.visit[code, LATE_PRICE])


@compiled
def join(first: Int64, drive: int, second: Int64, whole: Int64) -> bool:
    """Join two segments and the drive between them into ``whole``.

    Return False if the second segment is reached too late.
    """
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
    """Update the load in each gap, and the highest load before and after it on its trip."""
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
