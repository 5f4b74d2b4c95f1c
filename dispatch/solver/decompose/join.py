"""Joining the parts' plans: visits that a part left out are offered to all vehicles. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.solver.decompose.part import Part
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.repair import fill
from dispatch.solver.referee.check import check
from dispatch.solver.referee.violations import Violation


class PartRefused(RuntimeError):
    """A part's plan is not feasible in the whole problem: a bug in our code, not a wrong input."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(f"The referee refused a part's plan: {violations[:5]}")
        self.violations = violations


def join(
    problem: Problem,
    parts: Sequence[Part],
    solutions: Sequence[Solution],
    context: Context | None = None,
) -> Solution:
    """Return the parts' plans as one plan of the whole problem, refereed.

    A visit that its part could not serve goes where it fits best in the whole, if that pays. The
    reasons of visits that stay unserved are found again, against all vehicles.

    Raises
    ------
    PartRefused
        When a part's plan broke its part's own rules.
    """
    routes = [
        part.outward(route)
        for part, solution in zip(parts, solutions, strict=True)
        for route in solution.routes
        if route.visits
    ]
    order = {vehicle.id: at for at, vehicle in enumerate(problem.vehicles)}
    routes.sort(key=lambda route: order[route.vehicle])
    unserved = [u for solution in solutions for u in solution.unserved]
    unserved.sort(key=lambda u: problem.visit_index[u.visit])
    plain = Solution(tuple(routes), tuple(unserved))
    faults = check(problem, plain)
    if faults:
        raise PartRefused(faults)
    return plain if not unserved else _filled(problem, plain, context or Context(problem))


def _filled(problem: Problem, plain: Solution, context: Context) -> Solution:
    """Offer unserved visits to every vehicle; routes that take none keep their schedule."""
    index = problem.visit_index
    present = {
        problem.vehicle_index[route.vehicle]: [index[s.visit] for s in route.visits]
        for route in plain.routes
    }
    draft = Draft(context, present)
    fill(draft)
    offered = draft.solution(reasons(draft, draft.missing()))
    before = {route.vehicle: route for route in plain.routes}
    routes = tuple(_same(before.get(route.vehicle), route) for route in offered.routes)
    filled = Solution(routes, offered.unserved)
    if cost(problem, filled).exact <= cost(problem, plain).exact and not check(problem, filled):
        return filled
    draft = Draft(context, present)
    return Solution(plain.routes, tuple(reasons(draft, draft.missing())))


def _same(before: Tour | None, after: Tour) -> Tour:
    """Return the earlier route if its visits have not changed."""
    if before is not None and [s.visit for s in before.visits] == [s.visit for s in after.visits]:
        return before
    return after
