"""The referee: lists all violations of a solution, independently of the engines. PURE.

The referee reads the problem's matrices and rules directly. It shares no code with the engines,
``timing``, ``insertion`` or ``cost``, so that an error there cannot hide itself here. An empty
list means that the plan can be driven as stated, second by second.

This module checks the plan as a whole; ``judge`` checks each route.
"""

from __future__ import annotations

from collections import Counter

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.referee.judge import RouteCheck
from dispatch.solver.referee.violations import Kind, Violation

__all__ = ("Kind", "Violation", "check")


def check(problem: Problem, solution: Solution) -> list[Violation]:
    """Return all violations of a solution, in route order; [] if the plan is feasible."""
    vehicles = {v.id: v for v in problem.vehicles}
    visits = {v.id: v for v in problem.visits}
    violations = _PlanCheck(problem, solution).violations()
    for route in solution.routes:
        vehicle = vehicles.get(route.vehicle)
        if vehicle is not None:
            violations += RouteCheck(problem, vehicle, visits, route).violations()
    return violations


class _PlanCheck:
    """Checks the plan as a whole: visits served once, groups, pairs and committed visits."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self.problem, self.solution = problem, solution
        self.result: list[Violation] = []
        self.vehicle_of = {s.visit: r.vehicle for r in solution.routes for s in r.visits}
        self.named = Counter(u.visit for u in solution.unserved)

    def violations(self) -> list[Violation]:
        """Return all violations of the plan as a whole."""
        self._vehicles()
        self._visits()
        self._groups()
        self._pairs()
        self._together()
        self._promised()
        return self.result

    def _add(self, kind: Kind, detail: str, *, vehicle: str = "", visit: str = "") -> None:
        self.result.append(Violation(kind, detail, vehicle, visit))

    def _vehicles(self) -> None:
        known_ids = {v.id for v in self.problem.vehicles}
        for name, times in Counter(r.vehicle for r in self.solution.routes).items():
            if name not in known_ids:
                self._add(Kind.UNKNOWN, f"The problem has no vehicle {name}.", vehicle=name)
            if times > 1:
                self._add(Kind.DUPLICATE, f"The vehicle has {times} routes.", vehicle=name)

    def _visits(self) -> None:
        """Check that each visit is served or listed exactly once; groups are checked later."""
        served = Counter(s.visit for route in self.solution.routes for s in route.visits)
        for name, times in (served + self.named).items():
            if name not in self.problem.visit_index:
                self._add(Kind.UNKNOWN, f"The problem has no visit {name}.", visit=name)
            if times > 1:
                self._add(Kind.DUPLICATE, f"The visit is listed {times} times.", visit=name)
        for visit in self.problem.visits:
            if not visit.group and visit.id not in served and visit.id not in self.named:
                detail = "The visit is neither served nor listed as unserved."
                self._add(Kind.MISSING, detail, visit=visit.id)

    def _groups(self) -> None:
        for name, members in self.problem.groups.items():
            ids = [self.problem.visits[at].id for at in members]
            served = [v for v in ids if v in self.vehicle_of]
            named = [v for v in ids if v in self.named]
            if len(served) > 1:
                detail = f"{len(served)} alternatives of group {name} are served; serve only one."
                self._add(Kind.GROUP, detail, visit=served[1])
            elif served and named:
                detail = f"Listed as unserved, although the alternative {served[0]} is served."
                self._add(Kind.GROUP, detail, visit=named[0])
            elif not served and named != ids[:1]:
                detail = f"No alternative of group {name} is served: list only {ids[0]}."
                self._add(Kind.MISSING, detail, visit=ids[0])

    def _pairs(self) -> None:
        for pair in self.problem.pairs:
            first, second = self.vehicle_of.get(pair.pickup), self.vehicle_of.get(pair.delivery)
            if first != second:
                detail = f"{pair.pickup} and {pair.delivery} must be served by one vehicle."
                self._add(Kind.PAIR, detail, vehicle=first or second or "", visit=pair.delivery)

    def _together(self) -> None:
        for members in self.problem.together:
            vehicles = {self.vehicle_of[v] for v in members if v in self.vehicle_of}
            if len(vehicles) > 1:
                names = ", ".join(sorted(members))
                detail = f"{names} must share one vehicle, but are on {len(vehicles)}."
                self._add(Kind.TOGETHER, detail, visit=min(members))

    def _promised(self) -> None:
        """Check that committed visits and goods on board stay with their vehicle."""
        for vehicle in self.problem.vehicles:
            for name in vehicle.prefix:
                if self.vehicle_of.get(name) != vehicle.id:
                    detail = f"The visit is committed to vehicle {vehicle.id}."
                    self._add(Kind.PREFIX, detail, vehicle=vehicle.id, visit=name)
            for name in sorted(vehicle.loaded or ()):
                if self.vehicle_of.get(name, vehicle.id) != vehicle.id:
                    detail = f"The goods are on board vehicle {vehicle.id}."
                    self._add(Kind.LOADED, detail, vehicle=self.vehicle_of[name], visit=name)
