"""One iteration after the other: strings out, visits back, taken or undone. PURE, compiled.

Slack induction by string removals. A visit is drawn; from the tours around it strings of
consecutive visits are taken out (sometimes with a piece kept in their middle), so that room and
slack arise side by side; the visits return one by one to where each costs least, or stay out
where that costs less; the plan is kept if it is not worse by more than -T ln(u).

Source: Christiaens, Vanden Berghe (2020), Slack Induction by String Removals for Vehicle Routing
Problems, Transportation Science 54(2).
"""

from __future__ import annotations

import math

from dispatch.solver.classic.arrays import (
    AWAY,
    BEST,
    CLOSES,
    COST,
    COUNT,
    DONE,
    FAR,
    FIXED,
    LENGTH,
    LOST,
    MEAN,
    MISSED,
    MISSED_AT,
    MORE,
    NEXT,
    NOWHERE,
    OPENS,
    OUT,
    PREV,
    PRICE,
    ROOM,
    SECOND,
    SLOT,
    SPLIT,
    STAMP,
    TAILS,
    TAKEN,
    USED,
    WORK,
    Float,
    Int32,
    Int64,
    UInt8,
    Words,
)
from dispatch.solver.classic.chance import below, unit
from dispatch.solver.classic.place import anywhere, empty, full, plain
from dispatch.solver.classic.tails import tails
from dispatch.solver.classic.tour import put, retime, sort_out, take, tell_around, tell_new
from dispatch.solver.compiling.compiled import compiled, inlined

GUESTS = 8  # visits in no tour that join an iteration, at most: 1 or more. Chosen
SCAN_OF = (
    4  # one in so many visits that found no gap nearby looks at all there are: 1 or more. Chosen
)
# Weights of the orders of return. Chance, demand, far and near are 4, 4, 2 and 1 as in the source;
# the three by the window are 2 each. Chosen.
ORDERS = 17
BY_CHANCE = 4  # a draw below: at random
BY_LOAD = 8  # below: the largest load first
BY_FAR = 10  # below: the farthest from the depot first
BY_NEAR = 11  # below: the nearest
BY_WIDTH = 13  # below: the shortest window
BY_OPENING = 15  # below: the earliest window; else: the latest close


@compiled
def string_start(node: Int32, word: Words, name: int, depot: int, length: int) -> int:
    """Draw which node a string of some length that holds a visit begins with."""
    before, at = 0, node[name, PREV]
    while before < length - 1 and at != depot:
        before += 1
        at = node[at, PREV]
    behind, at = 0, node[name, NEXT]
    while behind < length - 1 and at != depot:
        behind += 1
        at = node[at, NEXT]
    least = max(0, length - 1 - behind)
    for _ in range(least + below(word, before - least + 1)):
        name = node[name, PREV]
    return name


@compiled
def string_of(count: int, longest: float, word: Words, tune: Float) -> tuple[int, int, int]:
    """Draw a string's length, how many of it are kept, and behind how many these stand."""
    length: int = min(count, int(unit(word) * min(longest, float(count)) + 1.0))
    kept = 0
    if 1 < length < count and unit(word) < tune[SPLIT]:
        kept = 1
        while length + kept < count and unit(word) < tune[MORE]:
            kept += 1
    keep_from = 1 + below(word, length - 1) if kept > 0 else length
    return length, kept, keep_from


@compiled
def remove_string(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, free: Int32, absent: Int32, gone: Int32, name: int, longest: float, taken: int,
    num: Int64, word: Words, tune: Float,
) -> tuple[int, int]:  # fmt: skip
    """Take a string around a visit out; return how many are out now and what that saves."""
    slot = node[name, SLOT]
    depot = len(visit) + slot
    length, kept, keep_from = string_of(tour[slot, COUNT], longest, word, tune)
    at = string_start(node, word, name, depot, length + kept)
    saved, work = 0, tour[slot, WORK]
    for step in range(length + kept):
        behind = node[at, NEXT]
        if step < keep_from or step >= keep_from + kept:
            left = node[at, PREV]
            saved += node[left, OUT] + node[at, OUT]
            gone[taken, 0], gone[taken, 1] = at, left
            absent[taken] = at
            taken += 1
            take(node, row, tour, visit, cost, time, metres, at)
            saved -= node[left, OUT]
        at = behind
    if kept > 0 or tour[slot, COUNT] == 0:
        retime(node, span, visit, tour, depot)
    else:  # one gap: what changed begins on its two sides
        tell_around(node, span, visit, tour, gone[taken - 1, 1], depot)
    if tour[slot, COUNT] == 0:
        saved += tour[slot, FIXED]
        sort_out(tour, free, num, slot)
    return taken, saved + tour[slot, SECOND] * (work - tour[slot, WORK])


@compiled
def invite(
    visit: Int64, missed: Int32, absent: Int32, taken: int, num: Int64, word: Words,
) -> tuple[int, int]:  # fmt: skip
    """Let some of the missed visits join those taken out; return how many now, and their price."""
    count = num[MISSED]
    worth = 0
    for step in range(min(count, GUESTS)):
        swap = step + below(word, count - step)
        a, b = missed[step], missed[swap]
        missed[step], missed[swap] = b, a
        visit[a, MISSED_AT] = swap
        visit[b, MISSED_AT] = step
        absent[taken] = b
        taken += 1
        worth += visit[b, PRICE]
    return taken, worth


@compiled
def order(visit: Int64, load: int, absent: Int32, key: Float, count: int, word: Words) -> None:
    """Sort the absent by one of the orders, drawn."""
    drawn = below(word, ORDERS)
    for at in range(count):
        name = absent[at]
        if drawn < BY_CHANCE:
            key[at] = unit(word)
        elif drawn < BY_LOAD:
            key[at] = -visit[name, load]
        elif drawn < BY_FAR:
            key[at] = -visit[name, AWAY]
        elif drawn < BY_NEAR:
            key[at] = visit[name, AWAY]
        elif drawn < BY_WIDTH:
            key[at] = visit[name, CLOSES] - visit[name, OPENS]
        elif drawn < BY_OPENING:
            key[at] = visit[name, OPENS]
        else:
            key[at] = -visit[name, CLOSES]
    for at in range(1, count):
        value, name, to = key[at], absent[at], at - 1
        while to >= 0 and key[to] > value:
            key[to + 1], absent[to + 1] = key[to], absent[to]
            to -= 1
        key[to + 1], absent[to + 1] = value, name


@compiled
def note(node: Int32, visit: Int64, missed: Int32, num: Int64, name: int) -> None:
    """Keep the list of visits in no tour true for one of them."""
    at = visit[name, MISSED_AT]
    out = node[name, SLOT] < 0
    if out and at == NOWHERE:
        missed[num[MISSED]] = name
        visit[name, MISSED_AT] = num[MISSED]
        num[MISSED] += 1
        num[LOST] += visit[name, PRICE]
    elif not out and at != NOWHERE:
        num[MISSED] -= 1
        last = missed[num[MISSED]]
        missed[at] = last
        visit[last, MISSED_AT] = at
        visit[name, MISSED_AT] = NOWHERE
        num[LOST] -= visit[name, PRICE]


@compiled
def remember(node: Int32, visits: int, best: Int32) -> None:
    """Keep the plan as the best."""
    for at in range(1, len(best)):
        held = at > visits or node[at, SLOT] >= 0
        best[at] = node[at, NEXT] if held else 0


@inlined
def note_best(node: Int32, visit: Int64, best: Int32, num: Int64) -> None:
    """Keep the plan as the best if it is."""
    if num[COST] + num[LOST] < num[BEST]:
        num[BEST] = num[COST] + num[LOST]
        remember(node, len(visit) - 1, best)


@inlined
def strings_out(
    cost: Int32, time: Int32, metres: Int32, row: Int32, around: Int32, node: Int32, span: Int32,
    visit: Int64, tour: Int64, free: Int32, absent: Int32, gone: Int32, touched: Int32, num: Int64,
    word: Words, tune: Float,
) -> tuple[int, int, int]:  # fmt: skip
    """Take strings out around a drawn visit; return visits out, tours touched and cost saved."""
    seed = 1 + below(word, len(visit) - 1)
    longest = min(tune[LENGTH], (len(visit) - 1 - num[MISSED]) / max(1, num[USED]))
    strings = int(unit(word) * (4.0 * tune[MEAN] / (1.0 + longest) - 1.0) + 1.0)
    taken, tours, saved = 0, 0, 0
    for at in range(-1, around.shape[1]):
        name = seed if at < 0 else around[seed, at]
        if name == 0 or tours >= strings:
            break
        slot = node[name, SLOT]
        if slot < 0 or tour[slot, STAMP] == num[DONE]:
            continue
        tour[slot, STAMP] = num[DONE]
        touched[tours] = slot
        tours += 1
        taken, more = remove_string(
            node, span, row, visit, tour, cost, time, metres, free, absent, gone, name, longest,
            taken, num, word, tune,
        )  # fmt: skip
        saved += more
    return taken, tours, saved


@inlined
def place(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, may: UInt8,
    thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64, free: Int32, num: Int64,
    word: Words, tune: Float, back: float, name: int, limit: int,
) -> tuple[int, int]:  # fmt: skip
    """Return the least cost below a limit at which a visit fits, and the node before it."""
    if thorough:
        more, left = full(
            node, span, row, visit, tour, cost, time, metres, may, before, after, name, limit, num,
            word, tune,
        )  # fmt: skip
    else:
        more, left = plain(
            node, row, visit, tour, cost, time, before, after, back, name, limit, num, word, tune
        )
    if visit[name, AWAY] < more:
        fresh, depot = empty(
            node, span, row, visit, tour, cost, time, metres, may, free, name, more, num, word, tune
        )
        if depot != NOWHERE:
            more, left = fresh, depot
    if left == NOWHERE and num[USED] == len(tour) and below(word, SCAN_OF) == 0:
        more, left = anywhere(node, span, row, visit, tour, cost, time, metres, may, name, more)
    return more, left


@inlined
def visits_back(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, may: UInt8,
    thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64, free: Int32, absent: Int32,
    touched: Int32, num: Int64, word: Words, tune: Float, back: float, count: int, tours: int,
    change: int, most: float,
) -> tuple[int, int, int]:  # fmt: skip
    """Bring the absent back one by one, each to its best place, as long as it may pay.

    Returns how many were looked at, the tours touched, and the change of cost: FAR where one
    that must be served found no place.
    """
    seen = 0
    while seen < count and change < most:
        name = absent[seen]
        seen += 1
        room = most - change
        limit = int(room) + 1 if room < 1e18 else FAR
        optional = visit[name, PRICE] < limit
        if optional:
            limit = visit[name, PRICE] + 1
        more, left = place(
            cost, time, metres, row, before, after, may, thorough, node, span, visit, tour, free,
            num, word, tune, back, name, limit,
        )  # fmt: skip
        if left == NOWHERE:
            change = change + visit[name, PRICE] if optional else FAR
            continue
        slot = node[left, SLOT]
        if tour[slot, STAMP] != num[DONE]:
            tour[slot, STAMP] = num[DONE]
            touched[tours] = slot
            tours += 1
        put(node, row, tour, visit, cost, time, metres, name, left)
        if tour[slot, COUNT] == 1:
            sort_out(tour, free, num, slot)
        tell_new(node, span, visit, tour, name, len(visit) + slot)
        change += more
    return seen, tours, change


@inlined
def undo(
    cost: Int32, time: Int32, metres: Int32, row: Int32, node: Int32, span: Int32, visit: Int64,
    tour: Int64, free: Int32, absent: Int32, gone: Int32, touched: Int32, num: Int64, seen: int,
    taken: int, tours: int,
) -> None:  # fmt: skip
    """Bring the plan back to what it was before this iteration."""
    for at in range(seen - 1, -1, -1):
        if node[absent[at], SLOT] >= 0:
            take(node, row, tour, visit, cost, time, metres, absent[at])
    for at in range(taken - 1, -1, -1):
        put(node, row, tour, visit, cost, time, metres, gone[at, 0], gone[at, 1])
    for at in range(tours):
        retime(node, span, visit, tour, len(visit) + touched[at])
        sort_out(tour, free, num, touched[at])


@compiled
def iterate(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, around: Int32,
    may: UInt8, gate: Int64, thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64,
    free: Int32, missed: Int32, best: Int32, absent: Int32, key: Float, gone: Int32, touched: Int32,
    num: Int64, word: Words, tune: Float, back: float, iterations: int, temperature: float,
) -> None:  # fmt: skip
    """Search on from where the plan stands for so many iterations at one temperature.

    The arrays are those of ``Terrain`` and ``State``, in their order.
    """
    for _ in range(iterations):
        num[DONE] += 1
        if unit(word) < tune[TAILS]:
            most = -temperature * math.log(unit(word) + 1e-300)
            if tails(
                cost, time, metres, row, after, thorough, node, span, visit, tour, free, num, word,
                tune, most,
            ):  # fmt: skip
                note_best(node, visit, best, num)
        taken, tours, saved = strings_out(
            cost, time, metres, row, around, node, span, visit, tour, free, absent, gone, touched,
            num, word, tune,
        )  # fmt: skip
        count, worth = taken, 0
        if num[MISSED] > 0:
            count, worth = invite(visit, missed, absent, taken, num, word)
        order(visit, visit.shape[1] - (tour.shape[1] - ROOM), absent, key, count, word)
        most = -temperature * math.log(unit(word) + 1e-300)
        seen, tours, change = visits_back(
            cost, time, metres, row, before, after, may, thorough, node, span, visit, tour, free,
            absent, touched, num, word, tune, back, count, tours, -saved - worth, most,
        )  # fmt: skip
        if change >= most:
            undo(
                cost, time, metres, row, node, span, visit, tour, free, absent, gone, touched, num,
                seen, taken, tours,
            )  # fmt: skip
            continue
        num[TAKEN] += 1
        lost = num[LOST]
        for at in range(count):
            note(node, visit, missed, num, absent[at])
        num[COST] += change - (num[LOST] - lost)
        note_best(node, visit, best, num)
