"""The cheapest gap for a visit. Most of the search's time is spent here. PURE, compiled.

Gaps are found from two sides: after each likely predecessor of the visit, and before each likely
successor. Each improving gap is skipped with a small probability ("blink", Christiaens and Vanden
Berghe 2020). ``best_gap_plain`` serves problems with one matrix and without prices or limits of
time; ``best_gap_full`` serves all problems of the classic engine.
"""

from __future__ import annotations

from dispatch.solver.classic.arrays import (
    AHEAD,
    BEHIND,
    BLINK,
    CLOSES,
    COST_LAYER,
    COUNT,
    DRIVEN,
    DUE,
    EARLIEST,
    FAR,
    FIXED,
    INTO,
    KIND,
    LATEST,
    LONGEST,
    NEXT,
    NOWHERE,
    OPENS,
    OUT,
    OVERLOOK,
    PREV,
    REACH,
    READY,
    ROOM,
    SECOND,
    SERVICE,
    SLOT,
    TIME_LAYER,
    WORK,
    Float,
    Int32,
    Int64,
    UInt8,
    Words,
)
from dispatch.solver.classic.rng import below, until
from dispatch.solver.classic.tour import detour_m
from dispatch.solver.compiling.compiled import compiled, inlined

KINDS_TRIED = 12  # kinds of empty vehicles tried for a visit: 1 or more. Chosen.


@inlined
def has_room(visit: Int64, tour: Int64, name: int, slot: int) -> bool:
    """Return True if the remaining capacity of a tour is enough for a visit."""
    loads = tour.shape[1] - ROOM
    first = visit.shape[1] - loads
    fits = True
    for at in range(loads):
        if tour[slot, ROOM + at] < visit[name, first + at]:
            fits = False
    return fits


@inlined
def gap_cost_inlined(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, may: UInt8, name: int, left: int, limit: int,
) -> int:  # fmt: skip
    """Return the cost of a visit after node ``left``, or FAR if infeasible or not below a limit."""
    slot, right = node[left, SLOT], node[left, NEXT]
    origin, target = row[left, 0], row[right, 1]
    layer = tour[slot, COST_LAYER]
    more = cost[layer, origin, name] + cost[layer, name, target] - node[left, OUT]
    if left == right:
        more += tour[slot, FIXED]
    fits = more < limit
    if fits:
        layer = tour[slot, TIME_LAYER]
        seconds, opens = visit[name, SERVICE + layer], visit[name, OPENS]
        closes = visit[name, CLOSES]
        drive_in, drive_out = time[layer, origin, name], time[layer, name, target]
        arrive = node[left, READY] + drive_in
        leave = max(arrive, opens) + seconds
        fits = arrive <= closes and leave + drive_out <= node[right, DUE]
        if fits and len(may) > 1:
            fits = may[name, tour[slot, KIND]] != 0
        if fits:
            fits = has_room(visit, tour, name, slot)
        if fits and metres.shape[1] > 1:
            way = tour[slot, DRIVEN] + detour_m(node, row, tour, metres, name, left)
            fits = way <= tour[slot, REACH]
        if fits and len(span) > 1:
            shift, latest = span[left, AHEAD] + drive_in, span[left, LATEST]
            work = shift + max(0, opens - shift - latest) + seconds + drive_out
            latest = min(latest, closes - shift)
            work = work + max(0, span[right, EARLIEST] - work - latest) + span[right, BEHIND]
            more += (work - tour[slot, WORK]) * tour[slot, SECOND]
            fits = work <= tour[slot, LONGEST] and more < limit
    return more if fits else FAR


@compiled
def gap_cost(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, may: UInt8, name: int, left: int, limit: int,
) -> int:  # fmt: skip
    """Return the same as ``gap_cost_inlined``; for code that runs too rarely to be inlined."""
    return gap_cost_inlined(
        node, span, row, visit, tour, cost, time, metres, may, name, left, limit
    )


@inlined
def best_gap_plain(  # noqa: C901 - the two loops over gaps are inlined for speed
    node: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32, before: Int32,
    after: Int32, back: float, name: int, limit: int, num: Int64, word: Words, tune: Float,
) -> tuple[int, int]:  # fmt: skip
    """Return the cheapest nearby gap for a plain problem: its cost, and the node before it.

    By the triangle inequality a gap costs at least ``back`` times the excess of one new leg over
    the replaced leg. Gaps whose excess is above limit / ``back`` are skipped. Gaps beside unserved
    visits are skipped too, because of the leg cost LOOSE.
    """
    seconds, opens, closes = visit[name, SERVICE], visit[name, OPENS], visit[name, CLOSES]
    best, best_left, blink, log_rest = limit, NOWHERE, num[BLINK], tune[OVERLOOK]
    visits = len(visit)
    most = int(best / back)  # largest excess of a leg with which a gap can cost less than ``best``
    for at in range(before.shape[1]):
        left = before[name, at, 0]
        if left == 0:
            break
        cost_in, skipped = before[name, at, 1], node[left, OUT]
        if cost_in - skipped > most:
            continue
        right = node[left, NEXT]
        target = right if right < visits else row[right, 1]
        more = cost_in + cost[0, name, target] - skipped
        if more >= best:
            continue
        arrive = node[left, READY] + before[name, at, 2]
        if arrive > closes:
            continue
        if max(arrive, opens) + seconds + time[0, name, target] > node[right, DUE]:
            continue
        slot = node[left, SLOT]
        if slot < 0 or not has_room(visit, tour, name, slot):
            continue
        blink -= 1
        if blink <= 0:
            blink = until(word, log_rest)
            continue
        best, best_left, most = more, left, int(more / back)
    # The transposed layer comes last; for a symmetric matrix it is the only layer.
    turned, turned_time = len(cost) - 1, len(time) - 1
    for at in range(after.shape[1]):
        right = after[name, at, 0]
        if right == 0:
            break
        cost_out, skipped = after[name, at, 1], node[right, INTO]
        if cost_out - skipped > most:
            continue
        left = node[right, PREV]
        origin = left if left < visits else row[left, 0]
        more = cost[turned, name, origin] + cost_out - skipped
        if more >= best:
            continue
        arrive = node[left, READY] + time[turned_time, name, origin]
        if arrive > closes:
            continue
        if max(arrive, opens) + seconds + after[name, at, 2] > node[right, DUE]:
            continue
        slot = node[left, SLOT]
        if slot < 0 or not has_room(visit, tour, name, slot):
            continue
        blink -= 1
        if blink <= 0:
            blink = until(word, log_rest)
            continue
        best, best_left, most = more, left, int(more / back)
    num[BLINK] = blink
    return best, best_left


@compiled
def best_gap_full(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, may: UInt8, before: Int32, after: Int32, name: int, limit: int, num: Int64,
    word: Words, tune: Float,
) -> tuple[int, int]:  # fmt: skip
    """Return the cheapest nearby gap under all rules: its cost, and the node before it."""
    best, best_left = limit, NOWHERE
    near = before.shape[1]
    for at in range(2 * near):
        if at < near:
            left = before[name, at, 0]
            if left == 0:
                continue
        else:
            right = after[name, at - near, 0]
            if right == 0:
                break
            if node[right, SLOT] < 0:
                continue
            left = node[right, PREV]
        if node[left, SLOT] < 0:
            continue
        more = gap_cost_inlined(
            node, span, row, visit, tour, cost, time, metres, may, name, left, best
        )
        if more >= best:
            continue
        num[BLINK] -= 1
        if num[BLINK] <= 0:
            num[BLINK] = until(word, tune[OVERLOOK])
            continue
        best, best_left = more, left
    return best, best_left


@compiled
def best_empty_vehicle(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, may: UInt8, free: Int32, name: int, limit: int, num: Int64, word: Words,
    tune: Float,
) -> tuple[int, int]:  # fmt: skip
    """Return the cheapest empty vehicle for a visit: the cost, and the depot of the vehicle.

    One vehicle of each kind is tried, for at most KINDS_TRIED kinds.
    """
    best, best_depot = limit, NOWHERE
    kinds = len(free)
    first = below(word, kinds) if kinds > KINDS_TRIED else 0
    for step in range(min(kinds, KINDS_TRIED)):
        kind = (first + step) % kinds
        if free[kind, 0] == 0:
            continue
        depot = len(visit) + free[kind, free[kind, 0]]
        more = gap_cost(node, span, row, visit, tour, cost, time, metres, may, name, depot, best)
        if more >= best:
            continue
        num[BLINK] -= 1
        if num[BLINK] <= 0:
            num[BLINK] = until(word, tune[OVERLOOK])
            continue
        best, best_depot = more, depot
    return best, best_depot


@compiled
def best_gap_anywhere(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, may: UInt8, name: int, limit: int,
) -> tuple[int, int]:  # fmt: skip
    """Return the cheapest gap in all tours with visits: its cost, and the node before it.

    If no gap costs less than ``limit``, return ``limit`` and NOWHERE.
    """
    best, best_left = limit, NOWHERE
    for slot in range(len(tour)):
        if tour[slot, COUNT] == 0 or not has_room(visit, tour, name, slot):
            continue
        depot = len(visit) + slot
        left = depot
        while True:
            more = gap_cost(node, span, row, visit, tour, cost, time, metres, may, name, left, best)
            if more < best:
                best, best_left = more, left
            left = node[left, NEXT]
            if left == depot:
                break
    return best, best_left
