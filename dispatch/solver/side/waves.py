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
from dispatch.solver.side.waves_search import searched
from lastmile.core.errors import Invalid

ALL_BOUNDS: Final = 120  # goods up to which new bounds are tried everywhere
PLAIN_TURNS: Final = 60


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
        found, proven = searched(floor, plain, work, seed)
        if price_of(floor, found).exact > price_of(floor, plain).exact:
            found, proven = plain, False
    faults = judge(floor, found)
    if faults:
        raise NotJudged("; ".join(faults[:5]))
    return Waved(tuple(found), price_of(floor, found), proven)


# --- the referee and the price: they know nothing of the search ---


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


# --- the search ---
