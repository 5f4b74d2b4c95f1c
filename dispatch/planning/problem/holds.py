"""Live holds in a search for a draft: they take part, and are removed from its result.

A hold is a place that a shopper may confirm. A draft that is searched with the live holds has
room for them, so that publishing it pushes no hold out. The draft itself lists orders only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dispatch.fleet.models import Hub
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.build import Built
from dispatch.planning.problem.day import Day, OrderInput
from dispatch.planning.problem.tentative import visit_input
from dispatch.solver.model.problem import Problem, TravelTable
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.insertion import evaluate
from lastmile.core.geo import Point


@dataclass(frozen=True, slots=True)
class HeldVisit:
    """A live hold as planning input."""

    visit: OrderInput
    point: Point


def live_holds(hub: Hub, service_date: dt.date, at: dt.datetime) -> list[HeldVisit]:
    """Return the live holds of a hub's day that have a place, oldest first."""
    rows = TentativeVisit.objects.filter(
        day__hub=hub, day__service_date=service_date, expires_at__gt=at, shift__isnull=False
    )
    return [HeldVisit(visit_input(row), row.point) for row in rows.order_by("pk")]


def with_holds(day: Day, holds: Sequence[HeldVisit]) -> Day:
    """Return the day with the holds behind its orders."""
    return replace(
        day,
        orders=(*day.orders, *(hold.visit for hold in holds)),
        points=(*day.points, *(hold.point for hold in holds)),
    )


def without_holds(built: Built, holds: Sequence[HeldVisit]) -> Built:
    """Return the problem of the orders alone; the holds are its last visits and places."""
    if not holds:
        return built
    problem, places = built.problem, built.problem.places - len(holds)
    orders_only = replace(
        problem,
        profiles=tuple(
            TravelTable(
                table.name,
                table.duration_s[:places, :places],
                table.distance_m[:places, :places],
            )
            for table in problem.profiles
        ),
        visits=problem.visits[: len(problem.visits) - len(holds)],
    )
    return replace(built, problem=orders_only)


def solution_without_holds(
    problem: Problem, solution: Solution, holds: Sequence[HeldVisit]
) -> Solution:
    """Return the routes without the holds, with their times; ``problem`` has orders only."""
    if not holds:
        return solution
    keys = {hold.visit.order for hold in holds}
    sequences = {
        route.vehicle: [stop.visit for stop in route.visits if stop.visit not in keys]
        for route in solution.routes
    }
    return replace(
        evaluate(problem, sequences),
        unserved=tuple(it for it in solution.unserved if it.visit not in keys),
    )


def routes_with_holds(
    sequences: Mapping[str, Sequence[str]], holds: Sequence[HeldVisit]
) -> dict[str, list[str]]:
    """Return the routes that have a hold on them, holds included."""
    keys = {hold.visit.order for hold in holds}
    return {
        vehicle: list(visits) for vehicle, visits in sequences.items() if keys.intersection(visits)
    }
