"""The open peers on a neutral problem, each in its own words by hand, none through our code.

Each answers routes by vehicle id at the moments asked for; ``evaluate`` times them, the referees
judge them. Set-up (building the peer's model) is not counted against its seconds.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pyvrp
from ortools.routing import enums_pb2, pywraprouting
from pyvrp import IteratedLocalSearchCallbacks, IteratedLocalSearchParams, SolveParams

from dispatch.solver.problem import Problem, Vehicle

Routes = dict[str, list[str]]
SCALE = 10  # PyVRP's money is ours x this: its bounds on penalties then suffice for small prices
IMPOSSIBLE = 2**62


@dataclass(slots=True)
class Answers:
    """The best routes at each moment (seconds of search), and the clock's own course."""

    at: dict[float, Routes] = field(default_factory=dict)
    began: float = 0.0


def kinds(problem: Problem) -> list[list[Vehicle]]:
    """Vehicles alike in all but their id, together."""
    found: dict[Vehicle, list[Vehicle]] = {}
    for vehicle in problem.vehicles:
        if vehicle.breaks or vehicle.skills or vehicle.speed_percent != 100:
            raise ValueError("The peers' models here know no breaks, skills or speeds.")
        found.setdefault(replace(vehicle, id=""), []).append(vehicle)
    return list(found.values())


def run_pyvrp(problem: Problem, marks: Sequence[float], seed: int) -> Answers:
    """PyVRP with its own defaults on one core; shipments for pairs."""
    fleet = kinds(problem)
    data, owner = _pyvrp_data(problem, fleet)
    answers, marks = Answers(), sorted(marks)
    best: list[pyvrp.Solution] = []

    class Watch(IteratedLocalSearchCallbacks):
        def on_best(self, best_found: pyvrp.Solution) -> None:
            if best_found.is_feasible():
                best[:] = [best_found]

    def snapshot(mark: float) -> None:
        if best:
            answers.at[mark] = _pyvrp_routes(best[0], fleet, owner)

    class Clock:
        left = list(marks)

        def __call__(self, _best_cost: float) -> bool:
            now = time.perf_counter() - answers.began
            while self.left and now >= self.left[0]:
                snapshot(self.left.pop(0))
            return not self.left

    answers.began = time.perf_counter()
    ils = IteratedLocalSearchParams(callbacks=Watch())
    result = pyvrp.solve(
        data, Clock(), seed=seed, collect_stats=False, display=False, params=SolveParams(ils=ils)
    )
    if result.is_feasible():
        best[:] = [result.best]
        snapshot(marks[-1])
    return answers


def _pyvrp_data(
    problem: Problem, fleet: list[list[Vehicle]]
) -> tuple[pyvrp.ProblemData, dict[str, list[str]]]:
    """The problem in PyVRP's words, and whom its clients and shipments stand for."""
    unit = _money(fleet)
    paired = {name for pair in problem.pairs for name in (pair.pickup, pair.delivery)}
    alone = [v for v in problem.visits if v.id not in paired]
    clients = [
        pyvrp.Client(
            location=v.place,
            delivery=list(v.demand),
            service_duration=min(v.service_s) if isinstance(v.service_s, tuple) else v.service_s,
            **_hours(problem, v.id, "tw"),
        )
        for v in alone
    ]
    shipments = []
    for pair in problem.pairs:
        pickup = problem.visits[problem.visit_index[pair.pickup]]
        delivery = problem.visits[problem.visit_index[pair.delivery]]
        shipments.append(
            pyvrp.Shipment(
                pickup_location=pickup.place,
                delivery_location=delivery.place,
                pickup_service_duration=pickup.service_s,
                delivery_service_duration=delivery.service_s,
                amount=list(delivery.demand),
                **_hours(problem, pair.pickup, "pickup_tw"),
                **_hours(problem, pair.delivery, "delivery_tw"),
            )
        )
    depots = sorted({place for (v, *_) in fleet for place in (v.start, v.end)})
    types = [
        pyvrp.VehicleType(
            num_available=len(twins),
            capacity=list(v.capacity),
            start_depot=depots.index(v.start),
            end_depot=depots.index(v.end),
            fixed_cost=round((v.fixed_cost + Fraction(v.cost_per_hour * v.loading_s, 3600)) / unit),
            tw_early=v.opens_s + v.loading_s,
            tw_late=v.closes_s,
            unit_distance_cost=round(Fraction(v.cost_per_km, 1000) / unit),
            unit_duration_cost=round(Fraction(v.cost_per_hour, 3600) / unit),
            profile=v.profile,
        )
        for twins in fleet
        for v in twins[:1]
    ]
    durations = [_durations(problem, at) for at in range(len(problem.profiles))]
    distances = [p.distance_m.astype(np.int64) for p in problem.profiles]
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(problem.places)],
        clients,
        [pyvrp.Depot(place) for place in depots],
        types,
        distances,
        durations,
        [],
        shipments,
    )
    owner = {
        "client": [v.id for v in alone],
        "pickup": [p.pickup for p in problem.pairs],
        "delivery": [p.delivery for p in problem.pairs],
    }
    return data, owner


def _durations(problem: Problem, at: int) -> np.ndarray:
    """A profile's seconds, and on the way out what its service takes above the least.

    Exact where each visit has a place of its own, as in these problems.
    """
    table = problem.profiles[at].duration_s.astype(np.int64)
    for visit in problem.visits:
        if isinstance(visit.service_s, tuple):
            table[visit.place] += visit.service_s[at] - min(visit.service_s)
            table[visit.place, visit.place] = 0
    return table


def _money(fleet: list[list[Vehicle]]) -> Fraction:
    """Minor units that are one of PyVRP's: a metre's price comes to about ten of its own."""
    metre = max(Fraction(twins[0].cost_per_km, 1000) for twins in fleet)
    if not any(twins[0].cost_per_hour or twins[0].fixed_cost for twins in fleet):
        return metre  # distance alone: a metre is one, exactly
    return metre / (SCALE * 10)


def _hours(problem: Problem, name: str, prefix: str) -> dict[str, int]:
    windows = problem.visits[problem.visit_index[name]].windows
    if len(windows) > 1:
        raise ValueError("The peers' models here know one window a visit.")
    if not windows:
        return {}
    opens, closes = windows[0].opens_s, windows[0].closes_s
    return {f"{prefix}_early": opens, f"{prefix}_late": closes - 1}


def _pyvrp_routes(
    best: pyvrp.Solution, fleet: list[list[Vehicle]], owner: dict[str, list[str]]
) -> Routes:
    free = [iter(twins) for twins in fleet]
    routes: Routes = {}
    for route in best.routes():
        names = []
        for stop in route:
            for kind, is_kind in (
                ("client", stop.is_client),
                ("pickup", stop.is_pickup),
                ("delivery", stop.is_delivery),
            ):
                if is_kind():
                    names.append(owner[kind][stop.idx])
        if names:
            routes[next(free[route.vehicle_type()]).id] = names
    return routes


def run_ortools(problem: Problem, marks: Sequence[float], _seed: int) -> Answers:
    """OR-Tools' routing library as performance.md found it best: cheapest insertion, then GLS."""
    if problem.pairs:
        raise ValueError("OR-Tools is measured here without pairs.")
    vans, answers = problem.vehicles, Answers()
    visits = list(problem.visits)
    ends = sorted({place for v in vans for place in (v.start, v.end)})
    nodes = [*ends, *(v.place for v in visits)]
    manager = pywraprouting.RoutingIndexManager(
        len(nodes),
        len(vans),
        [ends.index(v.start) for v in vans],
        [ends.index(v.end) for v in vans],
    )
    model = pywraprouting.RoutingModel(manager)
    rows = np.ix_(nodes, nodes)
    profile = problem.profiles[0]
    way = model.RegisterTransitMatrix(profile.distance_m[rows].tolist())
    service = np.array([0] * len(ends) + [v.service_s for v in visits])
    if any(v.cost_per_hour or v.fixed_cost or v.profile for v in vans):
        raise ValueError("OR-Tools is measured here by distance alone.")
    model.SetArcCostEvaluatorOfAllVehicles(way)
    time_of = model.RegisterTransitMatrix((profile.duration_s[rows] + service[:, None]).tolist())
    horizon = max(v.closes_s for v in vans)
    model.AddDimension(time_of, horizon, horizon, False, "time")
    clock = model.GetDimensionOrDie("time")
    for at, visit in enumerate(visits, start=len(ends)):
        for window in visit.windows:
            clock.CumulVar(manager.NodeToIndex(at)).SetRange(window.opens_s, window.closes_s - 1)
    for at in range(len(problem.dimensions)):
        load = model.RegisterUnaryTransitVector([0] * len(ends) + [v.demand[at] for v in visits])
        rooms = [v.capacity[at] for v in vans]
        model.AddDimensionWithVehicleCapacity(load, 0, rooms, True, f"load{at}")
    best: Routes = {}
    left = sorted(marks)

    def pass_marks() -> None:
        now = time.perf_counter() - answers.began
        while left and now >= left[0]:
            mark = left.pop(0)
            if best:
                answers.at[mark] = dict(best)

    def on_solution() -> None:
        pass_marks()
        best.clear()
        for number, van in enumerate(vans):
            index, names = model.NextVar(model.Start(number)).Value(), []
            while not model.IsEnd(index):
                names.append(visits[manager.IndexToNode(index) - len(ends)].id)
                index = model.NextVar(index).Value()
            if names:
                best[van.id] = names

    model.AddAtSolutionCallback(on_solution)
    how = pywraprouting.DefaultRoutingSearchParameters()
    how.first_solution_strategy = enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    how.local_search_metaheuristic = enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromMilliseconds(int(1000 * max(marks)))
    answers.began = time.perf_counter()
    model.SolveWithParameters(how)
    for mark in left:
        if best:
            answers.at[mark] = dict(best)
    return answers


def run_vroom(problem: Problem, marks: Sequence[float], _seed: int, *, level: int = 5) -> Answers:
    """VROOM on both cores; it ends by itself or at the last mark, which is its only answer."""
    import vroom

    model, names = vroom_model(problem)
    answers = Answers(began=time.perf_counter())
    found = model.solve(
        exploration_level=level, nb_threads=2, timeout=timedelta(seconds=max(marks))
    )
    if not found.unassigned:
        answers.at[max(marks)] = vroom_routes(problem, found, names)
    return answers


def vroom_model(problem: Problem, routes: Routes | None = None) -> tuple[Any, dict[int, str]]:
    """The problem in VROOM's words: times, distances as costs; ``routes`` to start from."""
    import vroom

    model = vroom.Input()
    model.set_durations_matrix("car", problem.profiles[0].duration_s.astype("uint32"))
    model.set_costs_matrix("car", problem.profiles[0].distance_m.astype("uint32"))
    if any(v.profile for v in problem.vehicles) or problem.pairs:
        raise ValueError("VROOM is measured here on one profile, without pairs.")
    number = {visit.id: at for at, visit in enumerate(problem.visits)}
    for at, van in enumerate(problem.vehicles):
        steps = [
            vroom.VehicleStep("single", number[name]) for name in (routes or {}).get(van.id, ())
        ]
        model.add_vehicle(
            vroom.Vehicle(
                at,
                start=van.start,
                end=van.end,
                capacity=list(van.capacity),
                time_window=(van.opens_s, van.closes_s),
                **({"steps": steps} if steps else {}),
            )
        )
    model.add_job(
        [
            vroom.Job(
                number[v.id],
                location=v.place,
                delivery=list(v.demand),
                default_service=v.service_s,
                time_windows=[(w.opens_s, w.closes_s - 1) for w in v.windows],
            )
            for v in problem.visits
        ]
    )
    return model, {at: name for name, at in number.items()}


def vroom_routes(problem: Problem, found: Any, names: dict[int, str]) -> Routes:
    """Read VROOM's answer back."""
    routes: Routes = defaultdict(list)
    table = found.routes
    jobs = table[table.type == "job"]
    for vehicle, job in zip(jobs.vehicle_id, jobs.id, strict=True):
        routes[problem.vehicles[int(vehicle)].id].append(names[int(job)])
    return dict(routes)
