"""A customizable contraction hierarchy (CCH): time and length of the fastest paths. PURE.

A contraction hierarchy is a prepared graph that answers shortest-path questions fast. The library
routingkit-cch finds the order in which nodes are contracted (nested dissection by inertial flow).
It also answers times fast, but its 32-bit weight cannot carry the length of the same path, and
unpacking a million paths takes minutes. So this module keeps the hierarchy itself, in arrays.

A composite weight is one 64-bit integer, ``time_ds << SHIFT | length_dm``. Weights are added and
compared as integers: the smaller weight is the faster path, or the shorter of two equally fast
ones. Its low bits are the length of that path. Below 2**53 a float64 holds a weight exactly, so
scipy's Dijkstra can use the same numbers (see ``dijkstra``).

1. Build, once for each graph: order -> graph with shortcut arcs ("upward arcs") -> triangles of
   arcs, sorted by level.
2. Customise, once for each hour's speeds: give each arc its weight, triangle by triangle.
3. Query: compute each place's label, that is its costs to its ancestors in the elimination tree,
   from the root down. The best path between two places goes over their best common ancestor.

Source: Dibbelt, Strasser, Wagner: Customizable Contraction Hierarchies (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

SHIFT = 27  # lengths up to 13,421 km; times up to 2**26 ds = 77 days
LENGTH_MASK = (1 << SHIFT) - 1
ENDLESS = np.int64(1 << 60)
CHUNK = 512  # places whose labels are computed together; limits the memory on large networks


def weights(time_ds: npt.ArrayLike, length_dm: npt.ArrayLike) -> Longs:
    """Return the composite weights of times (1 ds or more) and lengths."""
    packed: Longs = (np.asarray(time_ds, np.int64) << SHIFT) | np.asarray(length_dm, np.int64)
    return packed


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The structure of the hierarchy, without weights.

    A node's number is its rank: nodes are contracted in the order of their numbers.
    """

    up_first: Longs  # [nodes + 1] start of each node's arcs in up_head
    up_head: Ints  # upward neighbours of each node, ascending
    parent: Ints  # parent in the elimination tree, -1 at a root
    arc_up: Ints  # [arcs] the upward arc of each arc of the graph
    tri_low: Ints  # [triangles] upward arc bottom -> middle
    tri_side: Ints  # upward arc bottom -> top
    tri_top: Ints  # upward arc middle -> top, whose weight the triangle may lower
    tri_level: Longs  # [levels + 1] start of each level in the three arrays above

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.parent)


def order_nodes(
    tail: Ints, head: Ints, lat: npt.NDArray[np.float32], lon: npt.NDArray[np.float32]
) -> Ints:
    """Return the nodes in contraction order.

    Raises ImportError where routingkit-cch has no wheel.
    """
    from routingkit_cch import compute_order_inertial

    if len(lat) == 1:
        return np.zeros(1, np.int32)
    order = compute_order_inertial(
        len(lat), tail.tolist(), head.tolist(), lat.tolist(), lon.tolist()
    )
    return np.asarray(order, np.int32)


def build(nodes: int, tail: Ints, head: Ints, pairs: tuple[Ints, Ints] | None = None) -> Hierarchy:
    """Contract the nodes 0, 1, 2, … in this order and return the hierarchy with all shortcuts.

    ``pairs`` are nodes that count as connected although no arc connects them.
    """
    above: list[set[int]] = [set() for _ in range(nodes)]
    for ends in ((tail, head), pairs or ()):
        for a, b in zip(*(end.tolist() for end in ends), strict=True):
            if a != b:
                above[min(a, b)].add(max(a, b))
    parent = np.full(nodes, -1, np.int32)
    for node in range(nodes):
        if above[node]:
            lowest = min(above[node])
            parent[node] = lowest
            # The neighbours of a contracted node must all be connected. It is enough to connect
            # the lowest one with the others: when it is contracted, the others follow.
            above[lowest] |= above[node]
            above[lowest].discard(lowest)
    degree = np.fromiter((len(neighbours) for neighbours in above), np.int64, nodes)
    up_first = np.concatenate([[0], np.cumsum(degree)])
    up_head = np.fromiter(
        (other for neighbours in above for other in sorted(neighbours)), np.int32, int(up_first[-1])
    )
    keys = np.repeat(np.arange(nodes, dtype=np.int64), degree) * nodes + up_head
    low = np.minimum(tail, head).astype(np.int64)
    arc_up = np.searchsorted(keys, low * nodes + np.maximum(tail, head)).astype(np.int32)
    return Hierarchy(up_first, up_head, parent, arc_up, *_triangles(nodes, up_first, up_head, keys))


def _triangles(
    nodes: int, up_first: Longs, up_head: Ints, keys: Longs
) -> tuple[Ints, Ints, Ints, Longs]:
    """Return the triangles: two upward arcs of one node and the arc between their upper ends.

    The triangles are sorted by the level of their lowest node.
    """
    level = np.zeros(nodes, np.int64)
    heads = up_head.tolist()
    firsts = up_first.tolist()
    levels = level.tolist()
    for node in range(nodes):
        above = levels[node] + 1
        for at in range(firsts[node], firsts[node + 1]):
            if levels[heads[at]] < above:
                levels[heads[at]] = above
    level = np.asarray(levels, np.int64)
    degree = np.diff(up_first)
    low_parts, side_parts = [], []
    for size in np.unique(degree[degree > 1]).tolist():
        first = up_first[:-1][degree == size]
        i, j = np.triu_indices(size, 1)
        low_parts.append((first[:, None] + i).ravel())
        side_parts.append((first[:, None] + j).ravel())
    if not low_parts:
        none = np.zeros(0, np.int32)
        return none, none, none, np.zeros(1, np.int64)
    low, side = np.concatenate(low_parts), np.concatenate(side_parts)
    bottom = keys[low] // nodes
    top = np.searchsorted(keys, up_head[low].astype(np.int64) * nodes + up_head[side])
    sort = np.lexsort((top, level[bottom]))
    bounds = np.searchsorted(level[bottom][sort], np.arange(level.max() + 2))
    return (
        low[sort].astype(np.int32),
        side[sort].astype(np.int32),
        top[sort].astype(np.int32),
        bounds.astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class Metric:
    """A hierarchy with weights: ``up`` from the lower end of an arc to the upper, ``down`` back."""

    shape: Hierarchy
    up: Longs
    down: Longs


def customise(shape: Hierarchy, tail: Ints, head: Ints, weight: Longs) -> Metric:
    """Return the hierarchy with the weights of the graph's arcs; one pass over all triangles."""
    up = np.full(len(shape.up_head), ENDLESS, np.int64)
    down = up.copy()
    rising = tail < head
    falling = tail > head
    np.minimum.at(up, shape.arc_up[rising], weight[rising])
    np.minimum.at(down, shape.arc_up[falling], weight[falling])
    bounds = shape.tri_level
    for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if a == b:
            continue
        low, side, top = shape.tri_low[a:b], shape.tri_side[a:b], shape.tri_top[a:b]
        # Sorted by their top arc, so that each arc is reduced and written once.
        starts = np.flatnonzero(np.concatenate([[True], top[1:] != top[:-1]]))
        target = top[starts]
        up[target] = np.minimum(up[target], np.minimum.reduceat(down[low] + up[side], starts))
        down[target] = np.minimum(down[target], np.minimum.reduceat(down[side] + up[low], starts))
    np.minimum(up, ENDLESS, out=up)
    np.minimum(down, ENDLESS, out=down)
    return Metric(shape, up, down)


@dataclass(frozen=True, slots=True)
class Ends:
    """The nodes that connect each place with the graph; place i has two nodes each way.

    ``leave_node[i]`` are the nodes at which a way from the place enters the graph, ``leave[i]``
    the composite costs from the place to them. ``reach_node`` and ``reach`` are those of the ways
    to the place. A cost is ENDLESS where the street must not be used in this direction. All four
    nodes are on one branch of the elimination tree, and ``low[i]`` is the lowest of them.
    """

    low: Ints  # [places]
    leave_node: Ints  # [places, 2]
    leave: Longs
    reach_node: Ints
    reach: Longs


@dataclass(frozen=True, slots=True)
class Labels:
    """The costs between places and their ancestors in the hierarchy; tables are made from them.

    Column d of row i is the ancestor of place i at depth d. ``chains`` is its rank (-1 below the
    place), ``leave`` the cost from the place to it, ``reach`` the cost back.
    """

    chains: Ints
    leave: Longs
    reach: Longs

    @property
    def nbytes(self) -> int:
        """The size of the three arrays in bytes."""
        return self.chains.nbytes + self.leave.nbytes + self.reach.nbytes


def labels(metric: Metric, ends: Ends) -> Labels:
    """Return the labels of the places, in the order of the places."""
    shape = metric.shape
    depth = _depths(shape.parent, ends.low)
    deepest = int(depth.max(initial=0)) + 1
    count = len(ends.low)
    chains = _chains(shape.parent, ends.low, depth, deepest)
    sort = np.lexsort(chains.T[::-1])
    leave = np.full((count, deepest), ENDLESS, np.int64)
    reach = leave.copy()
    for a in range(0, count, CHUNK):
        rows = sort[a : a + CHUNK]
        leave[rows], reach[rows] = _labels(metric, ends, rows, chains, depth)
    return Labels(chains, leave, reach)


def table(metric: Metric, ends: Ends) -> Longs:
    """Return the composite costs between all places; ENDLESS or more where there is no path."""
    all_labels = labels(metric, ends)
    count, deepest = all_labels.chains.shape
    sort = np.lexsort(all_labels.chains.T[::-1])
    leave, reach, chains = all_labels.leave[sort], all_labels.reach[sort], all_labels.chains[sort]
    best = np.full((count, count), 2 * ENDLESS, np.int64)
    for at in range(deepest):
        column = chains[:, at]
        cuts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1], [True]]))
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            if b - a > 1 and column[a] >= 0:
                block = best[a:b, a:b]
                np.minimum(block, leave[a:b, at, None] + reach[None, a:b, at], out=block)
    back = np.empty_like(sort)
    back[sort] = np.arange(count)
    result: Longs = best[np.ix_(back, back)]
    return result


def _depths(parent: Ints, nodes: Ints) -> Longs:
    """Return the number of ancestors of each node in the elimination tree."""
    depth = np.zeros(len(nodes), np.int64)
    at = parent[nodes]
    while (at >= 0).any():
        depth += at >= 0
        at = np.where(at >= 0, parent[at], -1)
    return depth


def _chains(parent: Ints, low: Ints, depth: Longs, deepest: int) -> Ints:
    """Return in row i the path from the root to ``low[i]`` in the elimination tree, then -1."""
    chains = np.full((len(low), deepest), -1, np.int32)
    at, column = low.copy(), depth.copy()
    rows = np.arange(len(low))
    while len(rows):
        chains[rows, column] = at
        keep = column > 0
        rows, at, column = rows[keep], parent[at[keep]], column[keep] - 1
    return chains


def _labels(
    metric: Metric, ends: Ends, rows: Longs, chains: Ints, depth: Longs
) -> tuple[Longs, Longs]:
    """Return the costs from and to the places ``rows``, by depth of the ancestor."""
    shape = metric.shape
    rows_chains = chains[rows]
    deepest = rows_chains.shape[1]
    closure = np.unique(rows_chains[rows_chains >= 0])
    where = np.full(shape.nodes, -1, np.int32)
    where[closure] = np.arange(len(closure), dtype=np.int32)
    level = np.zeros(len(closure), np.int64)
    for at in range(deepest):
        column = rows_chains[:, at]
        level[where[column[column >= 0]]] = at
    ahead = np.full((len(closure), deepest), ENDLESS, np.int64)
    back = ahead.copy()
    by_level = np.argsort(level, kind="stable")
    cuts = np.searchsorted(level[by_level], np.arange(deepest + 1))
    for at in range(deepest):
        local = by_level[cuts[at] : cuts[at + 1]]
        if at and len(local):
            _descend(metric, closure[local], local, where, ahead, back, at)
        ahead[local, at] = 0
        back[local, at] = 0
    leave, reach = (
        np.minimum(
            cost[rows, 0, None] + label[where[node[rows, 0]]],
            cost[rows, 1, None] + label[where[node[rows, 1]]],
        )
        for node, cost, label in (
            (ends.leave_node, ends.leave, ahead),
            (ends.reach_node, ends.reach, back),
        )
    )
    return np.minimum(leave, ENDLESS), np.minimum(reach, ENDLESS)


def _descend(
    metric: Metric,
    nodes: Ints,
    local: Longs,
    where: Ints,
    ahead: Longs,
    back: Longs,
    depth: int,
) -> None:
    """Fill in the labels of all nodes at one depth, from the labels of their upward neighbours."""
    first, last = metric.shape.up_first[nodes], metric.shape.up_first[nodes + 1]
    degree = last - first
    starts = np.cumsum(degree) - degree
    arcs = np.repeat(first - starts, degree) + np.arange(int(degree.sum()))
    heads = where[metric.shape.up_head[arcs]]
    for label, cost in ((ahead, metric.up), (back, metric.down)):
        through = cost[arcs, None] + label[heads, :depth]
        costs = np.minimum.reduceat(through, starts, axis=0)
        label[local, :depth] = np.minimum(costs, ENDLESS)
