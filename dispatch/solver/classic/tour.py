"""Changes of a tour: insert a visit, remove a visit, update the times. PURE, compiled."""

from __future__ import annotations

from dispatch.solver.classic.arrays import (
    AHEAD,
    BEHIND,
    CLOSES,
    COST_LAYER,
    COUNT,
    DRIVEN,
    DUE,
    EARLIEST,
    FREE_AT,
    INTO,
    KIND,
    LATEST,
    LOOSE,
    METRE_LAYER,
    NEXT,
    NOWHERE,
    OPENS,
    OUT,
    PREV,
    READY,
    ROOM,
    SERVICE,
    SLOT,
    TIME,
    TIME_LAYER,
    USED,
    WORK,
    Int32,
    Int64,
)
from dispatch.solver.compiling.compiled import compiled, inlined


@inlined
def link(
    node: Int32, row: Int32, tour: Int64, cost: Int32, time: Int32, left: int, right: int,
    slot: int,
) -> None:  # fmt: skip
    """Make ``right`` the next node of ``left``; the leg of an empty tour costs nothing."""
    price = seconds = 0
    if left != right:
        origin, target = row[left, 0], row[right, 1]
        price = cost[tour[slot, COST_LAYER], origin, target]
        seconds = time[tour[slot, TIME_LAYER], origin, target]
    node[left, NEXT] = right
    node[left, OUT] = price
    node[left, TIME] = seconds
    node[right, PREV] = left
    node[right, INTO] = price


@compiled
def detour_m(node: Int32, row: Int32, tour: Int64, metres: Int32, name: int, left: int) -> int:
    """Return the metres that a visit after node ``left`` adds."""
    right = node[left, NEXT]
    layer = tour[node[left, SLOT], METRE_LAYER]
    origin, target = row[left, 0], row[right, 1]
    more = metres[layer, origin, name] + metres[layer, name, target]
    return more if left == right else more - metres[layer, origin, target]


@inlined
def insert(
    node: Int32, row: Int32, tour: Int64, visit: Int64, cost: Int32, time: Int32, metres: Int32,
    name: int, left: int,
) -> None:  # fmt: skip
    """Insert a visit after node ``left``; the times are not updated."""
    slot, right = node[left, SLOT], node[left, NEXT]
    if metres.shape[1] > 1:
        tour[slot, DRIVEN] += detour_m(node, row, tour, metres, name, left)
    link(node, row, tour, cost, time, left, name, slot)
    link(node, row, tour, cost, time, name, right, slot)
    node[name, SLOT] = slot
    tour[slot, COUNT] += 1
    loads = visit.shape[1] - (tour.shape[1] - ROOM)
    for at in range(tour.shape[1] - ROOM):
        tour[slot, ROOM + at] -= visit[name, loads + at]


@inlined
def remove(
    node: Int32, row: Int32, tour: Int64, visit: Int64, cost: Int32, time: Int32, metres: Int32,
    name: int,
) -> None:  # fmt: skip
    """Remove a visit from its tour; the times are not updated."""
    slot, left = node[name, SLOT], node[name, PREV]
    link(node, row, tour, cost, time, left, node[name, NEXT], slot)
    node[name, SLOT] = NOWHERE
    node[name, OUT] = LOOSE
    node[name, INTO] = LOOSE
    if metres.shape[1] > 1:
        tour[slot, DRIVEN] -= detour_m(node, row, tour, metres, name, left)
    tour[slot, COUNT] -= 1
    loads = visit.shape[1] - (tour.shape[1] - ROOM)
    for at in range(tour.shape[1] - ROOM):
        tour[slot, ROOM + at] += visit[name, loads + at]


@compiled
def forward_times(
    node: Int32, span: Int32, visit: Int64, start: int, depot: int, layer: int,
) -> None:  # fmt: skip
    """Update the earliest times of the nodes after ``start``, until a node does not change."""
    left, name = start, node[start, NEXT]
    while name != depot:
        drive, opens = node[left, TIME], visit[name, OPENS]
        seconds = visit[name, SERVICE + layer]
        ready = max(node[left, READY] + drive, opens) + seconds
        same = ready == node[name, READY]
        node[name, READY] = ready
        if len(span) > 1:
            shift, latest = span[left, AHEAD] + drive, span[left, LATEST]
            work = shift + seconds + max(0, opens - shift - latest)
            latest = min(latest, visit[name, CLOSES] - shift)
            same = same and work == span[name, AHEAD] and latest == span[name, LATEST]
            span[name, AHEAD] = work
            span[name, LATEST] = latest
        if same:
            return
        left, name = name, node[name, NEXT]


@compiled
def backward_times(
    node: Int32, span: Int32, visit: Int64, start: int, depot: int, layer: int,
) -> None:  # fmt: skip
    """Update the latest times of the nodes before ``start``, until a node does not change."""
    right, name = start, node[start, PREV]
    while name != depot:
        shift, closes = node[name, TIME] + visit[name, SERVICE + layer], visit[name, CLOSES]
        due = min(node[right, DUE] - shift, closes)
        same = due == node[name, DUE]
        node[name, DUE] = due
        if len(span) > 1:
            wait = max(0, span[right, EARLIEST] - shift - closes)
            work = span[right, BEHIND] + shift + wait
            early = max(span[right, EARLIEST] - shift, visit[name, OPENS]) - wait
            same = same and work == span[name, BEHIND] and early == span[name, EARLIEST]
            span[name, BEHIND] = work
            span[name, EARLIEST] = early
        if same:
            return
        right, name = name, node[name, PREV]


@inlined
def retime_leg(node: Int32, span: Int32, visit: Int64, tour: Int64, left: int, depot: int) -> None:
    """Update the times of a tour in which only the leg after node ``left`` has changed."""
    slot = node[depot, SLOT]
    layer = tour[slot, TIME_LAYER]
    forward_times(node, span, visit, left, depot, layer)
    backward_times(node, span, visit, node[left, NEXT], depot, layer)
    if len(span) > 1:
        last = node[depot, PREV]
        tour[slot, WORK] = span[last, AHEAD] + node[last, TIME]


@inlined
def retime_visit(
    node: Int32, span: Int32, visit: Int64, tour: Int64, name: int, depot: int,
) -> None:  # fmt: skip
    """Update the times of a visit that was just inserted, and of its tour."""
    slot = node[depot, SLOT]
    layer = tour[slot, TIME_LAYER]
    node[name, READY] = -1
    node[name, DUE] = -1
    forward_times(node, span, visit, node[name, PREV], depot, layer)
    backward_times(node, span, visit, node[name, NEXT], depot, layer)
    if len(span) > 1:
        last = node[depot, PREV]
        tour[slot, WORK] = span[last, AHEAD] + node[last, TIME]


@compiled
def retime_tour(node: Int32, span: Int32, visit: Int64, tour: Int64, depot: int) -> None:
    """Compute all times of a tour."""
    slot = node[depot, SLOT]
    name = node[depot, NEXT]
    if name == depot:
        tour[slot, WORK] = 0
        return
    while name != depot:
        node[name, READY] = -1
        node[name, DUE] = -1
        name = node[name, NEXT]
    layer = tour[slot, TIME_LAYER]
    forward_times(node, span, visit, depot, depot, layer)
    backward_times(node, span, visit, depot, depot, layer)
    if len(span) > 1:
        last = node[depot, PREV]
        tour[slot, WORK] = span[last, AHEAD] + node[last, TIME]


@compiled
def update_free(tour: Int64, free: Int32, num: Int64, slot: int) -> None:
    """Update the list of empty slots for a slot whose tour has changed."""
    kind, at = tour[slot, KIND], tour[slot, FREE_AT]
    if tour[slot, COUNT] == 0 and at == NOWHERE:
        free[kind, 0] += 1
        free[kind, free[kind, 0]] = slot
        tour[slot, FREE_AT] = free[kind, 0]
        num[USED] -= 1
    elif tour[slot, COUNT] > 0 and at != NOWHERE:
        last = free[kind, free[kind, 0]]
        free[kind, 0] -= 1
        free[kind, at] = last
        tour[last, FREE_AT] = at
        tour[slot, FREE_AT] = NOWHERE
        num[USED] += 1
