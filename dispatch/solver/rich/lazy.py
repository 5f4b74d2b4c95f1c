"""Access to compiled code that loads numba only when a problem needs it. PURE."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from dispatch.solver.model.problem import Problem, Visit
from dispatch.solver.rich.model import Model

if TYPE_CHECKING:
    from dispatch.solver.rich.scanner import Scanner


def scanner(problem: Problem, model: Model) -> Scanner:
    """Return the scanner of a problem; the first call loads numba."""
    module = importlib.import_module("dispatch.solver.rich.scanner")
    return cast("Scanner", module.Scanner(problem, model))


def plain(problem: Problem) -> bool:
    """Return True if ``timing`` and ``segments`` alone are exact and fast for a problem.

    Such a problem has at most one window a visit, deliveries in one trip, skills, shifts and plain
    prices, and nothing else.
    """
    return plain_fleet(problem) and all(plain_visit(v) for v in problem.visits)


def plain_visit(visit: Visit) -> bool:
    """Return True if a visit has at most one window, and delivers without further rules."""
    return (
        len(visit.windows) <= 1
        and not (visit.release_s or visit.max_late_s or visit.service_cost)
        and not any(visit.collect)
    )


def plain_fleet(problem: Problem) -> bool:
    """Return True if everything in a problem except its visits is plain."""
    return (
        not (problem.pairs or problem.together or problem.apart or problem.groups)
        and not (problem.fairness_cost or problem.co2_cost_per_kg)
        and not any(p.hourly for p in problem.profiles)
        and not any(
            v.breaks
            or v.reloads
            or v.prefix
            or v.max_stops is not None
            or v.overtime_after_s is not None
            or v.range_m is not None
            or v.loaded is not None
            for v in problem.vehicles
        )
    )
