"""The iterations of ruin and recreate: slack induction by string removals. PURE, compiled.

An iteration draws a visit. It removes strings, i.e. consecutive visits, from the tours around this
visit; some strings preserve a few visits in their middle. This frees capacity and time in
neighbouring tours. The removed visits are then inserted one by one at their cheapest gap, or stay
unserved if that costs less. The new plan is accepted if it costs at most -T ln(u) more than the
old plan, with temperature T and a random number u from [0, 1). Otherwise the iteration is undone.

Source: Christiaens, Vanden Berghe (2020), Slack Induction by String Removals for Vehicle Routing
Problems, Transportation Science 54(2).
"""

from __future__ import annotations

import math

from dispatch.solver.classic.arrays import (
    ACCEPTED,
    AWAY,
    BEST,
    CLOSES,
    COST,
    COUNT,
    DONE,
    FAR,
    FIXED,
    LENGTH,
    MEAN,
    MISSED,
    MISSED_AT,
    MISSED_PRICE,
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
    USED,
    WORK,
    Float,
    Int32,
    Int64,
    UInt8,
    Words,
)
from dispatch.solver.classic.place import (
    best_empty_vehicle,
    best_gap_anywhere,
    best_gap_full,
    best_gap_plain,
)
from dispatch.solver.classic.rng import below, unit
from dispatch.solver.classic.tails import tails
from dispatch.solver.classic.tour import (
    insert,
    remove,
    retime_leg,
    retime_tour,
    retime_visit,
    update_free,
)
from dispatch.solver.compiling.compiled import compiled, inlined

# Largest number of unserved visits that join an iteration: 1 or more. Chosen.
GUESTS = 8
# Of the visits without a feasible gap nearby, one in SCAN_OF tries all gaps of all tours: 1 or
# more. Chosen.
SCAN_OF = 4
# Weights of the insertion orders. A number is drawn from 0 to ORDERS - 1; the first bound above it
# decides. Random, load, far and near have the weights 4, 4, 2 and 1 of the source; the three
# orders by time window have 2 each. Chosen.
ORDERS = 17
BY_CHANCE = 4  # random order
BY_LOAD = 8  # largest load first
BY_FAR = 10  # farthest from the depot first
BY_NEAR = 11  # nearest to the depot first
BY_WIDTH = 13  # shortest time window first
BY_OPENING = 15  # earliest opening first; otherwise: latest close first


@compiled
def draw_start(node: Int32, word: Words, name: int, depot: int, length: int) -> int:
    """Draw the first node of a string of a given length that contains a visit."""
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
def draw_string(count: int, longest: float, word: Words, tune: Float) -> tuple[int, int, int]:
    """Draw the length of a string, the number of preserved visits, and the number before them."""
    length: int = min(count, int(unit(word) * min(longest, float(count)) + 1.0))
    preserved = 0
    if 1 < length < count and unit(word) < tune[SPLIT]:
        preserved = 1
        while length + preserved < count and unit(word) < tune[MORE]:
            preserved += 1
    keep_from = 1 + below(word, length - 1) if preserved > 0 else length
    return length, preserved, keep_from


@compiled
def remove_string(
    node: Int32, span: Int32, row: Int32, visit: Int64, tour: Int64, cost: Int32, time: Int32,
    metres: Int32, free: Int32, absent: Int32, removed: Int32, name: int, longest: float,
    n_out: int, num: Int64, word: Words, tune: Float,
) -> tuple[int, int]:  # fmt: skip
    """Remove a string around a visit; return the number of removed visits and the saved cost."""
    slot = node[name, SLOT]
    depot = len(visit) + slot
    length, preserved, keep_from = draw_string(tour[slot, COUNT], longest, word, tune)
    at = draw_start(node, word, name, depot, length + preserved)
    saved, work = 0, tour[slot, WORK]
    for step in range(length + preserved):
        behind = node[at, NEXT]
        if step < keep_from or step >= keep_from + preserved:
            left = node[at, PREV]
            saved += node[left, OUT] + node[at, OUT]
            removed[n_out, 0], removed[n_out, 1] = at, left
            absent[n_out] = at
            n_out += 1
            remove(node, row, tour, visit, cost, time, metres, at)
            saved -= node[left, OUT]
        at = behind
    if preserved > 0 or tour[slot, COUNT] == 0:
        retime_tour(node, span, visit, tour, depot)
    else:  # the removed visits leave one gap: update the times from its two sides
        retime_leg(node, span, visit, tour, removed[n_out - 1, 1], depot)
    if tour[slot, COUNT] == 0:
        saved += tour[slot, FIXED]
        update_free(tour, free, num, slot)
    return n_out, saved + tour[slot, SECOND] * (work - tour[slot, WORK])


@compiled
def add_missed(
    visit: Int64, missed: Int32, absent: Int32, n_out: int, num: Int64, word: Words,
) -> tuple[int, int]:  # fmt: skip
    """Add some unserved visits to the removed ones; return the new number and their price."""
    count = num[MISSED]
    worth = 0
    for step in range(min(count, GUESTS)):
        swap = step + below(word, count - step)
        a, b = missed[step], missed[swap]
        missed[step], missed[swap] = b, a
        visit[a, MISSED_AT] = swap
        visit[b, MISSED_AT] = step
        absent[n_out] = b
        n_out += 1
        worth += visit[b, PRICE]
    return n_out, worth


@compiled
def sort_absent(
    visit: Int64, load: int, absent: Int32, key: Float, count: int, word: Words,
) -> None:  # fmt: skip
    """Sort the visits to insert by a randomly drawn order."""
    rule = below(word, ORDERS)
    for at in range(count):
        name = absent[at]
        if rule < BY_CHANCE:
            key[at] = unit(word)
        elif rule < BY_LOAD:
            key[at] = -visit[name, load]
        elif rule < BY_FAR:
            key[at] = -visit[name, AWAY]
        elif rule < BY_NEAR:
            key[at] = visit[name, AWAY]
        elif rule < BY_WIDTH:
            key[at] = visit[name, CLOSES] - visit[name, OPENS]
        elif rule < BY_OPENING:
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
def update_missed(node: Int32, visit: Int64, missed: Int32, num: Int64, name: int) -> None:
    """Update the list of unserved visits, and their price, for a visit that was moved."""
    at = visit[name, MISSED_AT]
    out = node[name, SLOT] < 0
    if out and at == NOWHERE:
        missed[num[MISSED]] = name
        visit[name, MISSED_AT] = num[MISSED]
        num[MISSED] += 1
        num[MISSED_PRICE] += visit[name, PRICE]
    elif not out and at != NOWHERE:
        num[MISSED] -= 1
        last = missed[num[MISSED]]
        missed[at] = last
        visit[last, MISSED_AT] = at
        visit[name, MISSED_AT] = NOWHERE
        num[MISSED_PRICE] -= visit[name, PRICE]


@compiled
def save_best(node: Int32, visits: int, best: Int32) -> None:
    """Save the plan as the best plan."""
    for at in range(1, len(best)):
        in_plan = at > visits or node[at, SLOT] >= 0
        best[at] = node[at, NEXT] if in_plan else 0


@inlined
def save_if_best(node: Int32, visit: Int64, best: Int32, num: Int64) -> None:
    """Save the plan as the best plan if it costs less than the best so far."""
    if num[COST] + num[MISSED_PRICE] < num[BEST]:
        num[BEST] = num[COST] + num[MISSED_PRICE]
        save_best(node, len(visit) - 1, best)


@inlined
def remove_strings(
    cost: Int32, time: Int32, metres: Int32, row: Int32, around: Int32, node: Int32, span: Int32,
    visit: Int64, tour: Int64, free: Int32, absent: Int32, removed: Int32, touched: Int32,
    num: Int64, word: Words, tune: Float,
) -> tuple[int, int, int]:  # fmt: skip
    """Remove strings around a drawn visit; return the removed visits, changed tours, saved cost."""
    seed = 1 + below(word, len(visit) - 1)
    longest = min(tune[LENGTH], (len(visit) - 1 - num[MISSED]) / max(1, num[USED]))
    strings = int(unit(word) * (4.0 * tune[MEAN] / (1.0 + longest) - 1.0) + 1.0)
    n_out, tours, saved = 0, 0, 0
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
        n_out, more = remove_string(
            node, span, row, visit, tour, cost, time, metres, free, absent, removed, name, longest,
            n_out, num, word, tune,
        )  # fmt: skip
        saved += more
    return n_out, tours, saved


@inlined
def best_place(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, may: UInt8,
    thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64, free: Int32, num: Int64,
    word: Words, tune: Float, back: float, name: int, limit: int,
) -> tuple[int, int]:  # fmt: skip
    """Return the cost of the cheapest gap for a visit below a limit, and the node before it."""
    if thorough:
        more, left = best_gap_full(
            node, span, row, visit, tour, cost, time, metres, may, before, after, name, limit, num,
            word, tune,
        )  # fmt: skip
    else:
        more, left = best_gap_plain(
            node, row, visit, tour, cost, time, before, after, back, name, limit, num, word, tune
        )
    if visit[name, AWAY] < more:
        fresh, depot = best_empty_vehicle(
            node, span, row, visit, tour, cost, time, metres, may, free, name, more, num, word, tune
        )
        if depot != NOWHERE:
            more, left = fresh, depot
    if left == NOWHERE and num[USED] == len(tour) and below(word, SCAN_OF) == 0:
        more, left = best_gap_anywhere(
            node, span, row, visit, tour, cost, time, metres, may, name, more
        )
    return more, left


@inlined
def reinsert(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, may: UInt8,
    thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64, free: Int32, absent: Int32,
    touched: Int32, num: Int64, word: Words, tune: Float, back: float, count: int, tours: int,
    change: int, most: float,
) -> tuple[int, int, int]:  # fmt: skip
    """Insert the absent visits one by one, each at its best gap, until the change costs too much.

    Returns the number of visits tried, the number of changed tours, and the change of cost. The
    change is FAR if a visit found no gap and not serving it costs too much.
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
        more, left = best_place(
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
        insert(node, row, tour, visit, cost, time, metres, name, left)
        if tour[slot, COUNT] == 1:
            update_free(tour, free, num, slot)
        retime_visit(node, span, visit, tour, name, len(visit) + slot)
        change += more
    return seen, tours, change


@inlined
def undo(
    cost: Int32, time: Int32, metres: Int32, row: Int32, node: Int32, span: Int32, visit: Int64,
    tour: Int64, free: Int32, absent: Int32, removed: Int32, touched: Int32, num: Int64, seen: int,
    n_out: int, tours: int,
) -> None:  # fmt: skip
    """Restore the plan to its state before this iteration."""
    for at in range(seen - 1, -1, -1):
        if node[absent[at], SLOT] >= 0:
            remove(node, row, tour, visit, cost, time, metres, absent[at])
    for at in range(n_out - 1, -1, -1):
        insert(node, row, tour, visit, cost, time, metres, removed[at, 0], removed[at, 1])
    for at in range(tours):
        retime_tour(node, span, visit, tour, len(visit) + touched[at])
        update_free(tour, free, num, touched[at])


@compiled
def iterate(
    cost: Int32, time: Int32, metres: Int32, row: Int32, before: Int32, after: Int32, around: Int32,
    may: UInt8, gate: Int64, thorough: int, node: Int32, span: Int32, visit: Int64, tour: Int64,
    free: Int32, missed: Int32, best: Int32, absent: Int32, key: Float, removed: Int32,
    touched: Int32, num: Int64, word: Words, tune: Float, back: float, iterations: int,
    temperature: float,
) -> None:  # fmt: skip
    """Continue the search from the present plan for some iterations at one temperature.

    The arrays are the fields of ``Terrain`` and ``State``, in their order. ``back`` is 1 plus
    ``Near.back``; see ``place.best_gap_plain``.
    """
    for _ in range(iterations):
        num[DONE] += 1
        if unit(word) < tune[TAILS]:
            most = -temperature * math.log(unit(word) + 1e-300)
            if tails(
                cost, time, metres, row, after, thorough, node, span, visit, tour, free, num, word,
                tune, most,
            ):  # fmt: skip
                save_if_best(node, visit, best, num)
        n_out, tours, saved = remove_strings(
            cost, time, metres, row, around, node, span, visit, tour, free, absent, removed,
            touched, num, word, tune,
        )  # fmt: skip
        count, worth = n_out, 0
        if num[MISSED] > 0:
            count, worth = add_missed(visit, missed, absent, n_out, num, word)
        sort_absent(visit, visit.shape[1] - (tour.shape[1] - ROOM), absent, key, count, word)
        most = -temperature * math.log(unit(word) + 1e-300)
        seen, tours, change = reinsert(
            cost, time, metres, row, before, after, may, thorough, node, span, visit, tour, free,
            absent, touched, num, word, tune, back, count, tours, -saved - worth, most,
        )  # fmt: skip
        if change >= most:
            undo(
                cost, time, metres, row, node, span, visit, tour, free, absent, removed, touched,
                num, seen, n_out, tours,
            )  # fmt: skip
            continue
        num[ACCEPTED] += 1
        missed_price = num[MISSED_PRICE]
        for at in range(count):
            update_missed(node, visit, missed, num, absent[at])
        num[COST] += change - (num[MISSED_PRICE] - missed_price)
        save_if_best(node, visit, best, num)
