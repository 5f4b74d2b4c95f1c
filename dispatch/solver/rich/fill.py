"""Insertion of every absent job that fits and pays; the clock can be read after each try. PURE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import JOB, Model
from dispatch.solver.rich.recreate import ABSENT, DONE, TOUCHED, insert_job, order
from dispatch.solver.rich.search import missed, remember
from dispatch.solver.rich.state import BEST, HALT, NOW, Promises, State

# Places in State.num, beside those in ``recreate``
NEXT: Final = 6  # index of the absent job that this sweep over them tries next
FITTED: Final = 7  # 1 where the sweep has inserted a job: another sweep follows


def insert_absent(
    model: Model,
    promise: Promises,
    state: State,
    scratch: Scratch,
    more: Callable[[int], bool],
) -> int:
    """Insert absent jobs as long as one of them fits and pays; then price the plan.

    Parameters
    ----------
    state : State
        Its routes must have been refreshed.
    more : callable
        Called with the number of tries so far; returns True to try one more job.

    Returns
    -------
    int
        Number of tries; a job tried twice counts twice. Deterministic: the same state and number of
        tries give the same plan.
    """
    _gather(model, state)
    tried = 0
    while more(tried) and _try_next(model, promise, state, scratch):
        tried += 1
    _price_plan(model, state)
    return tried


@compiled
def _gather(model: Model, state: State) -> None:
    """Collect the absent jobs."""
    for visit in range(len(state.where)):
        state.key[visit] = 0.0
    for visit in range(len(state.where)):
        if state.where[visit] >= 0:
            state.key[model.visit[visit, JOB]] = 1.0
    state.num[ABSENT] = 0
    for visit in range(len(state.where)):
        if model.visit[visit, JOB] == visit and state.key[visit] == 0.0:
            state.absent[state.num[ABSENT]] = visit
            state.num[ABSENT] += 1
    state.num[NEXT], state.num[FITTED] = state.num[ABSENT], 1
    state.num[DONE] += 1
    state.num[TOUCHED] = 0
    state.money[NOW] = 0.0


@compiled
def _try_next(model: Model, promise: Promises, state: State, s: Scratch) -> bool:
    """Try one more job; return False if a whole sweep inserted none or the search was halted."""
    if state.num[NEXT] == state.num[ABSENT]:
        if not state.num[FITTED] or not state.num[ABSENT]:
            return False
        order(model, state, state.num[ABSENT])
        state.num[NEXT], state.num[FITTED] = 0, 0
    at = state.num[NEXT]
    if insert_job(model, promise, state, s, state.absent[at], 0.0):
        state.num[FITTED] = 1
        state.num[ABSENT] -= 1
        for behind in range(at, state.num[ABSENT]):
            state.absent[behind] = state.absent[behind + 1]
    elif state.num[HALT]:
        return False
    else:
        state.num[NEXT] += 1
    return True


@compiled
def _price_plan(model: Model, state: State) -> None:
    """Price the plan and keep it as the best one."""
    total = 0.0
    for vehicle in range(len(state.count)):
        total += state.cost[vehicle]
    state.money[NOW] = total + missed(model, state.absent, state.num[ABSENT])
    state.money[BEST] = state.money[NOW]
    remember(state)
