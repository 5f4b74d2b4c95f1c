"""The best plan of a tiny problem by trying everything; every engine is compared with it.

It follows the documentation of ``dispatch.solver.model.problem`` alone, and shares no code with the
referee, the engines or the timing. Every vehicle drives every order of visits, reloads and charges,
with every way to take its breaks. The cheapest route for each set of visits is kept, and these
routes are combined in every way. A branch ends early only in two cases. Either it breaks a rule
that nothing later can repair, or another way is as good in all respects (``Way.beats``). With
``patient`` the oracle also tries the waiting and breaks that this leaves out, second by second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from dispatch.solver.model.problem import Problem, VehicleShift, Visit
from dispatch.solver.model.solution import (
    Charge,
    NotServed,
    Reason,
    Reload,
    Served,
    Solution,
)
from tests.dispatch.solver.ways import Driven, Rest, Standing, Way, written

UNIT = 9_000_000  # parts of a minor unit: prices of metres, seconds and milligrams are whole
PARTS = 1_000_000  # parts of a leg


@dataclass(frozen=True, slots=True)
class Best:
    """The least exact cost, and a plan that has it."""

    exact: int
    solution: Solution


def optimum(problem: Problem, *, patient: bool = False) -> Best | None:
    """Return the best plan; None if no plan keeps the committed stops.

    With ``patient`` nothing is left out: every second of waiting is tried, which takes much longer.
    """
    choices = []
    for at, vehicle in enumerate(problem.vehicles):
        routes: dict[int, Driven | None] = dict(_Explorer(problem, at, patient=patient).routes())
        if not vehicle.prefix:
            routes[0] = None
        choices.append(routes)
    best: tuple[int, int, tuple[Driven | None, ...]] | None = None
    plans: dict[tuple[int, ...], tuple[int, tuple[Driven | None, ...]]] = {(): (0, ())}
    for routes in choices:
        grown: dict[tuple[int, ...], tuple[int, tuple[Driven | None, ...]]] = {}
        for (masks, (exact, routes_so_far)), (mask, route) in product(
            plans.items(), routes.items()
        ):
            if _compatible(problem, masks, mask):
                key, total = (*masks, mask), exact + (route.exact if route else 0)
                grown[key] = (total, (*routes_so_far, route))
        plans = grown
    for masks, (exact, routes_so_far) in plans.items():
        done = sum(masks)
        total = exact + _missed(problem, done) * UNIT
        if best is None or total < best[0]:
            best = (total, done, routes_so_far)
    if best is None:
        return None
    return Best(best[0], _solution(problem, best[1], best[2]))


def course(problem: Problem, vehicle: int, codes: Sequence[int]) -> int | None:
    """Return the least exact cost of one sequence of stops, None if it is infeasible.

    A code is a visit by index, or -1 - r for reload place r of the vehicle, or -1 - R - c for its
    charger c. R is the number of its reload places.
    """
    return _Explorer(problem, vehicle, patient=False).course(codes)


def _members(problem: Problem, names: Iterable[str]) -> int:
    ids = [v.id for v in problem.visits]
    return sum(1 << ids.index(name) for name in names)


def _groups(problem: Problem) -> list[list[int]]:
    """Return the groups of alternatives; every other visit is a group of its own."""
    groups: dict[str, list[int]] = {}
    for at, visit in enumerate(problem.visits):
        groups.setdefault(f"g {visit.group}" if visit.group else f"v {at}", []).append(at)
    return list(groups.values())


def _compatible(problem: Problem, masks: tuple[int, ...], mask: int) -> bool:
    """Return True if a vehicle may serve the visits ``mask`` in addition to the earlier vehicles.

    ``masks`` are the sets of visits of the earlier vehicles. A set has one bit for each visit.
    """
    done = sum(masks)
    if done & mask:
        return False
    for group in _groups(problem):
        if sum((done | mask) >> at & 1 for at in group) > 1:
            return False
    return not any(
        _members(problem, s) & done and _members(problem, s) & mask for s in problem.together
    )


def _missed(problem: Problem, done: int) -> int:
    price = [v.unserved_cost * (1 + v.priority) for v in problem.visits]
    return sum(
        max(price[at] for at in group)
        for group in _groups(problem)
        if not any(done >> at & 1 for at in group)
    )


class _Explorer:
    """Finds the cheapest route of one vehicle for each set of visits, by trying all routes."""

    def __init__(self, problem: Problem, vehicle: int, *, patient: bool) -> None:
        self.problem, self.patient = problem, patient
        self.it: VehicleShift = problem.vehicles[vehicle]
        self.profile = problem.profiles[self.it.profile]
        self.ids = [v.id for v in problem.visits]
        self.prefix = [self.ids.index(name) for name in self.it.prefix]
        self.pickup = {self.ids.index(p.delivery): self.ids.index(p.pickup) for p in problem.pairs}
        self.apart = [{self.ids.index(n) for n in s} for s in problem.apart]
        self.eligible = [self._may_serve(v) for v in problem.visits]
        self.best: dict[int, Driven] = {}

    def _may_serve(self, visit: Visit) -> bool:
        """Return True if the vehicle may serve the visit at all."""
        for other in self.problem.vehicles:
            if other.id != self.it.id and (
                visit.id in other.prefix or (other.loaded is not None and visit.id in other.loaded)
            ):
                return False
        return visit.skills <= self.it.skills and (
            visit.vehicles is None or self.it.id in visit.vehicles
        )

    def routes(self) -> dict[int, Driven]:
        self._explore(self._begin())
        return self.best

    def course(self, codes: Sequence[int]) -> int | None:
        """Return the least exact cost of one sequence of stops, given as codes."""
        tours = [self._begin()]
        for code in codes:
            tours = [grown for tour in tours for grown in self._steps(tour, code) if grown.ways]
        for tour in tours:
            self._finish(tour)
        return min((route.exact for route in self.best.values()), default=None)

    def _steps(self, tour: Standing, code: int) -> list[Standing]:
        if code >= 0:
            return [self._visit(tour, code)] if self._may_follow(tour, code) else []
        places = list(self.it.reloads)
        if -1 - code >= len(places):
            free = len(tour.visits) >= len(self.prefix)
            return [self._charge(tour, -1 - code - len(places))] if free else []
        floors = self._floors(tour)
        return [self._reload(tour, places[-1 - code], floor) for floor in floors]

    def _begin(self) -> Standing:
        it = self.it
        battery = it.range_m if it.start_range_m is None else it.start_range_m
        loading = it.loading_s if it.loaded is None else 0
        last = it.closes_s if it.latest_start_s is None else min(it.latest_start_s, it.closes_s)
        ways = [
            Way(start, start + loading, had, 0, 0)
            for start in range(it.opens_s, last + 1)
            for had in self._rested_before(start)
        ]
        return Standing(((),), 0, it.start, 0, battery, frozenset(), tuple(self._pruned(ways)))

    def _explore(self, tour: Standing) -> None:
        if not tour.ways:
            return
        self._finish(tour)
        done = tour.visits
        for at in range(len(self.ids)):
            if at not in done and self._may_follow(tour, at):
                self._explore(self._visit(tour, at))
        if len(done) < len(self.prefix):
            return
        for place, floor in product(sorted(set(self.it.reloads)), self._floors(tour)):
            self._explore(self._reload(tour, place, floor))
        for charger in range(len(self.it.chargers)):
            if charger not in tour.charged:
                self._explore(self._charge(tour, charger))

    # What is allowed

    def _floors(self, tour: Standing) -> list[int]:
        """Return the releases that a reload now may wait for; none if no reload is allowed."""
        done = tour.visits
        if len(done) < len(self.prefix) or len(tour.orders) >= self.it.max_trips:
            return []
        if not self._pairs_done(tour.orders[-1]):
            return []
        releases = {v.release_s for at, v in enumerate(self.problem.visits) if at not in done}
        return sorted(releases | {0})

    def _may_follow(self, tour: Standing, at: int) -> bool:
        visit, done, trip = self.problem.visits[at], tour.visits, tour.orders[-1]
        if not self.eligible[at] or (
            self.it.max_stops is not None and len(done) >= self.it.max_stops
        ):
            return False
        if len(done) < len(self.prefix) and self.prefix[len(done)] != at:
            return False
        if visit.group and any(self.problem.visits[v].group == visit.group for v in done):
            return False
        if any(at in s and any(v in s for v in trip) for s in self.apart):
            return False
        if at in self.pickup and self.pickup[at] not in trip:
            return False
        first = len(tour.orders) == 1
        if self.it.loaded is not None:
            if visit.id in self.it.loaded:
                return first and self._fits((*trip, at))
            if first and any(visit.demand) and at not in self.pickup:
                return False
        if not first and visit.release_s > tour.floor:
            return False
        return self._fits((*trip, at))

    def _fits(self, trip: tuple[int, ...]) -> bool:
        """Return True if the load fits after the loading and after every stop."""
        for dimension, room in enumerate(self.it.capacity):
            amounts = [self.problem.visits[v].demand[dimension] for v in trip]
            board = sum(a for v, a in zip(trip, amounts, strict=True) if v not in self.pickup)
            if board > room:
                return False
            for v, amount in zip(trip, amounts, strict=True):
                board -= amount if v not in self.pickup or self.pickup[v] in trip else 0
                if self.problem.visits[v].collect:
                    board += self.problem.visits[v].collect[dimension]
                for delivery, pickup in self.pickup.items():
                    board += self.problem.visits[delivery].demand[dimension] if pickup == v else 0
                if board > room:
                    return False
        return True

    def _pairs_done(self, trip: tuple[int, ...]) -> bool:
        return all(d in trip for d, p in self.pickup.items() if p in trip)

    # Events

    def _visit(self, tour: Standing, at: int) -> Standing:
        visit = self.problem.visits[at]
        ways = self._in_reach(tour, visit.place)
        exempt = self.it.loaded is not None and visit.id in self.it.loaded
        if len(tour.orders) == 1 and not exempt:
            ways = tuple(w for w in ways if w.start >= visit.release_s)
        service_s = visit.service_s
        service = service_s[self.it.profile] if isinstance(service_s, tuple) else service_s
        grown = [
            way._replace(late=way.late + late * visit.late_cost_per_hour).done(
                Served(visit.id, arrive, begin, begin + service), now=begin + service
            )
            for arrive, way in self._arrivals(ways, tour.place, visit.place)
            for begin, late in self._begins(visit, way.now)
        ]
        moved = self._moved(tour, visit.place, grown)
        orders = (*tour.orders[:-1], (*tour.orders[-1], at))
        return replace(moved, orders=orders, charged=frozenset())

    def _reload(self, tour: Standing, place: int, floor: int) -> Standing:
        seconds = self.it.loading_s if self.it.reload_s is None else self.it.reload_s
        grown = []
        for arrive, way in self._arrivals(self._in_reach(tour, place), tour.place, place):
            begin = max(way.now, floor)
            event = Reload(place, arrive, begin, begin + seconds, 0)
            grown.append(way.done(event, now=begin + seconds))
        moved = self._moved(tour, place, grown)
        return replace(moved, orders=(*tour.orders, ()), floor=floor, charged=frozenset())

    def _charge(self, tour: Standing, charger: int) -> Standing:
        """Charge until full; the driver may take breaks meanwhile."""
        it = self.it.chargers[charger]
        metres = int(self.profile.distance_m[tour.place, it.place])
        full = self.it.range_m
        assert full is not None
        assert tour.battery is not None
        seconds = -(-(full - tour.battery + metres) * 60 // it.m_per_minute)
        grown = []
        for arrive, way in self._arrivals(self._in_reach(tour, it.place), tour.place, it.place):
            leave = max(way.now, arrive + seconds)
            grown.append(way.done(Charge(charger, arrive, arrive, leave, 0), now=leave))
        moved = self._moved(tour, it.place, grown)
        if moved.battery is not None:
            moved = replace(moved, battery=full)
        return replace(moved, charged=tour.charged | {charger})

    def _in_reach(self, tour: Standing, place: int) -> tuple[Way, ...]:
        """Return the ways to drive the leg; none if battery or distance limit do not allow it."""
        leg = int(self.profile.distance_m[tour.place, place])
        limit = self.it.max_distance_m
        if tour.battery is not None and leg > tour.battery:
            return ()
        return () if limit is not None and tour.metres + leg > limit else tour.ways

    def _moved(self, tour: Standing, place: int, ways: list[Way]) -> Standing:
        leg = int(self.profile.distance_m[tour.place, place])
        metres = tour.metres + leg
        battery = None if tour.battery is None else tour.battery - leg
        remaining = tuple(self._pruned(w for w in ways if w.now <= self.it.closes_s))
        return replace(tour, place=place, metres=metres, battery=battery, ways=remaining)

    def _finish(self, tour: Standing) -> None:
        if len(tour.visits) < max(1, len(self.prefix)) or not self._pairs_done(tour.orders[-1]):
            return
        ways = self._in_reach(tour, self.it.end)
        back = [w for _, w in self._arrivals(ways, tour.place, self.it.end, rest=False)]
        home = self._moved(tour, self.it.end, back)
        mask = sum(1 << v for v in tour.visits)
        for way in home.ways:
            longest = self.it.max_duration_s
            if longest is not None and way.now - way.start > longest:
                continue
            if not self._rests_after(way):
                continue
            exact = self._price(tour, home.metres, way)
            if mask not in self.best or exact < self.best[mask].exact:
                self.best[mask] = Driven(exact, tour, way, home.metres)

    def _price(self, tour: Standing, metres: int, way: Way) -> int:
        it, problem = self.it, self.problem
        paid = way.now - way.start - way.unpaid
        whole = it.fixed_cost + sum(problem.visits[v].service_cost for v in tour.visits)
        # Half up: fairness_cost * (paid / 3600)² + 1/2, cut to a whole number.
        whole += (2 * problem.fairness_cost * paid * paid + 3600 * 3600) // (2 * 3600 * 3600)
        hourly = paid * it.cost_per_hour + way.late
        if it.overtime_after_s is not None:
            hourly += max(0, paid - it.overtime_after_s) * it.overtime_cost_per_hour
        exact = whole * UNIT + hourly * UNIT // 3600 + metres * it.cost_per_km * UNIT // 1000
        return exact + metres * it.co2_mg_per_m * problem.co2_cost_per_kg * UNIT // 1_000_000

    # Time

    def _pruned(self, ways: Iterable[Way]) -> list[Way]:
        if self.patient:
            return list({w[:-1]: w for w in ways}.values())
        best: list[Way] = []
        for way in sorted(ways, key=lambda w: (w.now, -w.start, -w.unpaid, w.late)):
            if not any(k.beats(way) for k in best):
                best.append(way)
        return best

    def _rested_before(self, start: int) -> list[int]:
        """Return the numbers of breaks that may be over when work begins."""
        counts, free = [0], 0
        for index, rest in enumerate(self.it.breaks):
            begin = max(free, rest.opens_s)
            if begin >= rest.closes_s or begin + rest.duration_s > start:
                break
            free = begin + rest.duration_s
            counts.append(index + 1)
        return counts

    def _rests_after(self, way: Way) -> bool:
        now = way.now
        for rest in self.it.breaks[way.had :]:
            begin = max(now, rest.opens_s)
            if begin >= rest.closes_s:
                return False
            now = begin + rest.duration_s
        return True

    def _begins(self, visit: Visit, ready: int) -> Iterator[tuple[int, int]]:
        """Yield seconds at which service may begin, each with its seconds of lateness."""
        moments = {ready, *(w.opens_s for w in visit.windows if w.opens_s > ready)}
        if self.patient:
            moments = set(range(ready, self.it.closes_s + 1))
        for begin in sorted(moments):
            late = [max(0, begin - w.closes_s + 1) for w in visit.windows if w.opens_s <= begin]
            if not visit.windows:
                yield begin, 0
            elif late and min(late) <= visit.max_late_s:
                yield begin, min(late)

    def _arrivals(
        self, ways: Iterable[Way], origin: int, target: int, *, rest: bool = True
    ) -> Iterator[tuple[int, Way]]:
        """Yield arrivals, each with the way as it is when the driver is free."""
        for way in ways:
            leaves = range(way.now, self.it.closes_s + 1) if self.patient else (way.now,)
            for leave in leaves:
                for there in self._driven(way._replace(now=leave), origin, target, PARTS):
                    if there.now > self.it.closes_s:
                        continue
                    yield there.now, there
                    if rest:
                        yield from ((there.now, rested) for rested in self._rests(there))

    def _driven(self, way: Way, origin: int, target: int, parts: int) -> Iterator[Way]:
        """Drive the remaining parts of a leg, with every way to take breaks on it."""
        there = self._there(way.now, origin, target, parts)
        yield way._replace(now=there)
        if not self.profile.hourly:
            yield from self._halted(way, there)
            return
        for begin in self._may_rest(way, there):
            on = self._parts_left(way.now, begin, origin, target, parts)
            yield from self._driven(self._rested(way, begin), origin, target, on)

    def _halted(self, way: Way, there: int) -> Iterator[Way]:
        """Take a break before ``there``; the drive pauses meanwhile."""
        begins = list(self._may_rest(way, there))
        for begin in begins if self.patient else begins[:1]:
            rested = self._rested(way, begin)
            later = there + rested.now - begin
            yield rested._replace(now=later)
            yield from self._halted(rested, later)

    def _rests(self, way: Way) -> Iterator[Way]:
        """Take one or more breaks at a stop; an earlier break is never worse."""
        begins = self._may_rest(way, self.it.closes_s)
        for begin in begins if self.patient else begins[:1]:
            rested = self._rested(way, begin)
            yield rested
            yield from self._rests(rested)

    def _may_rest(self, way: Way, until: int) -> range:
        """Return the seconds before ``until`` at which the next break may begin."""
        if way.had == len(self.it.breaks):
            return range(0)
        rest = self.it.breaks[way.had]
        return range(max(way.now, rest.opens_s), min(rest.closes_s, until))

    def _rested(self, way: Way, begin: int) -> Way:
        rest = self.it.breaks[way.had]
        end = begin + rest.duration_s
        unpaid = way.unpaid + (0 if rest.paid else rest.duration_s)
        return way.done(Rest(way.had, begin, end), now=end, had=way.had + 1, unpaid=unpaid)

    def _pace(self, origin: int, target: int, moment: int) -> tuple[int, int | None]:
        """Return the seconds of the whole leg at this second, and when that changes."""
        matrix, until = self.profile.duration_s, None
        for part in self.profile.hourly:
            if part.from_s <= moment:
                matrix = part.duration_s
            elif until is None:
                until = part.from_s
        return -(-int(matrix[origin, target]) * 100 // self.it.speed_percent), until

    def _there(self, now: int, origin: int, target: int, parts: int) -> int:
        seconds, until = self._pace(origin, target, now)
        end = now - (-parts * seconds // PARTS)
        if until is None or end <= until:
            return end
        return self._there(until, origin, target, parts - (until - now) * PARTS // seconds)

    def _parts_left(self, now: int, until: int, origin: int, target: int, parts: int) -> int:
        """Return the parts of the leg that are left at a second before its end."""
        seconds, change = self._pace(origin, target, now)
        stop = until if change is None else min(until, change)
        parts -= (stop - now) * PARTS // seconds if stop > now else 0
        return parts if stop == until else self._parts_left(stop, until, origin, target, parts)


def _solution(problem: Problem, done: int, driven: tuple[Driven | None, ...]) -> Solution:
    routes = [
        written(problem, vehicle, route)
        for vehicle, route in zip(problem.vehicles, driven, strict=True)
        if route is not None
    ]
    unserved = [
        NotServed(problem.visits[group[0]].id, Reason.NOT_WORTH)
        for group in _groups(problem)
        if not any(done >> at & 1 for at in group)
    ]
    return Solution(tuple(routes), tuple(unserved))
