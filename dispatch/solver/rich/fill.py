"""Whatever fits and pays is put in, job by job, so that a clock may be looked at between. PURE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import JOB, Model
from dispatch.solver.rich.recreate import ABSENT, DONE, TOUCHED, order, serve
from dispatch.solver.rich.search import missed, remember
from dispatch.solver.rich.state import BEST, HALT, NOW, Announcements, State

# Places in State.num, beside those in ``recreate``
NEXT: Final = 6  # of the absent jobs, the one that is tried next in this sweep over them
FITTED: Final = 7  # whether one of the sweep was put in: there will be another one


def insert_absent(
    model: Model,
    promise: Announcements,
    state: State,
    scratch: Scratch,
    more: Callable[[int], bool],
) -> int:
    """Serve what is absent until none fits that pays, and begin to count the money.

    Parameters
    ----------
    state : State
        Its routes must have been refreshed.
    more : callable
        Given how many jobs were tried so far, whether there shall be another one.

    Returns
    -------
    int
        How many jobs were tried, one as often as it was. Asked for so many again, the same state
        comes to the same plan.
    """
    _gather(model, state)
    tried = 0
    while more(tried) and _another(model, promise, state, scratch):
        tried += 1
    _take_stock(model, state)
    return tried


@compiled
def _gather(model: Model, state: State) -> None:
    """Collect the jobs that are absent."""
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
def _another(model: Model, promise: Announcements, state: State, s: Scratch) -> bool:
    """Try one more job; False where a whole sweep has put none in, or it was halted meanwhile."""
    if state.num[NEXT] == state.num[ABSENT]:
        if not state.num[FITTED] or not state.num[ABSENT]:
            return False
        order(model, state, state.num[ABSENT])
        state.num[NEXT], state.num[FITTED] = 0, 0
    at = state.num[NEXT]
    if serve(model, promise, state, s, state.absent[at], 0.0):
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
def _take_stock(model: Model, state: State) -> None:
    """Price the plan and keep it as the best one."""
    total = 0.0
    for vehicle in range(len(state.count)):
        total += state.cost[vehicle]
    state.money[NOW] = total + missed(model, state.absent, state.num[ABSENT])
    state.money[BEST] = state.money[NOW]
    remember(state)
