"""The arrays of a piece: created from the model, loaded with a plan, and read back. PURE.

A piece has small matrices of its own, in the order of its visits, so that the data of some hundred
visits fits in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatch.solver.classic.arrays import (
    AHEAD,
    AWAY,
    BEHIND,
    BEST,
    BLINK,
    CLOSES,
    COST,
    COST_LAYER,
    COUNT,
    DRIVEN,
    DUE,
    EARLIEST,
    FIXED,
    FREE_AT,
    INTO,
    KIND,
    LATEST,
    LONGEST,
    LOOSE,
    METRE_LAYER,
    MISSED,
    MISSED_AT,
    MISSED_PRICE,
    NEXT,
    NOWHERE,
    NUMBERS,
    OPENS,
    OUT,
    OVERLOOK,
    PREV,
    PRICE,
    REACH,
    READY,
    ROOM,
    SECOND,
    SERVICE,
    SLOT,
    STAMP,
    TIME,
    TIME_LAYER,
    USED,
    WIDTH,
    WORK,
    Float,
    Int32,
    Int64,
    State,
    Terrain,
    Words,
)
from dispatch.solver.classic.kernel import save_best, update_missed
from dispatch.solver.classic.model import TOP_LEG, Model
from dispatch.solver.classic.near import Near, within
from dispatch.solver.classic.place import best_empty_vehicle, best_gap_anywhere
from dispatch.solver.classic.rng import until
from dispatch.solver.classic.tour import insert, retime_tour, retime_visit, update_free
from dispatch.solver.compiling.compiled import allocating


@dataclass(frozen=True, slots=True)
class Tours:
    """Some tours as flat arrays; visits in none of the tours are unserved.

    ``visits`` : int32, the visits of all tours, one tour after the other.
    ``ends`` : int64, for each tour the index in ``visits`` after its last visit.
    ``kinds`` : int32, the kind of vehicle of each tour.
    """

    visits: Int32
    ends: Int64
    kinds: Int32

    @property
    def starts(self) -> Int64:
        """The index in ``visits`` of the first visit of each tour."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[:-1]]) if len(self) else self.ends

    def __len__(self) -> int:
        return len(self.ends)


def concatenated(plans: list[Tours]) -> Tours:
    """Return the tours of several plans as one plan."""
    shifts = np.cumsum([0, *(len(p.visits) for p in plans)])
    return Tours(
        np.concatenate([p.visits for p in plans]),
        np.concatenate([p.ends + shift for p, shift in zip(plans, shifts, strict=False)]),
        np.concatenate([p.kinds for p in plans]),
    )


@allocating
def _priced(matrix: Int32, rows: Int64, price: int, out: Int32) -> None:
    for a in range(len(rows)):
        for b in range(len(rows)):
            out[a, b] = matrix[rows[a], rows[b]] * price


def terrain_of(model: Model, near: Near, chosen: Int64, slots: Int32) -> Terrain:
    """Return the constant arrays of a piece: travel matrices, neighbour lists, limits of shifts.

    ``chosen`` are the visits of the piece, by their numbers in the model. ``slots`` is the kind of
    vehicle of each slot.
    """
    count = len(chosen)
    depots = np.unique(np.concatenate([model.start, model.end]))
    rows = np.concatenate([depots[:1], model.places[chosen], depots[1:]])
    row_of = {int(place): at + count if at else 0 for at, place in enumerate(depots)}
    seconds = _both_ways(_layers(model.seconds, rows), model)
    cost = seconds if model.alike else _both_ways(_costs(model, rows), model)
    local = np.zeros(model.size + 1, np.int32)
    local[chosen] = np.arange(1, count + 1)
    nodes = np.arange(count + 1, dtype=np.int32)
    before = within(near.before, chosen, local)
    after = within(near.after, chosen, local)
    ends = [
        np.array([row_of[int(place)] for place in places], np.int32)[slots]
        for places in (model.start, model.end)
    ]
    gate = np.stack([model.first, model.latest, model.loading, model.home], axis=1)[slots]
    return Terrain(
        cost=cost,
        time=seconds,
        metres=_layers(model.metres, rows) if model.ranged else np.zeros((1, 1, 1), np.int32),
        row=np.stack([np.concatenate([nodes, end]) for end in ends], axis=1),
        before=_with_legs(
            before, cost[0][before, nodes[:, None]], seconds[0][before, nodes[:, None]]
        ),
        after=_with_legs(after, cost[0][nodes[:, None], after], seconds[0][nodes[:, None], after]),
        around=within(near.around, chosen, local),
        may=model.may[np.concatenate([[0], chosen])] if model.masked else np.ones((1, 1), np.uint8),
        gate=gate.astype(np.int64),
        full=int(model.full),
    )


def single_visit_costs(model: Model) -> Int64:
    """Return the least cost of a tour for each visit alone, without the price of time; [visit]."""
    least = np.full(model.size + 1, TOP_LEG * 4, np.int64)
    for at, kind in enumerate(model.kinds):
        profile, price = model.cost_layers[kind.cost_layer]
        matrix = model.seconds[kind.time_layer] if model.alike else model.metres[profile]
        out = matrix[model.start[at], model.places].astype(np.int64)
        way = out + matrix[model.places, model.end[at]]
        least = np.minimum(least, way * (1 if model.alike else price) + model.fixed[at])
    least[0] = 0
    return least


def state_of(
    model: Model, away: Int64, chosen: Int64, slots: Int32, word: Words, tune: Float
) -> State:
    """Return the working space of a piece, with the constant data of its visits and vehicles."""
    count, loads = len(chosen), model.demand.shape[1]
    names = np.concatenate([np.zeros(1, np.int64), chosen])
    visit = np.zeros((count + 1, SERVICE + len(model.seconds) + loads), np.int64)
    visit[:, OPENS], visit[:, CLOSES] = model.opens[names], model.closes[names]
    visit[:, PRICE] = model.price[names]
    visit[:, AWAY] = away[names]
    visit[:, SERVICE : SERVICE + len(model.seconds)] = model.service[:, names].T
    visit[:, SERVICE + len(model.seconds) :] = model.demand[names]
    tour = np.zeros((len(slots), ROOM + loads), np.int64)
    tour[:, KIND] = slots
    for field, values in (
        (COST_LAYER, [k.cost_layer for k in model.kinds]),
        (TIME_LAYER, [k.time_layer for k in model.kinds]),
        (METRE_LAYER, [k.metre_layer for k in model.kinds]),
        (FIXED, model.fixed),
        (SECOND, model.second),
        (LONGEST, model.longest),
        (REACH, model.reach),
    ):
        tour[:, field] = np.asarray(values)[slots]
    tour[:, STAMP] = NOWHERE
    tour[:, ROOM:] = model.room[slots]
    nodes = count + 1 + len(slots)
    most = max((int((slots == kind).sum()) for kind in range(len(model.kinds))), default=0)
    return State(
        node=np.full((nodes, WIDTH), NOWHERE, np.int32),
        span=np.zeros((nodes if model.timed else 1, 4), np.int32),
        visit=visit,
        tour=tour,
        free=np.zeros((len(model.kinds), most + 1), np.int32),
        missed=np.zeros(count + 1, np.int32),
        best=np.zeros(nodes, np.int32),
        absent=np.zeros(count + 1, np.int32),
        key=np.zeros(count + 1),
        removed=np.zeros((count + 1, 2), np.int32),
        touched=np.zeros(len(slots) + 1, np.int32),
        num=np.zeros(NUMBERS, np.int64),
        word=word,
        tune=tune,
    )


def _with_legs(names: Int32, cost: Int32, seconds: Int32) -> Any:
    return np.ascontiguousarray(np.stack([names, cost, seconds], axis=2))


def _layers(matrices: tuple[Int32, ...], rows: Int64) -> Any:
    out = np.empty((len(matrices), len(rows), len(rows)), np.int32)
    for at, matrix in enumerate(matrices):
        _priced(matrix, rows, 1, out[at])
    return out


def _both_ways(layers: Any, model: Model) -> Any:
    """Append the transposed layer, unless it is the same or ``place.best_gap_full`` is used."""
    turned = np.transpose(layers, (0, 2, 1))
    if model.full or np.array_equal(layers, turned):
        return layers
    return np.concatenate([layers, turned])


def _costs(model: Model, rows: Int64) -> Any:
    out = np.empty((len(model.cost_layers), len(rows), len(rows)), np.int32)
    for at, (profile, price) in enumerate(model.cost_layers):
        _priced(model.metres[profile], rows, price, out[at])
    return out


@allocating
def clear(terrain: Terrain, state: State) -> None:
    """Empty all slots: all visits are unserved."""
    node, span, visit, tour, free, missed, _, _, _, _, _, num, word, tune = state
    gate = terrain.gate
    num[MISSED], num[MISSED_PRICE], num[COST], num[USED] = 0, 0, 0, len(tour)
    free[:, 0] = 0
    loads = visit.shape[1] - (tour.shape[1] - ROOM)
    for name in range(1, len(visit)):
        if node[name, SLOT] >= 0:
            for at in range(tour.shape[1] - ROOM):
                tour[node[name, SLOT], ROOM + at] += visit[name, loads + at]
        node[name, SLOT] = NOWHERE
        node[name, OUT] = LOOSE
        node[name, INTO] = LOOSE
        visit[name, MISSED_AT] = NOWHERE
        update_missed(node, visit, missed, num, name)
    for slot in range(len(tour) - 1, -1, -1):
        depot = len(visit) + slot
        node[depot, NEXT] = depot
        node[depot, PREV] = depot
        node[depot, SLOT] = slot
        node[depot, READY] = gate[slot, 0] + gate[slot, 2]
        node[depot, DUE] = gate[slot, 3]
        node[depot, OUT] = 0
        node[depot, INTO] = 0
        node[depot, TIME] = 0
        if len(span) > 1:
            span[depot, AHEAD] = gate[slot, 2]
            span[depot, LATEST] = gate[slot, 1]
            span[depot, BEHIND] = 0
            span[depot, EARLIEST] = 0
        tour[slot, COUNT] = 0
        tour[slot, WORK] = 0
        tour[slot, DRIVEN] = 0
        tour[slot, FREE_AT] = NOWHERE
        update_free(tour, free, num, slot)
    num[BLINK] = until(word, tune[OVERLOOK])


def load(terrain: Terrain, state: State, visits: Int32, ends: Int64) -> None:
    """Load a plan into the arrays: tour t into slot t."""
    load_at(terrain, state, visits, ends, np.arange(len(ends)))


@allocating
def load_at(terrain: Terrain, state: State, visits: Int32, ends: Int64, slots: Int64) -> None:
    """Load a plan into the arrays: tour t into slot ``slots[t]``."""
    clear(terrain, state)
    node, span, visit, tour, free, missed, best, _, _, _, _, num, _, _ = state
    at = 0
    for number in range(len(ends)):
        slot = slots[number]
        depot = len(visit) + slot
        left = depot
        while at < ends[number]:
            name = visits[at]
            insert(
                node,
                terrain.row,
                tour,
                visit,
                terrain.cost,
                terrain.time,
                terrain.metres,
                name,
                left,
            )
            update_missed(node, visit, missed, num, name)
            left = name
            at += 1
        update_free(tour, free, num, slot)
        retime_tour(node, span, visit, tour, depot)
        num[COST] += tour[slot, FIXED] + tour[slot, SECOND] * tour[slot, WORK]
        left = depot
        while True:
            num[COST] += node[left, OUT]
            left = node[left, NEXT]
            if left == depot:
                break
    num[BEST] = num[COST] + num[MISSED_PRICE]
    save_best(node, len(visit) - 1, best)


def cost_of(terrain: Terrain, state: State, visits: Int32, ends: Int64, kinds: Int32) -> int:
    """Load a plan into the arrays of a piece; return its cost, with that of unserved visits.

    ``visits`` are numbers of the piece. Each tour gets the next slot with its kind of vehicle. The
    plan that the arrays held before is lost.
    """
    kind_of = state.tour[:, KIND]
    free = {int(kind): iter(np.flatnonzero(kind_of == kind)) for kind in np.unique(kinds)}
    order = np.array([next(free[int(kind)]) for kind in kinds], np.int64)
    load_at(terrain, state, visits, ends, order)
    return int(state.num[BEST])


@allocating
def construct(terrain: Terrain, state: State, sequence: Int32) -> None:
    """Build a plan by cheapest insertion: each visit in turn into its best gap, or unserved."""
    clear(terrain, state)
    cost, time, metres, row, _, _, _, may, _, _ = terrain
    node, span, visit, tour, free, missed, best, _, _, _, _, num, word, tune = state
    for name in sequence:
        limit = visit[name, PRICE] + 1
        more, left = best_gap_anywhere(
            node, span, row, visit, tour, cost, time, metres, may, name, limit
        )
        fresh, depot = best_empty_vehicle(
            node, span, row, visit, tour, cost, time, metres, may, free, name, more, num, word, tune
        )
        if depot != NOWHERE:
            more, left = fresh, depot
        if left == NOWHERE:
            continue
        slot = node[left, SLOT]
        insert(node, row, tour, visit, cost, time, metres, name, left)
        update_free(tour, free, num, slot)
        retime_visit(node, span, visit, tour, name, len(visit) + slot)
        update_missed(node, visit, missed, num, name)
        num[COST] += more
    num[BEST] = num[COST] + num[MISSED_PRICE]
    save_best(node, len(visit) - 1, best)


@allocating
def _write_tours(behind: Int32, count: int, visits: Int32, ends: Int64, slots: Int32) -> int:
    """Write a plan to flat arrays; return the number of tours. ``behind`` holds the next nodes."""
    at = tours = 0
    for slot in range(len(slots)):
        depot = count + 1 + slot
        name = behind[depot]
        if name == depot:
            continue
        while name != depot:
            visits[at] = name
            at += 1
            name = behind[name]
        ends[tours], slots[tours] = at, slot
        tours += 1
    return tours


def tours_of(state: State, chosen: Int64, kinds: Int32, *, best: bool) -> Tours:
    """Return the present or the best plan, with visits by their numbers in the model.

    ``chosen`` are the visits of the piece; ``kinds`` is the kind of vehicle of each slot.
    """
    count = len(chosen)
    visits, ends = np.zeros(count, np.int32), np.zeros(len(kinds), np.int64)
    slots = np.zeros(len(kinds), np.int32)
    behind = state.best if best else np.ascontiguousarray(state.node[:, NEXT])
    tours = _write_tours(behind, count, visits, ends, slots)
    nodes = visits[: ends[tours - 1] if tours else 0]
    return Tours(
        chosen[nodes - 1].astype(np.int32), ends[:tours].copy(), kinds[slots[:tours]].copy()
    )
