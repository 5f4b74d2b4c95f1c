"""Who may well come before, behind and beside whom. PURE, compiled.

For each visit the lists hold the best few by the leg's blended cost plus a part of the waiting
that the windows force; legs that the windows forbid do not stand in them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np

from dispatch.solver.classic.arrays import Float, Int32, Int64
from dispatch.solver.classic.model import Model
from dispatch.solver.compiling.compiled import allocating

# Visits beside each that strings are taken from: 1 or more. Prototype.
NEIGHBOURS: Final = 100
# Likely visits before and behind each whose gaps are looked at: 1 or more. Prototype: 20 paid less;
# here half as many changed nothing beyond seeds.
CANDIDATES: Final = 50
# Price of a second of forced waiting, in that of a second of driving: 0 to 1. Prototype.
WAITING: Final = 0.2
# Visits whose legs say what a second costs on the mean: 2 or more. Chosen.
SAMPLE: Final = 200
# Columns of the matrix that are looked at together: their lists lie in the nearest cache. Chosen.
BLOCK: Final = 64
# Share of legs that may be dearer than the bound on ways back says: 0 to below 1. Chosen.
USUAL: Final = 0.05


class Near(NamedTuple):
    """Lists by visit, best first, ended by 0."""

    before: Int32
    after: Int32
    around: Int32
    back: float  # least usual cost of a leg divided by that of its way back, at most 1


@allocating
def _enter(names: Int32, keys: Float, row: int, name: int, key: float) -> None:
    """Put a name with a key below the last one into its place in a sorted list."""
    at = keys.shape[1] - 1
    while at > 0 and keys[row, at - 1] > key:
        keys[row, at], names[row, at] = keys[row, at - 1], names[row, at - 1]
        at -= 1
    keys[row, at], names[row, at] = key, name


@allocating
def _behind(
    metres: Int32, seconds: Int32, places: Int64, opens: Int32, closes: Int32, service: Int32,
    prices: tuple[float, float, float], first: int, last: int, after: Int32, around: Int32,
) -> None:  # fmt: skip
    """Fill the lists of who comes behind and beside the visits ``first`` to before ``last``."""
    metre, second, pace = prices
    keys = np.full((1, after.shape[1]), np.inf)
    beside = np.full((1, around.shape[1]), np.inf)
    for a in range(first, last):
        keys[:], beside[:] = np.inf, np.inf
        ready, rest = opens[a] + service[a], closes[a] + service[a]
        for b in range(1, len(places)):
            drive = seconds[places[a], places[b]]
            cost = metre * metres[places[a], places[b]] + second * drive
            if a == b:
                continue
            if cost < beside[0, -1]:
                _enter(around[a : a + 1], beside, 0, b, cost)
            if cost >= keys[0, -1] or ready + drive > closes[b]:
                continue
            key = cost + WAITING * pace * max(0, opens[b] - (rest + drive))
            if key < keys[0, -1]:
                _enter(after[a : a + 1], keys, 0, b, key)


@allocating
def _ahead(
    metres: Int32, seconds: Int32, places: Int64, opens: Int32, closes: Int32, service: Int32,
    prices: tuple[float, float, float], first: int, last: int, before: Int32,
) -> None:  # fmt: skip
    """Fill the lists of who comes before the visits from ``first`` to before ``last``.

    A block of columns at a time: the matrix is read line by line, and the last key of each list
    in the block stays in the nearest cache.
    """
    metre, second, pace = prices
    keys = np.empty((BLOCK, before.shape[1]))
    worst = np.empty(BLOCK)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        keys[:], worst[:] = np.inf, np.inf
        for a in range(1, len(places)):
            ready, rest = opens[a] + service[a], closes[a] + service[a]
            for b in range(start, end):
                drive = seconds[places[a], places[b]]
                cost = metre * metres[places[a], places[b]] + second * drive
                if cost >= worst[b - start] or a == b or ready + drive > closes[b]:
                    continue
                key = cost + WAITING * pace * max(0, opens[b] - (rest + drive))
                if key < worst[b - start]:
                    _enter(before[start:end], keys, b - start, a, key)
                    worst[b - start] = keys[b - start, -1]


def nobody_near(model: Model) -> Near:
    """Return empty lists: what stands in for them until there is time to make them."""
    none = np.zeros((model.size + 1, 1), np.int32)
    return Near(none, none, none, 1.0)


def near_of(model: Model, threads: int, late: Callable[[], bool]) -> Near | None:
    """Return the lists of all visits, by the first layers of travel; None once it is late.

    ``late`` is asked between blocks of visits, by each thread.
    """
    size = model.size
    metres = model.metres[model.cost_layers[0][0]]
    seconds = model.seconds[0]
    metre, second = model.blend
    sample = model.places[1 :: max(1, size // SAMPLE)]
    cost = metre * metres[np.ix_(sample, sample)] + second * seconds[np.ix_(sample, sample)]
    pace = float(cost.mean()) / max(1.0, float(seconds[np.ix_(sample, sample)].mean()))
    near, many = max(1, min(CANDIDATES, size - 1)), max(1, min(NEIGHBOURS, size - 1))
    out = (
        np.zeros((size + 1, near), np.int32),
        np.zeros((size + 1, near), np.int32),
        np.zeros((size + 1, many), np.int32),
    )
    prices = (float(metre), float(second), pace)
    tables = metres, seconds, model.places, model.opens, model.closes, model.service[0], prices

    def fill(at: int) -> bool:
        end = 1 + size * (at + 1) // threads
        for first in range(1 + size * at // threads, end, 2 * BLOCK):
            if late():
                return False
            last = min(end, first + 2 * BLOCK)
            _behind(*tables, first, last, *out[1:])
            _ahead(*tables, first, last, out[0])
        return True

    with ThreadPoolExecutor(threads) as pool:
        whole = all(list(pool.map(fill, range(threads))))
    return Near(*out, _back(cost)) if whole else None


def _back(cost: Float) -> float:
    """Return the least usual ratio of a leg's cost to that of its way back."""
    there, back = cost, cost.T
    some = there > 0
    if not some.any():
        return 1.0
    return float(min(1.0, np.quantile((back[some] / there[some]), USUAL)))


@allocating
def _within(names: Int32, chosen: Int64, local: Int32, out: Int32) -> None:
    """Keep those of each chosen visit's list that have a local name."""
    for row in range(len(chosen)):
        count = 0
        for at in range(names.shape[1]):
            name = local[names[chosen[row], at]]
            if name > 0:
                out[row + 1, count] = name
                count += 1


def within(names: Int32, chosen: Int64, local: Int32) -> Int32:
    """Return the lists of some visits in a piece's own numbers, without those outside."""
    out = np.zeros((len(chosen) + 1, names.shape[1]), np.int32)
    _within(names, chosen, local, out)
    return out
