"""Finds places for all visits of a day: keeps the present places, repairs, inserts what is missing.

It runs outside any lock. The result is checked by the referee.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dispatch.planning.problem.build import Built
from dispatch.planning.problem.day import Day
from dispatch.planning.problem.reasons import reason_of
from dispatch.planning.problem.tentative import build_state
from dispatch.planning.search.searching import search
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.repair import settle
from dispatch.solver.process.child import SolveFailed
from dispatch.solver.referee.check import check
from dispatch.solver.solve import NotRefereed

log = logging.getLogger(__name__)

NO_SHIFT: Final = "no_shift"
#: More missing visits than this are arranged by a search, fewer are inserted one by one. Chosen.
FEW: Final = 40
#: Seconds of that search: LEAST_S and a second for each PER_SECOND visits, MOST_S at most. Chosen.
LEAST_S, PER_SECOND, MOST_S = 1.0, 100, 10.0
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The places of visits: keys by shift in sequence, and (reason, params) of unplaced keys."""

    sequences: Mapping[str, Sequence[str]]
    unplaced: Mapping[str, tuple[str, Mapping[str, Any]]]


def arrange(day: Day, present: Mapping[str, Sequence[str]], at: dt.datetime) -> Arrangement:
    """Return places for the visits of a day; visits in ``present`` keep their place if possible.

    Many missing visits are arranged by a search. If it fails, they are inserted one by one.

    Raises
    ------
    NotRefereed
        The referee refuses the result: a bug in our code.
    """
    if not day.shifts:
        return Arrangement({}, {visit.order: (NO_SHIFT, {}) for visit in day.orders})
    built = build_state(day, at)
    problem = built.problem
    missing = len(problem.visits) - sum(len(keys) for keys in present.values())
    solution = _searched(problem, present) if missing > FEW else None
    if solution is None:
        solution = settled(problem, present)
    return arrangement_of_solution(built, solution, day)


def _searched(problem: Problem, present: Mapping[str, Sequence[str]]) -> Solution | None:
    """Return the result of a search of a few seconds, None if the search failed."""
    seconds = min(MOST_S, LEAST_S + len(problem.visits) / PER_SECOND)
    try:
        return search(problem, seconds=seconds, seed=SEED, present=present).solution
    except SolveFailed as failed:
        log.warning("The search for a first arrangement failed: %s", failed.detail)
        return None


def settled(problem: Problem, present: Mapping[str, Sequence[str]]) -> Solution:
    """Return ``present`` made feasible, with all other visits inserted where they cost least."""
    draft = settle(
        Context(problem),
        {
            problem.vehicle_index[vehicle]: [problem.visit_index[key] for key in keys]
            for vehicle, keys in present.items()
            if keys
        },
    )
    return draft.solution(reasons(draft, draft.missing()))


def arrangement_of_solution(built: Built, solution: Solution, day: Day) -> Arrangement:
    """Return a solution as an arrangement after the referee has checked it."""
    violations = check(built.problem, solution)
    if violations:
        raise NotRefereed(violations)
    return Arrangement(
        sequences={
            route.vehicle: [served.visit for served in route.visits] for route in solution.routes
        },
        unplaced={it.visit: reason_of(built.problem, it, day) for it in solution.unserved},
    )
