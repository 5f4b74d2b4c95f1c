"""Whole tours are moved to cheaper kinds of vehicles. PURE, compiled.

String removals move visits between tours. They rarely find that an unchanged tour would cost less
with another kind of vehicle. Here each tour is priced with each kind. It moves to an empty vehicle
that costs less, or exchanges vehicles with another tour if both together then cost less.
"""

from __future__ import annotations

import numpy as np

from dispatch.solver.classic.arrays import (
    BEST,
    CLOSES,
    COST,
    COST_LAYER,
    COUNT,
    FAR,
    FIXED,
    KIND,
    LONGEST,
    METRE_LAYER,
    MISSED_PRICE,
    NEXT,
    OPENS,
    PREV,
    REACH,
    ROOM,
    SECOND,
    SERVICE,
    TIME_LAYER,
    Int32,
    Int64,
    State,
    Terrain,
)
from dispatch.solver.classic.kernel import save_best
from dispatch.solver.classic.tour import insert, remove, retime_tour, update_free
from dispatch.solver.compiling.compiled import allocating, compiled


@compiled
def _priced(terrain: Terrain, state: State, depot: int, slot: int, room: Int64) -> int:
    """Return the cost of a depot's tour with the vehicle of another slot, FAR if infeasible."""
    cost, time, metres, row = terrain.cost, terrain.time, terrain.metres, terrain.row
    may, gate = terrain.may, terrain.gate
    node, span, visit, tour = state.node, state.span, state.visit, state.tour
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    kind, by_cost, by_time = tour[slot, KIND], tour[slot, COST_LAYER], tour[slot, TIME_LAYER]
    total, way = tour[slot, FIXED], 0
    ready = gate[slot, 0] + gate[slot, 2]
    work, latest = gate[slot, 2], gate[slot, 1]
    left, name = len(visit) + slot, node[depot, NEXT]
    for at in range(loads):
        room[at] = 0
    while True:
        right = len(visit) + slot if name == depot else name
        origin, target = row[left, 0], row[right, 1]
        total += cost[by_cost, origin, target]
        drive = time[by_time, origin, target]
        if metres.shape[1] > 1:
            way += metres[tour[slot, METRE_LAYER], origin, target]
        if name == depot:
            break
        opens, closes = visit[name, OPENS], visit[name, CLOSES]
        if ready + drive > closes or (len(may) > 1 and may[name, kind] == 0):
            return FAR
        shift, seconds = work + drive, visit[name, SERVICE + by_time]
        ready = max(ready + drive, opens) + seconds
        work = shift + seconds + max(0, opens - shift - latest)
        latest = min(latest, closes - shift)
        for at in range(loads):
            room[at] += visit[name, first + at]
        left, name = name, node[name, NEXT]
    if ready + drive > gate[slot, 3] or way > tour[slot, REACH]:
        return FAR
    if len(span) > 1:
        total += (work + drive) * tour[slot, SECOND]
        if work + drive > tour[slot, LONGEST]:
            return FAR
    for at in range(loads):
        if room[at] > room[loads + kind * loads + at]:
            return FAR
    return total


@allocating
def _room_of(tour: Int64, visit: Int64, node: Int32, kinds: int) -> Int64:
    """Return working space for a load, followed by the capacity of each kind of vehicle."""
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    room = np.zeros(loads * (1 + kinds), np.int64)
    for slot in range(len(tour)):
        base = loads + tour[slot, KIND] * loads
        room[base : base + loads] = tour[slot, ROOM:]
        name = node[len(visit) + slot, NEXT]
        while name < len(visit):
            room[base : base + loads] += visit[name, first:]
            name = node[name, NEXT]
    return room


@allocating
def _table(terrain: Terrain, state: State, kinds: int) -> Int64:
    """Return the cost of each slot's tour with each kind, FAR for empty slots; [slot, kind]."""
    node, visit, tour = state.node, state.visit, state.tour
    one = np.full(kinds, -1, np.int64)
    for slot in range(len(tour)):
        one[tour[slot, KIND]] = slot
    room = _room_of(tour, visit, node, kinds)
    table = np.full((len(tour), kinds), FAR, np.int64)
    for slot in range(len(tour)):
        for kind in range(kinds):
            if tour[slot, COUNT] > 0 and one[kind] >= 0:
                table[slot, kind] = _priced(terrain, state, len(visit) + slot, one[kind], room)
    return table


@compiled
def _hand_over(terrain: Terrain, state: State, giver: int, taker: int, until: int) -> None:
    """Move the first visits of one tour, up to but without ``until``, to the end of another."""
    cost, time, metres, row = terrain.cost, terrain.time, terrain.metres, terrain.row
    node, visit, tour = state.node, state.visit, state.tour
    depot = len(visit) + taker
    name = node[len(visit) + giver, NEXT]
    while name != until:
        behind = node[name, NEXT]
        remove(node, row, tour, visit, cost, time, metres, name)
        insert(node, row, tour, visit, cost, time, metres, name, node[depot, PREV])
        name = behind


@allocating
def change_kinds(terrain: Terrain, state: State) -> None:
    """Give each tour in turn the vehicle that saves most: an empty one or that of another tour."""
    node, span, visit, tour = state.node, state.span, state.visit, state.tour
    free, best, num = state.free, state.best, state.num
    kinds = len(free)
    table = _table(terrain, state, kinds)
    for slot in range(len(tour)):
        if tour[slot, COUNT] == 0:
            continue
        kind = tour[slot, KIND]
        most, partner = 0, -1
        for other in range(len(tour)):
            goal = tour[other, KIND]
            if goal == kind or table[slot, goal] == FAR:
                continue
            saved = table[slot, kind] - table[slot, goal]
            if tour[other, COUNT] > 0:
                if table[other, kind] == FAR:
                    continue
                saved += table[other, goal] - table[other, kind]
            if saved > most:
                most, partner = saved, other
        if partner < 0:
            continue
        own_first, depot = node[len(visit) + slot, NEXT], len(visit) + slot
        _hand_over(terrain, state, slot, partner, depot)
        _hand_over(terrain, state, partner, slot, own_first)
        for changed in (slot, partner):
            retime_tour(node, span, visit, tour, len(visit) + changed)
            update_free(tour, free, num, changed)
        num[COST] -= most
        table[slot, :], table[partner, :] = FAR, FAR
    if num[COST] + num[MISSED_PRICE] < num[BEST]:
        num[BEST] = num[COST] + num[MISSED_PRICE]
        save_best(node, len(visit) - 1, best)
