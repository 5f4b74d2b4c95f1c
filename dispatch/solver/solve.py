"""Solve a problem: search, settle, referee. PURE.

What comes back has passed the referee; a plan that would not is never returned. Given a seed and
counts instead of seconds, the same problem gives the same plan, byte for byte.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dispatch.solver.classic.covers import covers
from dispatch.solver.engines.base import Engine, Progress, SearchControl
from dispatch.solver.engines.registry import CLASSIC, ORTOOLS, RICH, Registry, cores
from dispatch.solver.model.cost import Cost, cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.repair import settle
from dispatch.solver.referee.check import Violation, check
from lastmile.core.errors import Invalid

log = logging.getLogger(__name__)

ENGINES: Final[Mapping[str, Engine]] = Registry()
RESERVE_S: Final = 0.02  # time kept for settling and refereeing
RESERVE_PER_VISIT_S: Final = 0.00005
WRITTEN_S: Final = 0.00004  # of that, to write a visit out and referee it when all is put in
SLOW: Final = 16
REASONS: Final = 0.05  # of the time, to find out by the scan why visits are left out
MIN_STEPS: Final = 8  # steps of settling and explaining that are taken however late it is
GIVEN: Final = 0.2  # of the time at most, to complete and explain a plan that was given
PRESENT: Final = "present"  # stands in ``work`` for a plan that was given and not bettered
CUT: Final = "cut"  # stands behind a search whose settling and reasons ran out of time


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search: seconds of wall clock, or iterations (repeatable)."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.seconds, self.iterations) if v is not None]
        if len(given) != 1 or given[0] < 0:
            raise Invalid("Say when to stop: either seconds or iterations, 0 or more.")


@dataclass(frozen=True, slots=True)
class Steering:
    """What goes along with a search: where it begins, who is told, who may end it.

    Parameters
    ----------
    present : mapping of vehicle id to visit ids, optional
        A plan to start from: the answer is never dearer than what of it holds. The ``work`` of
        that answer does not replay without it.
    on_progress : callable, optional
        Told a few times a second where the search stands.
    should_stop : callable, optional
        Asked between the engine's iterations, not while it builds its model (0.2 s for 400
        visits, 1.5 s for 1,000 with every constraint). When it says yes, the best plan so far is
        returned. ``child.run`` ends the search within its grace in any case.
    """

    present: Mapping[str, Sequence[str]] | None = None
    on_progress: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None


UNSTEERED: Final = Steering()  # from nothing, nobody is told, nobody ends it


@dataclass(frozen=True, slots=True)
class Phase:
    """One search that was made: by whom, from which seed, and its iterations phase by phase.

    Behind one whose answer was settled, or explained, only in part for lack of time stands
    another called CUT: how many steps of that were taken.
    """

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
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 0,
    engine: str | None = None,
    threads: int | None = None,
    steering: Steering = UNSTEERED,
) -> Result:
    """Plan a day.

    Parameters
    ----------
    seconds : float, optional
        Wall clock from this call to its return. Give this or ``iterations``.
    iterations : int, optional
        With these the same seed gives the same plan.
    engine : str, optional
        One of ``ENGINES``. Default: ``default_engines``, then OR-Tools if the referee refuses their
        answers.
    threads : int, optional
        Cores that the search may use, all by default; by iterations any number gives one plan.
    steering : Steering, optional
        A plan to start from, who is told of progress, who may end the search.

    Returns
    -------
    Result
        Its solution has no violation. Every visit is served or unserved for a proven reason, or
        TIME_UP where there was no time to prove one.

    Raises
    ------
    Invalid
        When the engine is unknown, or not exactly one of seconds and iterations is given.
    NotRefereed
        When no engine's answer holds: nothing is returned then.
    """
    began, effort = time.perf_counter(), Effort(seconds, iterations)
    names = _known((engine,) if engine is not None else default_engines(problem))
    tries: list[_Try] = []
    context, stopped = Context(problem), False
    end = _end(problem, effort, began)
    soon = None if end is None else began + GIVEN * (end - began)
    given = None if steering.present is None else by_index(problem, steering.present)
    if given:
        tries.append(_settled(context, given, Phase(PRESENT, seed, ()), StepBudget(soon)))

    free = _control(effort, steering, given, began, threads or cores())
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        control = replace(free, deadline=_deadline(context, effort, began, left))
        tries.append(_attempt(context, ENGINES[name], seed, control, StepBudget(end)))
        stopped = stopped or control.stopped
        if stopped:
            break
    if engine is None and not stopped and _may_heal(problem, tries):
        log.error("The referee refuses every plan; %s is asked.", ORTOOLS)
        control = replace(free, deadline=_deadline(context, effort, began, 1))
        tries.append(_attempt(context, ENGINES[ORTOOLS], seed, control, StepBudget(end)))
    return _best(problem, tries, began, stopped)


def _control(
    effort: Effort,
    steering: Steering,
    present: Mapping[int, Sequence[int]] | None,
    began: float,
    threads: int,
) -> SearchControl:
    """Return what each engine is told, but for its deadline."""
    return SearchControl(
        began,
        counts=None if effort.iterations is None else (effort.iterations,),
        on_progress=steering.on_progress,
        should_stop=steering.should_stop,
        threads=threads,
        present=present,
    )


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of engines; raises Invalid where there is no such engine."""
    for name in names:
        if name not in ENGINES:
            raise Invalid(f"No engine {name}; there are {', '.join(ENGINES)}.")
    return names


def _may_heal(problem: Problem, tries: list[_Try]) -> bool:
    """Tell whether every plan was refused, and for more than commitments that nobody can keep."""
    committed = {v.id for v in problem.vehicles if v.prefix}
    return all(t.refused for t in tries) and any(
        fault.vehicle not in committed for t in tries for fault in t.refused
    )


def replay(problem: Problem, work: tuple[Phase, ...]) -> Result:
    """Repeat a search by its counts; gives the very plan that ``work`` came with."""
    if not work:
        raise Invalid("There is nothing to replay: the work names no phase.")
    began, context = time.perf_counter(), Context(problem)
    tries: list[_Try] = []
    for at, phase in enumerate(work):
        if phase.engine == CUT and at:
            continue
        _known((phase.engine,))
        control = SearchControl(began, counts=phase.counts or (0,), threads=cores())
        cut = at + 1 < len(work) and work[at + 1].engine == CUT
        budget = StepBudget(most=sum(work[at + 1].counts)) if cut else StepBudget()
        tries.append(_attempt(context, ENGINES[phase.engine], phase.seed, control, budget))
    return _best(problem, tries, began, stopped=False)


def default_engines(problem: Problem) -> tuple[str, ...]:
    """Name the engines for a problem; the better plan is taken, each has its part of the time.

    The core wherever it has words for all there is, the rich engine for everything else.
    """
    return (CLASSIC,) if covers(problem) else (RICH,)


def work_json(work: tuple[Phase, ...]) -> list[dict[str, Any]]:
    """Return ``work`` as plain data."""
    return [{"engine": p.engine, "seed": p.seed, "counts": list(p.counts)} for p in work]


def _reserve_s(problem: Problem) -> float:
    """Time to keep for settling and refereeing; breaks and several windows are timed at length."""
    slow = any(v.breaks for v in problem.vehicles) or any(
        len(v.windows) > 1 for v in problem.visits
    )
    return RESERVE_S + RESERVE_PER_VISIT_S * len(problem.visits) * (SLOW if slow else 1)


def _deadline(context: Context, effort: Effort, began: float, engines: int) -> float | None:
    """Return the moment when the next of so many engines must stop; each gets an equal part."""
    if effort.seconds is None:
        return None
    now = time.perf_counter()
    reasons_s = 0.0 if context.plain else REASONS * effort.seconds
    reserve_s = _reserve_s(context.problem) + reasons_s
    written_s = WRITTEN_S * len(context.problem.visits)
    search_s = max(0.6 * effort.seconds, effort.seconds - reserve_s)
    end = began + min(search_s, effort.seconds - written_s)
    return now + max(0.0, end - now) / engines


@dataclass(slots=True)
class StepBudget:
    """How long to settle and explain a plan: to a moment, or for so many steps (repeatable).

    A few steps are always taken: where the machine is busy and the search ended a little late, the
    one order that nobody could carry shall still have its reason. A step takes 1 to 3 ms.
    """

    until: float | None = None
    most: int | None = None
    steps: int = 0
    ended: bool = False

    def used_up(self) -> bool:
        """Tell whether there is no time for another step; it does not come back."""
        if not self.ended:
            self.ended = (self.most is not None and self.steps >= self.most) or (
                self.until is not None
                and self.steps >= MIN_STEPS
                and time.perf_counter() >= self.until
            )
            self.steps += not self.ended
        return self.ended


@dataclass(frozen=True, slots=True)
class _Try:
    """One engine's settled answer and what the referee has against it."""

    solution: Solution
    phases: tuple[Phase, ...]
    refused: list[Violation]


def _end(problem: Problem, effort: Effort, began: float) -> float | None:
    """Return the moment from which only the time to write the plan out is left."""
    if effort.seconds is None:
        return None
    return began + effort.seconds - WRITTEN_S * len(problem.visits)


def _attempt(
    context: Context, engine: Engine, seed: int, control: SearchControl, budget: StepBudget
) -> _Try:
    """Search, settle and referee."""
    proposal = engine.search(context, seed=seed, control=control)
    phase = Phase(engine.name, seed, proposal.counts)
    return _settled(context, proposal.sequences, phase, budget)


def _settled(
    context: Context, sequences: Mapping[int, Sequence[int]], phase: Phase, budget: StepBudget
) -> _Try:
    late = budget.used_up
    draft = settle(context, {vehicle: list(visits) for vehicle, visits in sequences.items()}, late)
    solution = draft.solution(reasons(draft, draft.missing(), late))
    cut = (Phase(CUT, phase.seed, (budget.steps,)),) if budget.ended else ()
    return _Try(solution, (phase, *cut), check(context.problem, solution))


def by_index(problem: Problem, sequences: Mapping[str, Sequence[str]]) -> dict[int, list[int]]:
    """Return a plan by ids as one by indices. Raises Invalid where it names what is not there."""
    try:
        return {
            problem.vehicle_index[vehicle]: [problem.visit_index[v] for v in visits]
            for vehicle, visits in sequences.items()
        }
    except KeyError as unknown:
        raise Invalid(f"The plan to start from names {unknown}, which the problem lacks.") from None


def _best(problem: Problem, tries: list[_Try], began: float, stopped: bool) -> Result:
    """Return the cheapest answer that the referee lets through; raises NotRefereed."""
    sound = [(cost(problem, t.solution), t) for t in tries if not t.refused]
    if not sound:
        raise NotRefereed([v for t in tries for v in t.refused])
    price, chosen = min(sound, key=lambda priced: priced[0].exact)
    return Result(
        solution=chosen.solution,
        cost=price,
        engine=chosen.phases[0].engine,
        seed=chosen.phases[0].seed,
        work=tuple(phase for t in tries for phase in t.phases),
        seconds=time.perf_counter() - began,
        stopped=stopped,
    )
