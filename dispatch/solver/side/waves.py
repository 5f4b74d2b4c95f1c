"""Planning the waves in which a hub's pickers pick the goods of routes before vans load. PURE.

Routes picked in one wave share the way through the store. But all goods of a wave are ready only
when the whole wave is ready. They occupy lanes until their van has loaded them, and there are few
lanes.

    total = wave_cost for each wave
          + late_cost_per_hour for each hour that a route's goods are ready too late
          + staged_cost_per_hour for each hour that they are ready too early

Waves follow one another, and all pickers work in each. A wave takes ``setup_s`` plus the work of
its routes divided among the pickers. Goods occupy a lane each from the begin of their wave until
``leaves_s``, or later by as much as they are late. Waves can be delayed, so a solution always
exists.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dispatch.solver.side.waves_problem import (
    HOUR_S,
    MAX_PRICE,
    MAX_S,
    Floor,
    Goods,
    Price,
    Wave,
    freed_s,
    judge,
    price_of,
)
from dispatch.solver.side.waves_search import search_waves
from lastmile.core.errors import Invalid

ALL_BOUNDS: Final = 120  # most routes for which a new bound is tried everywhere
PLAIN_TURNS: Final = 60  # most improvement steps of the heuristic


@dataclass(frozen=True, slots=True)
class WavePlan:
    """Waves in order of time; ``proven`` means that no cheaper plan exists."""

    waves: tuple[Wave, ...]
    price: Price
    proven: bool


class WavesRefused(RuntimeError):
    """The waves found break a rule: a bug in our code, not a wrong input."""


def plan_waves(floor: Floor, *, work: float = 0.2, seed: int = 0) -> WavePlan:
    """Put every route's goods into a wave, at the lowest cost that is found.

    Parameters
    ----------
    work : float
        CP-SAT's deterministic time: the same number gives the same plan on every machine. 1 takes
        some ten seconds of one core, unless the optimum is proven earlier. 0 returns the
        heuristic's plan at once.

    Raises
    ------
    Invalid
        When ``work`` is negative.
    WavesRefused
        When the plan breaks a rule: a bug in our code.
    """
    if not work >= 0:
        raise Invalid("Set work to a number of 0 or more.")
    simple = _heuristic(floor)
    waves, proven = simple, not floor.goods
    if floor.goods and work > 0:
        waves, proven = search_waves(floor, simple, work, seed)
        if price_of(floor, waves).exact > price_of(floor, simple).exact:
            waves, proven = simple, False
    faults = judge(floor, waves)
    if faults:
        raise WavesRefused("; ".join(faults[:5]))
    return WavePlan(tuple(waves), price_of(floor, waves), proven)


# --- the heuristic ---


def _heuristic(floor: Floor) -> list[Wave]:
    """Return waves that group routes by due time, improved by moving the bounds between groups.

    The first groups are of equal size. Then one bound at a time is moved, removed or added while
    that makes the plan cheaper. Each group is picked as late as possible without extra cost.
    """
    if not floor.goods:
        return []
    order = sorted(floor.goods, key=lambda it: (it.due_s, it.leaves_s, it.id))
    count = len(order)
    widest = min(count, floor.most or count, floor.lanes or count)

    def priced(bounds: list[int]) -> tuple[int, list[Wave]]:
        groups = [order[a:b] for a, b in pairwise([0, *bounds, count])]
        if max(map(len, groups)) > widest:
            return MAX_PRICE * MAX_S * HOUR_S, []
        waves = _schedule(floor, groups)
        return price_of(floor, waves).exact, waves

    starts = [list(range(size, count, size)) for size in range(1, widest + 1)]
    bounds = min(starts, key=lambda it: priced(it)[0])
    best = priced(bounds)
    for _turn in range(PLAIN_TURNS):
        neighbours = [other for other in _neighbours(bounds, count) if len(other) < count]
        neighbour = min(neighbours, key=lambda it: priced(it)[0], default=bounds)
        candidate = priced(neighbour)
        if candidate[0] >= best[0]:
            break
        bounds, best = neighbour, candidate
    return best[1]


def _neighbours(bounds: list[int], count: int) -> Iterable[list[int]]:
    """Yield the bounds with one of them moved or removed, or with a new one."""
    for at, bound in enumerate(bounds):
        others = bounds[:at] + bounds[at + 1 :]
        yield others
        for to in (bound - 2, bound - 1, bound + 1, bound + 2):
            if 0 < to < count and to not in others:
                yield sorted([*others, to])
    if count <= ALL_BOUNDS:
        yield from (sorted([*bounds, new]) for new in range(1, count) if new not in bounds)


def _schedule(floor: Floor, groups: list[list[Goods]]) -> list[Wave]:
    """Schedule groups as soon as pickers and lanes are free, then delay each while that is free."""
    waves: list[Wave] = []
    freed: list[int] = []  # when each lane used so far is free again
    free_s = floor.opens_s
    for group in groups:
        lasts = floor.setup_s + math.ceil(sum(it.work_s for it in group) / floor.pickers)
        start = free_s
        if floor.lanes is not None and len(freed) + len(group) > floor.lanes:
            start = max(start, sorted(freed)[len(freed) + len(group) - floor.lanes - 1])
        wave = Wave(start, start + lasts, tuple(it.id for it in group))
        freed += [freed_s(it, wave) for it in group]
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
