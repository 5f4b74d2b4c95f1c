"""The tail exchange between two tours (2-opt*). PURE, compiled.

Strings of ten visits cannot move the tail of a tour of forty. This move replaces the visits after
a drawn visit by the tail of another tour of the same kind of vehicle. The tail may be empty (the
tour is cut in two) or a whole tour (two tours become one), so the number of tours can change. A
move is accepted by the same temperature as an iteration. Its cost takes constant time, except for
loads and metres.

Source: Potvin, Rousseau (1995), An Exchange Heuristic for Routeing Problems with Time Windows,
Journal of the Operational Research Society 46(12).
"""

from __future__ import annotations

from dispatch.solver.classic.arrays import (
    AHEAD,
    BEHIND,
    BLINK,
    COST,
    COST_LAYER,
    COUNT,
    DRIVEN,
    DUE,
    EARLIEST,
    FAR,
    FIXED,
    KIND,
    LATEST,
    LONGEST,
    METRE_LAYER,
    NEXT,
    NOWHERE,
    OUT,
    OVERLOOK,
    PREV,
    REACH,
    READY,
    ROOM,
    SECOND,
    SLOT,
    TIME_LAYER,
    WORK,
    Float,
    Int32,
    Int64,
    Words,
)
from dispatch.solver.classic.rng import below, until
from dispatch.solver.classic.tour import link, retime_tour, update_free
from dispatch.solver.compiling.compiled import compiled, inlined


@compiled
def head_load(node: Int32, visit: Int64, name: int, field: int) -> int:
    """Return the load of a tour up to a node, the node included."""
    total = 0
    while name < len(visit):
        total += visit[name, field]
        name = node[name, PREV]
    return total


@compiled
def head_m(node: Int32, row: Int32, visit: Int64, metres: Int32, layer: int, name: int) -> int:
    """Return the metres of a tour up to a node."""
    total = 0
    while name < len(visit):
        left = node[name, PREV]
        total += metres[layer, row[left, 0], row[name, 1]]
        name = left
    return total


@compiled
def loads_hold(node: Int32, visit: Int64, tour: Int64, head: int, other_head: int) -> bool:
    """Return True if the capacities suffice after the tails behind two nodes are exchanged."""
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    one, other = node[head, SLOT], node[other_head, SLOT]
    for at in range(loads):
        shift = head_load(node, visit, head, first + at) - head_load(
            node, visit, other_head, first + at
        )
        # After the exchange each vehicle carries its own head and the other tail.
        if tour[other, ROOM + at] - shift < 0 or tour[one, ROOM + at] + shift < 0:
            return False
    return True


@inlined
def windows_hold(node: Int32, row: Int32, tour: Int64, time: Int32, left: int, right: int) -> bool:
    """Return True if all time windows hold when ``right`` and its tail follow ``left``."""
    layer = tour[node[left, SLOT], TIME_LAYER]
    return node[left, READY] + time[layer, row[left, 0], row[right, 1]] <= node[right, DUE]


@compiled
def distances_hold(
    node: Int32, row: Int32, visit: Int64, tour: Int64, metres: Int32, name: int, other: int,
    first: int,
) -> bool:  # fmt: skip
    """Return True if both tours stay within their largest distance after an exchange.

    ``first`` is the node that follows ``name`` after the exchange.
    """
    slot, other_slot = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    layer, home = tour[slot, METRE_LAYER], len(visit) + slot
    ahead = head_m(node, row, visit, metres, layer, name)
    ahead_there = head_m(node, row, visit, metres, layer, left)
    one = ahead + metres[layer, row[name, 0], row[first, 1]]
    if left != other:
        one += tour[other_slot, DRIVEN] - ahead_there - metres[layer, row[left, 0], row[other, 1]]
    two = 0
    if behind != home or left < len(visit):
        rest = tour[slot, DRIVEN] - ahead - metres[layer, row[name, 0], row[behind, 1]]
        two = ahead_there + metres[layer, row[left, 0], row[behind, 1]] + rest
    return max(one, two) <= tour[slot, REACH]


@inlined
def joined_work(
    node: Int32, span: Int32, row: Int32, tour: Int64, time: Int32, left: int, right: int,
) -> int:  # fmt: skip
    """Return the least seconds of work of a head up to ``left`` and a tail from ``right`` on."""
    work = 0
    if left != right:
        layer = tour[node[left, SLOT], TIME_LAYER]
        shift = span[left, AHEAD] + time[layer, row[left, 0], row[right, 1]]
        wait = max(0, span[right, EARLIEST] - shift - span[left, LATEST])
        work = shift + wait + span[right, BEHIND]
    return work


@compiled
def exchange_cost(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, name: int, other: int, limit: int,
) -> int:  # fmt: skip
    """Return the cost of an exchange of tails, or FAR if infeasible or not below a limit.

    The tail that begins at ``other`` follows ``name``. If ``other`` is the depot of an empty slot,
    the tour ends after ``name``, and its tail becomes a tour of that slot.
    """
    slot, other_slot = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    home = len(visit) + slot
    first = home if left == other else other  # the tail of an empty slot is the leg to the depot
    layer = tour[slot, COST_LAYER]
    more = cost[layer, row[name, 0], row[first, 1]] - node[name, OUT] - node[left, OUT]
    if left == other:
        more += tour[other_slot, FIXED]
    if behind == home and left >= len(visit):
        more -= tour[other_slot, FIXED]
    else:
        more += cost[layer, row[left, 0], row[behind, 1]]
    if more >= limit:
        return FAR
    if not (
        windows_hold(node, row, tour, time, name, first)
        and windows_hold(node, row, tour, time, left, behind)
        and loads_hold(node, visit, tour, name, left)
    ):
        return FAR
    if metres.shape[1] > 1 and not distances_hold(
        node, row, visit, tour, metres, name, other, first
    ):
        return FAR
    if len(span) > 1:
        one = joined_work(node, span, row, tour, time, name, first)
        two = 0
        if behind != home or left < len(visit):
            two = joined_work(node, span, row, tour, time, left, behind)
        more += (one + two - tour[slot, WORK] - tour[other_slot, WORK]) * tour[slot, SECOND]
        if max(one, two) > tour[slot, LONGEST] or more >= limit:
            return FAR
    return more


@compiled
def update_tour(
    node: Int32, row: Int32, visit: Int64, tour: Int64, metres: Int32, slot: int,
) -> None:  # fmt: skip
    """Set the slot of all visits of a tour, and count its visits and metres."""
    depot = len(visit) + slot
    name, count, way = node[depot, NEXT], 0, 0
    layer = tour[slot, METRE_LAYER]
    left = depot
    while True:
        if metres.shape[1] > 1 and name != left:
            way += metres[layer, row[left, 0], row[name, 1]]
        if name == depot:
            break
        node[name, SLOT] = slot
        count += 1
        left, name = name, node[name, NEXT]
    tour[slot, COUNT] = count
    tour[slot, DRIVEN] = way


@compiled
def exchange(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, free: Int32, num: Int64, name: int, other: int,
) -> None:  # fmt: skip
    """Exchange the tail after ``name`` with the tail that begins at ``other``."""
    slot, other_slot = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    home, away = len(visit) + slot, len(visit) + other_slot
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    for at in range(loads):
        shift = head_load(node, visit, name, first + at) - head_load(node, visit, left, first + at)
        one, two = tour[slot, ROOM + at], tour[other_slot, ROOM + at]
        tour[slot, ROOM + at], tour[other_slot, ROOM + at] = two - shift, one + shift
    last, other_last = node[home, PREV], node[away, PREV]
    if other == away:
        link(node, row, tour, cost, time, name, home, slot)
    else:
        link(node, row, tour, cost, time, name, other, slot)
        link(node, row, tour, cost, time, other_last, home, slot)
    if behind == home:
        link(node, row, tour, cost, time, left, away, other_slot)
    else:
        link(node, row, tour, cost, time, left, behind, other_slot)
        link(node, row, tour, cost, time, last, away, other_slot)
    for changed in (slot, other_slot):
        update_tour(node, row, visit, tour, metres, changed)
        retime_tour(node, span, visit, tour, len(visit) + changed)
        update_free(tour, free, num, changed)


@compiled
def tails(
    cost: Int32, time: Int32, metres: Int32, row: Int32, after: Int32, thorough: int, node: Int32,
    span: Int32, visit: Int64, tour: Int64, free: Int32, num: Int64, word: Words, tune: Float,
    most: float,
) -> bool:  # fmt: skip
    """Draw a visit and make its best tail exchange if it costs less than a limit.

    Return True if an exchange was made.
    """
    name = 1 + below(word, len(visit) - 1)
    slot = node[name, SLOT]
    if slot < 0:
        return False
    kind, skipped = tour[slot, KIND], node[name, OUT]
    best = int(most) + 1 if most < 1e18 else FAR
    best_other = NOWHERE
    for at in range(-1, after.shape[1]):
        if at < 0:
            if free[kind, 0] == 0 or node[name, NEXT] >= len(visit):
                continue
            other = len(visit) + free[kind, free[kind, 0]]
        else:
            other = after[name, at, 0]
            if other == 0:
                break
            left = node[other, PREV]
            other_slot = node[other, SLOT]
            if other_slot < 0 or other_slot == slot or tour[other_slot, KIND] != kind:
                continue
            if thorough == 0 and after[name, at, 1] - skipped - node[left, OUT] >= best:
                continue
        more = exchange_cost(node, span, row, visit, tour, cost, time, metres, name, other, best)
        if more >= best:
            continue
        num[BLINK] -= 1
        if num[BLINK] <= 0:
            num[BLINK] = until(word, tune[OVERLOOK])
            continue
        best, best_other = more, other
    if best_other == NOWHERE:
        return False
    exchange(node, span, row, visit, tour, cost, time, metres, free, num, name, best_other)
    num[COST] += best
    return True
