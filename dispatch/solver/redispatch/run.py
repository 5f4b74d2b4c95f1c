"""The entry point: change a plan that is being driven, with little disturbance. PURE."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from dispatch.solver.engines.registry import cores
from dispatch.solver.model.cost import Cost, cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.repair import holds
from dispatch.solver.redispatch.change import Change, Disturbance, Moved, Redispatched, Retimed
from dispatch.solver.redispatch.disturbance import (
    DisturbancePricer,
    with_missed_penalty,
    with_time_bounds,
)
from dispatch.solver.redispatch.engine import load
from dispatch.solver.redispatch.remaining import FETCH, RemainingDay, remaining_day
from dispatch.solver.redispatch.search import Search
from dispatch.solver.referee.check import check
from dispatch.solver.solve import NotRefereed
from lastmile.core.errors import Invalid

SOON_S: Final = 0.45  # by default: a plan of 400 stops takes less than half a second
RESERVE_S: Final = 0.02  # reserved for writing and refereeing the plan, besides the repair's time
UNPRICED: Final = Disturbance()  # no penalties and no limits


@dataclass(frozen=True, slots=True)
class Improving:
    """The limits for improving a repaired plan.

    Parameters
    ----------
    seconds : float or None
        Of the whole call. Repair comes first (400 visits: some 50 ms). The remaining time improves
        the plan around the touched visits. The first call in a process waits half a second for
        compiled code, see ``engine.load``. None: as long as ``iterations`` take.
    iterations : int or None
        Improvements to try at most; with ``seconds`` None the answer can be repeated.
    seed : int
        Seed of the search.
    threads : int, optional
        Cores that the search may use; by default all of this process. By iterations the answer is
        the same with any number.
    """

    seconds: float | None = SOON_S
    iterations: int | None = None
    seed: int = 0
    threads: int | None = None


SOON: Final = Improving()


def redispatch(
    problem: Problem,
    solution: Solution,
    change: Change,
    *,
    now_s: int,
    disturbance: Disturbance = UNPRICED,
    committed: int = 1,
    improving: Improving = SOON,
) -> Redispatched:
    """Plan the rest of a day again after a change.

    Parameters
    ----------
    problem, solution
        The original day, and its plan, which is being driven.
    change : Change
        What happened.
    now_s : int
        What began by this second is done.
    disturbance : Disturbance
        Penalties and limits for changing what people were promised.
    committed : int
        Number of next stops that stay as they are, for each vehicle on its way.
    improving : Improving
        How long to improve the plan once it is repaired.

    Returns
    -------
    Redispatched
        Its solution passed the referee.

    Raises
    ------
    Invalid
        When neither seconds nor iterations are given, or the change does not fit the problem.
    NotRefereed
        When no plan passes the referee: a bug in our code.
    """
    called = time.perf_counter()
    remaining = remaining_day(problem, solution, change, now_s=now_s, committed=committed)
    cut_s = time.perf_counter() - called
    if improving.seconds is not None:
        improving = replace(improving, seconds=improving.seconds - cut_s)
    result = replan(remaining, disturbance=disturbance, improving=improving)
    return replace(result, seconds=result.seconds + cut_s)


def replan(
    remaining: RemainingDay,
    *,
    disturbance: Disturbance = UNPRICED,
    improving: Improving = SOON,
) -> Redispatched:
    """Plan the rest of a day again, given as ``remaining_day`` or ``carry_over`` returns it.

    Parameters and errors are those of ``redispatch``.
    """
    seconds = improving.seconds
    if seconds is None and improving.iterations is None:
        raise Invalid("Say when to stop: seconds, iterations or both.")
    called = time.perf_counter()
    load()
    began = time.perf_counter()
    until = None if seconds is None else began + seconds / 2
    remaining = _drivable(remaining)
    cleared = time.perf_counter()
    before = _cost_of(remaining)
    search = _search(remaining, disturbance, improving.seed, until)
    if until is not None and seconds is not None:
        # Writing the plan takes no longer than the repair did.
        repaired_s = time.perf_counter() - cleared
        search.until = max(until, called + seconds - repaired_s - RESERVE_S)
    search.threads = improving.threads or cores()
    search.improve(improving.iterations)
    plan = _solution_of(search, remaining.problem)
    result = _result(remaining, plan, before, disturbance)
    return replace(result, iterations=search.iterations, seconds=time.perf_counter() - called)


def _drivable(remaining: RemainingDay) -> RemainingDay:
    """Release a vehicle's committed stops where no schedule can keep them."""
    context, index = Context(remaining.problem), remaining.problem.visit_index

    def keeps(at: int) -> bool:
        prefix = [index[v] for v in remaining.problem.vehicles[at].prefix]
        return not prefix or holds(context, at, prefix)

    vehicles = tuple(
        v if keeps(at) else replace(v, prefix=()) for at, v in enumerate(remaining.problem.vehicles)
    )
    if vehicles == remaining.problem.vehicles:
        return remaining
    return replace(remaining, problem=replace(remaining.problem, vehicles=vehicles))


def _cost_of(remaining: RemainingDay) -> Cost:
    """Return the cost of the rest of the old plan, even where it breaks rules."""
    draft = Draft(Context(remaining.problem), _by_index(remaining))
    return cost(remaining.problem, draft.solution([]))


def _by_index(remaining: RemainingDay) -> dict[int, list[int]]:
    visits, vehicles = remaining.problem.visit_index, remaining.problem.vehicle_index
    return {vehicles[k]: [visits[v] for v in names] for k, names in remaining.sequences.items()}


def _search(remaining: RemainingDay, rules: Disturbance, seed: int, until: float | None) -> Search:
    """Return a search whose plan is repaired within the limits.

    If ``max_shift_s`` would drop a planned visit, the repair is done again without this limit for
    that visit.
    """
    if rules.max_shift_s is None:
        return _repaired(remaining, remaining.problem, rules, seed, until)
    beyond: frozenset[str] = frozenset()
    while True:
        problem = with_time_bounds(remaining, rules.max_shift_s, beyond)
        search = _repaired(remaining, problem, rules, seed, until)
        missing = {problem.visits[v].id for v in search.draft.missing()}
        more = (missing & set(remaining.starts)) - beyond
        if not more:
            return search
        beyond |= more


def _repaired(
    remaining: RemainingDay, problem: Problem, rules: Disturbance, seed: int, until: float | None
) -> Search:
    context = Context(with_missed_penalty(remaining, problem))
    search = Search(DisturbancePricer.build(context, remaining, rules), seed=seed, until=until)
    search.begin(_by_index(remaining))
    search.fill()
    return search


def _solution_of(search: Search, problem: Problem) -> Solution:
    """Return the plan after the referee has checked it.

    ``max_shift_s`` is not a rule of the problem, so the referee does not check it.
    """
    draft = search.draft
    plan = draft.solution(reasons(draft, draft.missing()))
    solution = replace(plan, routes=tuple(_loaded(problem, route) for route in plan.routes))
    violations = check(problem, solution)
    if violations:
        raise NotRefereed(violations)
    return solution


def _loaded(problem: Problem, route: Tour) -> Tour:
    """Set the load that the vehicle leaves with, without goods that it fetches on the way."""
    if route.reloads:
        return route
    deliveries = {pair.delivery for pair in problem.pairs}
    loads = [
        problem.visits[problem.visit_index[s.visit]].demand
        for s in route.visits
        if s.visit not in deliveries
    ]
    zeros = (0,) * len(problem.dimensions)
    return replace(route, load=tuple(sum(column) for column in zip(zeros, *loads, strict=True)))


def _result(
    remaining: RemainingDay, plan: Solution, before: Cost, rules: Disturbance
) -> Redispatched:
    """Return the new plan and what it changes."""
    served = [(r.vehicle, s) for r in plan.routes for s in r.visits]
    retimed = tuple(
        Retimed(s.visit, remaining.starts[s.visit], s.start_s)
        for _, s in served
        if remaining.starts.get(s.visit, s.start_s) != s.start_s
    )
    most = rules.max_shift_s
    return Redispatched(
        problem=remaining.problem,
        solution=plan,
        before=before,
        after=cost(remaining.problem, plan),
        moved=tuple(
            Moved(s.visit, remaining.drivers[s.visit], vehicle)
            for vehicle, s in served
            if remaining.drivers.get(s.visit, vehicle) != vehicle
        ),
        retimed=retimed,
        beyond=tuple(
            r.visit for r in retimed if most is not None and abs(r.after_s - r.before_s) > most
        ),
        admitted=tuple(
            s.visit
            for _, s in served
            if s.visit not in remaining.drivers and not s.visit.startswith(FETCH)
        ),
        dropped=tuple(u for u in plan.unserved if u.visit in remaining.drivers),
        iterations=0,
        seconds=0.0,
    )
