"""The referee: says, independently of every engine, what is wrong with a solution. PURE.

It reads the problem's matrices and rules by itself and shares no code with the engines, with
``timing``, ``insertion`` or ``cost``: a fault there cannot hide a fault here. An empty list means
that the plan can be driven as stated, second by second.

Here is what concerns the plan as a whole; ``judge`` looks at each route.
"""

from __future__ import annotations

from collections import Counter

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.referee.judge import Judge
from dispatch.solver.referee.violations import Kind, Violation

__all__ = ("Kind", "Violation", "check")


def check(problem: Problem, solution: Solution) -> list[Violation]:
    """Return every violation of a solution, in route order; none for a plan that holds."""
    vehicles = {v.id: v for v in problem.vehicles}
    visits = {v.id: v for v in problem.visits}
    found = _Census(problem, solution).verdict()
    for route in solution.routes:
        vehicle = vehicles.get(route.vehicle)
        if vehicle is not None:
            found += Judge(problem, vehicle, visits, route).verdict()
    return found


class _Census:
    """Who is served, by whom, and who is not."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self.problem, self.solution = problem, solution
        self.found: list[Violation] = []
        self.carrier = {s.visit: r.vehicle for r in solution.routes for s in r.visits}
        self.named = Counter(u.visit for u in solution.unserved)

    def verdict(self) -> list[Violation]:
        self._vehicles()
        self._visits()
        self._groups()
        self._pairs()
        self._together()
        self._promised()
        return self.found

    def _say(self, kind: Kind, detail: str, *, vehicle: str = "", visit: str = "") -> None:
        self.found.append(Violation(kind, detail, vehicle, visit))

    def _vehicles(self) -> None:
        known = {v.id for v in self.problem.vehicles}
        for name, times in Counter(r.vehicle for r in self.solution.routes).items():
            if name not in known:
                self._say(Kind.UNKNOWN, f"No vehicle {name} in the problem.", vehicle=name)
            if times > 1:
                self._say(Kind.DUPLICATE, f"{times} routes of one vehicle.", vehicle=name)

    def _visits(self) -> None:
        """Each visit exactly once, served or named; alternatives are looked at by group."""
        made = Counter(s.visit for route in self.solution.routes for s in route.visits)
        for name, times in (made + self.named).items():
            if name not in self.problem.visit_index:
                self._say(Kind.UNKNOWN, f"No visit {name} in the problem.", visit=name)
            if times > 1:
                self._say(Kind.DUPLICATE, f"Stands {times} times.", visit=name)
        for visit in self.problem.visits:
            if not visit.group and visit.id not in made and visit.id not in self.named:
                self._say(Kind.MISSING, "Neither served nor named as unserved.", visit=visit.id)

    def _groups(self) -> None:
        for name, members in self.problem.groups.items():
            ids = [self.problem.visits[at].id for at in members]
            served = [v for v in ids if v in self.carrier]
            named = [v for v in ids if v in self.named]
            if len(served) > 1:
                detail = f"{len(served)} of the alternatives {name} are served; one is enough."
                self._say(Kind.GROUP, detail, visit=served[1])
            elif served and named:
                detail = f"Named as unserved, though {served[0]} is served in its place."
                self._say(Kind.GROUP, detail, visit=named[0])
            elif not served and named != ids[:1]:
                detail = f"None of the alternatives {name} is served: name {ids[0]}, and only it."
                self._say(Kind.MISSING, detail, visit=ids[0])

    def _pairs(self) -> None:
        for pair in self.problem.pairs:
            first, second = self.carrier.get(pair.pickup), self.carrier.get(pair.delivery)
            if first != second:
                detail = f"{pair.pickup} and {pair.delivery} must be made by one vehicle."
                self._say(Kind.PAIR, detail, vehicle=first or second or "", visit=pair.delivery)

    def _together(self) -> None:
        for members in self.problem.together:
            carriers = {self.carrier[v] for v in members if v in self.carrier}
            if len(carriers) > 1:
                detail = f"{', '.join(sorted(members))} must share a vehicle, not {len(carriers)}."
                self._say(Kind.TOGETHER, detail, visit=min(members))

    def _promised(self) -> None:
        """Committed stops and goods on board belong to their vehicle."""
        for vehicle in self.problem.vehicles:
            for name in vehicle.prefix:
                if self.carrier.get(name) != vehicle.id:
                    detail = f"It is committed to {vehicle.id}."
                    self._say(Kind.PREFIX, detail, vehicle=vehicle.id, visit=name)
            for name in sorted(vehicle.loaded or ()):
                if self.carrier.get(name, vehicle.id) != vehicle.id:
                    detail = f"Its goods are on board of {vehicle.id}."
                    self._say(Kind.LOADED, detail, vehicle=self.carrier[name], visit=name)
