"""When the goods of each route are picked: waves of a hub's pickers before the vans load. PURE.

Several routes picked in one wave share the way through the store; but a wave is ready as a
whole, its goods stand in lanes until their van has loaded them, and there are few lanes.

    total = wave_cost for each wave
          + late_cost_per_hour for each hour that a route's goods are ready too late
          + staged_cost_per_hour for each hour that they are ready too early

Waves follow one another, all pickers in each: ``setup_s`` and the work of its routes divided
among them. Goods take a lane each from the begin of their wave until ``leaves_s``, later by as
much as they are late. Waves can be put off, so there is an answer to every day.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lastmile.core.errors import Invalid, Problems

HOUR_S: Final = 3600
MAX_GOODS: Final = 500
MAX_S: Final = 10_000_000  # as ``parts.MAX_TIME_S``: some months
MAX_PRICE: Final = 10**9
MAX_PICKERS: Final = 1_000
MORE_WAVES: Final = 4  # than the plain answer has, beyond so many goods:
ALL_WAVES: Final = 16
ALL_BOUNDS: Final = 120  # goods up to which new bounds are tried everywhere
PLAIN_TURNS: Final = 60
SEARCHES: Final = 8  # of CP-SAT's, taking turns on one core: so the answer can be repeated


@dataclass(frozen=True, slots=True)
class Goods:
    """What one route takes along: ``work_s`` seconds of one picker, wanted at ``due_s``.

    ``leaves_s`` is when the van has loaded them and their lane is free.
    """

    id: str
    work_s: int
    due_s: int
    leaves_s: int


@dataclass(frozen=True, slots=True)
class Floor:
    """Who picks where, and what it costs.

    Parameters
    ----------
    goods : tuple of Goods
    opens_s : int
        No wave begins before.
    pickers : int
    setup_s : int
        Of each wave, whatever is in it: lists, trolleys, the way there and back.
    lanes : int or None
        Routes whose goods can stand ready or be put ready side by side.
    most : int or None
        Routes in one wave.
    wave_cost : int
        Minor units for each wave.
    late_cost_per_hour, staged_cost_per_hour : int
        Minor units for each hour that a route's goods are ready after, and before, they are due.
    """

    goods: tuple[Goods, ...]
    opens_s: int = 0
    pickers: int = 1
    setup_s: int = 0
    lanes: int | None = None
    most: int | None = None
    wave_cost: int = 0
    late_cost_per_hour: int = 6_000
    staged_cost_per_hour: int = 60

    def __post_init__(self) -> None:
        faults = Problems()
        if len(self.goods) > MAX_GOODS:
            faults.add("/goods", f"At most {MAX_GOODS} routes.", "too_many")
        seen: set[str] = set()
        for at, it in enumerate(self.goods[:MAX_GOODS]):
            if it.id in seen:
                faults.add(f"/goods/{at}/id", f"{it.id} stands twice.", "duplicate")
            seen.add(it.id)
            for name in ("work_s", "due_s", "leaves_s"):
                _whole(faults, f"/goods/{at}/{name}", getattr(it, name), 0, MAX_S)
            if _number(it.due_s) and _number(it.leaves_s) and it.leaves_s < it.due_s:
                faults.add(f"/goods/{at}/leaves_s", "They leave no sooner than they are due.")
        _whole(faults, "/opens_s", self.opens_s, 0, MAX_S)
        _whole(faults, "/setup_s", self.setup_s, 0, MAX_S)
        _whole(faults, "/pickers", self.pickers, 1, MAX_PICKERS)
        for name in ("wave_cost", "late_cost_per_hour", "staged_cost_per_hour"):
            _whole(faults, f"/{name}", getattr(self, name), 0, MAX_PRICE)
        for name in ("lanes", "most"):
            if getattr(self, name) is not None:
                _whole(faults, f"/{name}", getattr(self, name), 1, MAX_GOODS)
        faults.raise_if_any("The waves cannot be planned so.")


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(faults: Problems, pointer: str, value: object, least: int, most: int) -> None:
    if not (isinstance(value, int) and _number(value) and least <= value <= most):
        faults.add(pointer, f"A whole number from {least} to {most}.")


@dataclass(frozen=True, slots=True)
class Wave:
    """Goods picked together in ``[start_s, end_s)``, by id in the order they were given."""

    start_s: int
    end_s: int
    goods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """Parts of the objective in minor units; ``exact`` is the total in 1/3600 of one."""

    waves: int
    late: int
    staged: int
    total: int
    exact: int


@dataclass(frozen=True, slots=True)
class Waved:
    """Waves in the order of time. ``proven``: nothing cheaper exists."""

    waves: tuple[Wave, ...]
    price: Price
    proven: bool


class NotJudged(RuntimeError):
    """An answer broke the rules: a fault of ours, not of the input."""


def plan_waves(floor: Floor, *, work: float = 0.2, seed: int = 0) -> Waved:
    """Put every route's goods into a wave, as cheaply as can be found.

    Parameters
    ----------
    work : float
        CP-SAT's deterministic time: the same number gives the same answer on every machine. 1 takes
        some ten seconds of one core where nothing is proven before. 0: the plain answer, at once.

    Raises
    ------
    NotJudged
        When the answer does not hold: a fault of ours.
    """
    if not work >= 0:
        raise Invalid("Say how much to work: a number of 0 or more.")
    plain = _plain(floor)
    found, proven = plain, not floor.goods
    if floor.goods and work > 0:
        found, proven = _searched(floor, plain, work, seed)
        if price_of(floor, found).exact > price_of(floor, plain).exact:
            found, proven = plain, False
    faults = judge(floor, found)
    if faults:
        raise NotJudged("; ".join(faults[:5]))
    return Waved(tuple(found), price_of(floor, found), proven)


# --- the referee and the price: they know nothing of the search ---


def judge(floor: Floor, waves: Sequence[Wave]) -> list[str]:
    """Return what is wrong with waves, in words; nothing when they hold."""
    goods = {it.id: it for it in floor.goods}
    picked = [name for wave in waves for name in wave.goods]
    faults = [f"{name} is unknown." for name in picked if name not in goods]
    faults += [f"{name} is picked {picked.count(name)} times." for name in goods
               if picked.count(name) != 1]  # fmt: skip
    if faults:
        return faults
    for wave in waves:
        lasts = floor.setup_s + math.ceil(sum(goods[n].work_s for n in wave.goods) / floor.pickers)
        if wave.end_s - wave.start_s != lasts:
            faults.append(f"The wave at {wave.start_s} lasts {lasts} s.")
        if wave.start_s < floor.opens_s:
            faults.append(f"The wave at {wave.start_s} begins before the floor opens.")
        if not wave.goods or (floor.most is not None and len(wave.goods) > floor.most):
            faults.append(f"The wave at {wave.start_s} has {len(wave.goods)} routes.")
    for one, two in pairwise(waves):
        if two.start_s < one.end_s:
            faults.append(f"The wave at {two.start_s} begins before the one before has ended.")
    if floor.lanes is not None:
        taken = [(wave.start_s, _freed_s(goods[n], wave)) for wave in waves for n in wave.goods]
        for begin, _end in taken:
            here = sum(a <= begin < b for a, b in taken)
            if here > floor.lanes:
                faults.append(f"At {begin} {here} lanes are taken.")
    return faults


def _freed_s(goods: Goods, wave: Wave) -> int:
    """When a lane is free again: as planned, or later by as much as its goods were late."""
    return goods.leaves_s + max(0, wave.end_s - goods.due_s)


def price_of(floor: Floor, waves: Iterable[Wave]) -> Price:
    """Return what waves cost."""
    goods = {it.id: it for it in floor.goods}
    waves = list(waves)
    early = [goods[n].due_s - wave.end_s for wave in waves for n in wave.goods]
    made = len(waves) * floor.wave_cost * HOUR_S
    late = sum(max(0, -s) for s in early) * floor.late_cost_per_hour
    staged = sum(max(0, s) for s in early) * floor.staged_cost_per_hour
    exact = made + late + staged
    total, lateness = _rounded(exact), _rounded(late)
    return Price(made // HOUR_S, lateness, total - lateness - made // HOUR_S, total, exact)


def _rounded(exact: int) -> int:
    return (2 * exact + HOUR_S) // (2 * HOUR_S)


# --- the plain answer ---


def _plain(floor: Floor) -> list[Wave]:
    """Groups by due time: equally many first, then with every bound between two where it is best.

    Each group is picked as late as costs nothing.
    """
    if not floor.goods:
        return []
    order = sorted(floor.goods, key=lambda it: (it.due_s, it.leaves_s, it.id))
    many = len(order)
    widest = min(many, floor.most or many, floor.lanes or many)

    def priced(bounds: list[int]) -> tuple[int, list[Wave]]:
        groups = [order[a:b] for a, b in pairwise([0, *bounds, many])]
        if max(map(len, groups)) > widest:
            return MAX_PRICE * MAX_S * HOUR_S, []
        waves = _timed(floor, groups)
        return price_of(floor, waves).exact, waves

    starts = [list(range(size, many, size)) for size in range(1, widest + 1)]
    bounds = min(starts, key=lambda it: priced(it)[0])
    best = priced(bounds)
    for _turn in range(PLAIN_TURNS):
        near = [other for other in _moved(bounds, many) if len(other) < many]
        tried = min(near, key=lambda it: priced(it)[0], default=bounds)
        found = priced(tried)
        if found[0] >= best[0]:
            break
        bounds, best = tried, found
    return best[1]


def _moved(bounds: list[int], many: int) -> Iterable[list[int]]:
    """Yield the same groups with one bound moved, taken away or set anew."""
    for at, bound in enumerate(bounds):
        others = bounds[:at] + bounds[at + 1 :]
        yield others
        for to in (bound - 2, bound - 1, bound + 1, bound + 2):
            if 0 < to < many and to not in others:
                yield sorted([*others, to])
    if many <= ALL_BOUNDS:
        yield from (sorted([*bounds, new]) for new in range(1, many) if new not in bounds)


def _timed(floor: Floor, groups: list[list[Goods]]) -> list[Wave]:
    """Each group as soon as pickers and lanes are free; then each as late as costs nothing."""
    waves: list[Wave] = []
    freed: list[int] = []  # when each lane taken so far is free again
    free_s = floor.opens_s
    for group in groups:
        lasts = floor.setup_s + math.ceil(sum(it.work_s for it in group) / floor.pickers)
        start = free_s
        if floor.lanes is not None and len(freed) + len(group) > floor.lanes:
            start = max(start, sorted(freed)[len(freed) + len(group) - floor.lanes - 1])
        wave = Wave(start, start + lasts, tuple(it.id for it in group))
        freed += [_freed_s(it, wave) for it in group]
        free_s = wave.end_s
        waves.append(wave)
    goods = {it.id: it for it in floor.goods}
    latest = MAX_S * 4
    for at in range(len(waves) - 1, -1, -1):
        wave = waves[at]
        soonest = min(goods[n].due_s for n in wave.goods)
        shift = max(0, min(soonest, latest) - wave.end_s)
        waves[at] = Wave(wave.start_s + shift, wave.end_s + shift, wave.goods)
        latest = waves[at].start_s
    return waves


# --- the search ---


def _searched(floor: Floor, plain: list[Wave], work: float, seed: int) -> tuple[list[Wave], bool]:
    """Return the best waves CP-SAT finds, and whether it proved that there are no cheaper ones."""
    sat = importlib.import_module("ortools.sat.python.cp_model")  # heavy: only when asked for
    many = len(floor.goods)
    slots = many if many <= ALL_WAVES else min(many, len(plain) + MORE_WAVES)
    model = _Model(sat, floor, slots)
    model.hint(plain)
    solver = sat.CpSolver()
    solver.parameters.num_workers = SEARCHES
    solver.parameters.interleave_search = True
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = work
    status = solver.solve(model.model)
    if status not in {sat.OPTIMAL, sat.FEASIBLE}:
        return plain, False
    return model.read(solver), status == sat.OPTIMAL and slots == many


class _Model:
    """Goods to slots of waves, in the order of time; slots not used stand at the end."""

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
        """How long a wave lasts, and that it comes behind the one before."""
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
        """How late or early goods are ready; returns the time they take a lane."""
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
        taken = add.new_int_var(0, 2 * self.horizon, f"taken {i}")
        return add.new_interval_var(begin, taken, freed, f"lane {i}")

    def hint(self, waves: Sequence[Wave]) -> None:
        """Let the search begin from an answer."""
        place = {name: k for k, wave in enumerate(waves) for name in wave.goods}
        for i, it in enumerate(self.floor.goods):
            for k, x in enumerate(self.within[i]):
                self.model.add_hint(x, int(place[it.id] == k))
        for k, wave in enumerate(waves):
            self.model.add_hint(self.starts[k], wave.start_s)
            self.model.add_hint(self.ends[k], wave.end_s)

    def read(self, solver: Any) -> list[Wave]:
        """Return the waves that were found, without empty ones."""
        made = []
        for k in range(self.slots):
            names = tuple(
                it.id
                for i, it in enumerate(self.floor.goods)
                if solver.boolean_value(self.within[i][k])
            )
            if names:
                made.append(Wave(solver.value(self.starts[k]), solver.value(self.ends[k]), names))
        return made
