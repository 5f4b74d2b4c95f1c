"""Every place where one visit fits into a plan, with exactly what it adds. PURE.

The board prices moves with it, the solver's last pass puts back what still fits, and a plan
edited by hand is timed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.solver.cost import rounded
from dispatch.solver.draft import Draft, Ground
from dispatch.solver.explain import reasons
from dispatch.solver.gaps import gaps
from dispatch.solver.problem import Problem
from dispatch.solver.solution import Solution
from lastmile.core.errors import Problems


@dataclass(frozen=True, slots=True)
class Place:
    """A feasible place for a visit, by id, with the time, way, money and CO2e it adds."""

    vehicle: str
    position: int
    added_s: int
    added_m: int
    cost: int
    co2_g: int


def places(problem: Problem, solution: Solution, visit: str) -> list[Place]:
    """Return all feasible places for one visit in a plan, cheapest first.

    A visit that the plan serves is taken out first: its present place is then among the answers,
    and each answer counts from the plan without it.

    Raises
    ------
    Invalid
        When the visit, or a visit or vehicle of the plan, is unknown.
    """
    sequences = {
        vehicle: [name for name in visits if name != visit]
        for vehicle, visits in solution.sequences.items()
    }
    draft = _draft(problem, sequences, also=(visit,))
    return [
        Place(
            vehicle=problem.vehicles[gap.vehicle].id,
            position=gap.position,
            added_s=gap.added_s,
            added_m=gap.added_m,
            cost=rounded(gap.exact),
            co2_g=(gap.co2_mg + 500) // 1000,
        )
        for gap in gaps(draft, problem.visit_index[visit])
    ]


def evaluate(problem: Problem, routes: Mapping[str, Sequence[str]]) -> Solution:
    """Time a plan given as visits per vehicle, whatever rules it breaks.

    Every route that can be driven gets its best schedule; one that cannot is timed as it comes,
    late where it is late, and ``check`` names what is wrong. Visits in no route come out as
    unserved with their reason.

    Raises
    ------
    Invalid
        When a visit or a vehicle is unknown.
    """
    draft = _draft(problem, routes)
    return draft.solution(reasons(draft, draft.missing()))


def _draft(
    problem: Problem, routes: Mapping[str, Sequence[str]], also: Sequence[str] = ()
) -> Draft:
    faults = Problems()
    for vehicle in routes:
        if vehicle not in problem.vehicle_index:
            faults.add(f"/routes/{vehicle}", f"The problem has no vehicle {vehicle}.", "unknown")
    for visit in (*also, *(v for visits in routes.values() for v in visits)):
        if visit not in problem.visit_index:
            faults.add("/routes", f"The problem has no visit {visit}.", "unknown")
    faults.raise_if_any("The plan speaks of visits or vehicles that the problem does not have.")
    return Draft(
        Ground(problem),
        {
            problem.vehicle_index[vehicle]: [problem.visit_index[v] for v in visits]
            for vehicle, visits in routes.items()
        },
    )
