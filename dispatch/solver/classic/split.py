"""The division of a plan into spatially separate pieces. PURE.

A problem has no coordinates. Places are therefore embedded in the plane by their travel costs to
a few landmarks (landmark MDS; for a Euclidean matrix this gives the map itself). Tours are then
divided by the centres of their visits: across a random direction, across their longest extent, or
by the angle around the depot.

Source: de Silva, Tenenbaum (2004), Sparse multidimensional scaling using landmark points.
"""

from __future__ import annotations

import random
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.classic.arrays import Float, Int64
from dispatch.solver.classic.model import Model
from dispatch.solver.classic.setup import Tours

# Number of landmarks: 3 or more. The layout reads one row of the matrix for each. Prototype.
LANDMARKS: Final = 24
# Probability of a cut by angle around the depot, and, for other cuts, of a cut across the longest
# extent: 0 to 1. Prototype.
BY_ANGLE: Final = 0.5
BY_EXTENT: Final = 0.5


def layout(model: Model) -> Float:
    """Return coordinates of the first depot (row 0) and the visits; shape (visits + 1, 2)."""
    metre, second = model.blend
    metres, seconds = model.metres[model.cost_layers[0][0]], model.seconds[0]
    places = model.places

    def way(mark: int) -> Float:
        """Return the cost between a landmark and each place, as the mean of both directions."""
        there = metre * metres[mark, places] + second * seconds[mark, places]
        back = metre * metres[places, mark] + second * seconds[places, mark]
        return np.asarray((there + back) / 2.0)

    marks = [int(places[0])]
    ways = [way(marks[0])]
    while len(marks) < min(LANDMARKS, len(places)):
        marks.append(int(places[int(np.argmin(-np.min(ways, axis=0)))]))
        ways.append(way(marks[-1]))
    square = np.array(ways) ** 2  # [landmark, visit]
    where = {int(place): at for at, place in reversed(list(enumerate(places)))}
    between = square[:, [where[m] for m in marks]]
    means = between.mean(axis=0)
    centred = -0.5 * (between - means[None, :] - means[:, None] + means.mean())
    values, vectors = np.linalg.eigh((centred + centred.T) / 2)
    axes = vectors[:, -2:] / np.sqrt(np.maximum(values[-2:], 1e-9))
    out: Float = -0.5 * (square - means[:, None]).T @ axes
    return out


def middles(plan: Tours, at: Float) -> Float:
    """Return the centre of each tour's visits; shape (tours, 2)."""
    sums = np.add.reduceat(at[plan.visits], plan.starts, axis=0)
    counts = np.diff(plan.ends, prepend=0)
    return np.asarray(sums / counts[:, None])


def cut(
    points: Float, weights: Int64, centre: npt.NDArray[Any], pieces: int, rng: random.Random
) -> list[Int64]:
    """Cut points into pieces of about equal weight; return each piece's indices."""
    everything = np.arange(len(points))
    if pieces == 1 or len(points) <= 1:
        return [everything]
    return _cut(points, weights, centre, everything, pieces, rng)


def _cut(
    points: Float,
    weights: Int64,
    centre: npt.NDArray[Any],
    chosen: Int64,
    pieces: int,
    rng: random.Random,
) -> list[Int64]:
    if pieces == 1 or len(chosen) < 2:
        return [chosen]
    order = chosen[np.argsort(_along(points[chosen], centre, rng), kind="stable")]
    left = pieces // 2
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, reached[-1] * left / pieces)) + 1
    at = min(max(at, 1), len(order) - 1)
    return [
        *_cut(points, weights, centre, order[:at], left, rng),
        *_cut(points, weights, centre, order[at:], pieces - left, rng),
    ]


def _along(points: Float, centre: npt.NDArray[Any], rng: random.Random) -> Float:
    """Return the position of each point along a random line, or its angle around the centre."""
    if rng.random() < BY_ANGLE:
        turn = rng.random() * 2 * np.pi
        angle = np.arctan2(points[:, 1] - centre[1], points[:, 0] - centre[0])
        return np.asarray((angle + turn) % (2 * np.pi))
    moved = points - points.mean(axis=0)
    if rng.random() < BY_EXTENT:
        _, vectors = np.linalg.eigh(moved.T @ moved)
        return np.asarray(moved @ vectors[:, -1])
    angle = rng.random() * np.pi
    return np.asarray(moved @ np.array([np.cos(angle), np.sin(angle)]))
