"""The rules that the classic engine does not support. PURE, without compiled code."""

from __future__ import annotations

from dispatch.solver.model.problem import Problem
from dispatch.solver.timing.pauses import work_clock


def uncovered(problem: Problem) -> list[str]:
    """Return names of the rules of a problem that the classic engine does not support."""
    visits, vehicles = problem.visits, problem.vehicles
    asked_for = {
        "pairs": bool(problem.pairs),
        "together": bool(problem.together),
        "apart": bool(problem.apart),
        "fairness": problem.fairness_cost > 0,
        "groups": bool(problem.groups),
        "several windows": any(len(v.windows) > 1 for v in visits),
        "soft windows": any(v.max_late_s for v in visits),
        "release times": any(v.release_s for v in visits),
        "collection": any(any(v.collect) for v in visits),
        "hours of the day": any(p.hourly for p in problem.profiles),
        "overtime": any(v.overtime_after_s is not None for v in vehicles),
        "reloads": any(v.reloads and v.max_trips > 1 for v in vehicles),
        "chargers": any(v.chargers for v in vehicles),
        "committed stops": any(v.prefix or v.loaded is not None for v in vehicles),
    }
    if any(v.breaks for v in vehicles):
        asked_for["breaks at no common time"] = not work_clock(vehicles).pauses
    return [name for name, used in asked_for.items() if used]


def covers(problem: Problem) -> bool:
    """Return True if the classic engine supports all rules of a problem."""
    return not uncovered(problem)
