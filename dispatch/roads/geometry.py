"""Computes the lines along the streets between snapped places. PURE."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads import dijkstra, hierarchy
from dispatch.roads.network import Graph, Snaps, Weighted, share_of
from dispatch.roads.streets import E7

TOLERANCE_M: Final = 1.5  # corners that move the line by less than this are left out
Line = list[tuple[float, float]]
Plane = npt.NDArray[np.float64]


def lines_between(weighted: Weighted, snaps: Snaps) -> dict[int, Line]:
    """Return {i: line from place i to place i + 1} for each pair that streets connect."""
    at = np.flatnonzero(snaps.covered)
    if not len(at):
        return {}
    inner = snaps.only(snaps.covered)
    cost = weighted.table(inner)
    ends = weighted.ends(inner)
    lines: dict[int, Line] = {}
    for row, place in enumerate(at.tolist()[:-1]):
        if at[row + 1] == place + 1:
            plane = _line(weighted, inner, ends, row, int(cost[row, row + 1]))
            lines[place] = _simplified(weighted.graph, plane)
    return lines


def _line(weighted: Weighted, snaps: Snaps, ends: hierarchy.Ends, row: int, cost: int) -> Plane:
    """Return the corners, in degrees, of the path with this cost from place ``row`` to the next."""
    graph, after = weighted.graph, row + 1
    here, there = int(snaps.edge[row]), int(snaps.edge[after])
    start, stop = float(snaps.share[row]), float(snaps.share[after])
    if here == there and _direct(weighted, here, start, stop, cost):
        return _part(graph, here, start, stop)
    matrix, arcs = weighted.sparse
    sources = _open(ends.low[row], ends.leave_low[row], ends.high[row], ends.leave_high[row])
    targets = _open(
        ends.low[after], ends.reach_low[after], ends.high[after], ends.reach_high[after]
    )
    nodes = dijkstra.path(matrix, sources, targets, cost)
    if nodes is None:
        raise ValueError("No path has the cost that the table gave: the network files disagree.")
    parts = [_part(graph, here, start, _end_share(graph, here, nodes[0], start, True))]
    for a, b in pairwise(nodes):
        first, last = matrix.indptr[a], matrix.indptr[a + 1]
        entry = first + int(np.flatnonzero(matrix.indices[first:last] == b)[0])
        arc = int(arcs[entry])
        along = bool(graph.ahead[arc])
        parts.append(_part(graph, int(graph.edge[arc]), 0.0 if along else 1.0, float(along)))
    parts.append(_part(graph, there, _end_share(graph, there, nodes[-1], stop, False), stop))
    return np.concatenate(parts)


def _open(low: int, low_cost: int, high: int, high_cost: int) -> list[tuple[int, int]]:
    best: dict[int, int] = {}
    for node, cost in ((int(low), int(low_cost)), (int(high), int(high_cost))):
        if cost < hierarchy.ENDLESS:
            best[node] = min(cost, best.get(node, cost))
    return list(best.items())


def _direct(weighted: Weighted, edge: int, start: float, stop: float, cost: int) -> bool:
    """Return True if going along the one street has exactly the cost in the table."""
    if start == stop:
        return cost == 0
    arc = int(weighted.graph.arc_of[edge, 0 if stop > start else 1])
    if arc < 0:
        return False
    share = np.array([abs(stop - start)])
    return int(share_of(weighted.weight[arc], share)[0]) == cost


def _end_share(graph: Graph, edge: int, node: int, share: float, leaving: bool) -> float:
    """Return which end of the street a node is: 0.0 for its start, 1.0 for its end.

    In a loop both ends are the same node. The result is then the end with the cheaper way from (if
    ``leaving``) or to the position ``share``.
    """
    along, against = graph.arc_of[edge].tolist()
    arc = along if along >= 0 else against
    u, v = graph.tail[arc], graph.head[arc]
    if along < 0:
        u, v = v, u
    if u != v:
        return 1.0 if node == v else 0.0
    if along >= 0 and against >= 0:
        return 1.0 if share >= 0.5 else 0.0
    return float((along >= 0) == leaving)


def _part(graph: Graph, edge: int, start: float, stop: float) -> Plane:
    """Return the corners, in degrees, between two shares of the street's length."""
    first, last = graph.streets.first[edge], graph.streets.first[edge + 1]
    line = graph.streets.shape[first:last] / E7
    steps = np.hypot(*np.diff(graph.plane(line), axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    along /= along[-1] or 1.0
    low, high = min(start, stop), max(start, stop)
    inner = (along > low) & (along < high)
    marks = np.concatenate([[low], along[inner], [high]])
    part = np.column_stack([np.interp(marks, along, line[:, k]) for k in (0, 1)])
    return part if start <= stop else part[::-1]


def _simplified(graph: Graph, degrees: Plane) -> Line:
    """Return the line without corners that cannot be seen; it keeps two corners or more.

    Coordinates are rounded to six decimals (a decimetre).
    """
    import shapely

    keep = np.concatenate([[True], (np.diff(degrees, axis=0) != 0).any(axis=1)])
    degrees = degrees[keep]
    if len(degrees) < 2:
        degrees = np.vstack([degrees, degrees])
    line = shapely.linestrings(graph.plane(degrees))
    simple = shapely.get_coordinates(shapely.simplify(line, TOLERANCE_M)) / graph.plane(np.ones(2))
    return [(round(lon, 6), round(lat, 6)) for lon, lat in simple.tolist()]
