"""Putting a plan that nobody has begun to drive onto the day as it is now. PURE."""

from __future__ import annotations

from collections.abc import Set
from itertools import chain

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.redispatch.remaining import RemainingDay


def carry_over(problem: Problem, plan: Solution, changed: Set[str] = frozenset()) -> RemainingDay:
    """Put a plan onto a problem that was read later, for ``run.replan``.

    Parameters
    ----------
    problem : Problem
        The day as it is now. It may have visits and vehicles that the plan does not have, and lack
        some that the plan has.
    plan : Solution
        What was planned, in the seconds of ``problem``. Only sequences and begins of service are
        read.
    changed : set of str
        Visits that are new or have changed since the plan was made. Their earlier promised times no
        longer count.

    Returns
    -------
    RemainingDay
        Touched are the changed visits, and those of tours that lost a visit or their vehicle.
    """
    visits, vehicles = problem.visit_index, problem.vehicle_index

    def remaining_visits(route: Tour) -> list[str]:
        return [s.visit for s in route.visits if s.visit in visits]

    routes_without_vehicle = [r for r in plan.routes if r.vehicle not in vehicles]
    routes_with_losses = [r for r in plan.routes if len(remaining_visits(r)) < len(r.visits)]
    served = [(r.vehicle, s) for r in plan.routes for s in r.visits if s.visit in visits]
    return RemainingDay(
        problem=problem,
        sequences={r.vehicle: remaining_visits(r) for r in plan.routes if r.vehicle in vehicles},
        drivers={s.visit: vehicle for vehicle, s in served},
        starts={s.visit: s.start_s for _, s in served if s.visit not in changed},
        stranded=frozenset(chain.from_iterable(map(remaining_visits, routes_without_vehicle))),
        touched=frozenset(
            chain.from_iterable(
                map(remaining_visits, [*routes_without_vehicle, *routes_with_losses])
            )
        )
        | (changed & visits.keys()),
    )
