"""A day that nobody has begun yet: the plan that was made for it, on the day as it is now. PURE."""

from __future__ import annotations

from collections.abc import Set
from itertools import chain

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.redispatch.remaining import RemainingDay


def carry_over(problem: Problem, plan: Solution, changed: Set[str] = frozenset()) -> RemainingDay:
    """Lay a plan on a problem that was read again since, for ``run.replan``.

    Parameters
    ----------
    problem : Problem
        The day as it is now. It may know visits and vehicles that the plan does not, and lack
        some that the plan has.
    plan : Solution
        What was planned, in the seconds of ``problem``; only sequences and begins are read.
    changed : set of str
        Visits that are new, or not what they were when the plan was made: what was promised
        to them before binds nobody.

    Returns
    -------
    RemainingDay
        Touched are the visits changed, and those of tours that lost a visit or their vehicle.
    """
    visits, vehicles = problem.visit_index, problem.vehicle_index

    def stays(route: Tour) -> list[str]:
        return [s.visit for s in route.visits if s.visit in visits]

    gone = [r for r in plan.routes if r.vehicle not in vehicles]
    shaken = [r for r in plan.routes if len(stays(r)) < len(r.visits)]
    served = [(r.vehicle, s) for r in plan.routes for s in r.visits if s.visit in visits]
    return RemainingDay(
        problem=problem,
        sequences={r.vehicle: stays(r) for r in plan.routes if r.vehicle in vehicles},
        drivers={s.visit: vehicle for vehicle, s in served},
        starts={s.visit: s.start_s for _, s in served if s.visit not in changed},
        stranded=frozenset(chain.from_iterable(map(stays, gone))),
        touched=frozenset(chain.from_iterable(map(stays, [*gone, *shaken])))
        | (changed & visits.keys()),
    )
