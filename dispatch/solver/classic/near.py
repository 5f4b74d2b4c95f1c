"""Neighbour lists: likely predecessors, likely successors and neighbours of visits. PURE, compiled.

Predecessors and successors are ranked by the cost of the leg, plus a part of the waiting that the
time windows force. The cost uses mean prices of all vehicles (``Model.blend``). Legs that the time
windows forbid are not in the lists.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np

from dispatch.solver.classic.arrays import Float, Int32, Int64
from dispatch.solver.classic.model import Model
from dispatch.solver.compiling.compiled import allocating

# Length of the list of neighbours, from whose tours strings are removed: 1 or more. Prototype.
NEIGHBOURS: Final = 100
# Length of the lists of predecessors and of successors, whose gaps are tried: 1 or more.
# Prototype: 20 gave worse results. Here: half as long lists gave no difference beyond that
# between seeds.
CANDIDATES: Final = 50
# Price of a second of forced waiting, as a share of the price of a second of driving: 0 to 1.
# Prototype.
WAITING: Final = 0.2
# Visits whose legs are sampled for the mean cost of a second: 2 or more. Chosen.
SAMPLE: Final = 200
# Columns of the matrix that are scanned together, so that their lists fit in the first-level
# cache: 1 or more. Chosen.
BLOCK: Final = 64
# Share of sampled legs that may violate the bound ``Near.back``: 0 to below 1. Chosen.
USUAL: Final = 0.05


class Near(NamedTuple):
    """The lists of all visits, best first; 0 ends a list."""

    before: Int32  # [visit, …] likely predecessors
    after: Int32  # [visit, …] likely successors
    around: Int32  # [visit, …] neighbours
    back: float  # lower bound of cost(b, a) / cost(a, b) for all but a share USUAL of legs; <= 1


@allocating
def _enter(names: Int32, keys: Float, row: int, name: int, key: float) -> None:
    """Insert a name into a sorted list; its key must be below the last key."""
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
    """List the likely successors and the neighbours of visits ``first`` to ``last`` - 1."""
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
    """List the likely predecessors of visits ``first`` to ``last`` - 1.

    BLOCK visits are handled together, so that the matrix is still read row by row. The worst key
    of each of their lists then stays in the first-level cache.
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


def empty_lists(model: Model) -> Near:
    """Return lists without entries, for the time before ``near_of`` has computed them."""
    none = np.zeros((model.size + 1, 1), np.int32)
    return Near(none, none, none, 1.0)


def near_of(model: Model, threads: int, time_up: Callable[[], bool]) -> Near | None:
    """Return the lists of all visits, or None if the time is up.

    The lists use the metres and seconds of the first profile and speed only. Each thread calls
    ``time_up`` between blocks of visits.
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
            if time_up():
                return False
            last = min(end, first + 2 * BLOCK)
            _behind(*tables, first, last, *out[1:])
            _ahead(*tables, first, last, out[0])
        return True

    with ThreadPoolExecutor(threads) as pool:
        whole = all(list(pool.map(fill, range(threads))))
    return Near(*out, _back(cost)) if whole else None


def _back(cost: Float) -> float:
    """Return the USUAL quantile of cost(b, a) / cost(a, b) over all legs, at most 1."""
    there, back = cost, cost.T
    some = there > 0
    if not some.any():
        return 1.0
    return float(min(1.0, np.quantile((back[some] / there[some]), USUAL)))


@allocating
def _within(names: Int32, chosen: Int64, local: Int32, out: Int32) -> None:
    """Copy the lists of the chosen visits, without visits that have no local number."""
    for row in range(len(chosen)):
        count = 0
        for at in range(names.shape[1]):
            name = local[names[chosen[row], at]]
            if name > 0:
                out[row + 1, count] = name
                count += 1


def within(names: Int32, chosen: Int64, local: Int32) -> Int32:
    """Return the lists of a piece's visits, in the numbers of the piece, without other visits."""
    out = np.zeros((len(chosen) + 1, names.shape[1]), np.int32)
    _within(names, chosen, local, out)
    return out
