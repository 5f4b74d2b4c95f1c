"""OR-Tools' routing library on a neutral problem, set up as performance.md found it best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from dispatch.solver.model.problem import Problem
from tests.bench.solver_peers import Answers, Routes


class Model:
    """Distance, one window a visit, every load; the nodes are the hubs, then the visits."""

    def __init__(self, problem: Problem) -> None:
        vans = problem.vehicles
        if problem.pairs or any(v.cost_per_hour or v.fixed_cost or v.profile for v in vans):
            raise ValueError("OR-Tools is measured here by distance alone, without pairs.")
        self.problem = problem
        self.ends = sorted({place for v in vans for place in (v.start, v.end)})
        self.nodes = [*self.ends, *(v.place for v in problem.visits)]
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.nodes),
            len(vans),
            [self.ends.index(v.start) for v in vans],
            [self.ends.index(v.end) for v in vans],
        )
        self.model = pywrapcp.RoutingModel(self.manager)
        self._way_and_time()
        self._loads()

    def _way_and_time(self) -> None:
        rows, profile = np.ix_(self.nodes, self.nodes), self.problem.profiles[0]
        way = self.model.RegisterTransitMatrix(profile.distance_m[rows].tolist())
        self.model.SetArcCostEvaluatorOfAllVehicles(way)
        service = np.array([0] * len(self.ends) + [v.service_s for v in self.problem.visits])
        leg = self.model.RegisterTransitMatrix(
            (profile.duration_s[rows] + service[:, None]).tolist()
        )
        horizon = max(v.closes_s for v in self.problem.vehicles)
        self.model.AddDimension(leg, horizon, horizon, False, "time")
        clock = self.model.GetDimensionOrDie("time")
        for number, van in enumerate(self.problem.vehicles):
            for end in (self.model.Start(number), self.model.End(number)):
                clock.CumulVar(end).SetRange(van.opens_s, van.closes_s)
        for at, visit in enumerate(self.problem.visits, start=len(self.ends)):
            for window in visit.windows:
                span = clock.CumulVar(self.manager.NodeToIndex(at))
                span.SetRange(window.opens_s, min(window.closes_s - 1, horizon))

    def _loads(self) -> None:
        nothing = [0] * len(self.ends)
        for at in range(len(self.problem.dimensions)):
            load = self.model.RegisterUnaryTransitVector(
                nothing + [v.demand[at] for v in self.problem.visits]
            )
            rooms = [v.capacity[at] for v in self.problem.vehicles]
            self.model.AddDimensionWithVehicleCapacity(load, 0, rooms, True, f"load{at}")

    def routes(self) -> Routes:
        """Return the routes of the search's present solution."""
        routes: Routes = {}
        for number, van in enumerate(self.problem.vehicles):
            index, names = self.model.NextVar(self.model.Start(number)).Value(), []
            while not self.model.IsEnd(index):
                node = self.manager.IndexToNode(index) - len(self.ends)
                names.append(self.problem.visits[node].id)
                index = self.model.NextVar(index).Value()
            if names:
                routes[van.id] = names
        return routes


def run_ortools(problem: Problem, marks: Sequence[float], _seed: int) -> Answers:
    """Run parallel cheapest insertion, then guided local search, up to the last mark."""
    model, answers, waiting = Model(problem), Answers(), sorted(marks)
    best: Routes = {}

    def keep(until: float) -> None:
        while waiting and waiting[0] <= until:
            mark = waiting.pop(0)
            if best:
                answers.at[mark] = dict(best)

    def on_solution() -> None:
        keep(answers.seconds)
        best.clear()
        best.update(model.routes())

    cheapest = [float("inf")]

    def on_better() -> None:
        value = model.model.CostVar().Max()
        if value < cheapest[0]:
            cheapest[0] = value
            on_solution()

    model.model.AddAtSolutionCallback(on_better)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    parameters.time_limit.FromMilliseconds(int(1000 * max(marks)))
    answers.begin()
    model.model.SolveWithParameters(parameters)
    keep(float("inf"))
    return answers
