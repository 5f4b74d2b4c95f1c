"""Rounds: the plan is cut again along its routes, and each part is improved by itself. PURE.

Whole neighbouring routes make a part. Each round cuts across another axis: visits that two
neighbours could not exchange in one round can be exchanged in the next (barycentre clustering of
routes, Santini et al. 2023).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dispatch.solver.decompose.bundles import bundles
from dispatch.solver.decompose.join import join
from dispatch.solver.decompose.part import Part
from dispatch.solver.decompose.split import SIZE, Areas, split
from dispatch.solver.decompose.travel_map import cut_areas
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context

FIRST_SHARE: Final = 0.4  # share of the time for the first plans of the parts
LATER_S: Final = 0.012  # seconds per visit of a part in a later round


@dataclass(frozen=True, slots=True)
class Task:
    """A part to be solved in some seconds, starting from its ``present`` plan."""

    part: Part
    seconds: float
    seed: int

    @property
    def sequences(self) -> Mapping[str, tuple[str, ...]]:
        """The part's present plan, by vehicle; empty at first."""
        return {} if self.part.present is None else self.part.present.sequences


SolvePart = Callable[[Task], Solution]


def resplit(problem: Problem, solution: Solution, *, size: int = SIZE, turn: int) -> list[Part]:
    """Return parts made of whole neighbouring routes, with unserved visits and unused vehicles.

    Parameters
    ----------
    turn : int
        Which axis to cut across: 1, 2, 3 … give other borders each time.
    """
    areas, routes = _areas_of(problem, solution)
    index = problem.vehicle_index
    driven = [index[r.vehicle] for r in solution.routes if r.visits]
    number = max(1, min(round(len(problem.visits) / size), len(routes)))
    of_bundle = np.full(len(areas.bundles), -1)
    of_vehicle = np.full(len(problem.vehicles), -1)
    for area, rows in enumerate(cut_areas(areas.points[routes], [areas.weights[r] for r in routes],
                                    number, turn)):  # fmt: skip
        of_bundle[[routes[row] for row in rows]] = area
    bundle_of = {v: at for at, b in enumerate(areas.bundles) for v in b.visits}
    for route, vehicle in zip((r for r in solution.routes if r.visits), driven, strict=True):
        of_vehicle[vehicle] = of_bundle[bundle_of[problem.visit_index[route.visits[0].visit]]]
    for at in np.flatnonzero(of_bundle < 0):
        away = ((areas.points[routes] - areas.points[at]) ** 2).sum(axis=1)
        of_bundle[at] = of_bundle[routes[int(np.argmin(away))]]
    _share_unused(areas, of_bundle, of_vehicle, driven)
    return areas.build_parts(of_bundle, of_vehicle, solution)


def _areas_of(problem: Problem, solution: Solution) -> tuple[Areas, list[int]]:
    """Return the plan's bundles and vehicles as points, and the bundles that contain a route."""
    index = problem.visit_index
    tours = [[index[s.visit] for s in route.visits] for route in solution.routes if route.visits]
    areas = Areas(problem, bundles(problem, tours))
    on_route = {v for tour in tours for v in tour}
    return areas, [at for at, b in enumerate(areas.bundles) if on_route & set(b.visits)]


def _share_unused(areas: Areas, of_bundle: Any, of_vehicle: Any, driven: list[int]) -> None:
    """Share vehicles without a route among the parts of the same hub."""
    problem = areas.problem
    hubs: dict[tuple[int, int], list[int]] = {}
    for at in np.flatnonzero(of_vehicle < 0):
        hubs.setdefault(_hub(problem, int(at)), []).append(int(at))
    for hub, vehicles in hubs.items():
        same = (v for v in driven if _hub(problem, v) == hub)
        near = sorted({int(of_vehicle[v]) for v in same})
        if not near:
            away = ((areas.points - areas.homes[vehicles[0]]) ** 2).sum(axis=1)
            near = [int(of_bundle[int(np.argmin(away))])]
        number = {area: at for at, area in enumerate(near)}
        local = np.array([number.get(int(area), -1) for area in of_bundle])
        for vehicle, area in areas.share_out(vehicles, local, 0, len(near)).items():
            of_vehicle[vehicle] = near[area]


def _hub(problem: Problem, vehicle: int) -> tuple[int, int]:
    it = problem.vehicles[vehicle]
    return it.start, it.end


def solve_in_parts(
    problem: Problem,
    solve_part: SolvePart,
    *,
    seconds: float,
    seed: int = 0,
    size: int = SIZE,
    at_once: int = 1,
    should_stop: Callable[[], bool] | None = None,
) -> Solution:
    """Solve a large problem by its parts, in rounds, until the time is up.

    Parameters
    ----------
    solve_part : callable
        Solves one part; its solution must pass the referee on the part. Called from ``at_once``
        threads.
    seconds : float
        Wall-clock time of all rounds together. Joining comes on top: 0.1 s to 3 s at 10,000 visits.
    seed : int
        Each task gets a seed of its own that follows from it.
    size : int
        About how many visits a part has.
    at_once : int
        Parts solved at the same time.
    should_stop : callable, optional
        Returns True to end after the present round.

    Returns
    -------
    Solution
        Passes the referee on the whole; no round makes it more expensive.
    """
    end = time.perf_counter() + seconds
    parts = split(problem, size=size)
    waves = -(-len(parts) // at_once)
    context = Context(problem)
    with ThreadPoolExecutor(at_once) as pool:
        tasks = [Task(p, FIRST_SHARE * seconds / waves, seed + n) for n, p in enumerate(parts)]
        best = join(problem, parts, list(pool.map(solve_part, tasks)), context)
        turn = 1
        while len(parts) > 1 and not (should_stop is not None and should_stop()):
            parts = resplit(problem, best, size=size, turn=turn)
            waves = -(-len(parts) // at_once)
            each = min(LATER_S * size, (end - time.perf_counter()) / waves)
            if each < LATER_S * size / 4:
                break
            first = seed + turn * len(problem.visits)
            tasks = [Task(p, each, first + n) for n, p in enumerate(parts)]
            solutions = [
                better(t.part, s) for t, s in zip(tasks, pool.map(solve_part, tasks), strict=True)
            ]
            best = join(problem, parts, solutions, context)
            turn += 1
    return best


def better(part: Part, candidate: Solution) -> Solution:
    """Return the cheaper of the part's present plan and a candidate."""
    if part.present is None:
        return candidate
    if cost(part.problem, part.present).exact <= cost(part.problem, candidate).exact:
        return part.present
    return candidate
