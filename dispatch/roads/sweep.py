"""The costs from one place to all nodes of a network and back, in one pass. PURE, compiled.

The labels of ``hierarchy`` are made for tables: each known place keeps its costs to all its
ancestors. For one new place and thousands of known places, a pass over all nodes is faster, and
nothing is kept for the known places. The result is the same.

1. Up: the costs from the new place to its ancestors in the elimination tree, from the lowest on.
2. Down: the costs to all other nodes, from the root on. The neighbours above a node come first.

Source: Delling, Goldberg, Nowatzyk, Werneck: PHAST (2011).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatch.roads.hierarchy import ENDLESS, Ends, Longs, Metric
from dispatch.solver.compiling.compiled import compiled


def to_all(metric: Metric, ends: Ends) -> tuple[Longs, Longs]:
    """Return the composite costs from one place to all nodes, and from all nodes to it.

    ``ends`` is that of the one place. A cost is ENDLESS where there is no path.
    """
    shape = metric.shape
    result = []
    for nodes, begin, up, down in (
        (ends.leave_node[0], ends.leave[0], metric.up, metric.down),
        (ends.reach_node[0], ends.reach[0], metric.down, metric.up),
    ):
        costs = np.full(shape.nodes, ENDLESS, np.int64)
        np.minimum.at(costs, nodes, begin)
        _spread(shape.up_first, shape.up_head, shape.parent, up, down, int(ends.low[0]), costs)
        result.append(costs)
    return result[0], result[1]


def row_and_column(metric: Metric, one: Ends, many: Ends) -> tuple[Longs, Longs]:
    """Return the composite costs from one place to many and back, as in ``hierarchy.table``."""
    there, back = to_all(metric, one)
    return (
        (there[many.reach_node] + many.reach).min(axis=1, initial=2 * ENDLESS),
        (back[many.leave_node] + many.leave).min(axis=1, initial=2 * ENDLESS),
    )


@compiled
def _spread(
    first: Longs,
    head: npt.NDArray[np.int32],
    parent: npt.NDArray[np.int32],
    up: Longs,
    down: Longs,
    start: int,
    costs: Longs,
) -> None:
    """Complete the costs of all nodes, given those of ``start`` and of some of its ancestors.

    ``up`` has the cost from the lower end of each arc to the upper one, ``down`` the cost back.
    """
    node = start
    while node >= 0:
        here = costs[node]
        for arc in range(first[node], first[node + 1]):
            cost = here + up[arc]
            if cost < costs[head[arc]]:
                costs[head[arc]] = cost
        node = parent[node]
    for node in range(len(first) - 2, -1, -1):
        best = costs[node]
        for arc in range(first[node], first[node + 1]):
            best = min(best, costs[head[arc]] + down[arc])
        costs[node] = best
