"""The compiled scan as other packages use it, for one problem. PURE.

Loaded by ``rich.lazy``, and only when a problem needs it: numba takes half a second and some 100 MB
to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.solver.model.cost import UNIT, co2_exact, driven_exact, fairness_cost, overtime_exact
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Tour
from dispatch.solver.rich.all_gaps import COLUMNS, list_gaps
from dispatch.solver.rich.best_gaps import CANDIDATES, best_gaps
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
from dispatch.solver.rich.replace_visit import replace_visit, spaces
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.state import BLINKS, State, fresh, no_promises, update_visit
from dispatch.solver.rich.write import Writer

HOPELESS: Final = (WHO, STOPS)  # rules that no facility helps to keep
BEAM: Final = 6  # partial sequences kept while facilities are inserted
PER_SECOND: Final = UNIT // 3600
OUTDATED: Final = (-(10**9),)  # codes of no route: the route is loaded again
SPARE: Final = 4  # rows of gaps for each visit at first; doubled when full


@dataclass(frozen=True, slots=True)
class Timed:
    """Time, metres and cost of one sequence at its best schedule."""

    lasts_s: int
    metres: int
    exact: int  # cost without service_cost, in 1/UNIT minor units


class Scanner:
    """Times, prices and writes sequences of one problem; not for two threads at once."""

    def __init__(self, problem: Problem, model: Model) -> None:
        self.problem, self.model = problem, model
        self.scratch = new_scratch(model)
        self.writer = Writer(problem, model, self.scratch)
        self._spaces = spaces(model)
        self._promise = no_promises(model)
        nobody = np.full((len(problem.visits), 1), -1, dtype=np.int64)
        self._no_neighbours = nobody
        self._lazy_state: State | None = None
        self._loaded: dict[int, tuple[int, ...]] = {}
        self._rows: Int64 = np.zeros((len(problem.visits) * SPARE + 64, COLUMNS), dtype=np.int64)

    @property
    def _state(self) -> State:
        """The state whose gaps are searched, built when first needed."""
        if self._lazy_state is None:
            self._lazy_state = fresh(self.model, self._no_neighbours, 0, 0)
            for vehicle in range(len(self.problem.vehicles)):
                self._lazy_state.closed[vehicle] = not self._load(vehicle, ())
        return self._lazy_state

    def replace_visit(self, problem: Problem, visit: int) -> None:
        """Replace a visit by another; its row and column of the matrices have changed already."""
        self.rename(problem)
        replace_visit(self.model, problem, visit, self._spaces[visit])
        if self._lazy_state is not None:
            update_visit(self.model, self._lazy_state, visit)
        for vehicle, codes in self._loaded.items():
            if visit in codes:
                self._loaded[vehicle] = OUTDATED

    def rename(self, problem: Problem) -> None:
        """Use another problem, which differs only in the ids of visits."""
        self.problem = self.writer.problem = problem

    @property
    def nbytes(self) -> int:
        """The size of the arrays in bytes."""
        state = 0 if self._lazy_state is None else self._lazy_state.nbytes
        return self.model.nbytes + self.scratch.nbytes + state

    def timed(self, vehicle: int, codes: Sequence[int]) -> Timed | None:
        """Return time, metres and cost of a sequence, None if it is infeasible."""
        row = np.array(codes, dtype=np.int64)
        if scan(self.model, vehicle, row, len(row), self.scratch) >= INFINITE:
            return None
        if not len(row):
            return Timed(0, 0, 0)
        out = self.scratch.out.tolist()
        exact = self._exact(vehicle, out[WAY], out[PAID], out[LATENESS])
        return Timed(out[FINISH] - out[BEGIN], out[WAY], exact)

    def route(self, vehicle: int, codes: Sequence[int]) -> Tour | None:
        """Return the tour at its best schedule, None if the sequence is infeasible."""
        return self.writer.route(vehicle, codes)

    def gaps(
        self, tours: Mapping[int, Sequence[int]], visit: int, limit: int = -1
    ) -> list[tuple[int, int, int, int, int, int]]:
        """Return every feasible insertion of a visit, or of the pair that it begins.

        Returns
        -------
        list of (vehicle, gap, delivery_gap, seconds, metres, exact)
            Gaps count codes, the delivery's without the pickup; -1 for a visit alone. Seconds,
            metres and cost are what the insertion adds; the cost leaves out ``service_cost``.
        """
        self._sync(tours)
        while True:
            count = int(
                list_gaps(self.model, self._state, self.scratch, visit, limit, self._rows, 0)
            )
            if count < len(self._rows):
                break
            self._rows = np.zeros((2 * len(self._rows), COLUMNS), dtype=np.int64)
        base: dict[int, Timed] = {}
        gaps = []
        for vehicle, gap, delivery_gap, lasts, metres, paid, late in self._rows[:count].tolist():
            if vehicle not in base:
                timed = self.timed(vehicle, tours.get(vehicle, ()))
                base[vehicle] = timed or Timed(0, 0, 0)
            before = base[vehicle]
            exact = self._exact(vehicle, metres, paid, late) - before.exact
            gaps.append(
                (vehicle, gap, delivery_gap, lasts - before.lasts_s, metres - before.metres, exact)
            )
        return gaps

    def best(
        self, tours: Mapping[int, Sequence[int]], visit: int, windows: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int, int, int, int] | None]:
        """Return the cheapest insertion of a visit for each of several windows, None if none fits.

        Parameters
        ----------
        visit : int
            A visit with one window, in no pair and no set. Its window is replaced.
        windows : sequence of (first second, last second)

        Returns
        -------
        list of (vehicle, gap, seconds, metres, exact), or None
            As in ``gaps``, the first by cost, added seconds, vehicle and gap.
        """
        self._sync(tours)
        count = len(windows)
        spans = np.array(windows, dtype=np.int64).reshape(count, 2)
        candidates = np.zeros((count, CANDIDATES, 2), dtype=np.int64)
        counts = np.zeros(count, dtype=np.int64)
        row = self._spaces[visit][0]
        kept = self.model.windows[row].copy()
        best_gaps(
            self.model,
            self._promise,
            self._state,
            self.scratch,
            visit,
            row,
            spans,
            candidates,
            counts,
        )
        base: dict[int, Timed] = {}
        result = []
        for at, window in enumerate(windows):
            self.model.windows[row] = window
            result.append(
                self._cheapest_of(tours, visit, candidates[at, : counts[at]].tolist(), base)
            )
        self.model.windows[row] = kept
        return result

    def _cheapest_of(
        self,
        tours: Mapping[int, Sequence[int]],
        visit: int,
        candidates: list[list[int]],
        base: dict[int, Timed],
    ) -> tuple[int, int, int, int, int] | None:
        """Return the cheapest of a few gaps by exact cost; ``base`` caches the routes' figures."""
        best = None
        for vehicle, gap in candidates:
            codes = list(tours.get(vehicle, ()))
            if vehicle not in base:
                base[vehicle] = self.timed(vehicle, codes) or Timed(0, 0, 0)
            before = base[vehicle]
            timed = self.timed(vehicle, [*codes[:gap], visit, *codes[gap:]])
            if timed is None:
                continue
            lasts, exact = timed.lasts_s - before.lasts_s, timed.exact - before.exact
            rank = (exact, lasts, vehicle, gap)
            if best is None or rank < best[0]:
                best = (rank, (vehicle, gap, lasts, timed.metres - before.metres, exact))
        return best[1] if best else None

    def filled(
        self,
        tours: Mapping[int, Sequence[int]],
        *,
        add: bool,
        late: Callable[[], bool] | None = None,
    ) -> dict[int, list[int]]:
        """Return the feasible part of some sequences; with ``add``, also other jobs that pay.

        ``late`` is called before each job is inserted; once it returns True, no more are inserted.
        """
        state = fresh(self.model, self._no_neighbours, 0, 0)
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
        """Return visits in their order with the facilities they need, None if no facilities help.

        A beam search from stop to stop: of the partial sequences the cheapest few are kept.
        """
        if self.timed(vehicle, visits) is not None:
            return list(visits)
        it, fault = self.problem.vehicles[vehicle], int(self.scratch.out[FAULT])
        stops = range(-len(it.reloads) - len(it.chargers), 0)
        if not stops or fault in HOPELESS or (fault == TIME and not it.reloads):
            return None  # a charge only takes time; with a reload the first trip may begin earlier
        partial: list[list[int]] = [[]]
        committed = len(it.prefix)
        for at, visit in enumerate(visits):
            owed = self._owed(visits[: at + 1])
            ways = [[visit]] if at < committed else [[visit], *([s, visit] for s in stops)]
            if at > committed and len(stops) > 1:
                ways += [[one, other, visit] for one in stops for other in stops if one != other]
            partial = self._cheapest(vehicle, [[*b, *way] for b in partial for way in ways], owed)
        last = [[*b, *way] for b in partial for way in ([], *([s] for s in stops))]
        best = self._cheapest(vehicle, last, [])
        if best and self.timed(vehicle, best[0]) is not None:
            return best[0]
        return None

    def _owed(self, visits: Sequence[int]) -> list[int]:
        """Return the missing deliveries: those whose pickups are among the visits."""
        partner, present = self.problem.partner, set(visits)
        return [partner[v] for v in visits if v in partner and partner[v] not in present]

    def _cheapest(
        self, vehicle: int, sequences: list[list[int]], owed: list[int]
    ) -> list[list[int]]:
        """Return the few cheapest partial sequences.

        Those come last that are infeasible now but that later codes may complete: the battery runs
        empty, committed stops or deliveries are missing.
        """
        priced = []
        for codes in sequences:
            timed = self.timed(vehicle, [*codes, *owed])
            if timed is not None:
                priced.append((0, timed.exact, codes))
                continue
            if int(self.scratch.out[FAULT]) in (BATTERY, COMMITTED, PAIRED):
                priced.append((1, len(codes), codes))
        priced.sort(key=lambda p: (p[0], p[1]))
        return [codes for _, _, codes in priced[:BEAM]]

    def _exact(self, vehicle: int, metres: int, paid: int, late: int) -> int:
        """Return the exact cost of a route in 1/UNIT, without ``service_cost``."""
        it = self.problem.vehicles[vehicle]
        return (
            (it.fixed_cost + fairness_cost(self.problem, paid)) * UNIT
            + driven_exact(it, metres, paid)
            + overtime_exact(it, paid)
            + co2_exact(self.problem, it, metres)
            + late * PER_SECOND
        )

    def _sync(self, tours: Mapping[int, Sequence[int]]) -> None:
        """Load the tours that have changed into the state."""
        for vehicle in set(self._loaded) | set(tours):
            codes = tuple(tours.get(vehicle, ()))
            if self._loaded.get(vehicle, ()) != codes:
                self._state.closed[vehicle] = not self._load(vehicle, codes)
                self._loaded[vehicle] = codes

    def _load(self, vehicle: int, codes: tuple[int, ...]) -> bool:
        """Load one tour into the state; return False if it is too long or infeasible."""
        state = self._state
        if len(codes) > state.codes.shape[1] - FACILITIES // 32:
            return False
        state.codes[vehicle, : len(codes)] = codes
        state.count[vehicle] = len(codes)
        return bool(refresh(self.model, self._promise, state, self.scratch, vehicle))
