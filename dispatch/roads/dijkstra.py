"""scipy's Dijkstra on the hierarchy's composite weights: oracle, fallback, and paths. PURE."""

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
]  # nodes and the cost between them and places
ROWS_AT_ONCE = 64  # 64 x 60,000 nodes x 8 bytes = 31 MB


def table(matrix: csr_matrix, ends: Ends) -> Longs:
    """Composite costs between all places, node by node."""
    from scipy.sparse.csgraph import dijkstra

    count = len(ends.low)
    best = np.full((count, count), 2 * ENDLESS, np.int64)
    for out, leave in ((ends.low, ends.leave_low), (ends.high, ends.leave_high)):
        nodes, back = np.unique(out, return_inverse=True)
        for a in range(0, len(nodes), ROWS_AT_ONCE):
            found = dijkstra(matrix, indices=nodes[a : a + ROWS_AT_ONCE])
            rows = np.flatnonzero((back >= a) & (back < a + ROWS_AT_ONCE))
            for into, reach in ((ends.low, ends.reach_low), (ends.high, ends.reach_high)):
                part = found[:, into]
                whole = np.where(np.isfinite(part), part, float(ENDLESS)).astype(np.int64)
                through = whole[back[rows] - a] + leave[rows, None] + reach[None, :]
                best[rows] = np.minimum(best[rows], through)
    return best


def row_and_column(matrix: csr_matrix, one: Ends, many: Ends) -> tuple[Longs, Longs]:
    """Composite costs from one place to many and back; the way back on the streets turned round."""
    into = ((many.low, many.reach_low), (many.high, many.reach_high))
    there = _from_one(matrix, ((one.low, one.leave_low), (one.high, one.leave_high)), into)
    out = ((many.low, many.leave_low), (many.high, many.leave_high))
    turned = matrix.T.tocsr()
    return there, _from_one(turned, ((one.low, one.reach_low), (one.high, one.reach_high)), out)


def _from_one(matrix: csr_matrix, start: Sides, ends: Sides) -> Longs:
    from scipy.sparse.csgraph import dijkstra

    best = np.full(len(ends[0][0]), 2 * ENDLESS, np.int64)
    for node, begin in start:
        found = dijkstra(matrix, indices=[int(node[0])])[0]
        whole = np.where(np.isfinite(found), found, float(ENDLESS)).astype(np.int64)
        for nodes, cost in ends:
            np.minimum(best, whole[nodes] + begin[0] + cost, out=best)
    return best


def path(
    matrix: csr_matrix, sources: list[tuple[int, int]], targets: list[tuple[int, int]], most: int
) -> list[int] | None:
    """Nodes of a path of cost ``most`` from one of (node, cost) to one of (node, cost)."""
    from scipy.sparse.csgraph import dijkstra

    nodes = [node for node, _ in sources]
    costs, before = dijkstra(matrix, indices=nodes, limit=float(most), return_predecessors=True)
    found: tuple[float, int, int] | None = None
    for row, (_, leave) in enumerate(sources):
        for target, reach in targets:
            total = costs[row, target] + leave + reach
            if total <= most and (found is None or total < found[0]):
                found = total, row, target
    if found is None:
        return None
    _, row, at = found
    steps = [at]
    while before[row, at] >= 0:
        at = int(before[row, at])
        steps.append(at)
    return steps[::-1]
