"""Computes the lines along the streets between snapped places. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads import dijkstra, hierarchy, layers
from dispatch.roads.network import Graph, Snaps, Weighted, share_of
from dispatch.roads.rules import CLASS_ID
from dispatch.roads.streets import E7

TOLERANCE_M: Final = 1.5  # corners that move the line by less than this are left out
Line = list[tuple[float, float]]
Plane = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ferry:
    """A ferry on a way: its name, "" if the map has none, and the seconds on board and waiting."""

    name: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A way between two places: its line and the ferries on it."""

    line: Line
    ferries: tuple[Ferry, ...] = ()


def lines_between(weighted: Weighted, snaps: Snaps) -> dict[int, Drawn]:
    """Return {i: the way from place i to place i + 1} for each pair that streets connect."""
    at = np.flatnonzero(snaps.covered)
    if not len(at):
        return {}
    inner = snaps.only(snaps.covered)
    cost = weighted.table(inner)
    ends = weighted.ends(inner)
    lines: dict[int, Drawn] = {}
    for row, place in enumerate(at.tolist()[:-1]):
        if at[row + 1] == place + 1:
            plane, arcs = _line(weighted, inner, ends, row, int(cost[row, row + 1]))
            lines[place] = Drawn(_simplified(weighted.graph, plane), _ferries(weighted, arcs))
    return lines


def _ferries(weighted: Weighted, arcs: Sequence[int]) -> tuple[Ferry, ...]:
    """Return the ferries among the arcs of a path; parts of one ferry are added up."""
    streets, seconds = weighted.graph.streets, dict[str, int]()
    for arc in arcs:
        edge = int(weighted.graph.edge[arc])
        if streets.road_class[edge] == CLASS_ID["ferry"]:
            name = streets.names[int(streets.name[edge])]
            tenths = int(weighted.weight[arc]) >> hierarchy.SHIFT
            seconds[name] = seconds.get(name, 0) + tenths
    return tuple(Ferry(name, (tenths + 5) // 10) for name, tenths in seconds.items())


def _line(
    weighted: Weighted, snaps: Snaps, ends: hierarchy.Ends, row: int, cost: int
) -> tuple[Plane, list[int]]:
    """Return the path with this cost from place ``row`` to the next.

    As its corners, in degrees, and the arcs that it passes completely.
    """
    graph, after = weighted.graph, row + 1
    here, there = int(snaps.edge[row]), int(snaps.edge[after])
    start, stop = float(snaps.share[row]), float(snaps.share[after])
    if here == there and _direct(weighted, here, start, stop, cost):
        return _part(graph, here, start, stop), []
    matrix, arcs = weighted.sparse
    sources = _open(ends.leave_node[row], ends.leave[row])
    targets = _open(ends.reach_node[after], ends.reach[after])
    nodes = dijkstra.path(matrix, sources, targets, cost)
    if nodes is None:
        raise ValueError("No path has the cost that the table gave: the network files disagree.")
    # A place is left along its street to the end, or against it to the start.
    parts = [
        _part(graph, here, start, 1.0 - _side(nodes[0], ends.leave_node[row], ends.leave[row]))
    ]
    passed: list[int] = []
    for a, b in pairwise(nodes):
        first, last = matrix.indptr[a], matrix.indptr[a + 1]
        entry = first + int(np.flatnonzero(matrix.indices[first:last] == b)[0])
        arc = int(arcs[entry])
        if graph.layer[arc] == layers.LINK:
            continue
        passed.append(arc)
        along = bool(graph.ahead[arc])
        parts.append(_part(graph, int(graph.edge[arc]), 0.0 if along else 1.0, float(along)))
    begin = float(_side(nodes[-1], ends.reach_node[after], ends.reach[after]))
    parts.append(_part(graph, there, begin, stop))
    return np.concatenate(parts), passed


def _side(node: int, nodes: hierarchy.Ints, costs: hierarchy.Longs) -> int:
    """Return 0 if the path uses the street of a place along its direction, 1 against it."""
    return min((k for k in (0, 1) if nodes[k] == node), key=lambda k: int(costs[k]))


def _open(nodes: hierarchy.Ints, costs: hierarchy.Longs) -> list[tuple[int, int]]:
    best: dict[int, int] = {}
    for node, cost in zip(nodes.tolist(), costs.tolist(), strict=True):
        if cost < hierarchy.ENDLESS:
            best[node] = min(cost, best.get(node, cost))
    return list(best.items())


def _direct(weighted: Weighted, edge: int, start: float, stop: float, cost: int) -> bool:
    """Return True if going along the one street has exactly the cost in the table."""
    if start == stop:
        return cost == 0
    arc = int(weighted.graph.reach_arc[edge, 0 if stop > start else 1])
    if arc < 0:
        return False
    share = np.array([abs(stop - start)])
    return int(share_of(weighted.weight[arc], share)[0]) == cost


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
