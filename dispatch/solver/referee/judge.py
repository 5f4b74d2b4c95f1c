"""The referee's look at one route: driven as stated, second by second. PURE.

Like ``check``, it shares no code with whatever made the route.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from dispatch.solver.model.problem import LEG_PARTS, Problem, VehicleShift, Visit
from dispatch.solver.model.solution import Charge, Reload, Served, TakenBreak, Tour
from dispatch.solver.referee.breaks import BreakCheck
from dispatch.solver.referee.violations import Kind, Violation


@dataclass(frozen=True, slots=True)
class _Trip:
    """Visits between two loadings; ``loads_at`` is when loading begins, ``stated`` the load."""

    visits: tuple[Visit, ...]
    loads_at: int
    stated: tuple[int, ...]
    first: bool


class Judge:
    """Looks at one route of a known vehicle."""

    def __init__(
        self, problem: Problem, vehicle: VehicleShift, visits: dict[str, Visit], route: Tour
    ) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.route = route
        self.stops = [(s, visits[s.visit]) for s in route.visits if s.visit in visits]
        self.visits = visits
        self.profile = problem.profiles[vehicle.profile]
        self.carried = {p.delivery: p.pickup for p in problem.pairs}
        self.fetched = {p.pickup: p.delivery for p in problem.pairs}
        self.found: list[Violation] = []

    def verdict(self) -> list[Violation]:
        """Return what is wrong with the route."""
        if self._placed():
            trips = self._trips()
            for trip in trips:
                self._load(trip)
                self._goods(trip)
                self._company(trip)
            if len(trips) > self.vehicle.max_trips:
                over = len(trips) - self.vehicle.max_trips
                self._say(Kind.TRIPS, f"Makes {len(trips)} trips, {over} too many.", by=over)
        self._who()
        self._committed()
        self._shift()
        self._travel()
        self._windows()
        self.found += BreakCheck(self.vehicle, self.route, self.stops).verdict()
        return self.found

    def _say(
        self, kind: Kind, detail: str, *, visit: str = "", by: int = 1, dimension: str = ""
    ) -> None:
        self.found.append(Violation(kind, detail, self.route.vehicle, visit, by, dimension))

    # What is on board

    def _placed(self) -> bool:
        """Tell whether every reload and charge says truly where in the route it comes."""
        between: list[Reload | Charge] = [*self.route.reloads, *self.route.charges]
        order = sorted(self.route.reloads, key=lambda f: f.arrive_s)
        fine = all(0 <= f.before <= len(self.route.visits) for f in between)
        fine = fine and [f.before for f in order] == sorted(f.before for f in order)
        if not fine:
            self._say(Kind.STATED, "A reload or charge stands out of the order of the route.")
        return fine

    def _trips(self) -> list[_Trip]:
        route = self.route
        reloads = sorted(route.reloads, key=lambda f: f.arrive_s)
        begins = [(0, route.start_s, route.load), *((f.before, f.start_s, f.load) for f in reloads)]
        ends = [*(f.before for f in reloads), len(route.visits)]
        return [
            _Trip(
                tuple(self.visits[s.visit] for s in route.visits[a:b] if s.visit in self.visits),
                loads_at,
                stated,
                first=number == 0,
            )
            for number, ((a, loads_at, stated), b) in enumerate(zip(begins, ends, strict=True))
        ]

    def _load(self, trip: _Trip) -> None:
        """Follow the load of one trip, stop by stop, in each dimension."""
        brought = [v for v in trip.visits if v.id not in self.carried]
        for at, (name, room) in enumerate(
            zip(self.problem.dimensions, self.vehicle.capacity, strict=True)
        ):
            true = sum(v.demand[at] for v in brought)
            if at >= len(trip.stated) or trip.stated[at] != true:
                stated = trip.stated[at] if at < len(trip.stated) else "nothing"
                self._say(Kind.STATED, f"States {stated} of {name} as loaded, it is {true}.")
            load = most = true
            for visit in trip.visits:
                load -= visit.demand[at]
                if visit.collect:
                    load += visit.collect[at]
                if visit.id in self.fetched:
                    load += self.visits[self.fetched[visit.id]].demand[at]
                most = max(most, load)
            if most > room:
                detail = f"Carries {most} of {name}, there is room for {room}."
                self._say(Kind.CAPACITY, detail, by=most - room, dimension=name)
        if len(trip.stated) > len(self.problem.dimensions):
            self._say(Kind.STATED, "States a load in dimensions that the problem does not have.")

    def _goods(self, trip: _Trip) -> None:
        """Goods must be released when loading begins, or be on board already."""
        on_board = self.vehicle.loaded
        for visit in trip.visits:
            if on_board is not None and visit.id in on_board:
                if not trip.first:
                    detail = "Its goods are on board from the first trip on."
                    self._say(Kind.LOADED, detail, visit=visit.id)
                continue
            if visit.release_s > trip.loads_at:
                early = visit.release_s - trip.loads_at
                detail = f"Loading begins {early} s before its goods are there."
                self._say(Kind.RELEASE, detail, visit=visit.id, by=early)
            brings = any(visit.demand) and visit.id not in self.carried
            if trip.first and on_board is not None and brings:
                self._say(Kind.LOADED, "Its goods are not on board.", visit=visit.id)

    def _company(self, trip: _Trip) -> None:
        """Pairs in order on one trip, and nobody beside whom they must not be."""
        order = {visit.id: at for at, visit in enumerate(trip.visits)}
        for delivery, pickup in self.carried.items():
            if (delivery in order or pickup in order) and not (
                pickup in order and delivery in order and order[pickup] < order[delivery]
            ):
                detail = f"{pickup} must come before {delivery} on the same trip."
                self._say(Kind.PAIR, detail, visit=delivery if delivery in order else pickup)
        for members in self.problem.apart:
            for one, other in combinations(sorted(members & order.keys()), 2):
                self._say(Kind.APART, f"It must not share a trip with {other}.", visit=one)

    def _who(self) -> None:
        for _, visit in self.stops:
            lacking = sorted(set(visit.skills) - set(self.vehicle.skills))
            if lacking:
                self._say(Kind.SKILL, f"The vehicle lacks {', '.join(lacking)}.", visit=visit.id)
            if visit.vehicles is not None and self.vehicle.id not in visit.vehicles:
                self._say(Kind.VEHICLE, "The visit does not allow this vehicle.", visit=visit.id)
        most = self.vehicle.max_stops
        if most is not None and len(self.stops) > most:
            detail = f"Makes {len(self.stops)} visits, at most {most} are allowed."
            self._say(Kind.STOPS, detail, by=len(self.stops) - most)

    def _committed(self) -> None:
        prefix = self.vehicle.prefix
        if tuple(s.visit for s in self.route.visits[: len(prefix)]) != prefix:
            self._say(Kind.PREFIX, f"It must begin with {', '.join(prefix)}.")
        between: list[Reload | Charge] = [*self.route.reloads, *self.route.charges]
        if any(f.before < len(prefix) for f in between):
            self._say(Kind.PREFIX, "Reloads or charges before the committed visits are done.")

    # Time and way

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
        loading = vehicle.loading_s if vehicle.loaded is None else 0
        if route.depart_s < route.start_s + loading:
            short = route.start_s + loading - route.depart_s
            self._say(Kind.TRAVEL, f"Leaves {short} s before it is loaded.", by=short)
        full = vehicle.range_m
        left = full if vehicle.start_range_m is None else vehicle.start_range_m
        now, place, metres = route.depart_s, vehicle.start, 0
        for stop in route.stops:
            target, arrive, leave, name = self._stop(stop)
            if target is None:
                continue
            leg = int(self.profile.distance_m[place, target])
            metres += leg
            self._leg(now, arrive, place, target, name)
            if left is not None and full is not None:
                left -= leg
                self._battery(left, name)
                if isinstance(stop, Charge) and stop.charger < len(vehicle.chargers):
                    self._charge(stop, full - left)
                    left = full
            now, place = leave, target
        leg = int(self.profile.distance_m[place, vehicle.end])
        metres += leg
        self._leg(now, route.end_s, place, vehicle.end, "")
        if left is not None:
            self._battery(left - leg, "")
        if metres != route.distance_m:
            self._say(Kind.STATED, f"States {route.distance_m} m, it is {metres} m.")
        if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
            detail = f"Drives {metres} m, at most {vehicle.max_distance_m} m are allowed."
            self._say(Kind.RANGE, detail, by=metres - vehicle.max_distance_m)

    def _stop(self, stop: Served | Reload | Charge) -> tuple[int | None, int, int, str]:
        """Return a stop's place, arrival, departure and visit, once its own times are judged."""
        if isinstance(stop, Served):
            visit = self.visits.get(stop.visit)
            if visit is None:
                return None, stop.arrive_s, stop.depart_s, ""
            self._service(stop, visit)
            return visit.place, stop.arrive_s, stop.depart_s, visit.id
        if stop.start_s < stop.arrive_s or stop.end_s < stop.start_s:
            self._say(Kind.TRAVEL, "A reload or charge begins before arrival or ends too early.")
        if isinstance(stop, Reload):
            if stop.place not in self.vehicle.reloads:
                self._say(Kind.RELOAD, "The vehicle cannot reload there.")
            own = self.vehicle.reload_s
            due = self.vehicle.loading_s if own is None else own
            if stop.end_s - stop.start_s < due:
                short = due - (stop.end_s - stop.start_s)
                self._say(Kind.RELOAD, f"The reload is {short} s too short.", by=short)
            known = 0 <= stop.place < self.problem.places
            return (stop.place if known else None), stop.arrive_s, stop.end_s, ""
        if not 0 <= stop.charger < len(self.vehicle.chargers):
            self._say(Kind.CHARGE, "The vehicle has no such charger.")
            return None, stop.arrive_s, stop.end_s, ""
        return self.vehicle.chargers[stop.charger].place, stop.arrive_s, stop.end_s, ""

    def _battery(self, left: int, visit: str) -> None:
        if left < 0:
            detail = f"The battery is {-left} m short on the way there."
            self._say(Kind.CHARGE, detail, visit=visit, by=-left)

    def _charge(self, stop: Charge, missing: int) -> None:
        rate = self.vehicle.chargers[stop.charger].m_per_minute
        due = -(-missing * 60 // rate)
        if stop.end_s - stop.start_s < due:
            short = due - (stop.end_s - stop.start_s)
            self._say(Kind.CHARGE, f"The charge is {short} s too short.", by=short)

    def _pace(self, origin: int, target: int, moment: int) -> tuple[int, int | None]:
        """Return the seconds of a whole drive at a moment, and when that pace ends."""
        seconds, until = int(self.profile.duration_s[origin, target]), None
        for part in self.profile.hourly:
            if part.from_s > moment:
                until = part.from_s
                break
            seconds = int(part.duration_s[origin, target])
        hundredths, speed = seconds * 100, self.vehicle.speed_percent
        return hundredths // speed + (1 if hundredths % speed else 0), until

    def _leg(self, leave: int, arrive: int, origin: int, target: int, visit: str) -> None:
        """A leg takes its drive and every break that begins on it."""
        rests = [b for b in self.route.breaks if leave <= b.start_s < arrive]
        if self.profile.hourly:
            there = self._driven(leave, origin, target, rests)
        else:
            drive, _ = self._pace(origin, target, leave)
            there = leave + drive + sum(b.end_s - b.start_s for b in rests)
        if there > arrive:
            short = there - arrive
            self._say(Kind.TRAVEL, f"Arrives {short} s too early.", visit=visit, by=short)

    def _driven(self, leave: int, origin: int, target: int, rests: list[TakenBreak]) -> int:
        """Return the arrival of a drive that begins at once and stands still in each break."""
        now, left = leave, LEG_PARTS
        halts = [(b.start_s, b.end_s) for b in sorted(rests, key=lambda b: b.start_s)]
        while left > 0:
            seconds, until = self._pace(origin, target, now)
            there = now - (-left * seconds // LEG_PARTS)
            halt = halts[0][0] if halts else None
            stops = [moment for moment in (until, halt) if moment is not None]
            if not stops or there <= min(stops):
                return there
            boundary = min(stops)
            if boundary > now:
                left -= (boundary - now) * LEG_PARTS // seconds
            now = boundary
            if halt is not None and boundary == halt:
                now = halts.pop(0)[1]
        return now

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
            now, late = served.start_s, visit.max_late_s
            if not visit.windows or any(
                w.opens_s <= now < w.closes_s + late for w in visit.windows
            ):
                continue
            away = min(max(w.opens_s - now, now - w.closes_s - late + 1) for w in visit.windows)
            detail = f"Service begins {away} s outside the nearest window."
            self._say(Kind.WINDOW, detail, visit=visit.id, by=away)
