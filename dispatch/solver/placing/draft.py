"""A plan that is being changed: a sequence per vehicle, with data for fast insertions. PURE.

Engines propose sequences; ``insertion``, ``repair`` and ``explain`` work on a ``Draft`` of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from dispatch.solver.model.problem import Problem, VehicleShift, Visit, service_s
from dispatch.solver.model.solution import NotServed, Solution, Tour
from dispatch.solver.rich.lazy import plain, scanner
from dispatch.solver.rich.model import Model, lay_out
from dispatch.solver.timing.lenient import lenient_route
from dispatch.solver.timing.segments import Segment, merge
from dispatch.solver.timing.timer import NEVER, Timer

if TYPE_CHECKING:
    from dispatch.solver.rich.scanner import Scanner


class Context:
    """Data of a problem that all its drafts share: timer, allowed vehicles, capacities.

    ``may`` : for each visit the vehicles that may serve it, by their skills and its locks.
    ``twin`` : for each vehicle the first vehicle that equals it in all but its id.
    ``plain`` : the problem has at most one window per visit, one trip per vehicle, and no rules
    beyond loads, skills, shifts and limits (see ``rich.lazy.plain``). It needs no compiled code.
    """

    def __init__(
        self, problem: Problem, timer: Timer | None = None, model: Model | None = None
    ) -> None:
        self.problem = problem
        self.timer = timer or Timer(problem)
        self.plain = plain(problem)
        self._model = model
        self._scanner: Scanner | None = None
        self.alone: dict[int, NotServed | None] = {}  # the cache of ``explain.alone``
        self.demands = [v.demand for v in problem.visits]
        self.capacities = [v.capacity for v in problem.vehicles]
        self.ranges = [
            NEVER if v.max_distance_m is None else v.max_distance_m for v in problem.vehicles
        ]
        kinds: dict[tuple[frozenset[str], frozenset[str] | None], frozenset[int]] = {}
        for visit in problem.visits:
            kind = (visit.skills, visit.vehicles)
            if kind not in kinds:
                kinds[kind] = _allowed(problem, visit)
        twins: dict[VehicleShift, int] = {}
        self.twin = [
            twins.setdefault(replace(vehicle, id=""), at)
            for at, vehicle in enumerate(problem.vehicles)
        ]
        self.may = [kinds[v.skills, v.vehicles] for v in problem.visits]

    def replace_visit(self, problem: Problem, visit: int) -> None:
        """Replace a visit (by index) by that of another problem with the same other visits.

        The row and column of its place have already changed in the travel matrices.
        """
        self.problem, it = problem, problem.visits[visit]
        self.timer.replace_visit(problem, visit)
        self.demands[visit] = it.demand
        self.may[visit] = _allowed(problem, it)
        self.alone.pop(visit, None)
        if not self.plain:
            self.scanner.replace_visit(problem, visit)

    def rename(self, problem: Problem) -> None:
        """Use another problem, which differs only in the ids of visits."""
        self.problem = self.timer.problem = problem
        if self._scanner is not None:
            self._scanner.rename(problem)

    @property
    def model(self) -> Model:
        """The problem as flat arrays, created on first use."""
        if self._model is None:
            self._model = lay_out(self.problem)
        return self._model

    @property
    def scanner(self) -> Scanner:
        """The interface to the compiled scan; the first use loads numba."""
        if self._scanner is None:
            self._scanner = scanner(self.problem, self.model)
        return self._scanner

    @property
    def nbytes(self) -> int:
        """The size of the arrays for the compiled scan in bytes, without matrices of others."""
        if self._scanner is None:
            return 0
        arrays = [getattr(self.model, name) for name in self.model.names]
        own = {id(array): int(array.nbytes) for array in arrays if array.base is None}
        return self._scanner.nbytes - self.model.nbytes + sum(own.values())

    def equipped(self, vehicle: int, codes: Iterable[int]) -> list[int]:
        """Return codes with the reloads and charges that make them feasible.

        Codes that already contain a reload or charge, or that none can help, are returned as is.
        """
        result, it = list(codes), self.problem.vehicles[vehicle]
        if not (it.reloads or it.chargers) or not result or min(result) < 0:
            return result
        return self.scanner.equipped(vehicle, result) or result

    def price(self, vehicle: int, codes: Sequence[int]) -> float:
        """Return the cost of a sequence in 1/UNIT of a minor unit, infinity if infeasible."""
        timed = self.scanner.timed(vehicle, codes)
        return inf if timed is None else timed.exact

    def route(self, vehicle: int, codes: Sequence[int]) -> Tour | None:
        """Return the best schedule of a sequence, or None if it is infeasible."""
        if self.plain:
            return self.timer.schedule(vehicle, codes)
        return self.scanner.route(vehicle, codes)

    def fits(self, vehicle: int, load: Sequence[int]) -> bool:
        """Return True if a load is within the vehicle's capacity in each dimension."""
        capacity = self.capacities[vehicle]
        return all(amount <= room for amount, room in zip(load, capacity, strict=True))


def _allowed(problem: Problem, visit: Visit) -> frozenset[int]:
    """Return the vehicles that have all skills of a visit and that the visit allows."""
    return frozenset(
        at
        for at, vehicle in enumerate(problem.vehicles)
        if visit.skills <= vehicle.skills
        and (visit.vehicles is None or vehicle.id in visit.vehicles)
    )


class DraftTour:
    """The codes of one vehicle and, for a plain problem, the segments around each gap.

    ``codes`` are visits by index and, below 0, reloads and charges (see ``rich.model``). The
    segment ``before[g]`` covers all stops before gap g, ``after[g]`` all stops behind it.
    ``duration`` is the least working time in seconds, None if the sequence is infeasible.
    """

    def __init__(self, context: Context, vehicle: int, codes: Iterable[int]) -> None:
        self.vehicle = vehicle
        self.codes = list(codes)
        self.visits = [code for code in self.codes if code >= 0]
        if context.plain:
            self._compute_segments(context)

    def _compute_segments(self, context: Context) -> None:
        vehicle = self.vehicle
        timer, problem = context.timer, context.problem
        it = problem.vehicles[vehicle]
        self.load = timer.load(self.visits)
        self.places = [it.start, *(problem.visits[v].place for v in self.visits), it.end]
        self.distance, self.duration = 0, 0 if not self.visits else None
        if self.visits:
            self.distance = timer.chain(vehicle, self.visits).distance
            self.duration = timer.shortest(vehicle, self.visits)
        shift = timer.shifts[vehicle]
        # A shift whose latest start is before its opening is always late, so nothing fits into it.
        late = max(0, shift.opens - shift.latest)
        start: Segment = (0, late, shift.opens + shift.loading, shift.latest + shift.loading)
        self.before = [start]
        for at, visit in enumerate(self.visits):
            drive = timer.drive_s(vehicle, self.places[at], self.places[at + 1])
            self.before.append(merge(drive, self.before[-1], own_segment(context, vehicle, visit)))
        self.after: list[Segment] = [(0, 0, 0, shift.closes)]
        for at in range(len(self.visits) - 1, -1, -1):
            drive = timer.drive_s(vehicle, self.places[at + 1], self.places[at + 2])
            here = own_segment(context, vehicle, self.visits[at])
            self.after.append(merge(drive, here, self.after[-1]))
        self.after.reverse()


def own_segment(context: Context, vehicle: int, visit: int) -> Segment:
    """Return the segment of one visit; its windows count as one, from the first to the last."""
    spans = context.timer.windows(visit)
    seconds = service_s(context.problem.visits[visit], context.problem.vehicles[vehicle])
    return (seconds, 0, spans[0][0], spans[-1][1])


class Draft:
    """All tours of a plan; vehicles and visits by index. A visit is in at most one tour."""

    def __init__(self, context: Context, sequences: dict[int, list[int]] | None = None) -> None:
        self.context = context
        self.rows: Any = None  # the cache of ``rows.rows_of``
        self.tours = [DraftTour(context, v, ()) for v in range(len(context.problem.vehicles))]
        for vehicle, visits in (sequences or {}).items():
            self.assign(vehicle, visits)

    def assign(self, vehicle: int, codes: Iterable[int]) -> None:
        """Give a vehicle another sequence.

        If the codes are visits only, the reloads and charges that make them feasible are added.
        """
        self.tours[vehicle] = DraftTour(
            self.context, vehicle, self.context.equipped(vehicle, codes)
        )

    def assign_exactly(self, vehicle: int, codes: Iterable[int]) -> None:
        """Give a vehicle exactly these codes, without adding reloads or charges."""
        self.tours[vehicle] = DraftTour(self.context, vehicle, codes)

    def insert(self, vehicle: int, position: int, visit: int) -> None:
        """Insert a visit after the first ``position`` visits of a vehicle.

        Reloads and charges may leave several such gaps: the cheapest one is used.
        """
        codes = self.tours[vehicle].codes
        gaps = [g for g in range(len(codes) + 1) if sum(c >= 0 for c in codes[:g]) == position]
        candidates = [[*codes[:gap], visit, *codes[gap:]] for gap in gaps]
        if len(candidates) > 1:
            candidates.sort(key=lambda codes: self.context.price(vehicle, codes))
        self.tours[vehicle] = DraftTour(self.context, vehicle, candidates[0])

    def missing(self) -> list[int]:
        """Return the unserved visits in the order of the problem.

        A group that is not served is listed once, by its first visit.
        """
        served = {v for tour in self.tours for v in tour.visits}
        problem = self.context.problem
        missing = []
        for at, visit in enumerate(problem.visits):
            members = problem.groups.get(visit.group, ()) if visit.group else ()
            if at not in served and (not members or (at == members[0] and not served & {*members})):
                missing.append(at)
        return missing

    def solution(self, unserved: Sequence[NotServed]) -> Solution:
        """Return the plan with its exact times; an infeasible tour gets a lenient schedule."""
        routes: list[Tour] = []
        for tour in self.tours:
            if tour.visits:
                route = self.context.route(tour.vehicle, tour.codes)
                timer = self.context.timer
                routes.append(route or lenient_route(timer, tour.vehicle, tour.codes))
        return Solution(tuple(routes), tuple(unserved))
