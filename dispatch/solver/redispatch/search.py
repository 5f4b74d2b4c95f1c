"""Repair of what a change broke, and improvement around it. PURE; vehicles and visits by index.

Repair: infeasible tours drop as few visits as possible. Visits without a vehicle go into the
cheapest gap, planned visits before new ones. Where there is no gap, a visit may displace a
neighbour to another gap.

Improvement: remove a touched visit and some near it, insert them again, and keep what is better.
The compiled search does this; while a visit is unserved it may move every visit. Where the number
of moves is limited, a search in this module does it. Without a deadline the same seed and number of
iterations give the same plan.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Final

from dispatch.solver.model.cost import UNIT
from dispatch.solver.placing.draft import Draft
from dispatch.solver.placing.gaps import Fit, gaps
from dispatch.solver.placing.repair import holds
from dispatch.solver.redispatch.disturbance import DisturbancePricer
from dispatch.solver.redispatch.engine import improve_compiled, iterations_of

NEAR: Final = 30  # neighbours kept of each visit
DISPLACED: Final = 12  # how many of them are tried as the displaced visit
RUIN: Final = 8  # most visits removed at once
REMEMBERED: Final = 50_000  # tours whose price is cached


class Search:
    """A plan under repair."""

    def __init__(
        self, pricer: DisturbancePricer, *, seed: int = 0, until: float | None = None
    ) -> None:
        self.pricer, self.context = pricer, pricer.context
        self.draft = Draft(self.context)
        self.until, self.seed, self.threads = until, seed, 1
        self.rng = random.Random(seed)  # noqa: S311 - not for secrets; repeatable
        self.iterations = 0
        self._prices: dict[tuple[int, tuple[int, ...]], int] = {}
        self._near: dict[int, list[int]] = {}
        problem = self.context.problem
        index = problem.visit_index
        self._committed_count = [len(vehicle.prefix) for vehicle in problem.vehicles]
        self.touched = {index[v] for v in pricer.remaining.touched}
        self._committed = {index[v] for vehicle in problem.vehicles for v in vehicle.prefix}

    def out_of_time(self) -> bool:
        """Return True if the deadline is over."""
        return self.until is not None and time.perf_counter() >= self.until

    # --- repair -------------------------------------------------------------------------------
    def begin(self, sequences: dict[int, list[int]]) -> None:
        """Load the rest of the plan; infeasible tours drop visits."""
        for vehicle, visits in sorted(sequences.items()):
            feasible = self._feasible_part(vehicle, visits)
            self.touched |= set(visits) if len(feasible) < len(visits) else set()
            self.draft.assign(vehicle, feasible)
        self.touched |= set(self.draft.missing())

    def _feasible_part(self, vehicle: int, visits: list[int]) -> list[int]:
        """Drop few visits from a tour so that it is feasible; return the remaining ones.

        Committed stops are dropped last. Both ends of a pair are dropped or kept together.
        """
        if not visits or holds(self.context, vehicle, visits):
            return visits
        committed = self._committed_count[vehicle]
        for at in range(len(visits) - 1, committed - 1, -1):
            out = {visits[at], self._partner(visits[at])}
            fewer = [v for v in visits if v not in out]
            if not fewer or holds(self.context, vehicle, fewer):
                return fewer
        first = visits[:committed]
        chosen = set(first) if not first or holds(self.context, vehicle, first) else set()
        for visit in sorted(visits, key=self._rank):
            more = chosen | {visit, self._partner(visit)}
            if holds(self.context, vehicle, [v for v in visits if v in more]):
                chosen = more
        return [v for v in visits if v in chosen]

    def _partner(self, visit: int) -> int:
        """Return the other end of a visit's pair; the visit itself if it has none."""
        return self.context.problem.partner.get(visit, visit)

    def _rank(self, visit: int) -> int:
        return -max(self.pricer.missed(visit), self.pricer.missed(self._partner(visit)))

    def fill(self) -> None:
        """Insert every visit without a vehicle where it pays; displace a neighbour if needed.

        Only a visit that was planned, or that the change affects, may displace a neighbour.
        """
        names, remaining = self.context.problem.visits, self.pricer.remaining
        for visit in sorted(self.draft.missing(), key=lambda v: (self._rank(v), v)):
            if self._position_of(visit) is not None or self._insert(visit) or self.out_of_time():
                continue
            name = names[visit].id
            if name in remaining.drivers or name in remaining.touched:
                self._displace(visit)

    def _insert(self, visit: int) -> bool:
        """Insert a visit, with the other end of its pair, into the best gap; False if none pays."""
        best = self._best(visit)
        if best is None:
            return False
        if best.codes:
            self.draft.assign_exactly(best.vehicle, best.codes)
        else:
            self.draft.insert(best.vehicle, best.position, visit)
        return True

    def _best(self, visit: int) -> Fit | None:
        """Return the cheapest gap, disturbance included, within the limits."""
        ends = {visit, self._partner(visit)}
        if ends & self._committed:
            return None  # a committed stop has only its own place
        best: Fit | None = None
        least = sum(self.pricer.missed(v) for v in ends)
        for gap in gaps(self.draft, visit):
            if gap.position < self._first(gap.vehicle):
                continue
            moving = [v for v in ends if self.pricer.moves(gap.vehicle, v)]
            if moving and not self._free_to_move(len(moving)):
                continue
            price = gap.exact + len(moving) * self.pricer.rules.per_move * UNIT
            if price < least or (best is None and price == least):
                best, least = gap, price
        return best

    def _first(self, vehicle: int) -> int:
        """Return the first position after the committed stops that are still on the tour."""
        committed = self._committed_count[vehicle]
        return min(committed, len(self.draft.tours[vehicle].visits)) if committed else 0

    def _free_to_move(self, more: int) -> bool:
        most = self.pricer.rules.max_moves
        return most is None or self.moved() + more <= most

    def moved(self) -> int:
        """Return how many visits are on another vehicle than planned."""
        return sum(
            self.pricer.moves(tour.vehicle, v) for tour in self.draft.tours for v in tour.visits
        )

    def _displace(self, visit: int) -> bool:
        """Insert a visit in the place of a neighbour, if the neighbour fits elsewhere."""
        for other in self._neighbours(visit)[:DISPLACED]:
            home = self._position_of(other)
            if home is None or self._partner(other) != other or self.out_of_time():
                continue
            vehicle, at = home
            if at < self._first(vehicle):
                continue
            before, price = self._snapshot(), self.price()
            self._remove(other)
            if self._insert(visit) and self._insert(other) and self.price() < price:
                return True
            self._restore(before)
        return False

    # --- improvement --------------------------------------------------------------------------
    def improve(self, iterations: int | None) -> None:
        """Ruin and recreate around the touched visits until the time or the count is over.

        The compiled search does this. It cannot limit the number of moves; where that is limited, a
        search in this module does it.
        """
        if not self.touched or iterations == 0 or self.out_of_time():
            return
        if self.pricer.rules.max_moves is None:
            self._improve_compiled(iterations)
        else:
            self._improve_bounded(iterations)

    def _movable(self) -> set[int]:
        """Return the visits that the search may move: touched ones and their neighbours.

        While a visit is unserved, all visits but the committed ones: the visit that must make room
        may be on any tour.
        """
        relevant = self.touched | set(self.pricer.drivers)
        if relevant & set(self.draft.missing()):
            return set(range(len(self.context.problem.visits))) - self._committed
        near = {other for visit in self.touched for other in self._neighbours(visit)}
        return (self.touched | near) - self._committed

    def _improve_compiled(self, iterations: int | None) -> None:
        best, before = self.price(), self._snapshot()
        proposal = improve_compiled(
            self.pricer,
            {tour.vehicle: tour.codes for tour in self.draft.tours if tour.codes},
            sorted(self._movable()),
            seed=self.seed,
            until=self.until,
            iterations=iterations,
            threads=self.threads,
        )
        self.iterations = iterations_of(proposal)
        for vehicle in range(len(self.draft.tours)):
            self.draft.assign_exactly(vehicle, proposal.sequences.get(vehicle, ()))
        if self.price() > best:
            self._restore(before)

    def _improve_bounded(self, iterations: int | None) -> None:
        best = self.price()
        while not self.out_of_time() and (iterations is None or self.iterations < iterations):
            self.iterations += 1
            before = self._snapshot()
            out = self._ruin()
            for visit in sorted(out, key=lambda v: (self._rank(v), self.rng.random())):
                if self._position_of(visit) is None:
                    self._insert(visit)
            now = self.price()
            if now <= best:
                best = now
                self.touched |= set(out) if now < best else set()
            else:
                self._restore(before)

    def _ruin(self) -> list[int]:
        """Remove a touched visit and some near it; return all visits without a vehicle."""
        seed = self.rng.choice(sorted(self.touched))
        size = self.rng.randint(2, RUIN)
        near = [seed, *self._neighbours(seed)]
        homes = {v: self._position_of(v) for v in near}
        free = [v for v in near if (h := homes[v]) and h[1] >= self._first(h[0])]
        chosen = free[:size] if self.rng.random() < 0.5 else self._some(free, size)
        for visit in chosen:
            self._remove(visit)
            self._remove(self._partner(visit))
        return self.draft.missing()

    def _some(self, free: list[int], size: int) -> list[int]:
        return self.rng.sample(free[: 2 * size], min(size, len(free)))

    def price(self) -> int:
        """Return the exact cost of the plan with disturbance and missed visits."""
        routes = sum(self._tour_price(t.vehicle, tuple(t.codes)) for t in self.draft.tours)
        return routes + sum(self.pricer.missed(v) for v in self.draft.missing())

    def _tour_price(self, vehicle: int, codes: tuple[int, ...]) -> int:
        if not codes:
            return 0
        key = (vehicle, codes)
        if key not in self._prices:
            if len(self._prices) > REMEMBERED:
                self._prices.clear()
            route = self.context.route(vehicle, codes)
            assert route is not None, "every tour of a draft under repair holds"
            self._prices[key] = self.pricer.price(route)
        return self._prices[key]

    # --- the draft ----------------------------------------------------------------------------
    def _snapshot(self) -> list[list[int]]:
        return [tour.codes for tour in self.draft.tours]

    def _restore(self, before: Iterable[list[int]]) -> None:
        for vehicle, codes in enumerate(before):
            if self.draft.tours[vehicle].codes != codes:
                self.draft.assign_exactly(vehicle, codes)

    def _remove(self, visit: int) -> None:
        home = self._position_of(visit)
        if home is not None:
            tour = self.draft.tours[home[0]].visits
            self.draft.assign(home[0], [v for v in tour if v != visit])

    def _position_of(self, visit: int) -> tuple[int, int] | None:
        """Return the vehicle and position of a visit, None if it is on no tour."""
        for tour in self.draft.tours:
            if visit in tour.visits:
                return tour.vehicle, tour.visits.index(visit)
        return None

    def _neighbours(self, visit: int) -> list[int]:
        """Return the nearest other visits of a visit, by the seconds there and back."""
        if visit not in self._near:
            problem = self.context.problem
            seconds = problem.profiles[0].duration_s
            place = problem.visits[visit].place

            def way(other: int) -> tuple[int, int]:
                there = problem.visits[other].place
                return int(seconds[place, there]) + int(seconds[there, place]), other

            others = (v for v in range(len(problem.visits)) if v != visit)
            self._near[visit] = sorted(others, key=way)[:NEAR]
        return self._near[visit]
