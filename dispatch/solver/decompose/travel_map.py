"""A map of the places made from travel times alone, and cutting it into areas. PURE.

Addresses may be missing, wrong or on two sides of a river, but the matrix knows what is near. A few
landmarks are placed by classical scaling. Every other place follows from its times to them
(landmark scaling, de Silva and Tenenbaum 2004). So the work grows with the number of places, not
with its square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from dispatch.solver.model.problem import Int32

Points = np.ndarray[Any, np.dtype[np.float64]]  # rows of coordinates
LANDMARKS: Final = 24  # places that the map is built from
AXES: Final = 3  # coordinates of a point
# An axis with less than this share of the first axis' spread is left out.
SHARE_OF_FIRST: Final = 1e-6


def map_places(duration_s: Int32) -> Points:
    """Return coordinates of all places.

    Parameters
    ----------
    duration_s : array of int32, N x N, seconds
        May be asymmetric; the mean of both directions is used.

    Returns
    -------
    array of float64, N x ``AXES``
        Distances between the points are about the travel times, in seconds.
    """
    chosen, rows = _landmarks(duration_s)
    squares = rows**2  # L x N
    among = squares[:, chosen]
    centre = among.mean(axis=1)
    gram = -(among - centre[:, None] - centre[None, :] + among.mean()) / 2
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1][:AXES]
    points = np.zeros((len(duration_s), AXES))
    for axis, at in enumerate(order):
        if values[at] <= max(values[order[0]] * SHARE_OF_FIRST, 0.0):
            break
        vector = vectors[:, at]
        vector = vector * (1.0 if vector[np.argmax(np.abs(vector))] > 0 else -1.0)
        points[:, axis] = vector @ (centre[:, None] - squares) / (2 * math.sqrt(values[at]))
    return points


def _landmarks(duration_s: Int32) -> tuple[list[int], Points]:
    """Choose places far from each other; return them and their mean times to all places."""
    chosen: list[int] = []
    rows: list[Points] = []
    nearest = np.full(len(duration_s), np.inf)
    at = 0
    while len(chosen) < min(LANDMARKS, len(duration_s)):
        row: Points = (duration_s[at].astype(np.float64) + duration_s[:, at]) / 2
        chosen.append(at)
        rows.append(row)
        nearest = np.minimum(nearest, row)
        at = int(np.argmax(nearest))
        if nearest[at] <= 0:
            break
    return chosen, np.array(rows)


def cut_areas(
    points: Points, weights: Sequence[float], parts: int, turn: int = 0
) -> list[list[int]]:
    """Cut points into areas of about equal weight: across the widest axis, again and again.

    Parameters
    ----------
    points : array, M x AXES
    weights : sequence of float, M
        Each 0 or more.
    parts : int
        How many areas to make; there are fewer where there are fewer points.
    turn : int
        0 cuts across the widest axis; 1, 2 … cut across other axes, so the borders differ.

    Returns
    -------
    list of list of int
        Rows of ``points``; no list is empty.
    """
    load = np.asarray(weights, dtype=np.float64) + 1e-9
    areas: list[list[int]] = []
    waiting = [(np.arange(len(points)), max(1, min(parts, len(points))))]
    while waiting:
        rows, count = waiting.pop()
        if count == 1 or len(rows) <= 1:
            if len(rows):
                areas.append([int(row) for row in rows])
            continue
        sorted_rows = rows[np.argsort(points[rows] @ _axis(points[rows], turn), kind="stable")]
        first = count // 2
        run = np.cumsum(load[sorted_rows])
        edge = int(np.searchsorted(run, run[-1] * first / count)) + 1
        edge = min(max(edge, first), len(rows) - (count - first))
        waiting.append((sorted_rows[edge:], count - first))
        waiting.append((sorted_rows[:edge], first))
    return areas


def _axis(points: Points, turn: int) -> Points:
    """Return the direction of the widest spread, turned by ``turn`` golden angles."""
    spread = points - points.mean(axis=0)
    _values, vectors = np.linalg.eigh(spread.T @ spread)
    angle = turn * math.pi * (3 - math.sqrt(5))
    first, second = vectors[:, -1], vectors[:, -2]
    axis: Points = math.cos(angle) * first + math.sin(angle) * second
    return axis * (1.0 if axis[np.argmax(np.abs(axis))] > 0 else -1.0)
