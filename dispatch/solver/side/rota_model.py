"""The rota as CP-SAT sees it. PURE; loads OR-Tools, so only ``rota`` imports it, and late.

A 0/1 for each duty with each van and with each driver that could take it alone. Since times are
fixed, "not at once" is at most one of every clique of an interval graph, at each begin; a skill
of a duty is at most one of the vans and drivers without it. Where a change of van has a price,
each driver's duties form one chain.

Source: OR-Tools, CP-SAT (https://developers.google.com/optimization/cp).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ortools.sat.python import cp_model

from dispatch.solver.side.rota_fill import Eligible
from dispatch.solver.side.rota_problem import PER_METRE, PER_SECOND, UNIT, Rota

Taken = dict[int, tuple[int, int]]

SEARCHES: Final = 8  # of CP-SAT's, taking turns on one core: so the answer can be repeated


@dataclass(frozen=True, slots=True)
class Found:
    """What the search has: duties with van and driver by number, and exact money."""

    taken: Taken
    exact: int
    bound: int
    proven: bool


@dataclass(slots=True)
class _Model:
    rota: Rota
    choices: Eligible
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    van: dict[tuple[int, int], cp_model.IntVar] = field(default_factory=dict)
    crew: dict[tuple[int, int], cp_model.IntVar] = field(default_factory=dict)
    done: list[cp_model.IntVar] = field(default_factory=list)
    prices: list[tuple[cp_model.IntVar, int]] = field(default_factory=list)
    constant: int = 0

    def flag(self) -> cp_model.IntVar:
        return self.cp.new_bool_var("")

    def build(self) -> None:
        for d, duty in enumerate(self.rota.duties):
            done = self.flag()
            self.done.append(done)
            self.constant += duty.price * UNIT
            self.prices.append((done, -duty.price * UNIT))
            for v in self.choices.vans[d]:
                self.van[d, v] = self.flag()
                price = duty.distance_m * self.rota.vans[v].cost_per_km * PER_METRE
                self.prices.append((self.van[d, v], price))
            for c in self.choices.crews[d]:
                self.crew[d, c] = self.flag()
                price = duty.lasts_s * self.rota.crews[c].cost_per_hour * PER_SECOND
                self.prices.append((self.crew[d, c], price))
            self.cp.add(sum(self.van[d, v] for v in self.choices.vans[d]) == done)
            self.cp.add(sum(self.crew[d, c] for c in self.choices.crews[d]) == done)
            self._skills(d)
        self._not_at_once(self.van)
        self._not_at_once(self.crew)
        self._limits()
        self._fixed()
        if self.rota.mismatch_cost:
            self._mismatch()
        if self.rota.change_cost:
            self._changes()
        if self.rota.fairness_cost_per_hour:
            self._fairness()

    def _skills(self, d: int) -> None:
        for skill in sorted(self.rota.duties[d].skills):
            vans = [v for v in self.choices.vans[d] if skill not in self.rota.vans[v].skills]
            crews = [c for c in self.choices.crews[d] if skill not in self.rota.crews[c].skills]
            self.cp.add_at_most_one(
                [*(self.van[d, v] for v in vans), *(self.crew[d, c] for c in crews)]
            )

    def _not_at_once(self, flags: dict[tuple[int, int], cp_model.IntVar]) -> None:
        duties, gap = self.rota.duties, self.rota.turnaround_s
        for first in duties:
            here = [
                d for d, it in enumerate(duties) if it.begins_s <= first.begins_s < it.ends_s + gap
            ]
            by_member: dict[int, list[cp_model.IntVar]] = {}
            for d in here:
                chosen = self.choices.vans if flags is self.van else self.choices.crews
                for member in chosen[d]:
                    by_member.setdefault(member, []).append(flags[d, member])
            for clash in by_member.values():
                if len(clash) > 1:
                    self.cp.add_at_most_one(clash)

    def _limits(self) -> None:
        duties = self.rota.duties
        for v, van in enumerate(self.rota.vans):
            its = [d for d in range(len(duties)) if (d, v) in self.van]
            if van.range_m is not None:
                self.cp.add(sum(duties[d].distance_m * self.van[d, v] for d in its) <= van.range_m)
        for c, crew in enumerate(self.rota.crews):
            if crew.max_work_s is not None:
                self.cp.add(self._work(c) <= crew.max_work_s)

    def _work(self, c: int) -> cp_model.LinearExprT:
        return sum(
            it.lasts_s * self.crew[d, c]
            for d, it in enumerate(self.rota.duties)
            if (d, c) in self.crew
        )

    def _fixed(self) -> None:
        for v, van in enumerate(self.rota.vans):
            its = [self.van[d, v] for d in range(len(self.done)) if (d, v) in self.van]
            if van.fixed_cost and its:
                used = self.flag()
                self.prices.append((used, van.fixed_cost * UNIT))
                for one in its:
                    self.cp.add_implication(one, used)

    def _mismatch(self) -> None:
        for d, done in enumerate(self.done):
            wrong = self.flag()
            self.prices.append((wrong, self.rota.mismatch_cost * UNIT))
            self.cp.add_implication(wrong, done)
            for c in self.choices.crews[d]:
                prefers = self.rota.crews[c].prefers
                others = [v for v in self.choices.vans[d] if self.rota.vans[v].id not in prefers]
                if prefers and others:
                    on_others = sum(self.van[d, v] for v in others)
                    self.cp.add(wrong >= self.crew[d, c] + on_others - 1)

    def _changes(self) -> None:
        duties, count = self.rota.duties, len(self.done)
        into: list[list[cp_model.IntVar]] = [[] for _ in range(count)]
        out: list[list[cp_model.IntVar]] = [[] for _ in range(count)]
        starts: dict[int, list[cp_model.IntVar]] = {}
        for (d, c), flag in self.crew.items():
            start = self.flag()
            self.cp.add_implication(start, flag)
            into[d].append(start)
            starts.setdefault(c, []).append(start)
        for its in starts.values():  # one chain for each driver, so its links are consecutive
            self.cp.add_at_most_one(its)
        # Numbers of their own keep a link to two terms instead of one for each van or driver.
        van, crew = self._numbers(self.van), self._numbers(self.crew)
        changed = [self.flag() for _ in range(count)]
        self.prices += [(flag, self.rota.change_cost * UNIT) for flag in changed]
        for a in range(count):
            for b in range(count):
                if duties[a].ends_s + self.rota.turnaround_s > duties[b].begins_s:
                    continue
                if not set(self.choices.crews[a]) & set(self.choices.crews[b]):
                    continue
                if not self.choices.vans[a] or not self.choices.vans[b]:
                    continue
                link = self.flag()
                self.cp.add_implication(link, self.done[a])
                self.cp.add(crew[a] == crew[b]).only_enforce_if(link)
                self.cp.add(van[a] == van[b]).only_enforce_if(link, ~changed[b])
                into[b].append(link)
                out[a].append(link)
        for d, done in enumerate(self.done):
            self.cp.add(sum(into[d]) == done)
            self.cp.add_at_most_one(out[d])

    def _numbers(self, flags: dict[tuple[int, int], cp_model.IntVar]) -> list[cp_model.IntVar]:
        top = max((member for _, member in flags), default=0) + 1
        terms: list[list[cp_model.LinearExprT]] = [[] for _ in self.done]
        for (d, member), flag in flags.items():
            terms[d].append((member + 1) * flag)
        found = [self.cp.new_int_var(0, top, "") for _ in self.done]
        for number, its in zip(found, terms, strict=True):
            self.cp.add(number == sum(its))
        return found

    def _fairness(self) -> None:
        top = sum(it.lasts_s for it in self.rota.duties)
        most, least, spread = (self.cp.new_int_var(0, top, "") for _ in range(3))
        for c in sorted({c for _, c in self.crew}):
            used = self.flag()
            for d in range(len(self.done)):
                if (d, c) in self.crew:
                    self.cp.add_implication(self.crew[d, c], used)
            self.cp.add(most >= self._work(c))
            self.cp.add(least <= self._work(c)).only_enforce_if(used)
        self.cp.add(spread >= most - least)
        self.prices.append((spread, self.rota.fairness_cost_per_hour * PER_SECOND))

    def hint(self, taken: Mapping[int, tuple[int, int]]) -> None:
        for d, done in enumerate(self.done):
            self.cp.add_hint(done, d in taken)
        for number, flags in enumerate((self.van, self.crew)):
            for (d, member), flag in flags.items():
                self.cp.add_hint(flag, d in taken and taken[d][number] == member)


def search(
    rota: Rota,
    possible: Eligible,
    first: Mapping[int, tuple[int, int]],
    *,
    seconds: float | None,
    work: float | None,
    seed: int,
    threads: int,
) -> Found | None:
    """Search from the greedy rota; None when the time was too short for any answer.

    Raises
    ------
    RuntimeError
        CP-SAT says that there is no answer, or refuses the model: a fault of ours.
    """
    model = _Model(rota, possible)
    model.build()
    model.hint(first)
    scale = math.gcd(*(price for _, price in model.prices)) or 1
    model.cp.minimize(sum(price // scale * flag for flag, price in model.prices if price))
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = threads if threads > 1 else SEARCHES
    solver.parameters.interleave_search = threads == 1
    if seconds is not None:
        solver.parameters.max_time_in_seconds = seconds
    if work is not None:
        solver.parameters.max_deterministic_time = work
    status = solver.solve(model.cp)
    if status == cp_model.UNKNOWN:
        return None
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise RuntimeError(f"CP-SAT answered {solver.status_name(status)}.")
    vans = {d: v for (d, v), flag in model.van.items() if solver.value(flag)}
    crews = {d: c for (d, c), flag in model.crew.items() if solver.value(flag)}
    exact = model.constant + sum(price * solver.value(flag) for flag, price in model.prices)
    # The bound comes as a float: give away what it cannot hold.
    least = solver.best_objective_bound
    bound = model.constant + math.floor(least - abs(least) * 1e-12) * scale
    proven = status == cp_model.OPTIMAL
    taken = {d: (v, crews[d]) for d, v in vans.items()}
    return Found(taken, exact, exact if proven else bound, proven)
