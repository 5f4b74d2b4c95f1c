"""The function ``solve``: search with an engine, repair its answer, check it. PURE.

Each returned plan has passed the referee. With a seed and an iteration count instead of seconds,
the same problem gives the same plan, byte for byte.
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
# How the time of a solve is divided. Settling means: repair the engine's answer, insert missing
# visits, and find the reasons for the visits that stay unserved. The values are 0 or more; they
# were chosen, not tuned.
RESERVE_S: Final = 0.02  # seconds reserved for settling and refereeing
RESERVE_PER_VISIT_S: Final = 0.00005  # the same, further seconds for each visit
WRITTEN_S: Final = 0.00004  # the part of RESERVE_PER_VISIT_S for writing and refereeing the plan
SLOW: Final = 16  # factor of RESERVE_PER_VISIT_S with breaks or several windows a visit
REASONS: Final = 0.05  # share of the time for reasons that need the compiled scan
MIN_STEPS: Final = 8  # steps of settling that are taken even when the time is over
START_SHARE: Final = 0.2  # largest share of the time for settling a given start plan
# Names in ``Result.work`` beside those of engines.
PRESENT: Final = "present"  # the given start plan
CUT: Final = "cut"  # follows a search whose settling ran out of time


@dataclass(frozen=True, slots=True)
class Effort:
    """The limit of a search: seconds of wall clock, or iterations (deterministic)."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        limits = [v for v in (self.seconds, self.iterations) if v is not None]
        if len(limits) != 1 or limits[0] < 0:
            raise Invalid("Give either seconds or iterations, 0 or more.")


@dataclass(frozen=True, slots=True)
class Steering:
    """Options of a search: a start plan, a progress callback, a stop callback.

    Parameters
    ----------
    present : mapping of vehicle id to visit ids, optional
        A start plan. The result never costs more than the feasible part of this plan. The
        ``work`` of the result can be replayed only together with this plan.
    on_progress : callable, optional
        Called a few times a second with the progress of the search.
    should_stop : callable, optional
        Called between the iterations of the engine, but not while it builds its model (0.2 s for
        400 visits, 1.5 s for 1,000 with all constraints). Once it returns True, the best plan so
        far is returned. ``child.run`` ends the search within GRACE_S in any case.
    """

    present: Mapping[str, Sequence[str]] | None = None
    on_progress: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None


UNSTEERED: Final = Steering()  # no start plan, no progress callback, no stop callback


@dataclass(frozen=True, slots=True)
class Phase:
    """The record of one engine's search, with which the search can be repeated.

    ``counts`` are the engine's iterations, as the engine itself records them. After the search the
    answer is settled in steps: it is repaired, missing visits are inserted, and reasons are found
    for the rest. If the time ends before the last step, a phase named CUT follows. Its count is the
    number of steps taken.
    """

    engine: str
    seed: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A plan that passed the referee, its cost, and how it was found; ``work`` replays it."""

    solution: Solution
    cost: Cost
    engine: str
    seed: int
    work: tuple[Phase, ...]
    seconds: float
    stopped: bool = False


class NotRefereed(RuntimeError):
    """No plan passed the referee: an error in the solver, not in the problem."""

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
    """Return the best plan found for a problem.

    Parameters
    ----------
    seconds : float, optional
        Wall clock from this call to its return. Give this or ``iterations``.
    iterations : int, optional
        Number of iterations. With a number the same seed gives the same plan.
    engine : str, optional
        One of ``ENGINES``. Default: ``default_engines``, then OR-Tools if the referee refuses their
        answers.
    threads : int, optional
        Cores that the search may use, by default all. With ``iterations`` the plan does not
        depend on their number.
    steering : Steering, optional
        A start plan, a progress callback, a stop callback.

    Returns
    -------
    Result
        The plan has no violation. Each visit is served, or unserved for a proven reason, or for
        TIME_UP if the time ended before a reason was proven.

    Raises
    ------
    Invalid
        When the engine is unknown, or not exactly one of seconds and iterations is given.
    NotRefereed
        When no plan passes the referee.
    """
    began, effort = time.perf_counter(), Effort(seconds, iterations)
    names = _check_names((engine,) if engine is not None else default_engines(problem))
    tries: list[_Try] = []
    context, stopped = Context(problem), False
    end = _end(problem, effort, began)
    soon = None if end is None else began + START_SHARE * (end - began)
    start = None if steering.present is None else by_index(problem, steering.present)
    if start:
        tries.append(_settled(context, start, Phase(PRESENT, seed, ()), StepBudget(soon)))

    free = _control(effort, steering, start, began, threads or cores())
    for remaining, name in zip(range(len(names), 0, -1), names, strict=True):
        control = replace(free, deadline=_deadline(context, effort, began, remaining))
        tries.append(_attempt(context, ENGINES[name], seed, control, StepBudget(end)))
        stopped = stopped or control.stopped
        if stopped:
            break
    if engine is None and not stopped and _another_engine_may_help(problem, tries):
        log.error("The referee refused every plan; trying %s.", ORTOOLS)
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
    """Return the limits and callbacks of all engines, without a deadline."""
    return SearchControl(
        began,
        counts=None if effort.iterations is None else (effort.iterations,),
        on_progress=steering.on_progress,
        should_stop=steering.should_stop,
        threads=threads,
        present=present,
    )


def _check_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of engines unchanged. Raises Invalid if there is no such engine."""
    for name in names:
        if name not in ENGINES:
            raise Invalid(f"There is no engine {name}. Use one of: {', '.join(ENGINES)}.")
    return names


def _another_engine_may_help(problem: Problem, tries: list[_Try]) -> bool:
    """Return True if all plans were refused, and not only on vehicles with committed visits.

    Commitments can be impossible to keep, and then no engine finds a valid plan.
    """
    committed = {v.id for v in problem.vehicles if v.prefix}
    return all(t.refused for t in tries) and any(
        fault.vehicle not in committed for t in tries for fault in t.refused
    )


def replay(problem: Problem, work: tuple[Phase, ...]) -> Result:
    """Repeat a search by its iteration counts; return the same plan that ``work`` came with."""
    if not work:
        raise Invalid("There is nothing to replay: the work has no phase.")
    began, context = time.perf_counter(), Context(problem)
    tries: list[_Try] = []
    for at, phase in enumerate(work):
        if phase.engine == CUT and at:
            continue
        _check_names((phase.engine,))
        control = SearchControl(began, counts=phase.counts or (0,), threads=cores())
        cut = at + 1 < len(work) and work[at + 1].engine == CUT
        budget = StepBudget(most=sum(work[at + 1].counts)) if cut else StepBudget()
        tries.append(_attempt(context, ENGINES[phase.engine], phase.seed, control, budget))
    return _best(problem, tries, began, stopped=False)


def default_engines(problem: Problem) -> tuple[str, ...]:
    """Return the names of the engines for a problem: the classic engine where it covers all rules.

    All other problems go to the rich engine. If there were several engines, each would get an
    equal part of the time, and the best plan would be returned.
    """
    return (CLASSIC,) if covers(problem) else (RICH,)


def work_json(work: tuple[Phase, ...]) -> list[dict[str, Any]]:
    """Return ``work`` as plain data for JSON."""
    return [{"engine": p.engine, "seed": p.seed, "counts": list(p.counts)} for p in work]


def _reserve_s(problem: Problem) -> float:
    """Return the seconds to reserve for settling and refereeing.

    Breaks and several windows a visit make the exact schedule slow.
    """
    slow = any(v.breaks for v in problem.vehicles) or any(
        len(v.windows) > 1 for v in problem.visits
    )
    return RESERVE_S + RESERVE_PER_VISIT_S * len(problem.visits) * (SLOW if slow else 1)


def _deadline(context: Context, effort: Effort, began: float, engines: int) -> float | None:
    """Return when the next engine must stop; ``engines`` of them share the remaining time."""
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
    """The limit of settling a plan: a moment, or a number of steps (deterministic).

    The first MIN_STEPS steps are always taken, even if the search ended late on a busy machine:
    a single unserved order should still get its reason. A step takes 1 to 3 ms.
    """

    until: float | None = None
    most: int | None = None
    steps: int = 0
    ended: bool = False

    def used_up(self) -> bool:
        """Return True if no further step is allowed; otherwise count one step."""
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
    """The settled answer of one engine and its violations."""

    solution: Solution
    phases: tuple[Phase, ...]
    refused: list[Violation]


def _end(problem: Problem, effort: Effort, began: float) -> float | None:
    """Return when settling must end: the remaining time is needed to write the plan."""
    if effort.seconds is None:
        return None
    return began + effort.seconds - WRITTEN_S * len(problem.visits)


def _attempt(
    context: Context, engine: Engine, seed: int, control: SearchControl, budget: StepBudget
) -> _Try:
    """Run one engine; return its settled and refereed answer."""
    proposal = engine.search(context, seed=seed, control=control)
    phase = Phase(engine.name, seed, proposal.counts)
    return _settled(context, proposal.sequences, phase, budget)


def _settled(
    context: Context, sequences: Mapping[int, Sequence[int]], phase: Phase, budget: StepBudget
) -> _Try:
    """Repair a proposal, find the reasons for unserved visits, and referee the plan."""
    time_up = budget.used_up
    proposal = {vehicle: list(visits) for vehicle, visits in sequences.items()}
    draft = settle(context, proposal, time_up)
    solution = draft.solution(reasons(draft, draft.missing(), time_up))
    cut = (Phase(CUT, phase.seed, (budget.steps,)),) if budget.ended else ()
    return _Try(solution, (phase, *cut), check(context.problem, solution))


def by_index(problem: Problem, sequences: Mapping[str, Sequence[str]]) -> dict[int, list[int]]:
    """Convert a plan from ids to indices. Raises Invalid if it names an unknown id."""
    try:
        return {
            problem.vehicle_index[vehicle]: [problem.visit_index[v] for v in visits]
            for vehicle, visits in sequences.items()
        }
    except KeyError as unknown:
        raise Invalid(f"The start plan names {unknown}, which the problem does not have.") from None


def _best(problem: Problem, tries: list[_Try], began: float, stopped: bool) -> Result:
    """Return the cheapest plan without violations. Raises NotRefereed if there is none."""
    valid = [(cost(problem, t.solution), t) for t in tries if not t.refused]
    if not valid:
        raise NotRefereed([v for t in tries for v in t.refused])
    price, chosen = min(valid, key=lambda priced: priced[0].exact)
    return Result(
        solution=chosen.solution,
        cost=price,
        engine=chosen.phases[0].engine,
        seed=chosen.phases[0].seed,
        work=tuple(phase for t in tries for phase in t.phases),
        seconds=time.perf_counter() - began,
        stopped=stopped,
    )
