"""What the core can express; the rest is for other engines. PURE, and free of compiled code."""

from __future__ import annotations

from dispatch.solver.model.problem import Problem
from dispatch.solver.timing.pauses import work_clock


def uncovered(problem: Problem) -> list[str]:
    """Return in a few words each what of a problem the core has no word for; none: it covers it."""
    visits, vehicles = problem.visits, problem.vehicles
    found = {
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
        found["breaks at no common time"] = not work_clock(vehicles).pauses
    return [what for what, there in found.items() if there]


def covers(problem: Problem) -> bool:
    """Tell whether the core can search for a whole plan of this problem."""
    return not uncovered(problem)
