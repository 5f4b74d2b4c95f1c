"""Who may well come before, behind and beside whom. PURE, compiled.

For each visit the lists hold the best few by the leg's blended cost plus a part of the waiting
that the windows force; legs that the windows forbid do not stand in them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np

from dispatch.solver.compiled import allocating
from dispatch.solver.core.arrays import Float, Int32, Int64
from dispatch.solver.core.model import Model

NEIGHBOURS: Final = 100
CANDIDATES: Final = 50
WAITING: Final = 0.2  # of a drive of equal length
SAMPLE: Final = 200
USUAL: Final = 0.05  # share of legs that may be dearer than the bound on ways back says


class Near(NamedTuple):
    """Lists by visit, best first, ended by 0."""

    before: Int32
    after: Int32
    around: Int32
    back: float  # least usual cost of a leg divided by that of its way back, at most 1


@allocating
def _enter(names: Int32, keys: Float, row: int, name: int, key: float) -> None:
    """Put a name into its place in a sorted list, if it belongs there."""
    at = keys.shape[1] - 1
    if key >= keys[row, at]:
        return
    while at > 0 and keys[row, at - 1] > key:
        keys[row, at], names[row, at] = keys[row, at - 1], names[row, at - 1]
        at -= 1
    keys[row, at], names[row, at] = key, name


@allocating
def _lists(
    metres: Int32, seconds: Int32, places: Int64, opens: Int32, closes: Int32, service: Int32,
    prices: tuple[float, float, float], first: int, last: int, out: tuple[Int32, Int32, Int32],
) -> None:  # fmt: skip
    """Fill the lists of the visits from ``first`` to before ``last``."""
    size = len(places)
    before, after, around = out[0][first:last], out[1][first:last], out[2][first:last]
    keys_before = np.full(before.shape, np.inf)
    keys_after = np.full(after.shape, np.inf)
    keys_around = np.full(around.shape, np.inf)
    metre, second, pace = prices
    for a in range(1, size):
        mine = first <= a < last
        for b in range(1 if mine else first, size if mine else last):
            if a == b:
                continue
            drive = seconds[places[a], places[b]]
            cost = metre * metres[places[a], places[b]] + second * drive
            if mine:
                _enter(around, keys_around, a - first, b, cost)
            leave = opens[a] + service[a] + drive
            if leave > closes[b]:
                continue
            wait = max(0, opens[b] - (closes[a] + service[a] + drive))
            key = cost + WAITING * pace * wait
            if mine:
                _enter(after, keys_after, a - first, b, key)
            if first <= b < last:
                _enter(before, keys_before, b - first, a, key)


def near_of(model: Model, threads: int) -> Near:
    """Return the lists of all visits, by the first layers of travel."""
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
    edges = [1 + size * at // threads for at in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(
            pool.map(
                lambda at: _lists(
                    metres, seconds, model.places, model.opens, model.closes, model.service[0],
                    (metre, second, pace), edges[at], edges[at + 1], out,
                ),
                range(threads),
            )
        )  # fmt: skip
    return Near(*out, _back(cost))


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
    """Return the lists of some visits in a part's own numbers, without those outside."""
    out = np.zeros((len(chosen) + 1, names.shape[1]), np.int32)
    _within(names, chosen, local, out)
    return out
