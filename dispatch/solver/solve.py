"""Solve a problem: search, settle, referee. PURE.

What comes back has passed the referee; a plan that would not is never returned. Given a seed and
counts instead of seconds, the same problem gives the same plan, byte for byte.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dispatch.solver.check import Violation, check
from dispatch.solver.cost import Cost, cost
from dispatch.solver.draft import Ground
from dispatch.solver.engines.base import Engine, Leash, Progress
from dispatch.solver.engines.ortools import ORTools
from dispatch.solver.engines.pyvrp import PyVRP
from dispatch.solver.explain import reasons
from dispatch.solver.problem import Problem
from dispatch.solver.repair import settle
from dispatch.solver.solution import Solution
from lastmile.core.errors import Invalid

log = logging.getLogger(__name__)

ENGINES: Final[Mapping[str, Engine]] = {e.name: e for e in (PyVRP(), ORTools())}
RESERVE_S: Final = 0.02  # time kept for settling and refereeing
RESERVE_PER_VISIT_S: Final = 0.0001
SLOW: Final = 8


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop: after seconds of wall clock, or after iterations (repeatable)."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.seconds, self.iterations) if v is not None]
        if len(given) != 1 or given[0] < 0:
            raise Invalid("Say when to stop: either seconds or iterations, 0 or more.")


@dataclass(frozen=True, slots=True)
class Phase:
    """One search that was made: by whom, from which seed, and its iterations phase by phase."""

    engine: str
    seed: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A refereed plan and how it was come by; ``work`` replays it."""

    solution: Solution
    cost: Cost
    engine: str
    seed: int
    work: tuple[Phase, ...]
    seconds: float
    stopped: bool = False


class NotRefereed(RuntimeError):
    """An engine's answer broke rules even after settling: a fault of ours, not of the input."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(f"The referee refused a plan: {violations[:5]}")
        self.violations = violations


def solve(
    problem: Problem,
    *,
    stop: Stop,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    engine: str | None = None,
) -> Result:
    """Plan a day.

    Parameters
    ----------
    stop : Stop
        Seconds run from this call to its return.
    on_progress : callable, optional
        Told a few times a second where the search stands.
    should_stop : callable, optional
        Asked between the engine's iterations, not while it builds its model (0.2 s for 400
        visits, 1 s for 1,000 with every constraint). When it says yes, the best plan so far is
        returned. ``child.run`` ends the search within its grace in any case.
    engine : str, optional
        ``pyvrp`` or ``ortools``. By default PyVRP, which led in every measurement, with breaks
        too (``tests/bench/solver.py``), and OR-Tools if the referee refuses its plan.

    Returns
    -------
    Result
        Its solution has no violation. Every visit is served or unserved for a proven reason.

    Raises
    ------
    Invalid
        When the engine is unknown.
    NotRefereed
        When no engine's answer holds: nothing is returned then.
    """
    began = time.perf_counter()
    deadline = None
    if stop.seconds is not None:
        deadline = began + max(0.6 * stop.seconds, stop.seconds - _reserve_s(problem))
    leash = Leash(
        began,
        deadline,
        None if stop.iterations is None else (stop.iterations,),
        on_progress,
        should_stop,
    )
    name = engine or PyVRP.name
    if name not in ENGINES:
        raise Invalid(f"No engine {name}; there are {', '.join(ENGINES)}.")
    ground = Ground(problem)
    try:
        solution, phase = _attempt(ground, ENGINES[name], seed, leash)
    except NotRefereed:
        if engine is not None:
            raise
        log.exception("%s gave a plan that the referee refuses; %s is asked.", name, ORTools.name)
        solution, phase = _attempt(ground, ENGINES[ORTools.name], seed, leash)
    return _result(problem, solution, phase, began, leash.stopped)


def replay(problem: Problem, work: tuple[Phase, ...]) -> Result:
    """Repeat a search by its counts; gives the very plan that ``work`` came with."""
    if not work:
        raise Invalid("There is nothing to replay: the work names no phase.")
    began, ground, phase = time.perf_counter(), Ground(problem), work[-1]
    if phase.engine not in ENGINES:
        raise Invalid(f"No engine {phase.engine}; there are {', '.join(ENGINES)}.")
    leash = Leash(began, counts=phase.counts or (0,))
    solution, made = _attempt(ground, ENGINES[phase.engine], phase.seed, leash)
    return _result(problem, solution, made, began, stopped=False)


def work_json(work: tuple[Phase, ...]) -> list[dict[str, Any]]:
    """Return ``work`` as plain data."""
    return [{"engine": p.engine, "seed": p.seed, "counts": list(p.counts)} for p in work]


def _reserve_s(problem: Problem) -> float:
    """Time to keep for settling and refereeing; breaks and several windows are timed at length."""
    slow = any(v.breaks for v in problem.vehicles) or any(
        len(v.windows) > 1 for v in problem.visits
    )
    return RESERVE_S + RESERVE_PER_VISIT_S * len(problem.visits) * (SLOW if slow else 1)


def _attempt(ground: Ground, engine: Engine, seed: int, leash: Leash) -> tuple[Solution, Phase]:
    """Search, settle and referee; raises NotRefereed."""
    proposal = engine.search(ground, seed=seed, leash=leash)
    draft = settle(ground, proposal.sequences)
    solution = draft.solution(reasons(draft, draft.missing()))
    violations = check(ground.problem, solution)
    if violations:
        raise NotRefereed(violations)
    return solution, Phase(engine.name, seed, proposal.counts)


def _result(
    problem: Problem, solution: Solution, phase: Phase, began: float, stopped: bool
) -> Result:
    return Result(
        solution=solution,
        cost=cost(problem, solution),
        engine=phase.engine,
        seed=phase.seed,
        work=(phase,),
        seconds=time.perf_counter() - began,
        stopped=stopped,
    )
