"""The problem of planning waves: goods, rules, and what waves cost. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lastmile.core.errors import Problems

HOUR_S: Final = 3600
MAX_GOODS: Final = 500
MAX_S: Final = 10_000_000  # seconds: some months
MAX_PRICE: Final = 10**9
MAX_PICKERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Goods:
    """The goods of one route: ``work_s`` seconds of one picker, due at ``due_s``.

    ``leaves_s`` is when the van has loaded them and their lane is free again.
    """

    id: str
    work_s: int
    due_s: int
    leaves_s: int


@dataclass(frozen=True, slots=True)
class Floor:
    """A hub's pickers and lanes, the goods to pick, and the prices.

    Parameters
    ----------
    goods : tuple of Goods
    opens_s : int
        No wave begins earlier.
    pickers : int
        All of them work in each wave.
    setup_s : int
        Fixed seconds of each wave: lists, trolleys, the way there and back.
    lanes : int or None
        Lanes for goods that are being picked or are ready, one for each route. None: no limit.
    most : int or None
        Most routes in one wave. None: no limit.
    wave_cost : int
        Minor units for each wave.
    late_cost_per_hour, staged_cost_per_hour : int
        Minor units for each hour that a route's goods are ready after, or before, they are due.
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
                faults.add(
                    f"/goods/{at}/id",
                    f"{it.id} appears twice. Give each route its own id.",
                    "duplicate",
                )
            seen.add(it.id)
            for name in ("work_s", "due_s", "leaves_s"):
                _whole(faults, f"/goods/{at}/{name}", getattr(it, name), 0, MAX_S)
            if _number(it.due_s) and _number(it.leaves_s) and it.leaves_s < it.due_s:
                faults.add(f"/goods/{at}/leaves_s", "leaves_s must not be earlier than due_s.")
        _whole(faults, "/opens_s", self.opens_s, 0, MAX_S)
        _whole(faults, "/setup_s", self.setup_s, 0, MAX_S)
        _whole(faults, "/pickers", self.pickers, 1, MAX_PICKERS)
        for name in ("wave_cost", "late_cost_per_hour", "staged_cost_per_hour"):
            _whole(faults, f"/{name}", getattr(self, name), 0, MAX_PRICE)
        for name in ("lanes", "most"):
            if getattr(self, name) is not None:
                _whole(faults, f"/{name}", getattr(self, name), 1, MAX_GOODS)
        faults.raise_if_any("The waves cannot be planned with these values.")


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(faults: Problems, pointer: str, value: object, least: int, most: int) -> None:
    if not (isinstance(value, int) and _number(value) and least <= value <= most):
        faults.add(pointer, f"Give a whole number from {least} to {most}.")


@dataclass(frozen=True, slots=True)
class Wave:
    """Goods picked together in ``[start_s, end_s)``, by id in the order of the input."""

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


def judge(floor: Floor, waves: Sequence[Wave]) -> list[str]:
    """Return the rules that waves break, in words; an empty list if they break none."""
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
            faults.append(f"The wave at {wave.start_s} must last {lasts} s.")
        if wave.start_s < floor.opens_s:
            faults.append(f"The wave at {wave.start_s} begins before the floor opens.")
        if not wave.goods or (floor.most is not None and len(wave.goods) > floor.most):
            faults.append(f"The wave at {wave.start_s} has {len(wave.goods)} routes.")
    for one, two in pairwise(waves):
        if two.start_s < one.end_s:
            faults.append(f"The wave at {two.start_s} begins before the one before has ended.")
    if floor.lanes is not None:
        occupied = [(wave.start_s, freed_s(goods[n], wave)) for wave in waves for n in wave.goods]
        for begin, _end in occupied:
            here = sum(a <= begin < b for a, b in occupied)
            if here > floor.lanes:
                faults.append(f"At {begin}, {here} lanes are used.")
    return faults


def freed_s(goods: Goods, wave: Wave) -> int:
    """Return when a lane is free again: at ``leaves_s``, or later by as much as goods are late."""
    return goods.leaves_s + max(0, wave.end_s - goods.due_s)


def price_of(floor: Floor, waves: Iterable[Wave]) -> Price:
    """Return the cost of waves."""
    goods = {it.id: it for it in floor.goods}
    waves = list(waves)
    early = [goods[n].due_s - wave.end_s for wave in waves for n in wave.goods]
    fixed = len(waves) * floor.wave_cost * HOUR_S
    late = sum(max(0, -s) for s in early) * floor.late_cost_per_hour
    staged = sum(max(0, s) for s in early) * floor.staged_cost_per_hour
    exact = fixed + late + staged
    total, lateness = _rounded(exact), _rounded(late)
    return Price(fixed // HOUR_S, lateness, total - lateness - fixed // HOUR_S, total, exact)


def _rounded(exact: int) -> int:
    return (2 * exact + HOUR_S) // (2 * HOUR_S)
