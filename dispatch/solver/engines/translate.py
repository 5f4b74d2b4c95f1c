"""Translation of a Problem into PyVRP's data. PURE.

- Money: PyVRP needs whole prices per metre and second. In units of 1/9,000,000 of a minor unit all
  our prices are whole; they are divided by their greatest common divisor.
- Loading: PyVRP's vehicle starts when it leaves. The hourly price of loading is added to the fixed
  cost.
- Waiting and the whole duration are paid, as in ``cost``.
- Skills and allowed vehicles: a load dimension each, with capacity 0 for vehicles that may not go.
- Several windows: copies of a client in a group; PyVRP serves one of them.
- Service by profile: the least of the values is the service time of the client. The rest is added
  to the drives that leave it; for this each visit has a location of its own.
- Breaks: the working clock of ``pauses``.
- Prices of unserved visits: unchanged up to three times the most expensive trip, compressed above.
  So no price is too large for the search's penalties, and their order stays the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyvrp

from dispatch.solver.model.cost import PER_METRE, PER_SECOND, UNIT
from dispatch.solver.model.problem import Problem, VehicleShift, Visit, missed_cost
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.explain import alone
from dispatch.solver.timing.pauses import WorkClock, work_clock
from dispatch.solver.timing.timer import NEVER, scaled

TRIPS: Final = 3  # prices above this many of the most expensive trips are compressed
AMPLE: Final = 0.95  # visits are required only up to this share of the fleet's capacity
Int64 = np.ndarray[Any, np.dtype[Any]]  # loose, because of PyVRP's type stubs


@dataclass(frozen=True, slots=True)
class Translation:
    """PyVRP's data, and how to translate back: client to visit, vehicle type to vehicles."""

    data: pyvrp.ProblemData
    visits: tuple[int, ...]
    vehicles: tuple[tuple[int, ...], ...]
    divisor: int  # cost in 1/9,000,000 minor units = PyVRP's cost * divisor
    unit: float  # cost of a mean drive per metre in PyVRP's money: the scale of penalties


class Translator:
    """Builds the translation of one problem."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.problem: Problem = context.problem
        self.clock: WorkClock = work_clock(self.problem.vehicles)
        self.visits = [v for v in range(len(self.problem.visits)) if alone(context, v) is None]
        self.limits = self._limits()
        self.kinds = self._kinds()
        self.rates = sorted({(v.profile, v.speed_percent) for v, _ in self.kinds})
        self.own_rows = any(
            isinstance(s := self.problem.visits[v].service_s, tuple) and len(set(s)) > 1
            for v in self.visits
        )
        self.trip = self._most_expensive_trip()
        self.divisor = self._divisor()

    @property
    def empty(self) -> bool:
        """Return True if there is nothing to search for."""
        return not self.visits or not self.kinds

    def translate(self, *, required: bool) -> Translation:
        """Return the problem as PyVRP's data; ``required`` makes every visit required."""
        clients, groups, origins = self._clients(required)
        distances, durations = self._matrices()
        data = pyvrp.ProblemData(
            [pyvrp.Location(0, 0) for _ in range(len(distances[0]))],
            clients,
            [pyvrp.Depot(place) for place in range(self.problem.places)],
            [self._vehicle_type(v, len(twins)) for v, twins in self.kinds],
            distances,
            durations,
            groups,
        )
        return Translation(
            data,
            tuple(origins),
            tuple(twins for _, twins in self.kinds),
            self.divisor,
            self._unit(distances[0], durations[0]),
        )

    def _limits(self) -> list[frozenset[int]]:
        """Return the set of vehicles for each skill or permission that not every vehicle has."""
        problem, everybody = self.problem, frozenset(range(len(self.problem.vehicles)))
        skills = {s for v in self.visits for s in problem.visits[v].skills}
        sets = [
            frozenset(at for at in everybody if skill in problem.vehicles[at].skills)
            for skill in sorted(skills)
        ]
        allowed = {problem.visits[v].vehicles for v in self.visits} - {None}
        for names in sorted(sorted(a) for a in allowed if a is not None):
            index = problem.vehicle_index
            sets.append(frozenset(index[name] for name in names if name in index))
        return sorted({s for s in sets if s != everybody}, key=sorted)

    def _kinds(self) -> list[tuple[VehicleShift, tuple[int, ...]]]:
        """Group vehicles that differ only in their id; leave out those that PyVRP cannot use."""
        kinds: dict[tuple[VehicleShift, tuple[bool, ...]], list[int]] = {}
        for at, vehicle in enumerate(self.problem.vehicles):
            member = tuple(at in limit for limit in self.limits)
            kinds.setdefault((replace(vehicle, id=""), member), []).append(at)
        return [(self.problem.vehicles[t[0]], tuple(t)) for t in kinds.values() if self._usable(t)]

    def _usable(self, twins: list[int]) -> bool:
        early, late, latest, longest = self._shift(self.problem.vehicles[twins[0]])
        return early <= latest <= late and longest >= 0

    def _shift(self, vehicle: VehicleShift) -> tuple[int, int, int, int]:
        """Return earliest departure, latest end, latest departure and longest duration, seconds."""
        own = sum(b.duration_s for b in vehicle.breaks)
        uncounted = 0 if self.clock.pauses else own
        late = self.clock(vehicle.closes_s) - uncounted
        latest = vehicle.closes_s if vehicle.latest_start_s is None else vehicle.latest_start_s
        longest = NEVER if vehicle.max_duration_s is None else vehicle.max_duration_s - own
        return (
            self.clock(vehicle.opens_s) + vehicle.loading_s,
            late,
            min(late, self.clock(min(latest, vehicle.closes_s)) + vehicle.loading_s),
            longest - vehicle.loading_s,
        )

    def _most_expensive_trip(self) -> int:
        """Return an upper bound of the cost of one more visit, in 1/9,000,000 minor units."""
        best = 1
        for vehicle, _ in self.kinds:
            profile = self.problem.profiles[vehicle.profile]
            seconds = int(scaled(profile.duration_s, vehicle.speed_percent).max())
            ways = 2 * int(profile.distance_m.max()) * vehicle.cost_per_km * PER_METRE
            hours = (2 * seconds + vehicle.loading_s) * vehicle.cost_per_hour * PER_SECOND
            best = max(best, vehicle.fixed_cost * UNIT + ways + hours)
        return best

    def _divisor(self) -> int:
        prices = [
            part
            for vehicle, _ in self.kinds
            for part in (
                vehicle.cost_per_km * PER_METRE,
                vehicle.cost_per_hour * PER_SECOND,
                vehicle.fixed_cost * UNIT,
            )
        ]
        return math.gcd(*prices) or 1

    def prize(self, visit: Visit) -> int:
        """Return the price of not serving a visit in PyVRP's money; high prices are compressed."""
        price, cap = missed_cost(visit) * UNIT, TRIPS * self.trip
        if price > cap:
            price = int(cap * (1 + math.log2(price / cap) / 4))
        return price // self.divisor

    @property
    def certain(self) -> bool:
        """Return True if each visit is worth any trip and capacity suffices for all of them."""
        visits = [self.problem.visits[v] for v in self.visits]
        if any(missed_cost(v) * UNIT <= TRIPS * self.trip for v in visits):
            return False
        return all(
            sum(v.demand[d] for v in visits)
            <= AMPLE * sum(vehicle.capacity[d] * len(twins) for vehicle, twins in self.kinds)
            for d in range(len(self.problem.dimensions))
        )

    def _clients(
        self, required: bool
    ) -> tuple[list[pyvrp.Client], list[pyvrp.ClientGroup], list[int]]:
        clients: list[pyvrp.Client] = []
        groups: list[pyvrp.ClientGroup] = []
        origins: list[int] = []
        for row, at in enumerate(self.visits):
            visit, spans = self.problem.visits[at], self.context.timer.windows(at)
            group = len(groups) if len(spans) > 1 else None
            if group is not None:
                copies = list(range(len(clients), len(clients) + len(spans)))
                groups.append(pyvrp.ClientGroup(copies, required))
            service = visit.service_s if isinstance(visit.service_s, int) else min(visit.service_s)
            for first, last in spans:
                clients.append(
                    pyvrp.Client(
                        location=self.problem.places + row if self.own_rows else visit.place,
                        delivery=[*visit.demand, *self._marks(visit)],
                        service_duration=service,
                        tw_early=self.clock(first),
                        tw_late=self.clock(last),
                        prize=self.prize(visit),
                        required=required and group is None,
                        group=group,
                    )
                )
                origins.append(at)
        return clients, groups, origins

    def _marks(self, visit: Visit) -> list[int]:
        """Return one unit in the load dimension of each limit that holds for this visit."""
        may = self.context.may[self.problem.visit_index[visit.id]]
        return [int(may <= limit) for limit in self.limits]

    def _vehicle_type(self, vehicle: VehicleShift, count: int) -> pyvrp.VehicleType:
        early, late, latest, longest = self._shift(vehicle)
        at = self.problem.vehicle_index[vehicle.id]
        room = [len(self.visits) if at in limit else 0 for limit in self.limits]
        second = vehicle.cost_per_hour * PER_SECOND
        top = NEVER if vehicle.max_distance_m is None else vehicle.max_distance_m
        return pyvrp.VehicleType(
            num_available=count,
            capacity=[*vehicle.capacity, *room],
            start_depot=vehicle.start,
            end_depot=vehicle.end,
            fixed_cost=(vehicle.fixed_cost * UNIT + vehicle.loading_s * second) // self.divisor,
            tw_early=early,
            tw_late=late,
            start_late=latest,
            shift_duration=min(longest, NEVER),
            max_distance=top,
            unit_distance_cost=vehicle.cost_per_km * PER_METRE // self.divisor,
            unit_duration_cost=second // self.divisor,
            profile=self.rates.index((vehicle.profile, vehicle.speed_percent)),
        )

    def _matrices(self) -> tuple[list[Int64], list[Int64]]:
        """Return distance and duration by profile and speed, with rows for visits where needed."""
        places = [self.problem.visits[v].place for v in self.visits] if self.own_rows else []
        rows = np.array([*range(self.problem.places), *places])
        distances: list[Int64] = []
        durations: list[Int64] = []
        for profile, speed in self.rates:
            table = self.problem.profiles[profile]
            duration = scaled(table.duration_s, speed).astype(np.int64)
            distance = table.distance_m.astype(np.int64)
            if self.own_rows:
                duration, distance = duration[np.ix_(rows, rows)], distance[np.ix_(rows, rows)]
                for row, visit in enumerate(self.visits, start=self.problem.places):
                    service = self.problem.visits[visit].service_s
                    if isinstance(service, tuple):
                        duration[row] += service[profile] - min(service)
                np.fill_diagonal(duration, 0)
            distances.append(distance)
            durations.append(duration)
        return distances, durations

    def _unit(self, distance: Int64, duration: Int64) -> float:
        """Return the price of a mean drive divided by its metres, at the highest rates."""
        metres, seconds = max(1.0, float(distance.mean())), float(duration.mean())
        rates = [
            v.cost_per_km * PER_METRE + v.cost_per_hour * PER_SECOND * seconds / metres
            for v, _ in self.kinds
        ]
        return max(1.0, max(rates) / self.divisor)
