"""Every place where one visit fits into a plan, with exactly what it adds. PURE.

The board prices moves with it, the solver's last pass puts back what still fits, and a plan
edited by hand is timed here. A problem that is more than windows, loads and shifts is looked at
by compiled code, which is loaded when it is first needed: half a second once in a process.
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
    """A feasible place for a visit, by id, with the time, way, money and CO2e it adds.

    ``position`` is how many visits of the vehicle come before it. Of a pair it is the pickup's,
    and ``pair_position`` the delivery's, the pickup counted; what is added counts both.
    """

    vehicle: str
    position: int
    added_s: int
    added_m: int
    cost: int
    co2_g: int
    pair_position: int | None = None


class Board:
    """A plan that is asked again and again for the places of visits; prepared once."""

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

        A visit that the plan serves is taken out first, with the other end of its pair, and so is
        an alternative that is served in its stead: its present place is then among the answers,
        and each answer counts from the plan without it. Reloads and charges stay where they are.

        Raises
        ------
        Invalid
            When the visit is unknown.
        """
        if visit not in self.problem.visit_index:
            _unknown([visit])
        at = self.problem.visit_index[visit]
        gone = {at, self.problem.partner.get(at, at)}
        gone |= set(self.problem.groups.get(self.problem.visits[at].group, ()))
        draft, before = self.draft, {}
        for tour in draft.tours:
            if gone.intersection(tour.visits):
                before[tour.vehicle] = tour
        for vehicle, tour in before.items():
            left = [code for code in tour.codes if code not in gone]
            draft.assign_exactly(vehicle, left if any(code >= 0 for code in left) else [])
        found = [self._place(gap) for gap in gaps(draft, at)]
        for vehicle, tour in before.items():
            draft.tours[vehicle] = tour
        return found

    def _place(self, gap: Fit) -> Insertion:
        return Insertion(
            vehicle=self.problem.vehicles[gap.vehicle].id,
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
    """Time a plan given as visits per vehicle, whatever rules it breaks.

    Every route that can be driven gets its best schedule; one that cannot is timed as it comes,
    late where it is late, and ``check`` names what is wrong. Visits in no route come out as
    unserved with their reason. Among the visits of a route its reloads and charges may stand (of
    which only the place counts); where none do and the route needs some, they are put in.

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
    faults.raise_if_any("The plan speaks of visits or vehicles that the problem does not have.")
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
    """Return stops as codes; a facility that the vehicle does not know is left out."""
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
    faults.raise_if_any("The plan speaks of visits or vehicles that the problem does not have.")
