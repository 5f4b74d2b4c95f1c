"""All feasible insertions of one visit into a plan, with their exact cost. PURE.

The planning board prices moves here, and ``evaluate`` computes the times of a plan edited by
hand. A problem that is not plain (see ``draft.Context``) needs compiled code. This code is loaded
on first use, which takes half a second once in a process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.solver.model.cost import rounded
from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Charge, Reload, Solution
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.gaps import Fit, gaps
from lastmile.core.errors import Problems

Stops = Sequence[str | Reload | Charge]


@dataclass(frozen=True, slots=True)
class Insertion:
    """A feasible place for a visit, by id, with the seconds, metres, cost and CO2e that it adds.

    ``position`` is the number of visits of the vehicle before it. For a pair, ``position`` is that
    of the pickup and ``pair_position`` that of the delivery, the pickup counted. The added values
    then include both visits.
    """

    vehicle: str
    position: int
    added_s: int
    added_m: int
    cost: int
    co2_g: int
    pair_position: int | None = None


class Board:
    """A plan that is prepared once and then answers many questions for feasible insertions."""

    def __init__(
        self, problem: Problem, solution: Solution, context: Context | None = None
    ) -> None:
        self.problem = problem
        self.routes: dict[str, Stops] = {
            route.vehicle: [
                stop if isinstance(stop, Reload | Charge) else stop.visit for stop in route.stops
            ]
            for route in solution.routes
        }
        self.draft = _draft(problem, self.routes, context)

    def places(self, visit: str) -> list[Insertion]:
        """Return all feasible places for one visit, cheapest first.

        A visit that the plan serves is removed first, with the other visit of its pair; so is a
        served alternative of its group. Its present place is then among the results, and each
        result is relative to the plan without it. Reloads and charges stay where they are.

        Raises
        ------
        Invalid
            When the visit is unknown.
        """
        if visit not in self.problem.visit_index:
            _unknown([visit])
        at = self.problem.visit_index[visit]
        removed = {at, self.problem.partner.get(at, at)}
        removed |= set(self.problem.groups.get(self.problem.visits[at].group, ()))
        draft, before = self.draft, {}
        for tour in draft.tours:
            if removed.intersection(tour.visits):
                before[tour.vehicle] = tour
        for vehicle, tour in before.items():
            codes = [code for code in tour.codes if code not in removed]
            draft.assign_exactly(vehicle, codes if any(code >= 0 for code in codes) else [])
        result = [insertion_of(self.problem, gap) for gap in gaps(draft, at)]
        for vehicle, tour in before.items():
            draft.tours[vehicle] = tour
        return result


def insertion_of(problem: Problem, gap: Fit) -> Insertion:
    """Return a feasible gap with ids and rounded figures."""
    return Insertion(
        vehicle=problem.vehicles[gap.vehicle].id,
        position=gap.position,
        added_s=gap.added_s,
        added_m=gap.added_m,
        cost=rounded(gap.exact),
        co2_g=(gap.co2_mg + 500) // 1000,
        pair_position=gap.pair_position,
    )


def places(problem: Problem, solution: Solution, visit: str) -> list[Insertion]:
    """Return all feasible places for one visit in a plan, cheapest first; see ``Board.places``.

    Raises
    ------
    Invalid
        When the visit, or a visit or vehicle of the plan, is unknown.
    """
    if visit not in problem.visit_index:
        _unknown([visit])
    return Board(problem, solution).places(visit)


def evaluate(problem: Problem, routes: Mapping[str, Stops]) -> Solution:
    """Return a plan, given as stops per vehicle, with its times, even if it breaks rules.

    A feasible route gets its best schedule. An infeasible route gets a lenient schedule with
    late services; ``check`` lists its violations. Visits in no route are unserved, with their
    reason. A route may contain reloads and charges; only their place and position are used. If it
    has none but needs some, they are added.

    Raises
    ------
    Invalid
        When a visit or a vehicle is unknown.
    """
    draft = _draft(problem, routes)
    return draft.solution(reasons(draft, draft.missing()))


def _draft(problem: Problem, routes: Mapping[str, Stops], context: Context | None = None) -> Draft:
    faults = Problems()
    for name in routes:
        if name not in problem.vehicle_index:
            faults.add(f"/routes/{name}", f"The problem has no vehicle {name}.", "unknown")
    visits = (stop for stops in routes.values() for stop in stops if isinstance(stop, str))
    for name in visits:
        if name not in problem.visit_index:
            faults.add("/routes", f"The problem has no visit {name}.", "unknown")
    faults.raise_if_any("The plan names visits or vehicles that the problem does not have.")
    return Draft(
        context or Context(problem),
        {
            problem.vehicle_index[name]: _codes(
                problem, problem.vehicles[problem.vehicle_index[name]], stops
            )
            for name, stops in routes.items()
        },
    )


def _codes(problem: Problem, vehicle: VehicleShift, stops: Stops) -> list[int]:
    """Return stops as codes, without reloads and charges that the vehicle does not have."""
    codes: list[int] = []
    for stop in stops:
        if isinstance(stop, str):
            codes.append(problem.visit_index[stop])
        elif isinstance(stop, Reload) and stop.place in vehicle.reloads:
            codes.append(-1 - vehicle.reloads.index(stop.place))
        elif isinstance(stop, Charge) and stop.charger < len(vehicle.chargers):
            codes.append(-1 - len(vehicle.reloads) - stop.charger)
    return codes


def _unknown(names: Sequence[str]) -> None:
    faults = Problems()
    for name in names:
        faults.add("/routes", f"The problem has no visit {name}.", "unknown")
    faults.raise_if_any("The plan names visits or vehicles that the problem does not have.")
