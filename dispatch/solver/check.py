"""The referee: says, independently of every engine, what is wrong with a solution. PURE.

It reads the problem's matrices and rules by itself and shares no code with the engines, with
``timing``, ``insertion`` or ``cost``: a fault there cannot hide a fault here. An empty list means
that the plan can be driven as stated, second by second.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from dispatch.solver.problem import Problem, Vehicle, Visit
from dispatch.solver.solution import Route, Served, Solution, TakenBreak


class Kind(StrEnum):
    """What a violation is about."""

    WINDOW = "window"  # service begins outside every window of the visit
    CAPACITY = "capacity"  # the load exceeds the vehicle's capacity in ``dimension``
    SKILL = "skill"  # the vehicle lacks a skill
    VEHICLE = "vehicle"  # the visit does not allow this vehicle
    SHIFT = "shift"  # work begins too early or too late, or ends too late
    DURATION = "duration"  # work lasts longer than the vehicle's maximum
    RANGE = "range"  # the route is longer than the vehicle's range
    BREAK = "break"  # a break is missing, outside its window, or not a rest
    TRAVEL = "travel"  # a time that driving, service or loading do not allow
    STATED = "stated"  # a stated distance or load is not the true one
    DUPLICATE = "duplicate"  # a visit or a vehicle stands more than once
    MISSING = "missing"  # a visit is neither served nor named as unserved
    UNKNOWN = "unknown"  # a visit or a vehicle that the problem does not have


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule.

    ``by`` is how much in the rule's own unit (seconds, metres, of the dimension), 1 where there
    is nothing to measure. ``visit`` and ``vehicle`` are ids, empty where none is meant.
    """

    kind: Kind
    detail: str
    vehicle: str = ""
    visit: str = ""
    by: int = 1
    dimension: str = ""


def check(problem: Problem, solution: Solution) -> list[Violation]:
    """Return every violation of a solution, in route order; none for a plan that holds."""
    vehicles = {v.id: v for v in problem.vehicles}
    visits = {v.id: v for v in problem.visits}
    found = _census(vehicles, visits, solution)
    for route in solution.routes:
        vehicle = vehicles.get(route.vehicle)
        if vehicle is not None:
            found += _Judge(problem, vehicle, visits, route).verdict()
    return found


def _census(
    vehicles: dict[str, Vehicle], visits: dict[str, Visit], solution: Solution
) -> list[Violation]:
    """Each visit exactly once, each vehicle at most once, nobody unknown."""
    found: list[Violation] = []
    drives = Counter(route.vehicle for route in solution.routes)
    for name, times in drives.items():
        if name not in vehicles:
            found.append(Violation(Kind.UNKNOWN, f"No vehicle {name} in the problem.", name))
        if times > 1:
            found.append(Violation(Kind.DUPLICATE, f"{times} routes of one vehicle.", name))
    made = Counter(s.visit for route in solution.routes for s in route.visits)
    made.update(u.visit for u in solution.unserved)
    for name, times in made.items():
        if name not in visits:
            found.append(Violation(Kind.UNKNOWN, f"No visit {name} in the problem.", visit=name))
        if times > 1:
            found.append(Violation(Kind.DUPLICATE, f"Stands {times} times.", visit=name))
    found += [
        Violation(Kind.MISSING, "Neither served nor named as unserved.", visit=name)
        for name in visits
        if name not in made
    ]
    return found


class _Judge:
    """Looks at one route of a known vehicle."""

    def __init__(
        self, problem: Problem, vehicle: Vehicle, visits: dict[str, Visit], route: Route
    ) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.route = route
        self.stops = [(s, visits[s.visit]) for s in route.visits if s.visit in visits]
        self.profile = problem.profiles[vehicle.profile]
        self.found: list[Violation] = []

    def verdict(self) -> list[Violation]:
        self._load()
        self._who()
        self._shift()
        self._travel()
        self._windows()
        self._breaks()
        return self.found

    def _say(self, kind: Kind, detail: str, *, visit: str = "", by: int = 1) -> None:
        self.found.append(Violation(kind, detail, self.route.vehicle, visit, by))

    def _drive(self, origin: int, target: int) -> int:
        hundredths = int(self.profile.duration_s[origin, target]) * 100
        speed = self.vehicle.speed_percent
        return hundredths // speed + (1 if hundredths % speed else 0)

    def _load(self) -> None:
        true = [0] * len(self.problem.dimensions)
        for _, visit in self.stops:
            for at, amount in enumerate(visit.demand):
                true[at] += amount
        if list(self.route.load) != true:
            self._say(Kind.STATED, f"States the load {list(self.route.load)}, it is {true}.")
        for name, load, room in zip(
            self.problem.dimensions, true, self.vehicle.capacity, strict=True
        ):
            if load > room:
                detail = f"Loads {load} of {name}, there is room for {room}."
                over = load - room
                self.found.append(
                    Violation(Kind.CAPACITY, detail, self.route.vehicle, "", over, name)
                )

    def _who(self) -> None:
        for _, visit in self.stops:
            lacking = sorted(set(visit.skills) - set(self.vehicle.skills))
            if lacking:
                self._say(Kind.SKILL, f"The vehicle lacks {', '.join(lacking)}.", visit=visit.id)
            if visit.vehicles is not None and self.vehicle.id not in visit.vehicles:
                self._say(Kind.VEHICLE, "The visit does not allow this vehicle.", visit=visit.id)

    def _shift(self) -> None:
        vehicle, route = self.vehicle, self.route
        if route.start_s < vehicle.opens_s:
            early = vehicle.opens_s - route.start_s
            self._say(Kind.SHIFT, f"Work begins {early} s before the shift.", by=early)
        latest = vehicle.latest_start_s
        if latest is not None and route.start_s > latest:
            late = route.start_s - latest
            self._say(Kind.SHIFT, f"Work begins {late} s after the latest start.", by=late)
        if route.end_s > vehicle.closes_s:
            late = route.end_s - vehicle.closes_s
            self._say(Kind.SHIFT, f"Work ends {late} s after the shift.", by=late)
        length, longest = route.end_s - route.start_s, vehicle.max_duration_s
        if longest is not None and length > longest:
            detail = f"Work lasts {length} s, at most {longest} s are allowed."
            self._say(Kind.DURATION, detail, by=length - longest)

    def _travel(self) -> None:
        """Follow the vehicle through its day, leg by leg."""
        route, vehicle = self.route, self.vehicle
        if route.depart_s < route.start_s + vehicle.loading_s:
            short = route.start_s + vehicle.loading_s - route.depart_s
            self._say(Kind.TRAVEL, f"Leaves {short} s before it is loaded.", by=short)
        now, place, metres = route.depart_s, vehicle.start, 0
        for served, visit in self.stops:
            metres += int(self.profile.distance_m[place, visit.place])
            self._leg(now, served.arrive_s, place, visit.place, visit.id)
            self._service(served, visit)
            now, place = served.depart_s, visit.place
        metres += int(self.profile.distance_m[place, vehicle.end])
        self._leg(now, route.end_s, place, vehicle.end, "")
        if metres != route.distance_m:
            self._say(Kind.STATED, f"States {route.distance_m} m, it is {metres} m.")
        if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
            detail = f"Drives {metres} m, its range is {vehicle.max_distance_m} m."
            self._say(Kind.RANGE, detail, by=metres - vehicle.max_distance_m)

    def _leg(self, leave: int, arrive: int, origin: int, target: int, visit: str) -> None:
        """A leg takes its drive and every break that begins on it."""
        resting = sum(b.end_s - b.start_s for b in self.route.breaks if leave <= b.start_s < arrive)
        short = leave + self._drive(origin, target) + resting - arrive
        if short > 0:
            self._say(Kind.TRAVEL, f"Arrives {short} s too early.", visit=visit, by=short)

    def _service(self, served: Served, visit: Visit) -> None:
        given = visit.service_s
        seconds = given[self.vehicle.profile] if isinstance(given, tuple) else given
        if served.start_s < served.arrive_s:
            short = served.arrive_s - served.start_s
            self._say(Kind.TRAVEL, "Service begins before arrival.", visit=visit.id, by=short)
        if served.depart_s < served.start_s + seconds:
            short = served.start_s + seconds - served.depart_s
            self._say(Kind.TRAVEL, f"Leaves {short} s too early.", visit=visit.id, by=short)

    def _windows(self) -> None:
        for served, visit in self.stops:
            now = served.start_s
            if not visit.windows or any(w.opens_s <= now < w.closes_s for w in visit.windows):
                continue
            away = min(max(w.opens_s - now, now - w.closes_s + 1) for w in visit.windows)
            detail = f"Service begins {away} s outside the nearest window."
            self._say(Kind.WINDOW, detail, visit=visit.id, by=away)

    def _breaks(self) -> None:
        due = self.vehicle.breaks
        taken = {b.index: b for b in self.route.breaks}
        if len(taken) != len(self.route.breaks) or not set(taken) <= set(range(len(due))):
            self._say(Kind.BREAK, "Takes a break twice, or one that it does not have.")
            return
        for index, rest in taken.items():
            self._rest(index, rest)
        inside = sorted(taken)
        first = inside[0] if inside else None
        for count in range(len(due) + 1):
            # breaks before `count` lie before work, those from `count` on and not taken, after it
            outside = [i for i in range(len(due)) if i not in taken]
            before = [i for i in outside if i < count]
            after = [i for i in outside if i >= count]
            in_order = not (
                (before and first is not None and before[-1] > first)
                or (after and inside and after[0] < inside[-1])
            )
            if in_order and self._fits_before(before) and self._fits_after(after):
                return
        self._say(Kind.BREAK, "A break is missing: it fits neither before work nor after it.")

    def _fits_before(self, indices: list[int]) -> bool:
        free = 0
        for rest in (self.vehicle.breaks[i] for i in indices):
            begin = max(free, rest.opens_s)
            if begin >= rest.closes_s:
                return False
            free = begin + rest.duration_s
        return not indices or free <= self.route.start_s

    def _fits_after(self, indices: list[int]) -> bool:
        free = self.route.end_s
        for rest in (self.vehicle.breaks[i] for i in indices):
            begin = max(free, rest.opens_s)
            if begin >= rest.closes_s:
                return False
            free = begin + rest.duration_s
        return True

    def _rest(self, index: int, taken: TakenBreak) -> None:
        """A break has its length and window, and neither loading nor service nor rest in it."""
        due = self.vehicle.breaks[index]
        if taken.end_s - taken.start_s < due.duration_s:
            self._say(Kind.BREAK, f"Break {index + 1} is shorter than {due.duration_s} s.")
        if not due.opens_s <= taken.start_s < due.closes_s:
            away = max(due.opens_s - taken.start_s, taken.start_s - due.closes_s + 1)
            self._say(Kind.BREAK, f"Break {index + 1} begins {away} s off its window.", by=away)
        busy = [(self.route.start_s, self.route.start_s + self.vehicle.loading_s)]
        for served, visit in self.stops:
            given = visit.service_s
            seconds = given[self.vehicle.profile] if isinstance(given, tuple) else given
            busy.append((served.start_s, served.start_s + seconds))
            for moment in (served.arrive_s, served.depart_s):
                if taken.start_s < moment < taken.end_s:
                    self._say(Kind.BREAK, f"Moves during break {index + 1}.", visit=visit.id)
        busy += [(b.start_s, b.end_s) for b in self.route.breaks if b.index < index]
        if any(begin < taken.end_s and taken.start_s < end for begin, end in busy):
            self._say(Kind.BREAK, f"Works or rests already during break {index + 1}.")
        if taken.start_s < self.route.depart_s < taken.end_s:
            self._say(Kind.BREAK, f"Leaves during break {index + 1}.")
        if taken.start_s < self.route.start_s or taken.end_s > self.route.end_s:
            self._say(Kind.BREAK, f"Break {index + 1} lies outside the route.")
