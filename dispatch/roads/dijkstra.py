"""scipy's Dijkstra on the composite weights of ``hierarchy``. PURE.

Used in tests as the oracle, where a network has no hierarchy, and to find the nodes of a path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dispatch.roads.hierarchy import ENDLESS, Ends

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Longs = npt.NDArray[np.int64]
Sides = tuple[
    tuple[npt.NDArray[np.int32], Longs], ...
]  # nodes, and the cost between each node and its place
ROWS_AT_ONCE = 64  # 64 x 60,000 nodes x 8 bytes = 31 MB


def table(matrix: csr_matrix, ends: Ends) -> Longs:
    """Return the composite costs between all places (row = from, column = to)."""
    from scipy.sparse.csgraph import dijkstra

    count = len(ends.low)
    best = np.full((count, count), 2 * ENDLESS, np.int64)
    for out, leave in _sides(ends.leave_node, ends.leave):
        nodes, back = np.unique(out, return_inverse=True)
        for a in range(0, len(nodes), ROWS_AT_ONCE):
            costs = dijkstra(matrix, indices=nodes[a : a + ROWS_AT_ONCE])
            rows = np.flatnonzero((back >= a) & (back < a + ROWS_AT_ONCE))
            for into, reach in _sides(ends.reach_node, ends.reach):
                part = costs[:, into]
                whole = np.where(np.isfinite(part), part, float(ENDLESS)).astype(np.int64)
                through = whole[back[rows] - a] + leave[rows, None] + reach[None, :]
                best[rows] = np.minimum(best[rows], through)
    return best


def row_and_column(matrix: csr_matrix, one: Ends, many: Ends) -> tuple[Longs, Longs]:
    """Return the composite costs from one place to many, and from the many back to it.

    The way back is computed from the one place, on the graph with all arcs reversed.
    """
    into, out = _sides(many.reach_node, many.reach), _sides(many.leave_node, many.leave)
    there = _from_one(matrix, _sides(one.leave_node, one.leave), into)
    turned = matrix.T.tocsr()
    return there, _from_one(turned, _sides(one.reach_node, one.reach), out)


def _sides(nodes: npt.NDArray[np.int32], costs: Longs) -> Sides:
    return (nodes[:, 0], costs[:, 0]), (nodes[:, 1], costs[:, 1])


def _from_one(matrix: csr_matrix, start: Sides, ends: Sides) -> Longs:
    from scipy.sparse.csgraph import dijkstra

    best = np.full(len(ends[0][0]), 2 * ENDLESS, np.int64)
    for node, begin in start:
        costs = dijkstra(matrix, indices=[int(node[0])])[0]
        whole = np.where(np.isfinite(costs), costs, float(ENDLESS)).astype(np.int64)
        for nodes, cost in ends:
            np.minimum(best, whole[nodes] + begin[0] + cost, out=best)
    return best


def path(
    matrix: csr_matrix, sources: list[tuple[int, int]], targets: list[tuple[int, int]], most: int
) -> list[int] | None:
    """Return the nodes of the cheapest path whose cost is at most ``most``; None without one.

    ``sources`` and ``targets`` are (node, cost between the node and the place).
    """
    from scipy.sparse.csgraph import dijkstra

    nodes = [node for node, _ in sources]
    costs, before = dijkstra(matrix, indices=nodes, limit=float(most), return_predecessors=True)
    best: tuple[float, int, int] | None = None
    for row, (_, leave) in enumerate(sources):
        for target, reach in targets:
            total = costs[row, target] + leave + reach
            if total <= most and (best is None or total < best[0]):
                best = total, row, target
    if best is None:
        return None
    _, row, at = best
    steps = [at]
    while before[row, at] >= 0:
        at = int(before[row, at])
        steps.append(at)
    return steps[::-1]
