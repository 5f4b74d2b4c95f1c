"""Improves ("polishes") the classic engine's tours by PyVRP, also over infeasible plans. PURE.

Ruin and recreate cools down into a plan that none of its moves improves. A local search with
penalties often improves it within a second or two. The model's numbers are passed on unchanged.
Each visit has a location of its own, so that service times that differ by kind of vehicle are added
to the drives that leave it. The vehicles that may not serve a visit are expressed by a load
dimension.
"""

from __future__ import annotations

import time
import warnings
from typing import Any, Final

import numpy as np
import pyvrp

from dispatch.solver.classic.interface import Limit
from dispatch.solver.classic.model import Model
from dispatch.solver.classic.setup import Tours

NEVER: Final = 1 << 40  # longer than any window, distance or shift
MIN_PENALTY, MAX_PENALTY = 0.1, 100_000.0  # PyVRP's defaults, where a second costs 1


def polished(
    model: Model, plan: Tours, free: np.ndarray[Any, Any], *, seed: int, limit: Limit
) -> tuple[Tours, int]:
    """Improve some tours; ``free`` is how many more vehicles of each kind may be used.

    Returns
    -------
    tuple of Tours and int
        Tours of the same visits, and PyVRP's iterations. The tours are the given ones if no better
        feasible ones were found. The iterations, the seed and the tours together repeat the search.
    """
    if model.ranged and any(price == 0 for _, price in model.cost_layers):
        return plan, 0  # PyVRP gets the distance limit as a limit of its price, here 0
    data = _data(model, plan, free)
    name = {int(visit): at for at, visit in enumerate(plan.visits)}
    rank = {int(kind): at for at, kind in enumerate(_kinds(plan, free))}
    routes = [
        pyvrp.Route(data, [name[int(v)] for v in plan.visits[start:end]], rank[int(kind)])
        for start, end, kind in zip(plan.starts, plan.ends, plan.kinds, strict=True)
    ]
    initial = pyvrp.Solution(data, routes)
    stop = _Ending(limit)
    unit = _second(data)
    with warnings.catch_warnings():
        # PyVRP warns that it struggles to find a feasible solution, but it starts from one.
        warnings.simplefilter("ignore")
        best = pyvrp.solve(
            data,
            stop,
            seed=seed & 0xFFFFFFFF,
            collect_stats=False,
            display=False,
            params=pyvrp.SolveParams(
                penalty=pyvrp.PenaltyParams(
                    min_penalty=MIN_PENALTY * unit, max_penalty=MAX_PENALTY * unit
                )
            ),
            initial_solution=initial,
        ).best
    if not (initial.is_feasible() and best.is_feasible()):
        return plan, stop.count
    return _plan(model, plan, free, best), stop.count


class _Ending:
    """PyVRP's stopping criterion by our limit; counts the iterations."""

    def __init__(self, limit: Limit) -> None:
        self.limit, self.count = limit, 0

    def __call__(self, best_cost: int) -> bool:
        limit = self.limit
        if limit.count is not None and self.count >= limit.count:
            return True
        if limit.until is not None and time.perf_counter() >= limit.until:
            return True
        if limit.stopped():
            return True
        self.count += 1
        return False


def _kinds(plan: Tours, free: np.ndarray[Any, Any]) -> list[int]:
    """Return the kinds of vehicles that are used or free, in order."""
    count = free + np.bincount(plan.kinds, minlength=len(free))
    return [int(kind) for kind in np.flatnonzero(count > 0)]


def _data(model: Model, plan: Tours, free: np.ndarray[Any, Any]) -> pyvrp.ProblemData:
    """Return the visits and vehicles of some tours as PyVRP's data; every visit is required."""
    visits, kinds = plan.visits.astype(np.int64), _kinds(plan, free)
    depots = np.unique(np.concatenate([model.start[kinds], model.end[kinds]]))
    rows = np.concatenate([depots, model.places[visits]])
    at_depot = {int(place): at for at, place in enumerate(depots)}
    least = model.service[:, visits].min(axis=0)
    profiles = sorted({_profile(model, kind) for kind in kinds})
    distances, durations = [], []
    for cost, seconds in profiles:
        duration = model.seconds[seconds][np.ix_(rows, rows)].astype(np.int64)
        profile, price = model.cost_layers[cost]
        distance = duration.copy()
        if not model.alike:
            distance = model.metres[profile][np.ix_(rows, rows)].astype(np.int64) * price
        duration[len(depots) :] += (model.service[seconds, visits] - least)[:, None]
        for matrix in (distance, duration):
            np.fill_diagonal(matrix, 0)
        distances.append(distance)
        durations.append(duration)
    barred = [kind for kind in kinds if not model.may[visits, kind].all()]
    clients = [
        pyvrp.Client(
            location=len(depots) + at,
            delivery=[*map(int, model.demand[v]), *(int(not model.may[v, k]) for k in barred)],
            service_duration=int(least[at]),
            tw_early=int(model.opens[v]),
            tw_late=int(model.closes[v]),
        )
        for at, v in enumerate(visits)
    ]
    count = free + np.bincount(plan.kinds, minlength=len(free))
    types = [
        _vehicle_type(
            model, kind, int(count[kind]), profiles.index(_profile(model, kind)), at_depot,
            [0 if kind == it else len(visits) for it in barred],
        )
        for kind in kinds
    ]  # fmt: skip
    return pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in rows],
        clients,
        [pyvrp.Depot(at) for at in range(len(depots))],
        types,
        distances,
        durations,
    )


def _profile(model: Model, kind: int) -> tuple[int, int]:
    return model.kinds[kind].cost_layer, model.kinds[kind].time_layer


def _vehicle_type(
    model: Model, kind: int, count: int, profile: int, at_depot: dict[int, int], bars: list[int]
) -> pyvrp.VehicleType:
    loading, second = int(model.loading[kind]), int(model.second[kind])
    price = model.cost_layers[model.kinds[kind].cost_layer][1]
    reach = int(model.reach[kind]) * (1 if model.alike else price) if model.ranged else NEVER
    return pyvrp.VehicleType(
        num_available=count,
        capacity=[*map(int, model.room[kind]), *bars],
        start_depot=at_depot[int(model.start[kind])],
        end_depot=at_depot[int(model.end[kind])],
        fixed_cost=int(model.fixed[kind]) + loading * second,
        tw_early=int(model.first[kind]) + loading,
        tw_late=int(model.home[kind]),
        start_late=min(int(model.latest[kind]) + loading, int(model.home[kind])),
        shift_duration=min(int(model.longest[kind]) - loading, NEVER),
        max_distance=min(reach, NEVER),
        unit_distance_cost=1,
        unit_duration_cost=second,
        profile=profile,
    )


def _second(data: pyvrp.ProblemData) -> float:
    """Return the cost of a mean drive divided by its seconds: the scale of penalties."""
    distance, duration = data.distance_matrix(0), data.duration_matrix(0)
    return max(1.0, float(distance.mean()) / max(1.0, float(duration.mean())))


def _plan(model: Model, plan: Tours, free: np.ndarray[Any, Any], best: pyvrp.Solution) -> Tours:
    """Translate PyVRP's solution back into tours."""
    kinds = _kinds(plan, free)
    tours = [
        (kinds[route.vehicle_type()], [int(plan.visits[a.idx]) for a in route if a.is_client()])
        for route in best.routes()
    ]
    tours = [(kind, visits) for kind, visits in tours if visits]
    return Tours(
        np.array([v for _, visits in tours for v in visits], np.int32),
        np.cumsum([len(visits) for _, visits in tours], dtype=np.int64),
        np.array([kind for kind, _ in tours], np.int32),
    )
