"""What a new plan disturbs: its price, and its bounds. PURE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from dispatch.solver.model.cost import UNIT, route_cost
from dispatch.solver.model.elements import MAX_AMOUNT, MAX_TIME_S, Visit, Window
from dispatch.solver.model.problem import Problem, missed_cost
from dispatch.solver.model.solution import Tour
from dispatch.solver.placing.draft import Context
from dispatch.solver.redispatch.change import Disturbance
from dispatch.solver.redispatch.remaining import RemainingDay

KEPT: Final = 10**9  # minor units: no saving is worth losing a visit that was planned
HELD: Final = 10**7  # more for one that nothing happened to: of as many it is not the one lost


def bounded(rest: RemainingDay, most_s: int, but: frozenset[str]) -> Problem:
    """Return the problem in which no planned visit may begin so much earlier or later.

    Visits in ``but``, and those that cannot keep the bound whatever is done, stay as they are.
    """

    def bound(visit: Visit) -> Visit:
        start = rest.starts.get(visit.id)
        if start is None or visit.id in but:
            return visit
        opens, closes = max(0, start - most_s), start + most_s + 1
        within = tuple(
            Window(max(w.opens_s, opens), min(w.closes_s + visit.max_late_s, closes))
            for w in visit.windows or (Window(0, MAX_TIME_S),)
            if max(w.opens_s, opens) < min(w.closes_s + visit.max_late_s, closes)
        )
        apart = all(a.closes_s <= b.opens_s for a, b in pairwise(within))
        return replace(visit, windows=within, max_late_s=0) if within and apart else visit

    return replace(rest.problem, visits=tuple(bound(v) for v in rest.problem.visits))


def kept(rest: RemainingDay, problem: Problem) -> Problem:
    """Return the problem in which losing a visit that was planned is dearer than anything.

    Dearest is one whose vehicle goes on: the others get no place at its expense alone.
    """

    def dear(visit: Visit) -> Visit:
        if visit.id not in rest.drivers:
            return visit
        more = KEPT if visit.id in rest.stranded else KEPT + HELD
        return replace(visit, unserved_cost=min(MAX_AMOUNT, visit.unserved_cost + more))

    return replace(problem, visits=tuple(dear(v) for v in problem.visits))


@dataclass(slots=True)
class DisturbancePricer:
    """Prices tours by what they cost and what they disturb; visits and vehicles by index."""

    context: Context
    rest: RemainingDay
    rules: Disturbance
    drivers: dict[int, int]  # visit -> vehicle that was to come, where it still can
    starts: dict[int, int]

    @classmethod
    def of(cls, context: Context, rest: RemainingDay, rules: Disturbance) -> DisturbancePricer:
        """Take the names of the rest of a day for numbers."""
        problem = context.problem
        visits, vehicles = problem.visit_index, problem.vehicle_index
        return cls(
            context,
            rest,
            rules,
            {
                visits[v]: vehicles[k]
                for v, k in rest.drivers.items()
                if k in vehicles and v not in rest.stranded
            },
            {visits[v]: s for v, s in rest.starts.items()},
        )

    def moves(self, vehicle: int, visit: int) -> bool:
        """Tell whether this vehicle at this visit is not what was planned."""
        return self.drivers.get(visit, vehicle) != vehicle

    def missed(self, visit: int) -> int:
        """Exact price of leaving a visit out; beyond any saving for one that was planned."""
        return missed_cost(self.context.problem.visits[visit]) * UNIT

    def price(self, route: Tour) -> int:
        """Exact cost of a route and of what it disturbs."""
        problem = self.context.problem
        vehicle = problem.vehicle_index[route.vehicle]
        exact = route_cost(problem, route).exact
        for served in route.visits:
            visit = problem.visit_index[served.visit]
            if self.moves(vehicle, visit):
                exact += self.rules.per_move * UNIT
            if self.rules.per_minute and visit in self.starts:
                away = abs(served.start_s - self.starts[visit]) - self.rules.free_s
                exact += max(0, away) * self.rules.per_minute * UNIT // 60
        return exact
