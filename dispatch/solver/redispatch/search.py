"""Repair what a change broke, then improve around it. PURE; vehicles and visits by index.

Repair: tours that no longer hold let go of as little as they can; whoever has no vehicle goes
into the cheapest gap, those that were planned before the new ones, and pushes one neighbour out
of the way where there is no gap. Improvement: take a visit that was touched and some near it
out, put them back, keep what is better: by the compiled search, which may move anybody while one
is unserved, or here where the number of moves is bounded. Without a deadline the same seed and
number of iterations give the same plan.
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
from dispatch.solver.redispatch.engine import improved, iterations_of

NEAR: Final = 30  # neighbours of a visit that are looked at
PUSHED: Final = 12  # of these, how many may be pushed out of the way
RUIN: Final = 8  # visits taken out at once, at most
REMEMBERED: Final = 50_000


class Search:
    """A plan under repair."""

    def __init__(
        self, pricer: DisturbancePricer, *, seed: int = 0, until: float | None = None
    ) -> None:
        self.pricer, self.context = pricer, pricer.context
        self.draft = Draft(self.context)
        self.until, self.seed, self.threads = until, seed, 1
        self.lots = random.Random(seed)  # noqa: S311 - no secret: a search that can be repeated
        self.iterations = 0
        self._prices: dict[tuple[int, tuple[int, ...]], int] = {}
        self._near: dict[int, list[int]] = {}
        problem = self.context.problem
        index = problem.visit_index
        self._held = [len(vehicle.prefix) for vehicle in problem.vehicles]
        self.touched = {index[v] for v in pricer.rest.touched}
        self._committed = {index[v] for vehicle in problem.vehicles for v in vehicle.prefix}

    def out_of_time(self) -> bool:
        """Tell whether the deadline is over."""
        return self.until is not None and time.perf_counter() >= self.until

    # --- repair -------------------------------------------------------------------------------
    def begin(self, sequences: dict[int, list[int]]) -> None:
        """Take over what is left of the plan; tours that do not hold let go of visits."""
        for vehicle, visits in sorted(sequences.items()):
            kept = self._holding(vehicle, visits)
            self.touched |= set(visits) if len(kept) < len(visits) else set()
            self.draft.assign(vehicle, kept)
        self.touched |= set(self.draft.missing())

    def _holding(self, vehicle: int, visits: list[int]) -> list[int]:
        """Return the tour without as little as it takes to make it hold, its first stops last.

        Both ends of a pair go and stay together.
        """
        if not visits or holds(self.context, vehicle, visits):
            return visits
        held = self._held[vehicle]
        for at in range(len(visits) - 1, held - 1, -1):
            out = {visits[at], self._partner(visits[at])}
            fewer = [v for v in visits if v not in out]
            if not fewer or holds(self.context, vehicle, fewer):
                return fewer
        first = visits[:held]
        chosen = set(first) if not first or holds(self.context, vehicle, first) else set()
        for visit in sorted(visits, key=self._rank):
            more = chosen | {visit, self._partner(visit)}
            if holds(self.context, vehicle, [v for v in visits if v in more]):
                chosen = more
        return [v for v in visits if v in chosen]

    def _partner(self, visit: int) -> int:
        """The other end of a visit's pair; itself where it has none."""
        return self.context.problem.partner.get(visit, visit)

    def _rank(self, visit: int) -> int:
        return -max(self.pricer.missed(visit), self.pricer.missed(self._partner(visit)))

    def fill(self) -> None:
        """Give everybody without a vehicle the cheapest gap that pays, by pushing where needed.

        Nobody is pushed for one who was left out before and to whom nothing happened.
        """
        names, rest = self.context.problem.visits, self.pricer.rest
        for visit in sorted(self.draft.missing(), key=lambda v: (self._rank(v), v)):
            if self._home(visit) is not None or self._insert(visit) or self.out_of_time():
                continue
            name = names[visit].id
            if name in rest.drivers or name in rest.touched:
                self._push(visit)

    def _insert(self, visit: int) -> bool:
        """Put a visit, with the other end of its pair, into the best gap; False when none pays."""
        best = self._best(visit)
        if best is None:
            return False
        if best.codes:
            self.draft.assign_exactly(best.vehicle, best.codes)
        else:
            self.draft.insert(best.vehicle, best.position, visit)
        return True

    def _best(self, visit: int) -> Fit | None:
        """The gap that costs least with what it disturbs, of those within the bounds."""
        ends = {visit, self._partner(visit)}
        if ends & self._committed:
            return None  # it is where it is committed, or nowhere
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
        """First position behind the committed stops that are still on the tour."""
        held = self._held[vehicle]
        return min(held, len(self.draft.tours[vehicle].visits)) if held else 0

    def _free_to_move(self, more: int) -> bool:
        most = self.pricer.rules.max_moves
        return most is None or self.moved() + more <= most

    def moved(self) -> int:
        """How many visits are on another vehicle than planned."""
        return sum(
            self.pricer.moves(tour.vehicle, v) for tour in self.draft.tours for v in tour.visits
        )

    def _push(self, visit: int) -> bool:
        """Let a visit take a neighbour's room, if the neighbour finds another."""
        for other in self._neighbours(visit)[:PUSHED]:
            home = self._home(other)
            if home is None or self._partner(other) != other or self.out_of_time():
                continue
            vehicle, at = home
            if at < self._first(vehicle):
                continue
            before, price = self._kept(), self.price()
            self._remove(other)
            if self._insert(visit) and self._insert(other) and self.price() < price:
                return True
            self._restore(before)
        return False

    # --- improvement --------------------------------------------------------------------------
    def improve(self, iterations: int | None) -> None:
        """Ruin and recreate around what was touched until the time or the count is over.

        By the compiled search; where the number of moves is bounded, which it cannot keep, here.
        """
        if not self.touched or iterations == 0 or self.out_of_time():
            return
        if self.pricer.rules.max_moves is None:
            self._improve_compiled(iterations)
        else:
            self._improve_bounded(iterations)

    def _free(self) -> set[int]:
        """Visits that the search may move: those touched and near; all while one is unserved.

        Whoever has to make room for it may be anywhere, on any tour that could take it.
        """
        asked = self.touched | set(self.pricer.drivers)
        if asked & set(self.draft.missing()):
            return set(range(len(self.context.problem.visits))) - self._committed
        near = {other for visit in self.touched for other in self._neighbours(visit)}
        return (self.touched | near) - self._committed

    def _improve_compiled(self, iterations: int | None) -> None:
        best, before = self.price(), self._kept()
        found = improved(
            self.pricer,
            {tour.vehicle: tour.codes for tour in self.draft.tours if tour.codes},
            sorted(self._free()),
            seed=self.seed,
            until=self.until,
            iterations=iterations,
            threads=self.threads,
        )
        self.iterations = iterations_of(found)
        for vehicle in range(len(self.draft.tours)):
            self.draft.assign_exactly(vehicle, found.sequences.get(vehicle, ()))
        if self.price() > best:
            self._restore(before)

    def _improve_bounded(self, iterations: int | None) -> None:
        best = self.price()
        while not self.out_of_time() and (iterations is None or self.iterations < iterations):
            self.iterations += 1
            before = self._kept()
            out = self._ruin()
            for visit in sorted(out, key=lambda v: (self._rank(v), self.lots.random())):
                if self._home(visit) is None:
                    self._insert(visit)
            now = self.price()
            if now <= best:
                best = now
                self.touched |= set(out) if now < best else set()
            else:
                self._restore(before)

    def _ruin(self) -> list[int]:
        """Take out a touched visit and some near it; those without a vehicle join in."""
        seed = self.lots.choice(sorted(self.touched))
        size = self.lots.randint(2, RUIN)
        near = [seed, *self._neighbours(seed)]
        homes = {v: self._home(v) for v in near}
        free = [v for v in near if (h := homes[v]) and h[1] >= self._first(h[0])]
        chosen = free[:size] if self.lots.random() < 0.5 else self._some(free, size)
        for visit in chosen:
            self._remove(visit)
            self._remove(self._partner(visit))
        return self.draft.missing()

    def _some(self, free: list[int], size: int) -> list[int]:
        return self.lots.sample(free[: 2 * size], min(size, len(free)))

    def price(self) -> int:
        """Exact cost of the plan with what it disturbs and whom it leaves out."""
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
    def _kept(self) -> list[list[int]]:
        return [tour.codes for tour in self.draft.tours]

    def _restore(self, before: Iterable[list[int]]) -> None:
        for vehicle, codes in enumerate(before):
            if self.draft.tours[vehicle].codes != codes:
                self.draft.assign_exactly(vehicle, codes)

    def _remove(self, visit: int) -> None:
        home = self._home(visit)
        if home is not None:
            tour = self.draft.tours[home[0]].visits
            self.draft.assign(home[0], [v for v in tour if v != visit])

    def _home(self, visit: int) -> tuple[int, int] | None:
        """Vehicle and position of a visit."""
        for tour in self.draft.tours:
            if visit in tour.visits:
                return tour.vehicle, tour.visits.index(visit)
        return None

    def _neighbours(self, visit: int) -> list[int]:
        """The visits nearest in time, there and back."""
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
