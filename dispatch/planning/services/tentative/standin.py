"""A simple board that reads the day again for each question; for callers of one question."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatch.planning.boards import NewVisit, Prepared, WindowCost, prepare
from dispatch.planning.boards.shapes import Window
from dispatch.planning.models import TentativeDay
from dispatch.planning.problem.day import OrderInput
from dispatch.planning.problem.tentative import Arranged, build_state, read_arranged
from dispatch.solver.model.cost import rounded
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import NotServed, Reason
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.gaps import Fit, gaps
from dispatch.solver.placing.insertion import Insertion, evaluate
from dispatch.solver.referee.check import check
from lastmile.core.clock import now


@dataclass(frozen=True, slots=True)
class Choices:
    """The feasible places of a visit, cheapest first, and why there are none."""

    arranged: Arranged
    problem: Problem
    places: list[Insertion]
    reason: str

    def keeps_rules(self, place: Insertion, key: str) -> bool:
        """Return True if the referee accepts the route with the visit at this place."""
        keys = list(self.arranged.sequences.get(place.vehicle, ()))
        keys.insert(place.position, key)
        solution = evaluate(self.problem, {place.vehicle: keys})
        return not [v for v in check(self.problem, solution) if v.vehicle == place.vehicle]


def choices(row: TentativeDay, prepared: Prepared, window: Window | None) -> Choices:
    """Return the feasible places of a visit in the plan as its rows are now."""
    at = now()
    arranged = read_arranged(row, at)
    visit = prepared.visit
    opens_at, closes_at = window or (None, None)
    new = OrderInput(
        order=visit.key,
        order_pk=0,
        opens_at=opens_at,
        closes_at=closes_at,
        service_s=visit.service_s,
        weight_g=visit.weight_g,
        volume_cm3=visit.volume_cm3,
        parcels=visit.parcels,
        skills=visit.skills,
        collects=visit.collects,
    )
    day = replace(
        arranged.day,
        orders=(*arranged.day.orders, new),
        points=(*arranged.day.points, visit.point),
    )
    if not day.shifts:
        return Choices(arranged, None, [], Reason.NO_SHIFT.value)  # type: ignore[arg-type]
    problem = build_state(day, at).problem
    draft = Draft(
        Context(problem),
        {
            problem.vehicle_index[shift]: [problem.visit_index[key] for key in keys]
            for shift, keys in arranged.sequences.items()
        },
    )
    last = len(problem.visits) - 1
    places = [_insertion(problem, fit) for fit in gaps(draft, last)]
    why: list[NotServed] = [] if places else reasons(draft, [last])
    return Choices(arranged, problem, places, why[0].reason.value if why else "")


def _insertion(problem: Problem, fit: Fit) -> Insertion:
    return Insertion(
        vehicle=problem.vehicles[fit.vehicle].id,
        position=fit.position,
        added_s=fit.added_s,
        added_m=fit.added_m,
        cost=rounded(fit.exact),
        co2_g=(fit.co2_mg + 500) // 1000,
    )


__all__ = ["Choices", "NewVisit", "Prepared", "Window", "WindowCost", "choices", "prepare"]
