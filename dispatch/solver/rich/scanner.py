"""What the pure side of the house asks of compiled code, for one problem. PURE.

Loaded by ``rich.lazy``, and only when a problem needs it: numba takes half a second and some
100 MB to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.solver.model.cost import UNIT, co2_exact, driven_exact, fairness_cost, overtime_exact
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Tour
from dispatch.solver.rich.fill import insert_absent
from dispatch.solver.rich.initial import load_plan
from dispatch.solver.rich.layout import (
    BATTERY,
    BEGIN,
    COMMITTED,
    FACILITIES,
    FAULT,
    FINISH,
    LATENESS,
    PAID,
    PAIRED,
    STOPS,
    TIME,
    WAY,
    WHO,
    new_scratch,
)
from dispatch.solver.rich.model import Int64, Model
from dispatch.solver.rich.replace_visit import replace_visit
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.state import BLINKS, State, fresh, look_again, nothing_promised
from dispatch.solver.rich.tries import FOUND, tries
from dispatch.solver.rich.write import Writer

HOPELESS: Final = (WHO, STOPS)  # what no stop at a facility can mend
BEAM: Final = 6  # begun sequences kept while stops at facilities are put in
PER_SECOND: Final = UNIT // 3600
SPARE: Final = 4  # rows of gaps for each visit, before more are made


@dataclass(frozen=True, slots=True)
class Timed:
    """What one sequence comes to at its best schedule."""

    lasts_s: int
    metres: int
    exact: int  # money without the price of serving, in 1/UNIT


class Scanner:
    """Times, prices and writes sequences of one problem; not for two threads at once."""

    def __init__(self, problem: Problem, model: Model) -> None:
        self.problem, self.model = problem, model
        self.scratch = new_scratch(model)
        self.writer = Writer(problem, model, self.scratch)
        self._promise = nothing_promised(model)
        nobody = np.full((len(problem.visits), 1), -1, dtype=np.int64)
        self._nobody = nobody
        self._laid: State | None = None
        self._shown: dict[int, tuple[int, ...]] = {}
        self._found: Int64 = np.zeros((len(problem.visits) * SPARE + 64, FOUND), dtype=np.int64)

    @property
    def _state(self) -> State:
        """The plan whose gaps are looked for, laid out when first needed: most never need it."""
        if self._laid is None:
            self._laid = fresh(self.model, self._nobody, 0, 0)
            for vehicle in range(len(self.problem.vehicles)):
                self._laid.closed[vehicle] = not self._fresh(vehicle, ())
        return self._laid

    def replace_visit(self, problem: Problem, visit: int) -> None:
        """Take another visit in one's stead; its row and column have changed in the matrices."""
        self.problem = self.writer.problem = problem
        replace_visit(self.model, problem, visit)
        if self._laid is not None:
            look_again(self.model, self._laid, visit)

    def timed(self, vehicle: int, codes: Sequence[int]) -> Timed | None:
        """Return what a sequence comes to, None where it does not hold."""
        row = np.array(codes, dtype=np.int64)
        if scan(self.model, vehicle, row, len(row), self.scratch) >= INFINITE:
            return None
        if not len(row):
            return Timed(0, 0, 0)
        out = self.scratch.out.tolist()
        exact = self._exact(vehicle, out[WAY], out[PAID], out[LATENESS])
        return Timed(out[FINISH] - out[BEGIN], out[WAY], exact)

    def route(self, vehicle: int, codes: Sequence[int]) -> Tour | None:
        """Return the route at its best schedule, None where it does not hold."""
        return self.writer.route(vehicle, codes)

    def gaps(
        self, tours: Mapping[int, Sequence[int]], visit: int, limit: int = -1
    ) -> list[tuple[int, int, int, int, int, int]]:
        """Return every gap that holds for a visit, or for the pair that it begins.

        Returns
        -------
        list of (vehicle, gap, then, seconds, metres, exact)
            Gaps are counted in codes, the delivery's without the pickup; -1 for a visit alone.
            What is added does not count the price of serving.
        """
        self._show(tours)
        while True:
            count = int(tries(self.model, self._state, self.scratch, visit, limit, self._found, 0))
            if count < len(self._found):
                break
            self._found = np.zeros((2 * len(self._found), FOUND), dtype=np.int64)
        base: dict[int, Timed] = {}
        made = []
        for vehicle, gap, then, lasts, metres, paid, late in self._found[:count].tolist():
            if vehicle not in base:
                timed = self.timed(vehicle, tours.get(vehicle, ()))
                base[vehicle] = timed or Timed(0, 0, 0)
            before = base[vehicle]
            exact = self._exact(vehicle, metres, paid, late) - before.exact
            made.append((vehicle, gap, then, lasts - before.lasts_s, metres - before.metres, exact))
        return made

    def filled(
        self,
        tours: Mapping[int, Sequence[int]],
        *,
        add: bool,
        late: Callable[[], bool] | None = None,
    ) -> dict[int, list[int]]:
        """Return what holds of some sequences, with what else fits and pays where ``add``.

        ``late`` is asked before each job that is to be put in; when it says yes, the rest stay out.
        """
        state = fresh(self.model, self._nobody, 0, 0)
        load_plan(self.problem, self.model, self._promise, state, self.scratch, tours)
        counts, codes = state.count, state.codes
        if add:
            state.money[BLINKS] = 0.0
            insert_absent(
                self.model, self._promise, state, self.scratch, lambda _: late is None or not late()
            )
            counts, codes = state.best_count, state.best
        return {
            vehicle: codes[vehicle, :count].tolist()
            for vehicle, count in enumerate(counts.tolist())
            if count
        }

    def equipped(self, vehicle: int, visits: Sequence[int]) -> list[int] | None:
        """Return visits in their order with the reloads and charges they need, None if none do.

        Stop by stop; of the sequences so begun that hold the cheapest few are kept.
        """
        if self.timed(vehicle, visits) is not None:
            return list(visits)
        it, fault = self.problem.vehicles[vehicle], int(self.scratch.out[FAULT])
        stops = range(-len(it.reloads) - len(it.chargers), 0)
        if not stops or fault in HOPELESS or (fault == TIME and not it.reloads):
            return None  # a charge takes time and saves none; another trip may begin earlier
        begun: list[list[int]] = [[]]
        committed = len(it.prefix)
        for at, visit in enumerate(visits):
            owed = self._owed(visits[: at + 1])
            ways = [[visit]] if at < committed else [[visit], *([s, visit] for s in stops)]
            if at > committed and len(stops) > 1:
                ways += [[one, other, visit] for one in stops for other in stops if one != other]
            begun = self._cheapest(vehicle, [[*b, *way] for b in begun for way in ways], owed)
        last = [[*b, *way] for b in begun for way in ([], *([s] for s in stops))]
        best = self._cheapest(vehicle, last, [])
        if best and self.timed(vehicle, best[0]) is not None:
            return best[0]
        return None

    def _owed(self, visits: Sequence[int]) -> list[int]:
        """Deliveries of what has been fetched and not been brought yet."""
        partner, there = self.problem.partner, set(visits)
        return [partner[v] for v in visits if v in partner and partner[v] not in there]

    def _cheapest(self, vehicle: int, made: list[list[int]], owed: list[int]) -> list[list[int]]:
        """Return the few begun sequences that cost least; those that merely run dry come last."""
        priced = []
        for codes in made:
            timed = self.timed(vehicle, [*codes, *owed])
            if timed is not None:
                priced.append((0, timed.exact, codes))
                continue
            if int(self.scratch.out[FAULT]) in (BATTERY, COMMITTED, PAIRED):
                priced.append((1, len(codes), codes))
        priced.sort(key=lambda p: (p[0], p[1]))
        return [codes for _, _, codes in priced[:BEAM]]

    def _exact(self, vehicle: int, metres: int, paid: int, late: int) -> int:
        """Return the exact price of a route, all but serving."""
        it = self.problem.vehicles[vehicle]
        return (
            (it.fixed_cost + fairness_cost(self.problem, paid)) * UNIT
            + driven_exact(it, metres, paid)
            + overtime_exact(it, paid)
            + co2_exact(self.problem, it, metres)
            + late * PER_SECOND
        )

    def _show(self, tours: Mapping[int, Sequence[int]]) -> None:
        """Bring the routes of the state up to date."""
        for vehicle in set(self._shown) | set(tours):
            codes = tuple(tours.get(vehicle, ()))
            if self._shown.get(vehicle, ()) != codes:
                self._state.closed[vehicle] = not self._fresh(vehicle, codes)
                self._shown[vehicle] = codes

    def _fresh(self, vehicle: int, codes: tuple[int, ...]) -> bool:
        state = self._state
        if len(codes) > state.codes.shape[1] - FACILITIES // 32:
            return False
        state.codes[vehicle, : len(codes)] = codes
        state.count[vehicle] = len(codes)
        return bool(refresh(self.model, self._promise, state, self.scratch, vehicle))
