"""PyVRP on a neutral problem, modelled by hand with its own defaults; not our engine.

A peer returns routes by vehicle id at the given moments; ``evaluate`` times them, the referees
check them. Building the peer's model does not count as search time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pyvrp
from pyvrp import IteratedLocalSearchCallbacks, IteratedLocalSearchParams, SolveParams

from dispatch.solver.model.problem import Problem, VehicleShift

Routes = dict[str, list[str]]
SCALE = 10  # PyVRP's money is our money x this: then its bounds on penalties suffice


@dataclass(slots=True)
class Answers:
    """The best routes at each moment (seconds of search), and when the search began."""

    at: dict[float, Routes] = field(default_factory=dict)
    began: float = 0.0
    cpu_began: float = 0.0

    def begin(self) -> None:
        """Start the clocks: the model is built."""
        self.began, self.cpu_began = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return time.perf_counter() - self.began


def kinds(problem: Problem) -> list[list[VehicleShift]]:
    """Return the vehicles grouped: those in a group differ only in their id."""
    groups: dict[VehicleShift, list[VehicleShift]] = {}
    for vehicle in problem.vehicles:
        if vehicle.breaks or vehicle.skills or vehicle.speed_percent != 100:
            raise ValueError("The peers' models here know no breaks, skills or speeds.")
        groups.setdefault(replace(vehicle, id=""), []).append(vehicle)
    return list(groups.values())


def run_pyvrp(problem: Problem, marks: Sequence[float], seed: int) -> Answers:
    """Run PyVRP with its own defaults on one core; pairs are shipments."""
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
            now = answers.seconds
            while self.left and now >= self.left[0]:
                snapshot(self.left.pop(0))
            return not self.left

    answers.begin()
    ils = IteratedLocalSearchParams(callbacks=Watch())
    result = pyvrp.solve(
        data, Clock(), seed=seed, collect_stats=False, display=False, params=SolveParams(ils=ils)
    )
    if result.is_feasible():
        best[:] = [result.best]
        snapshot(marks[-1])
    return answers


def _pyvrp_data(
    problem: Problem, fleet: list[list[VehicleShift]]
) -> tuple[pyvrp.ProblemData, dict[str, list[str]]]:
    """Return the problem as PyVRP's data, and the visits of its clients and shipments."""
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
    """Return a profile's seconds; drives that leave a visit include its service above the least.

    Exact where each visit has a place of its own, as in these problems.
    """
    table = problem.profiles[at].duration_s.astype(np.int64)
    for visit in problem.visits:
        if isinstance(visit.service_s, tuple):
            table[visit.place] += visit.service_s[at] - min(visit.service_s)
            table[visit.place, visit.place] = 0
    return table


def _money(fleet: list[list[VehicleShift]]) -> Fraction:
    """Return the minor units of one unit of PyVRP's money: a metre costs about ten of its units."""
    metre = max(Fraction(twins[0].cost_per_km, 1000) for twins in fleet)
    if not any(twins[0].cost_per_hour or twins[0].fixed_cost for twins in fleet):
        return metre  # distance only: a metre costs exactly one
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
    best: pyvrp.Solution, fleet: list[list[VehicleShift]], owner: dict[str, list[str]]
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
