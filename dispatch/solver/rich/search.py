"""Ruin and recreate over the whole model, each change accepted or undone. PURE, compiled.

Sources: as ``recreate``. Acceptance by simulated annealing as in Schrimpf et al. (2000): a new plan
may cost up to -T ln(u) more than the present one, with u drawn from (0, 1).
"""

from __future__ import annotations

import math
from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.gap import first_gap
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import JOB, PARTNER, Int64, Model
from dispatch.solver.rich.recreate import (
    ABSENT,
    ABSENT_BEFORE,
    BOLD,
    DONE,
    TOUCHED,
    TRIES,
    recreate,
    touch,
)
from dispatch.solver.rich.rng import below, unit
from dispatch.solver.rich.route import priced, refresh
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import BEST, HALT, NOW, Promises, State

# As in the paper by Christiaens and Vanden Berghe, and in ``classic.tuning``.
LONGEST: Final = 10.0  # most visits in a string: 1 or more
MEAN: Final = 10.0  # mean number of jobs removed in one iteration: 1 or more
KEEP: Final = 0.5  # chance, 0 to 1, that visits in the middle of a string stay
MORE: Final = 0.01  # chance, 0 to below 1, that one more visit stays; drawn again each time
# Chances, 0 to 1, of another kind of ruin than strings. Chosen, not tuned.
SCATTERED: Final = 0.1  # single visits from anywhere
ROUTE: Final = 0.05  # a whole route
UNION: Final = 0.1  # all visits of one ``together`` set, if there are such sets


@compiled
def search(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    iterations: int,
    temperature: float,
) -> int:
    """Run iterations at one temperature; the best plan stays in ``state.best``.

    Returns the number of completed iterations. When the search is halted from outside, the present
    iteration is undone and not counted.
    """
    for completed in range(iterations):
        state.num[DONE] += 1
        state.num[TOUCHED] = 0
        count = state.num[ABSENT]
        state.num[ABSENT_BEFORE] = count
        for at in range(count):
            state.absent_before[at] = state.absent[at]
        before = state.money[NOW]
        accepted = _ruin(model, promise, state, s)
        if accepted:
            recreate(model, promise, state, s, TRIES, BOLD)
            after = state.money[NOW]
            for at in range(state.num[TOUCHED]):
                after += state.cost[state.touched[at]]
            after += missed(model, state.absent, state.num[ABSENT])
            after -= missed(model, state.absent_before, state.num[ABSENT_BEFORE])
            accepted = after < before - temperature * math.log(unit(state.word) + 1e-300)
        if state.num[HALT]:
            _undo(model, promise, state, s)
            state.money[NOW] = before
            return completed
        if not accepted:
            _undo(model, promise, state, s)
            state.money[NOW] = before
            continue
        state.money[NOW] = after
        if after < state.money[BEST] - 0.5:
            state.money[BEST] = after
            remember(state)
    return iterations


@compiled
def missed(model: Model, jobs: Int64, count: int) -> float:
    """Return the cost of not serving some jobs."""
    total = 0.0
    for at in range(count):
        total += model.missed[jobs[at]]
    return total


@compiled
def remember(state: State) -> None:
    """Keep the present plan as the best one."""
    for vehicle in range(len(state.count)):
        count = state.count[vehicle]
        state.best_count[vehicle] = count
        for at in range(count):
            state.best[vehicle, at] = state.codes[vehicle, at]


@compiled
def _undo(model: Model, promise: Promises, state: State, s: Scratch) -> None:
    """Restore every changed route and the absent jobs to the state before the iteration."""
    for at in range(state.num[TOUCHED]):
        vehicle = state.touched[at]
        for position in range(state.count[vehicle]):
            code = state.codes[vehicle, position]
            if code >= 0:
                state.where[code] = -1
    for at in range(state.num[TOUCHED]):
        vehicle = state.touched[at]
        count = state.saved_count[vehicle]
        state.count[vehicle] = count
        for at in range(count):
            state.codes[vehicle, at] = state.saved[vehicle, at]
        refresh(model, promise, state, s, vehicle)
    state.num[ABSENT] = state.num[ABSENT_BEFORE]
    for at in range(state.num[ABSENT_BEFORE]):
        state.absent[at] = state.absent_before[at]


@compiled
def _remove(model: Model, state: State, visit: int) -> None:
    """Mark a visit, and the other visit of its pair, as removed."""
    job, partner = model.visit[visit, JOB], model.visit[visit, PARTNER]
    if state.where[visit] < 0 or state.locked[visit]:
        return
    if partner >= 0 and state.locked[partner]:
        return
    touch(state, state.where[visit])
    state.where[visit] = -1
    if partner >= 0:
        state.where[partner] = -1
    state.absent[state.num[ABSENT]] = job
    state.num[ABSENT] += 1


@compiled
def _ruin(model: Model, promise: Promises, state: State, s: Scratch) -> bool:
    """Remove some jobs; return False if what remains of a route is infeasible."""
    visits = len(state.where)
    seed = below(state.word, visits)
    kind = unit(state.word)
    unions = len(model.unions) - 1
    if kind < SCATTERED:
        for _ in range(1 + below(state.word, int(min(MEAN, 0.5 * visits) + 1))):
            _remove(model, state, below(state.word, visits))
    elif kind < SCATTERED + ROUTE and state.where[seed] >= 0:
        vehicle = state.where[seed]
        if state.visits[vehicle] <= 3 * MEAN and not state.closed[vehicle]:
            for at in range(state.count[vehicle]):
                if state.codes[vehicle, at] >= 0:
                    _remove(model, state, state.codes[vehicle, at])
    elif kind < SCATTERED + ROUTE + UNION and unions > 0:
        union = below(state.word, unions)
        for at in range(model.unions[union], model.unions[union + 1]):
            _remove(model, state, model.union[at])
    else:
        _strings(model, state, seed)
    for at in range(state.num[TOUCHED]):
        if not _close_gaps(model, promise, state, s, state.touched[at]):
            return False
    return True


@compiled
def _strings(model: Model, state: State, seed: int) -> None:
    """Remove strings of visits from the routes around a visit."""
    used, served = 0, 0
    for vehicle in range(len(state.count)):
        if state.count[vehicle]:
            used += 1
            served += state.visits[vehicle]
    if not used:
        return
    most = min(LONGEST, served / used)
    strings = int(unit(state.word) * (4.0 * MEAN / (1.0 + most) - 1.0) + 1.0)
    _string(model, state, seed, most)
    for at in range(state.near.shape[1]):
        peer = state.near[seed, at]
        if peer < 0 or state.num[TOUCHED] >= strings:
            break
        vehicle = state.where[peer]
        if vehicle >= 0 and state.stamp[vehicle] != state.num[DONE]:
            _string(model, state, peer, most)


@compiled
def _string(model: Model, state: State, visit: int, most: float) -> None:
    """Remove one string that contains a visit; sometimes visits in its middle stay."""
    vehicle = state.where[visit]
    if vehicle < 0 or state.closed[vehicle]:
        return
    count, position, own = 0, 0, state.other
    for at in range(state.count[vehicle]):
        code = state.codes[vehicle, at]
        if code >= 0:
            if code == visit:
                position = count
            own[count] = code
            count += 1
    length = int(1.0 + unit(state.word) * min(most, float(count)))
    length = min(length, count)
    preserved = 0
    if 1 < length < count and unit(state.word) < KEEP:
        preserved = 1
        while length + preserved < count and unit(state.word) < MORE:
            preserved += 1
    whole = length + preserved
    low, high = max(0, position - whole + 1), min(position, count - whole)
    begin = low + below(state.word, high - low + 1)
    skip = begin + 1 + below(state.word, length - 1) if preserved else begin + whole
    for at in range(begin, begin + whole):
        if not skip <= at < skip + preserved:
            _remove(model, state, own[at])


@compiled
def _close_gaps(model: Model, promise: Promises, state: State, s: Scratch, vehicle: int) -> bool:
    """Close a route's gaps and drop facilities it no longer needs; return False if infeasible."""
    codes, count, visits = state.codes[vehicle], 0, 0
    for at in range(state.count[vehicle]):
        code = codes[at]
        if code < 0 or state.where[code] == vehicle:
            codes[count] = code
            count += 1
            visits += code >= 0
    if visits == 0:
        count = 0
    state.count[vehicle] = count
    if visits < count:
        _fewer_stops(model, promise, state, s, vehicle)
    return bool(refresh(model, promise, state, s, vehicle))


@compiled
def _fewer_stops(model: Model, promise: Promises, state: State, s: Scratch, vehicle: int) -> None:
    """Remove each reload or charge without which the route costs no more."""
    codes = state.codes[vehicle]
    cost = priced(model, promise, state, s, vehicle, codes, state.count[vehicle])
    at = first_gap(model, vehicle)
    while at < state.count[vehicle]:
        count = state.count[vehicle]
        if codes[at] < 0:
            for behind in range(count):
                state.trial[behind] = codes[behind + 1] if behind >= at else codes[behind]
            fewer = priced(model, promise, state, s, vehicle, state.trial, count - 1)
            if fewer < INFINITE and fewer <= cost:
                cost = fewer
                state.count[vehicle] = count - 1
                for behind in range(count - 1):
                    codes[behind] = state.trial[behind]
                continue
        at += 1
