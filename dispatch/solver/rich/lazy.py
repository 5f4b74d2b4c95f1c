"""Access to compiled code that loads numba only when a problem needs it. PURE."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from dispatch.solver.model.problem import Problem
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
    return (
        not (problem.pairs or problem.together or problem.apart or problem.groups)
        and not (problem.fairness_cost or problem.co2_cost_per_kg)
        and not any(p.hourly for p in problem.profiles)
        and all(
            len(v.windows) <= 1
            and not (v.release_s or v.max_late_s or v.service_cost)
            and not any(v.collect)
            for v in problem.visits
        )
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
