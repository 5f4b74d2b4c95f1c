"""The search for waves by CP-SAT; OR-Tools is loaded at first use. PURE."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Final

from dispatch.solver.side.waves_problem import (
    HOUR_S,
    Floor,
    Wave,
)

# Most routes for which the search may use one wave a route. With more routes it may use
# MORE_WAVES waves more than the heuristic's plan has.
ALL_WAVES: Final = 16
MORE_WAVES: Final = 4
SEARCHES: Final = 8  # CP-SAT's searches, interleaved on one core so that the plan is repeatable


def search_waves(
    floor: Floor, simple: list[Wave], work: float, seed: int
) -> tuple[list[Wave], bool]:
    """Return the best waves that CP-SAT finds, and whether it proved that none are cheaper."""
    sat = importlib.import_module("ortools.sat.python.cp_model")  # heavy: only when asked for
    count = len(floor.goods)
    slots = count if count <= ALL_WAVES else min(count, len(simple) + MORE_WAVES)
    model = _Model(sat, floor, slots)
    model.hint(simple)
    solver = sat.CpSolver()
    solver.parameters.num_workers = SEARCHES
    solver.parameters.interleave_search = True
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = work
    status = solver.solve(model.model)
    if status not in {sat.OPTIMAL, sat.FEASIBLE}:
        return simple, False
    return model.read(solver), status == sat.OPTIMAL and slots == count


class _Model:
    """Assigns goods to wave slots in order of time; unused slots come last."""

    def __init__(self, sat: Any, floor: Floor, slots: int) -> None:
        self.floor, self.model, self.slots = floor, sat.CpModel(), slots
        add, goods = self.model, floor.goods
        work = sum(it.work_s for it in goods)
        latest = max(floor.opens_s, *(it.leaves_s for it in goods))
        self.horizon = latest + len(goods) * (floor.setup_s + 1) + work + sum(
            it.leaves_s - it.due_s for it in goods
        )  # fmt: skip
        self.within = [
            [add.new_bool_var(f"in {i} {k}") for k in range(slots)] for i in range(len(goods))
        ]
        self.used = [add.new_bool_var(f"used {k}") for k in range(slots)]
        self.starts = [self._moment(f"start {k}") for k in range(slots)]
        self.ends = [self._moment(f"end {k}") for k in range(slots)]
        for row in self.within:
            add.add_exactly_one(row)
        for k in range(slots):
            self._wave(k)
        lanes = [self._lane(sat, i) for i in range(len(goods))]
        if floor.lanes is not None:
            add.add_cumulative(lanes, [1] * len(lanes), floor.lanes)
        add.minimize(
            HOUR_S * floor.wave_cost * sum(self.used)
            + floor.late_cost_per_hour * sum(self.late)
            + floor.staged_cost_per_hour * sum(self.staged)
        )

    def _moment(self, name: str) -> Any:
        return self.model.new_int_var(self.floor.opens_s, self.horizon, name)

    def _wave(self, k: int) -> None:
        """Set how long a wave lasts, and that it follows the one before."""
        add, floor = self.model, self.floor
        column = [row[k] for row in self.within]
        add.add_max_equality(self.used[k], column)
        if floor.most is not None:
            add.add(sum(column) <= floor.most)
        shared = add.new_int_var(0, self.horizon, f"shared {k}")
        picked = sum(it.work_s * x for it, x in zip(floor.goods, column, strict=True))
        add.add(floor.pickers * shared >= picked)
        add.add(floor.pickers * shared <= picked + floor.pickers - 1)
        add.add(self.ends[k] == self.starts[k] + shared + floor.setup_s * self.used[k])
        if k:
            add.add(self.starts[k] >= self.ends[k - 1])
            add.add_implication(self.used[k], self.used[k - 1])

    def _lane(self, sat: Any, i: int) -> Any:
        """Set how late or early goods are ready; return the interval of their lane."""
        add, it = self.model, self.floor.goods[i]
        if i == 0:
            self.late: list[Any] = []
            self.staged: list[Any] = []
        begin, ready = self._moment(f"begin {i}"), self._moment(f"ready {i}")
        for k, x in enumerate(self.within[i]):
            add.add(begin == self.starts[k]).only_enforce_if(x)
            add.add(ready == self.ends[k]).only_enforce_if(x)
        late = add.new_int_var(0, self.horizon, f"late {i}")
        staged = add.new_int_var(0, self.horizon, f"staged {i}")
        add.add_max_equality(late, [ready - it.due_s, 0])
        add.add_max_equality(staged, [it.due_s - ready, 0])
        self.late.append(late)
        self.staged.append(staged)
        freed = add.new_int_var(0, 2 * self.horizon, f"freed {i}")
        add.add(freed == it.leaves_s + late)
        duration = add.new_int_var(0, 2 * self.horizon, f"taken {i}")
        return add.new_interval_var(begin, duration, freed, f"lane {i}")

    def hint(self, waves: Sequence[Wave]) -> None:
        """Let the search start from a plan."""
        place = {name: k for k, wave in enumerate(waves) for name in wave.goods}
        for i, it in enumerate(self.floor.goods):
            for k, x in enumerate(self.within[i]):
                self.model.add_hint(x, int(place[it.id] == k))
        for k, wave in enumerate(waves):
            self.model.add_hint(self.starts[k], wave.start_s)
            self.model.add_hint(self.ends[k], wave.end_s)

    def read(self, solver: Any) -> list[Wave]:
        """Return the waves of the solver's solution, without empty ones."""
        waves = []
        for k in range(self.slots):
            names = tuple(
                it.id
                for i, it in enumerate(self.floor.goods)
                if solver.boolean_value(self.within[i][k])
            )
            if names:
                waves.append(Wave(solver.value(self.starts[k]), solver.value(self.ends[k]), names))
        return waves
