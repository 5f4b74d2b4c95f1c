"""The verb: change a plan that is being driven, with as little disturbance as it is worth. PURE."""

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
from dispatch.solver.redispatch.disturbance import DisturbancePricer, bounded, kept
from dispatch.solver.redispatch.engine import load
from dispatch.solver.redispatch.remaining import FETCH, RemainingDay, remaining_day
from dispatch.solver.redispatch.search import Search
from dispatch.solver.referee.check import check
from dispatch.solver.solve import NotRefereed
from lastmile.core.errors import Invalid

SOON_S: Final = 0.45  # by default: a plan of 400 stops is there in less than half a second
RESERVE_S: Final = 0.02  # kept for writing the plan out and refereeing it, with as long again
UNPRICED: Final = Disturbance()  # nobody minds, nothing is bounded


@dataclass(frozen=True, slots=True)
class Improving:
    """How long to improve a repaired plan.

    Parameters
    ----------
    seconds : float or None
        Of the whole call. Repair comes first (400 visits: some 50 ms); the rest of the time
        improves the plan around what was touched. The first call in a process waits half a second
        for compiled code, see ``engine.load``. None: as long as ``iterations`` take.
    iterations : int or None
        Improvements to try at most; with ``seconds`` None the answer can be repeated.
    threads : int, optional
        Cores that the search may use; all that this process may by default. By iterations the
        answer is the same with any number.
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
    """Plan the rest of a day anew after a change.

    Parameters
    ----------
    problem, solution
        The day as it was planned, and the plan that is being driven.
    now_s : int
        What began by this second is done.
    disturbance : Disturbance
        Price and bounds of what people were told.
    committed : int
        Next stops of each vehicle on its way that stay as they are.
    improving : Improving
        How long the plan is improved around what was touched once it is repaired.

    Returns
    -------
    Redispatched
        Its solution passed the referee.

    Raises
    ------
    Invalid
        When neither seconds nor iterations are given, or the change does not fit the problem.
    NotRefereed
        When the referee lets no plan through: a fault of ours.
    """
    called = time.perf_counter()
    rest = remaining_day(problem, solution, change, now_s=now_s, committed=committed)
    cut_s = time.perf_counter() - called
    if improving.seconds is not None:
        improving = replace(improving, seconds=improving.seconds - cut_s)
    told = replan(rest, disturbance=disturbance, improving=improving)
    return replace(told, seconds=told.seconds + cut_s)


def replan(
    rest: RemainingDay,
    *,
    disturbance: Disturbance = UNPRICED,
    improving: Improving = SOON,
) -> Redispatched:
    """Plan the rest of a day anew, as ``redispatch`` does once it has cut off what is done.

    Parameters and errors are those of ``redispatch``; a rest is made by ``cut`` or ``anew``.
    """
    seconds = improving.seconds
    if seconds is None and improving.iterations is None:
        raise Invalid("Say when to stop: seconds, iterations or both.")
    called = time.perf_counter()
    load()
    began = time.perf_counter()
    until = None if seconds is None else began + seconds / 2
    rest = _drivable(rest)
    cleared = time.perf_counter()
    before = _cost_of(rest)
    search = _search(rest, disturbance, improving.seed, until)
    if until is not None and seconds is not None:
        repaired_s = time.perf_counter() - cleared  # to write out takes no longer than that did
        search.until = max(until, called + seconds - repaired_s - RESERVE_S)
    search.threads = improving.threads or cores()
    search.improve(improving.iterations)
    plan = _written(search, rest.problem)
    told = _told(rest, plan, before, disturbance)
    return replace(told, iterations=search.iterations, seconds=time.perf_counter() - called)


def _drivable(rest: RemainingDay) -> RemainingDay:
    """Release vehicles that cannot hold their committed stops in any schedule from those."""
    context, index = Context(rest.problem), rest.problem.visit_index

    def keeps(at: int) -> bool:
        prefix = [index[v] for v in rest.problem.vehicles[at].prefix]
        return not prefix or holds(context, at, prefix)

    vehicles = tuple(
        v if keeps(at) else replace(v, prefix=()) for at, v in enumerate(rest.problem.vehicles)
    )
    if vehicles == rest.problem.vehicles:
        return rest
    return replace(rest, problem=replace(rest.problem, vehicles=vehicles))


def _cost_of(rest: RemainingDay) -> Cost:
    """What the rest of the plan would cost as it was, timed as it comes."""
    draft = Draft(Context(rest.problem), _numbered(rest))
    return cost(rest.problem, draft.solution([]))


def _numbered(rest: RemainingDay) -> dict[int, list[int]]:
    visits, vehicles = rest.problem.visit_index, rest.problem.vehicle_index
    return {vehicles[k]: [visits[v] for v in made] for k, made in rest.sequences.items()}


def _search(rest: RemainingDay, rules: Disturbance, seed: int, until: float | None) -> Search:
    """Repair within the bounds; who would be lost by them is let out of them."""
    if rules.max_shift_s is None:
        return _repaired(rest, rest.problem, rules, seed, until)
    beyond: frozenset[str] = frozenset()
    while True:
        problem = bounded(rest, rules.max_shift_s, beyond)
        search = _repaired(rest, problem, rules, seed, until)
        left = {problem.visits[v].id for v in search.draft.missing()}
        more = (left & set(rest.starts)) - beyond
        if not more:
            return search
        beyond |= more


def _repaired(
    rest: RemainingDay, problem: Problem, rules: Disturbance, seed: int, until: float | None
) -> Search:
    context = Context(kept(rest, problem))
    search = Search(DisturbancePricer.of(context, rest, rules), seed=seed, until=until)
    search.begin(_numbered(rest))
    search.fill()
    return search


def _written(search: Search, problem: Problem) -> Solution:
    """Write the plan out and have it refereed, by the rules without the bounds."""
    draft = search.draft
    plan = draft.solution(reasons(draft, draft.missing()))
    solution = replace(plan, routes=tuple(_loaded(problem, route) for route in plan.routes))
    violations = check(problem, solution)
    if violations:
        raise NotRefereed(violations)
    return solution


def _loaded(problem: Problem, route: Tour) -> Tour:
    """Say what the vehicle has on board when it leaves: nothing that is fetched on the way."""
    if route.reloads:
        return route
    brought = {pair.delivery for pair in problem.pairs}
    loads = [
        problem.visits[problem.visit_index[s.visit]].demand
        for s in route.visits
        if s.visit not in brought
    ]
    zeros = (0,) * len(problem.dimensions)
    return replace(route, load=tuple(sum(column) for column in zip(zeros, *loads, strict=True)))


def _told(rest: RemainingDay, plan: Solution, before: Cost, rules: Disturbance) -> Redispatched:
    """Say what is not as it was planned."""
    served = [(r.vehicle, s) for r in plan.routes for s in r.visits]
    retimed = tuple(
        Retimed(s.visit, rest.starts[s.visit], s.start_s)
        for _, s in served
        if rest.starts.get(s.visit, s.start_s) != s.start_s
    )
    most = rules.max_shift_s
    return Redispatched(
        problem=rest.problem,
        solution=plan,
        before=before,
        after=cost(rest.problem, plan),
        moved=tuple(
            Moved(s.visit, rest.drivers[s.visit], vehicle)
            for vehicle, s in served
            if rest.drivers.get(s.visit, vehicle) != vehicle
        ),
        retimed=retimed,
        beyond=tuple(
            r.visit for r in retimed if most is not None and abs(r.after_s - r.before_s) > most
        ),
        admitted=tuple(
            s.visit
            for _, s in served
            if s.visit not in rest.drivers and not s.visit.startswith(FETCH)
        ),
        dropped=tuple(u for u in plan.unserved if u.visit in rest.drivers),
        iterations=0,
        seconds=0.0,
    )
