"""A customizable contraction hierarchy whose answers carry time *and* length of one path. PURE.

routingkit-cch finds the order in which nodes are contracted (nested dissection by inertial flow)
and answers times fast, but one 32-bit weight cannot also carry the length of the same path, and
asking its unpacked path a million times takes minutes. So the hierarchy itself is kept here, in
arrays: a weight is one 64-bit whole number, ``time_ds << SHIFT | length_dm``, added and compared as
it stands. The smaller number is the faster path, the shorter of two equally fast ones; its low
bits are that very path's length. Below 2**53 a float64 holds it exactly, so scipy's Dijkstra runs
on the same numbers, as oracle and as fallback.

Build (once per graph): order -> chordal supergraph ("upward arcs") -> lower triangles by level.
Customise (once per hour's speeds): relax the triangles, level by level.
Ask: every node's distances to its ancestors in the elimination tree (its label) are computed from
the root down; two places meet at the best common ancestor.

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
CHUNK = 512  # places whose labels are computed together: bounds memory on large networks


def weights(time_ds: npt.ArrayLike, length_dm: npt.ArrayLike) -> Longs:
    """Pack times (at least 1 ds) and lengths into composite weights."""
    packed: Longs = (np.asarray(time_ds, np.int64) << SHIFT) | np.asarray(length_dm, np.int64)
    return packed


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The shape of the hierarchy; nodes are numbered by rank, the last one is contracted last."""

    up_first: Longs  # [nodes + 1] into up_head
    up_head: Ints  # upward neighbours, ascending per node
    parent: Ints  # elimination tree, -1 at the root
    arc_up: Ints  # [arcs] the upward arc that an input arc lies on
    tri_low: Ints  # [triangles] upward arc bottom -> middle
    tri_side: Ints  # upward arc bottom -> top
    tri_top: Ints  # upward arc middle -> top, the one relaxed
    tri_level: Longs  # [levels + 1] into the three above

    @property
    def nodes(self) -> int:
        return len(self.parent)


def order_nodes(
    tail: Ints, head: Ints, lat: npt.NDArray[np.float32], lon: npt.NDArray[np.float32]
) -> Ints:
    """Contraction order, first to last; raises ImportError where routingkit-cch has no wheel."""
    from routingkit_cch import compute_order_inertial

    if len(lat) == 1:
        return np.zeros(1, np.int32)
    order = compute_order_inertial(
        len(lat), tail.tolist(), head.tolist(), lat.tolist(), lon.tolist()
    )
    return np.asarray(order, np.int32)


def build(nodes: int, tail: Ints, head: Ints) -> Hierarchy:
    """Contract nodes 0, 1, 2, … in this order and keep every arc that arises."""
    above: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in zip(tail.tolist(), head.tolist(), strict=True):
        if a != b:
            above[min(a, b)].add(max(a, b))
    parent = np.full(nodes, -1, np.int32)
    for node in range(nodes):
        if above[node]:
            lowest = min(above[node])
            parent[node] = lowest
            # Neighbours of a contracted node become a clique; it is enough to hand the rest to
            # the lowest of them, which hands them on in its turn.
            above[lowest] |= above[node]
            above[lowest].discard(lowest)
    degree = np.fromiter((len(found) for found in above), np.int64, nodes)
    up_first = np.concatenate([[0], np.cumsum(degree)])
    up_head = np.fromiter(
        (other for found in above for other in sorted(found)), np.int32, int(up_first[-1])
    )
    keys = np.repeat(np.arange(nodes, dtype=np.int64), degree) * nodes + up_head
    low = np.minimum(tail, head).astype(np.int64)
    arc_up = np.searchsorted(keys, low * nodes + np.maximum(tail, head)).astype(np.int32)
    return Hierarchy(up_first, up_head, parent, arc_up, *_triangles(nodes, up_first, up_head, keys))


def _triangles(
    nodes: int, up_first: Longs, up_head: Ints, keys: Longs
) -> tuple[Ints, Ints, Ints, Longs]:
    """Every pair of upward arcs of one node, with the arc between their ends, by level."""
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
    """A hierarchy with one set of weights: ``up[a]`` from the lower end to the upper, and back."""

    shape: Hierarchy
    up: Longs
    down: Longs


def customise(shape: Hierarchy, tail: Ints, head: Ints, weight: Longs) -> Metric:
    """Fold arc weights into the hierarchy. Costs a pass over its triangles."""
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
        # Sorted by the arc relaxed, so that each is reduced once and written once.
        starts = np.flatnonzero(np.concatenate([[True], top[1:] != top[:-1]]))
        target = top[starts]
        up[target] = np.minimum(up[target], np.minimum.reduceat(down[low] + up[side], starts))
        down[target] = np.minimum(down[target], np.minimum.reduceat(down[side] + up[low], starts))
    np.minimum(up, ENDLESS, out=up)
    np.minimum(down, ENDLESS, out=down)
    return Metric(shape, up, down)


@dataclass(frozen=True, slots=True)
class Ends:
    """Where places touch the graph: row i enters at ``low[i]``/``high[i]`` (ranks, low <= high).

    The two are the ends of one street, hence one is the other's ancestor. ``leave_*`` is the
    composite cost from the place to that node, ``reach_*`` from the node to the place; ENDLESS
    where the street may not be used that way.
    """

    low: Ints
    high: Ints
    leave_low: Longs
    leave_high: Longs
    reach_low: Longs
    reach_high: Longs


@dataclass(frozen=True, slots=True)
class Labels:
    """Costs between places and their ancestors in the hierarchy: what tables are made from.

    Column d of row i belongs to the ancestor of place i at depth d: ``chains`` is its rank, -1
    below the place; ``leave`` the cost from the place to it, ``reach`` the cost back.
    """

    chains: Ints
    leave: Longs
    reach: Longs

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return self.chains.nbytes + self.leave.nbytes + self.reach.nbytes


def labels(metric: Metric, ends: Ends) -> Labels:
    """Return the labels of places, in their order."""
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
    """Composite distances between all places; ENDLESS or more where there is no path."""
    made = labels(metric, ends)
    count, deepest = made.chains.shape
    sort = np.lexsort(made.chains.T[::-1])
    leave, reach, chains = made.leave[sort], made.reach[sort], made.chains[sort]
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


def row_and_column(one: Labels, many: Labels) -> tuple[Longs, Longs]:
    """Composite distances from one place to many and back: what ``table`` says, alone.

    The best path between two places goes over an ancestor that they share; O(places x depth).
    """
    deepest = min(one.chains.shape[1], many.chains.shape[1])
    mine = one.chains[0, :deepest]
    shared = (many.chains[:, :deepest] == mine) & (mine >= 0)
    there = one.leave[0, :deepest] + many.reach[:, :deepest]
    back = many.leave[:, :deepest] + one.reach[0, :deepest]
    none = 2 * ENDLESS
    return (
        np.where(shared, there, none).min(axis=1, initial=none),
        np.where(shared, back, none).min(axis=1, initial=none),
    )


def _depths(parent: Ints, nodes: Ints) -> Longs:
    depth = np.zeros(len(nodes), np.int64)
    at = parent[nodes]
    while (at >= 0).any():
        depth += at >= 0
        at = np.where(at >= 0, parent[at], -1)
    return depth


def _chains(parent: Ints, low: Ints, depth: Longs, deepest: int) -> Ints:
    """Row i: the ancestors of ``low[i]`` from the root to itself, then -1."""
    chains = np.full((len(low), deepest), -1, np.int32)
    at, left = low.copy(), depth.copy()
    rows = np.arange(len(low))
    while len(rows):
        chains[rows, left] = at
        keep = left > 0
        rows, at, left = rows[keep], parent[at[keep]], left[keep] - 1
    return chains


def _labels(
    metric: Metric, ends: Ends, rows: Longs, chains: Ints, depth: Longs
) -> tuple[Longs, Longs]:
    """Costs from and to the places ``rows`` by depth of the ancestor."""
    shape = metric.shape
    mine = chains[rows]
    deepest = mine.shape[1]
    closure = np.unique(mine[mine >= 0])
    where = np.full(shape.nodes, -1, np.int32)
    where[closure] = np.arange(len(closure), dtype=np.int32)
    level = np.zeros(len(closure), np.int64)
    for at in range(deepest):
        column = mine[:, at]
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
    low, high = where[ends.low[rows]], where[ends.high[rows]]
    leave = np.minimum(
        ends.leave_low[rows, None] + ahead[low], ends.leave_high[rows, None] + ahead[high]
    )
    reach = np.minimum(
        ends.reach_low[rows, None] + back[low], ends.reach_high[rows, None] + back[high]
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
    """Labels of all nodes at one depth from those of their upward neighbours."""
    first, last = metric.shape.up_first[nodes], metric.shape.up_first[nodes + 1]
    degree = last - first
    starts = np.cumsum(degree) - degree
    arcs = np.repeat(first - starts, degree) + np.arange(int(degree.sum()))
    heads = where[metric.shape.up_head[arcs]]
    for label, cost in ((ahead, metric.up), (back, metric.down)):
        through = cost[arcs, None] + label[heads, :depth]
        found = np.minimum.reduceat(through, starts, axis=0)
        label[local, :depth] = np.minimum(found, ENDLESS)
