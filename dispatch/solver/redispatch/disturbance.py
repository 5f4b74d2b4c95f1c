"""The price of what a new plan disturbs, and its limits. PURE."""

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

MISSED_PENALTY: Final = 10**9  # minor units: no saving is worth dropping a planned visit
UNAFFECTED_PENALTY: Final = 10**7  # more for visits that were not affected: they are dropped last


def with_time_bounds(remaining: RemainingDay, most_s: int, exempt: frozenset[str]) -> Problem:
    """Return the problem in which planned visits begin at most ``most_s`` earlier or later.

    Unchanged are the ``exempt`` visits, and visits that have no window within the limit.
    """

    def bound(visit: Visit) -> Visit:
        start = remaining.starts.get(visit.id)
        if start is None or visit.id in exempt:
            return visit
        opens, closes = max(0, start - most_s), start + most_s + 1
        within = tuple(
            Window(max(w.opens_s, opens), min(w.closes_s + visit.max_late_s, closes))
            for w in visit.windows or (Window(0, MAX_TIME_S),)
            if max(w.opens_s, opens) < min(w.closes_s + visit.max_late_s, closes)
        )
        apart = all(a.closes_s <= b.opens_s for a, b in pairwise(within))
        return replace(visit, windows=within, max_late_s=0) if within and apart else visit

    return replace(remaining.problem, visits=tuple(bound(v) for v in remaining.problem.visits))


def with_missed_penalty(remaining: RemainingDay, problem: Problem) -> Problem:
    """Return the problem with a high penalty for dropping a visit that was planned.

    The penalty is highest for a visit whose vehicle keeps running: other visits cannot displace it.
    """

    def dear(visit: Visit) -> Visit:
        if visit.id not in remaining.drivers:
            return visit
        more = (
            MISSED_PENALTY
            if visit.id in remaining.stranded
            else MISSED_PENALTY + UNAFFECTED_PENALTY
        )
        return replace(visit, unserved_cost=min(MAX_AMOUNT, visit.unserved_cost + more))

    return replace(problem, visits=tuple(dear(v) for v in problem.visits))


@dataclass(slots=True)
class DisturbancePricer:
    """Prices tours by their cost and their disturbance; visits and vehicles by index."""

    context: Context
    remaining: RemainingDay
    rules: Disturbance
    drivers: dict[int, int]  # visit -> planned vehicle, where it still can come
    starts: dict[int, int]  # visit -> planned begin of service, seconds

    @classmethod
    def build(
        cls, context: Context, remaining: RemainingDay, rules: Disturbance
    ) -> DisturbancePricer:
        """Return the pricer of a remaining day, with ids replaced by indices."""
        problem = context.problem
        visits, vehicles = problem.visit_index, problem.vehicle_index
        return cls(
            context,
            remaining,
            rules,
            {
                visits[v]: vehicles[k]
                for v, k in remaining.drivers.items()
                if k in vehicles and v not in remaining.stranded
            },
            {visits[v]: s for v, s in remaining.starts.items()},
        )

    def moves(self, vehicle: int, visit: int) -> bool:
        """Return True if this vehicle is not the one planned for this visit."""
        return self.drivers.get(visit, vehicle) != vehicle

    def missed(self, visit: int) -> int:
        """Return the exact price of not serving a visit; above any saving for a planned visit."""
        return missed_cost(self.context.problem.visits[visit]) * UNIT

    def price(self, route: Tour) -> int:
        """Return the exact cost of a route and of what it disturbs."""
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
