"""The referee's check of one route, as it is stated, second by second. PURE.

Like ``check``, this module shares no code with the engines.
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
    """The visits between two loadings.

    ``loads_at`` is the second at which loading begins, ``stated`` the load stated in the route.
    """

    visits: tuple[Visit, ...]
    loads_at: int
    stated: tuple[int, ...]
    first: bool


class RouteCheck:
    """Checks one route of a vehicle of the problem."""

    def __init__(
        self, problem: Problem, vehicle: VehicleShift, visits: dict[str, Visit], route: Tour
    ) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.route = route
        self.stops = [(s, visits[s.visit]) for s in route.visits if s.visit in visits]
        self.visits = visits
        self.profile = problem.profiles[vehicle.profile]
        self.pickup_of = {p.delivery: p.pickup for p in problem.pairs}
        self.delivery_of = {p.pickup: p.delivery for p in problem.pairs}
        self.result: list[Violation] = []

    def violations(self) -> list[Violation]:
        """Return all violations of the route."""
        if self._order_is_valid():
            trips = self._trips()
            for trip in trips:
                self._load(trip)
                self._goods(trip)
                self._pairs_and_apart(trip)
            if len(trips) > self.vehicle.max_trips:
                over = len(trips) - self.vehicle.max_trips
                self._say(Kind.TRIPS, f"Makes {len(trips)} trips, {over} too many.", by=over)
        self._allowed()
        self._committed()
        self._shift()
        self._travel()
        self._windows()
        self.result += BreakCheck(self.vehicle, self.route, self.stops).violations()
        return self.result

    def _say(
        self, kind: Kind, detail: str, *, visit: str = "", by: int = 1, dimension: str = ""
    ) -> None:
        self.result.append(Violation(kind, detail, self.route.vehicle, visit, by, dimension))

    # Load

    def _order_is_valid(self) -> bool:
        """Return True if the stated positions of reloads and charges are in driving order."""
        between: list[Reload | Charge] = [*self.route.reloads, *self.route.charges]
        order = sorted(self.route.reloads, key=lambda f: f.arrive_s)
        fine = all(0 <= f.before <= len(self.route.visits) for f in between)
        fine = fine and [f.before for f in order] == sorted(f.before for f in order)
        if not fine:
            self._say(Kind.STATED, "A reload or charge is not in the order of the route.")
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
        loaded = [v for v in trip.visits if v.id not in self.pickup_of]
        for at, (name, room) in enumerate(
            zip(self.problem.dimensions, self.vehicle.capacity, strict=True)
        ):
            true = sum(v.demand[at] for v in loaded)
            if at >= len(trip.stated) or trip.stated[at] != true:
                stated = trip.stated[at] if at < len(trip.stated) else "nothing"
                self._say(Kind.STATED, f"States {stated} of {name} as loaded; it is {true}.")
            load = most = true
            for visit in trip.visits:
                load -= visit.demand[at]
                if visit.collect:
                    load += visit.collect[at]
                if visit.id in self.delivery_of:
                    load += self.visits[self.delivery_of[visit.id]].demand[at]
                most = max(most, load)
            if most > room:
                detail = f"Carries {most} of {name}; the capacity is {room}."
                self._say(Kind.CAPACITY, detail, by=most - room, dimension=name)
        if len(trip.stated) > len(self.problem.dimensions):
            self._say(Kind.STATED, "States a load in dimensions that the problem does not have.")

    def _goods(self, trip: _Trip) -> None:
        """Check that the goods of a trip are released when loading begins, or are on board."""
        on_board = self.vehicle.loaded
        for visit in trip.visits:
            if on_board is not None and visit.id in on_board:
                if not trip.first:
                    detail = "The goods are already on board: serve the visit in the first trip."
                    self._say(Kind.LOADED, detail, visit=visit.id)
                continue
            if visit.release_s > trip.loads_at:
                early = visit.release_s - trip.loads_at
                detail = f"Loading begins {early} s before the goods are released."
                self._say(Kind.RELEASE, detail, visit=visit.id, by=early)
            brings = any(visit.demand) and visit.id not in self.pickup_of
            if trip.first and on_board is not None and brings:
                self._say(Kind.LOADED, "The goods are not on board.", visit=visit.id)

    def _pairs_and_apart(self, trip: _Trip) -> None:
        """Check the order of pairs in a trip, and that no two of its visits must be apart."""
        order = {visit.id: at for at, visit in enumerate(trip.visits)}
        for delivery, pickup in self.pickup_of.items():
            if (delivery in order or pickup in order) and not (
                pickup in order and delivery in order and order[pickup] < order[delivery]
            ):
                detail = f"{pickup} must come before {delivery} on the same trip."
                self._say(Kind.PAIR, detail, visit=delivery if delivery in order else pickup)
        for members in self.problem.apart:
            for one, other in combinations(sorted(members & order.keys()), 2):
                self._say(Kind.APART, f"The visit must not share a trip with {other}.", visit=one)

    def _allowed(self) -> None:
        """Check the skills, the allowed vehicles and the number of stops."""
        for _, visit in self.stops:
            lacking = sorted(set(visit.skills) - set(self.vehicle.skills))
            if lacking:
                self._say(Kind.SKILL, f"The vehicle lacks {', '.join(lacking)}.", visit=visit.id)
            if visit.vehicles is not None and self.vehicle.id not in visit.vehicles:
                self._say(Kind.VEHICLE, "The visit does not allow this vehicle.", visit=visit.id)
        most = self.vehicle.max_stops
        if most is not None and len(self.stops) > most:
            detail = f"Makes {len(self.stops)} visits; at most {most} are allowed."
            self._say(Kind.STOPS, detail, by=len(self.stops) - most)

    def _committed(self) -> None:
        prefix = self.vehicle.prefix
        if tuple(s.visit for s in self.route.visits[: len(prefix)]) != prefix:
            self._say(Kind.PREFIX, f"The route must begin with {', '.join(prefix)}.")
        between: list[Reload | Charge] = [*self.route.reloads, *self.route.charges]
        if any(f.before < len(prefix) for f in between):
            self._say(Kind.PREFIX, "Reloads or charges before the last committed visit.")

    # Time and distance

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
            detail = f"Work lasts {length} s; at most {longest} s are allowed."
            self._say(Kind.DURATION, detail, by=length - longest)

    def _travel(self) -> None:
        """Follow the vehicle leg by leg: times, metres and battery."""
        route, vehicle = self.route, self.vehicle
        loading = vehicle.loading_s if vehicle.loaded is None else 0
        if route.depart_s < route.start_s + loading:
            short = route.start_s + loading - route.depart_s
            self._say(Kind.TRAVEL, f"Leaves {short} s before it is loaded.", by=short)
        full = vehicle.range_m
        charge_m = full if vehicle.start_range_m is None else vehicle.start_range_m
        now, place, metres = route.depart_s, vehicle.start, 0
        for stop in route.stops:
            target, arrive, leave, name = self._stop(stop)
            if target is None:
                continue
            leg = int(self.profile.distance_m[place, target])
            metres += leg
            self._leg(now, arrive, place, target, name)
            if charge_m is not None and full is not None:
                charge_m -= leg
                self._battery(charge_m, name)
                if isinstance(stop, Charge) and stop.charger < len(vehicle.chargers):
                    self._charge(stop, full - charge_m)
                    charge_m = full
            now, place = leave, target
        leg = int(self.profile.distance_m[place, vehicle.end])
        metres += leg
        self._leg(now, route.end_s, place, vehicle.end, "")
        if charge_m is not None:
            self._battery(charge_m - leg, "")
        if metres != route.distance_m:
            self._say(Kind.STATED, f"States {route.distance_m} m; it is {metres} m.")
        if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
            detail = f"Drives {metres} m; at most {vehicle.max_distance_m} m are allowed."
            self._say(Kind.RANGE, detail, by=metres - vehicle.max_distance_m)

    def _stop(self, stop: Served | Reload | Charge) -> tuple[int | None, int, int, str]:
        """Check the times of a stop by themselves; return its place, arrival, departure, visit.

        An unknown place is returned as None.
        """
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
            exists = 0 <= stop.place < self.problem.places
            return (stop.place if exists else None), stop.arrive_s, stop.end_s, ""
        if not 0 <= stop.charger < len(self.vehicle.chargers):
            self._say(Kind.CHARGE, "The vehicle has no such charger.")
            return None, stop.arrive_s, stop.end_s, ""
        return self.vehicle.chargers[stop.charger].place, stop.arrive_s, stop.end_s, ""

    def _battery(self, charge_m: int, visit: str) -> None:
        """Check that the battery, in metres, is not below 0 on arrival."""
        if charge_m < 0:
            detail = f"The battery is empty {-charge_m} m before the stop."
            self._say(Kind.CHARGE, detail, visit=visit, by=-charge_m)

    def _charge(self, stop: Charge, missing: int) -> None:
        rate = self.vehicle.chargers[stop.charger].m_per_minute
        due = -(-missing * 60 // rate)
        if stop.end_s - stop.start_s < due:
            short = due - (stop.end_s - stop.start_s)
            self._say(Kind.CHARGE, f"The charge is {short} s too short.", by=short)

    def _pace(self, origin: int, target: int, moment: int) -> tuple[int, int | None]:
        """Return the seconds of the whole drive at a moment, and the end of that hourly slice."""
        seconds, until = int(self.profile.duration_s[origin, target]), None
        for part in self.profile.hourly:
            if part.from_s > moment:
                until = part.from_s
                break
            seconds = int(part.duration_s[origin, target])
        hundredths, speed = seconds * 100, self.vehicle.speed_percent
        return hundredths // speed + (1 if hundredths % speed else 0), until

    def _leg(self, leave: int, arrive: int, origin: int, target: int, visit: str) -> None:
        """Check that a leg lasts at least its drive and all breaks that begin on it."""
        rests = [b for b in self.route.breaks if leave <= b.start_s < arrive]
        if self.profile.hourly:
            there = self._arrival(leave, origin, target, rests)
        else:
            drive, _ = self._pace(origin, target, leave)
            there = leave + drive + sum(b.end_s - b.start_s for b in rests)
        if there > arrive:
            short = there - arrive
            self._say(Kind.TRAVEL, f"Arrives {short} s too early.", visit=visit, by=short)

    def _arrival(self, leave: int, origin: int, target: int, rests: list[TakenBreak]) -> int:
        """Return the arrival of a drive through the hourly slices that pauses in each break."""
        now, remaining = leave, LEG_PARTS
        halts = [(b.start_s, b.end_s) for b in sorted(rests, key=lambda b: b.start_s)]
        while remaining > 0:
            seconds, until = self._pace(origin, target, now)
            there = now - (-remaining * seconds // LEG_PARTS)
            halt = halts[0][0] if halts else None
            stops = [moment for moment in (until, halt) if moment is not None]
            if not stops or there <= min(stops):
                return there
            boundary = min(stops)
            if boundary > now:
                remaining -= (boundary - now) * LEG_PARTS // seconds
            now = boundary
            if halt is not None and boundary == halt:
                now = halts.pop(0)[1]
        return now

    def _service(self, served: Served, visit: Visit) -> None:
        service = visit.service_s
        seconds = service[self.vehicle.profile] if isinstance(service, tuple) else service
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
