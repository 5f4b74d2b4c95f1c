"""A plan under work: sequences per vehicle with what is needed to change them fast. PURE.

Engines propose sequences; ``insertion``, ``repair`` and ``explain`` work on a ``Draft`` of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dispatch.solver.problem import Problem, Vehicle, service_s
from dispatch.solver.rich.model import Model, lay_out
from dispatch.solver.segments import Segment, merge
from dispatch.solver.solution import Route, Solution, Unserved
from dispatch.solver.timing import NEVER, Timer


class Ground:
    """What never changes while a problem is worked on: times, who may serve whom, room.

    ``twin`` gives for each vehicle the first that is like it in all but its id.
    """

    def __init__(self, problem: Problem, timer: Timer | None = None) -> None:
        self.problem = problem
        self.timer = timer or Timer(problem)
        self._model: Model | None = None
        self.demands = [v.demand for v in problem.visits]
        self.rooms = [v.capacity for v in problem.vehicles]
        self.ranges = [
            NEVER if v.max_distance_m is None else v.max_distance_m for v in problem.vehicles
        ]
        kinds: dict[tuple[frozenset[str], frozenset[str] | None], frozenset[int]] = {}
        for visit in problem.visits:
            kind = (visit.skills, visit.vehicles)
            if kind not in kinds:
                kinds[kind] = frozenset(
                    at
                    for at, vehicle in enumerate(problem.vehicles)
                    if visit.skills <= vehicle.skills
                    and (visit.vehicles is None or vehicle.id in visit.vehicles)
                )
        twins: dict[Vehicle, int] = {}
        self.twin = [
            twins.setdefault(replace(vehicle, id=""), at)
            for at, vehicle in enumerate(problem.vehicles)
        ]
        self.may = [kinds[v.skills, v.vehicles] for v in problem.visits]

    @property
    def model(self) -> Model:
        """The problem as flat arrays, made when first asked for."""
        if self._model is None:
            self._model = lay_out(self.problem)
        return self._model

    def fits(self, vehicle: int, load: Sequence[int]) -> bool:
        """Tell whether the vehicle has room for a load."""
        return all(a <= room for a, room in zip(load, self.rooms[vehicle], strict=True))


class Tour:
    """One vehicle's sequence with its load, length, time and the segments around each gap."""

    def __init__(self, ground: Ground, vehicle: int, visits: Iterable[int]) -> None:
        self.vehicle = vehicle
        self.visits = list(visits)
        timer, problem = ground.timer, ground.problem
        it = problem.vehicles[vehicle]
        self.load = timer.load(self.visits)
        self.places = [it.start, *(problem.visits[v].place for v in self.visits), it.end]
        if self.visits:
            self.distance = timer.chain(vehicle, self.visits).distance
            self.duration = timer.shortest(vehicle, self.visits)
        else:
            self.distance, self.duration = 0, 0
        shift = timer.shifts[vehicle]
        self.plain = not it.breaks and all(len(timer.windows(v)) == 1 for v in self.visits)
        gate: Segment = (0, 0, shift.opens + shift.loading, shift.latest + shift.loading)
        self.before = [gate]
        for at, visit in enumerate(self.visits):
            drive = timer.drive_s(vehicle, self.places[at], self.places[at + 1])
            self.before.append(merge(drive, self.before[-1], own_segment(ground, vehicle, visit)))
        self.after: list[Segment] = [(0, 0, 0, shift.closes)]
        for at in range(len(self.visits) - 1, -1, -1):
            drive = timer.drive_s(vehicle, self.places[at + 1], self.places[at + 2])
            here = own_segment(ground, vehicle, self.visits[at])
            self.after.append(merge(drive, here, self.after[-1]))
        self.after.reverse()


def own_segment(ground: Ground, vehicle: int, visit: int) -> Segment:
    """Return the segment of one visit, its windows taken as one from first to last."""
    spans = ground.timer.windows(visit)
    seconds = service_s(ground.problem.visits[visit], ground.problem.vehicles[vehicle])
    return (seconds, 0, spans[0][0], spans[-1][1])


class Draft:
    """All tours of a plan; vehicles and visits by index. Every visit stands at most once."""

    def __init__(self, ground: Ground, sequences: dict[int, list[int]] | None = None) -> None:
        self.ground = ground
        self.tours = [Tour(ground, v, ()) for v in range(len(ground.problem.vehicles))]
        for vehicle, visits in (sequences or {}).items():
            self.put(vehicle, visits)

    def put(self, vehicle: int, visits: Iterable[int]) -> None:
        """Give a vehicle another sequence."""
        self.tours[vehicle] = Tour(self.ground, vehicle, visits)

    def insert(self, vehicle: int, position: int, visit: int) -> None:
        """Put one more visit into a vehicle's sequence."""
        visits = self.tours[vehicle].visits
        self.put(vehicle, [*visits[:position], visit, *visits[position:]])

    def missing(self) -> list[int]:
        """Visits in no tour, in the problem's order."""
        made = {v for tour in self.tours for v in tour.visits}
        return [v for v in range(len(self.ground.problem.visits)) if v not in made]

    def solution(self, unserved: Sequence[Unserved]) -> Solution:
        """Write the plan out with its exact times; a tour that breaks rules is timed as it is."""
        routes: list[Route] = []
        for tour in self.tours:
            if tour.visits:
                timer = self.ground.timer
                route = timer.schedule(tour.vehicle, tour.visits)
                routes.append(route or timer.as_it_comes(tour.vehicle, tour.visits))
        return Solution(tuple(routes), tuple(unserved))
