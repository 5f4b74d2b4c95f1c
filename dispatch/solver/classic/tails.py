"""Two tours exchange their tails: what strings of ten cannot do to tours of forty. PURE, compiled.

Behind a drawn visit comes the tail of another tour of the same kind of vehicle (2-opt*), of none
(the tour is cut in two), or the whole of another (two become one): so the number of tours changes
as well. Judged by the same temperature, in constant time but for loads and metres.

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
from dispatch.solver.classic.chance import below, until
from dispatch.solver.classic.tour import join, retime, sort_out
from dispatch.solver.compiling.compiled import compiled, inlined


@compiled
def head_load(node: Int32, visit: Int64, name: int, field: int) -> int:
    """Return the load of a tour up to and with a node."""
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
def loads_fit(node: Int32, visit: Int64, tour: Int64, mine: int, theirs: int) -> bool:
    """Tell whether the loads hold when the tails behind two nodes change places."""
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    one, other = node[mine, SLOT], node[theirs, SLOT]
    for at in range(loads):
        shift = head_load(node, visit, mine, first + at) - head_load(
            node, visit, theirs, first + at
        )
        # what is left in my vehicle behind: the room that theirs had, less what my head is heavier
        if tour[other, ROOM + at] - shift < 0 or tour[one, ROOM + at] + shift < 0:
            return False
    return True


@inlined
def in_time(node: Int32, row: Int32, tour: Int64, time: Int32, left: int, right: int) -> bool:
    """Tell whether all windows hold when a node's tail follows another's head."""
    layer = tour[node[left, SLOT], TIME_LAYER]
    return node[left, READY] + time[layer, row[left, 0], row[right, 1]] <= node[right, DUE]


@compiled
def ways_fit(
    node: Int32, row: Int32, visit: Int64, tour: Int64, metres: Int32, name: int, other: int,
    first: int,
) -> bool:  # fmt: skip
    """Tell whether nobody drives too far; ``first``: where the tail from ``other`` begins."""
    mine, theirs = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    layer, home = tour[mine, METRE_LAYER], len(visit) + mine
    ahead = head_m(node, row, visit, metres, layer, name)
    ahead_there = head_m(node, row, visit, metres, layer, left)
    one = ahead + metres[layer, row[name, 0], row[first, 1]]
    if left != other:
        one += tour[theirs, DRIVEN] - ahead_there - metres[layer, row[left, 0], row[other, 1]]
    two = 0
    if behind != home or left < len(visit):
        rest = tour[mine, DRIVEN] - ahead - metres[layer, row[name, 0], row[behind, 1]]
        two = ahead_there + metres[layer, row[left, 0], row[behind, 1]] + rest
    return max(one, two) <= tour[mine, REACH]


@inlined
def work_of(
    node: Int32, span: Int32, row: Int32, tour: Int64, time: Int32, left: int, right: int,
) -> int:  # fmt: skip
    """Return the least seconds of work of a head followed by a tail."""
    work = 0
    if left != right:
        layer = tour[node[left, SLOT], TIME_LAYER]
        shift = span[left, AHEAD] + time[layer, row[left, 0], row[right, 1]]
        wait = max(0, span[right, EARLIEST] - shift - span[left, LATEST])
        work = shift + wait + span[right, BEHIND]
    return work


@compiled
def exchanged(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, name: int, other: int, limit: int,
) -> int:  # fmt: skip
    """Return what it costs when another tour's tail follows a visit, or FAR if not below a limit.

    ``other`` is the first node of that tail; the depot of an empty slot: none follows.
    """
    mine, theirs = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    home = len(visit) + mine
    first = home if left == other else other  # an empty slot's tail is the way home
    layer = tour[mine, COST_LAYER]
    more = cost[layer, row[name, 0], row[first, 1]] - node[name, OUT] - node[left, OUT]
    if left == other:
        more += tour[theirs, FIXED]
    if behind == home and left >= len(visit):
        more -= tour[theirs, FIXED]
    else:
        more += cost[layer, row[left, 0], row[behind, 1]]
    if more >= limit:
        return FAR
    if not (
        in_time(node, row, tour, time, name, first)
        and in_time(node, row, tour, time, left, behind)
        and loads_fit(node, visit, tour, name, left)
    ):
        return FAR
    if metres.shape[1] > 1 and not ways_fit(node, row, visit, tour, metres, name, other, first):
        return FAR
    if len(span) > 1:
        one = work_of(node, span, row, tour, time, name, first)
        two = 0
        if behind != home or left < len(visit):
            two = work_of(node, span, row, tour, time, left, behind)
        more += (one + two - tour[mine, WORK] - tour[theirs, WORK]) * tour[mine, SECOND]
        if max(one, two) > tour[mine, LONGEST] or more >= limit:
            return FAR
    return more


@compiled
def relabel(
    node: Int32, row: Int32, visit: Int64, tour: Int64, metres: Int32, slot: int,
) -> None:  # fmt: skip
    """Tell the visits of a tour whose they are now, and the tour how many and how far."""
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
    """Let another tour's tail follow a visit, and the visit's own tail the other's head."""
    mine, theirs = node[name, SLOT], node[other, SLOT]
    behind, left = node[name, NEXT], node[other, PREV]
    home, away = len(visit) + mine, len(visit) + theirs
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    for at in range(loads):
        shift = head_load(node, visit, name, first + at) - head_load(node, visit, left, first + at)
        one, two = tour[mine, ROOM + at], tour[theirs, ROOM + at]
        tour[mine, ROOM + at], tour[theirs, ROOM + at] = two - shift, one + shift
    my_last, their_last = node[home, PREV], node[away, PREV]
    if other == away:
        join(node, row, tour, cost, time, name, home, mine)
    else:
        join(node, row, tour, cost, time, name, other, mine)
        join(node, row, tour, cost, time, their_last, home, mine)
    if behind == home:
        join(node, row, tour, cost, time, left, away, theirs)
    else:
        join(node, row, tour, cost, time, left, behind, theirs)
        join(node, row, tour, cost, time, my_last, away, theirs)
    for slot in (mine, theirs):
        relabel(node, row, visit, tour, metres, slot)
        retime(node, span, visit, tour, len(visit) + slot)
        sort_out(tour, free, num, slot)


@compiled
def tails(
    cost: Int32, time: Int32, metres: Int32, row: Int32, after: Int32, thorough: int, node: Int32,
    span: Int32, visit: Int64, tour: Int64, free: Int32, num: Int64, word: Words, tune: Float,
    most: float,
) -> bool:  # fmt: skip
    """Exchange the tail behind a drawn visit with the best, if that costs less than a limit."""
    name = 1 + below(word, len(visit) - 1)
    slot = node[name, SLOT]
    if slot < 0:
        return False
    kind, skipped = tour[slot, KIND], node[name, OUT]
    best = int(most) + 1 if most < 1e18 else FAR
    found = NOWHERE
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
            theirs = node[other, SLOT]
            if theirs < 0 or theirs == slot or tour[theirs, KIND] != kind:
                continue
            if thorough == 0 and after[name, at, 1] - skipped - node[left, OUT] >= best:
                continue
        more = exchanged(node, span, row, visit, tour, cost, time, metres, name, other, best)
        if more >= best:
            continue
        num[BLINK] -= 1
        if num[BLINK] <= 0:
            num[BLINK] = until(word, tune[OVERLOOK])
            continue
        best, found = more, other
    if found == NOWHERE:
        return False
    exchange(node, span, row, visit, tour, cost, time, metres, free, num, name, found)
    num[COST] += best
    return True
