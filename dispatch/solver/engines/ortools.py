"""The routing solver of OR-Tools (Apache-2.0): breaks, several windows, eligible vehicles. PURE.

Cheapest insertion, then guided local search. Beyond some hundred visits it is far behind PyVRP;
``solve.choose`` says when it is used.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Final

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from dispatch.solver.engines.base import Proposal, SearchControl
from dispatch.solver.engines.translate import Translator
from dispatch.solver.model.cost import PER_METRE, PER_SECOND, UNIT, rounded
from dispatch.solver.model.problem import VehicleShift, service_s
from dispatch.solver.placing.draft import Context
from dispatch.solver.timing.timer import NEVER

TIME: Final = "time"
PATIENCE: Final = 1000  # steps per visit without a new solution until a search by count ends
GRACE_S: Final = 3600  # OR-Tools needs a time limit of its own; the control stops it earlier


class ORTools:
    """The engine behind ``base.Engine``; one phase, counted in solutions.

    A search by count also ends after many steps without a new solution: with few visits there may
    be fewer solutions than the count. The record that repeats a search is its numbers of solutions
    and steps.
    """

    name = "ortools"

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop. The search is not random: the seed is not used."""
        translator = Translator(context)
        if translator.empty:
            return Proposal({}, ())
        model = _Model(context, translator)
        return model.search(control)


class _Model:
    """A routing model: a node for each visit, then a node for each place of a start or end."""

    def __init__(self, context: Context, translator: Translator) -> None:
        self.context, self.problem, self.translator = context, context.problem, translator
        self.visits = translator.visits
        vehicles = self.problem.vehicles
        gates = sorted({p for v in vehicles for p in (v.start, v.end)})
        self.places = [*(self.problem.visits[v].place for v in self.visits), *gates]
        node = {place: len(self.visits) + at for at, place in enumerate(gates)}
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.places),
            len(vehicles),
            [node[v.start] for v in vehicles],
            [node[v.end] for v in vehicles],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self._money()
        self._loads()
        self._times()
        self._visits()

    def _matrix(self, vehicle: int, *, metres: bool, rate: int) -> list[list[int]]:
        timer = self.context.timer
        look = timer.drive_m if metres else timer.drive_s
        return [[look(vehicle, a, b) * rate for b in self.places] for a in self.places]

    def _money(self) -> None:
        transits: dict[tuple[int, int], int] = {}
        for at, vehicle in enumerate(self.problem.vehicles):
            rate = vehicle.cost_per_km * PER_METRE // self.translator.divisor
            key = (vehicle.profile, rate)
            if key not in transits:
                transits[key] = self.routing.RegisterTransitMatrix(
                    self._matrix(at, metres=True, rate=rate)
                )
            self.routing.SetArcCostEvaluatorOfVehicle(transits[key], at)
            hour = vehicle.loading_s * vehicle.cost_per_hour * PER_SECOND
            fixed = (vehicle.fixed_cost * UNIT + hour) // self.translator.divisor
            self.routing.SetFixedCostOfVehicle(fixed, at)
        ranged = [v.max_distance_m for v in self.problem.vehicles]
        if any(top is not None for top in ranged):
            ways = [
                self.routing.RegisterTransitMatrix(self._matrix(at, metres=True, rate=1))
                for at in range(len(ranged))
            ]
            tops = [NEVER if top is None else top for top in ranged]
            self.routing.AddDimensionWithVehicleTransitAndCapacity(ways, 0, tops, True, "range")

    def _loads(self) -> None:
        for at, name in enumerate(self.problem.dimensions):
            demand = [self.problem.visits[v].demand[at] for v in self.visits]
            demand += [0] * (len(self.places) - len(demand))
            self.routing.AddDimensionWithVehicleCapacity(
                self.routing.RegisterUnaryTransitVector(demand),
                0,
                [v.capacity[at] for v in self.problem.vehicles],
                True,
                f"load:{name}",
            )

    def _times(self) -> None:
        transits: dict[tuple[int, int], int] = {}
        for at, vehicle in enumerate(self.problem.vehicles):
            key = (vehicle.profile, vehicle.speed_percent)
            if key not in transits:
                transits[key] = self.routing.RegisterTransitMatrix(self._with_service(at))
        order = [transits[v.profile, v.speed_percent] for v in self.problem.vehicles]
        horizon = max(v.closes_s for v in self.problem.vehicles) + 1
        self.routing.AddDimensionWithVehicleTransits(order, horizon, horizon, False, TIME)
        time = self.routing.GetDimensionOrDie(TIME)
        for at, vehicle in enumerate(self.problem.vehicles):
            self._shift(time, at, vehicle, horizon)

    def _with_service(self, vehicle: int) -> list[list[int]]:
        matrix = self._matrix(vehicle, metres=False, rate=1)
        for row, seconds in enumerate(self._services(vehicle)):
            matrix[row] = [drive + seconds for drive in matrix[row]]
        return matrix

    def _services(self, vehicle: int) -> list[int]:
        it = self.problem.vehicles[vehicle]
        return [service_s(self.problem.visits[v], it) for v in self.visits]

    def _shift(self, time: Any, at: int, vehicle: VehicleShift, horizon: int) -> None:
        shift = self.context.timer.shifts[at]
        start, end = self.routing.Start(at), self.routing.End(at)
        first, latest = shift.opens + vehicle.loading_s, shift.latest + vehicle.loading_s
        if first > min(latest, shift.closes):
            # no time to load: the vehicle is not used
            for row in range(len(self.visits)):
                self.routing.VehicleVar(self.manager.NodeToIndex(row)).RemoveValue(at)
            return
        time.CumulVar(start).SetRange(first, min(latest, shift.closes))
        time.CumulVar(end).SetRange(first, shift.closes)
        longest = min(horizon, max(0, shift.longest - vehicle.loading_s))
        time.SetSpanUpperBoundForVehicle(longest, at)
        second = vehicle.cost_per_hour * PER_SECOND // self.translator.divisor
        time.SetSpanCostCoefficientForVehicle(second, at)
        self.routing.AddVariableMinimizedByFinalizer(time.CumulVar(end))
        self.routing.AddVariableMaximizedByFinalizer(time.CumulVar(start))
        if vehicle.breaks:
            solver = self.routing.solver()
            rests = [
                solver.FixedDurationIntervalVar(
                    b.opens_s, b.closes_s - 1, b.duration_s, False, f"break {at}/{nth}"
                )
                for nth, b in enumerate(vehicle.breaks)
            ]
            services = [0] * self.routing.Size()
            for row, seconds in enumerate(self._services(at)):
                services[self.manager.NodeToIndex(row)] = seconds
            time.SetBreakIntervalsOfVehicle(rests, at, services)

    def _visits(self) -> None:
        time = self.routing.GetDimensionOrDie(TIME)
        for row, visit in enumerate(self.visits):
            index = self.manager.NodeToIndex(row)
            spans = self.context.timer.windows(visit)
            if spans[-1][1] < NEVER:
                moment = time.CumulVar(index)
                moment.SetRange(spans[0][0], spans[-1][1])
                for before, after in pairwise(spans):
                    if before[1] + 1 <= after[0] - 1:
                        moment.RemoveInterval(before[1] + 1, after[0] - 1)
            for vehicle in range(len(self.problem.vehicles)):
                if vehicle not in self.context.may[visit]:
                    self.routing.VehicleVar(index).RemoveValue(vehicle)
            prize = self.translator.prize(self.problem.visits[visit])
            self.routing.AddDisjunction([index], prize)

    def search(self, control: SearchControl) -> Proposal:
        """Run the search and return the best sequences seen."""
        routing, solutions, steps, idle = self.routing, 0, 0, 0
        by_count = control.counts is not None and len(control.counts) == 1
        patience = PATIENCE * (1 + len(self.visits)) if by_count else math.inf
        best: tuple[int, dict[int, list[int]]] | None = None

        def on_solution() -> None:
            nonlocal solutions, idle, best
            solutions, idle = solutions + 1, 0
            cost = routing.CostVar().Max()
            if best is None or cost < best[0]:
                best = (cost, self._sequences())
            control.report("ortools", solutions, rounded(best[0] * self.translator.divisor))

        def must_end() -> bool:
            nonlocal steps, idle
            steps, idle = steps + 1, idle + 1
            return control.must_stop(0, solutions) or idle > patience

        routing.AddAtSolutionCallback(on_solution)
        limit = routing.solver().CustomLimit(must_end)
        routing.AddSearchMonitor(limit)
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = (
            routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        )
        parameters.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        parameters.time_limit.FromSeconds(GRACE_S)
        if control.counts is not None:  # the default of 0.1 s gives another plan on a busy machine
            parameters.lns_time_limit.FromSeconds(GRACE_S)
        if not control.must_stop(0, 0):
            routing.SolveWithParameters(parameters)
        return Proposal(best[1] if best else {}, (solutions, steps))

    def _sequences(self) -> dict[int, list[int]]:
        sequences: dict[int, list[int]] = {}
        for vehicle in range(len(self.problem.vehicles)):
            visits, index = [], self.routing.Start(vehicle)
            while not self.routing.IsEnd(index):
                node = self.manager.IndexToNode(index)
                if node < len(self.visits):
                    visits.append(self.visits[node])
                index = self.routing.NextVar(index).Value()
            if visits:
                sequences[vehicle] = visits
        return sequences
