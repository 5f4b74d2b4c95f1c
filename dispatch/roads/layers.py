"""Expands the directed streets of a graph into layers, so that no leg drives through. PURE.

The core is the largest part of the open streets in which each junction is reached from each other.
All other streets are outer streets: those only for people who go there (private, destination,
delivery, behind a gate), and open ones that only outer streets connect with the core. A leg may
begin on outer streets, then use the core, then end on outer streets. To keep that order, a junction
of outer streets has two copies:

- OUT: from here a leg goes out to the core. The arcs of the outer streets between OUT copies.
- IN: here a leg ends. The same arcs between IN copies.

Links without length go from a junction's OUT copy to its copy in the core, and from there to its
IN copy. No arc leads from IN to the core, so that nothing drives through. A leg that stays on outer
streets takes the link from OUT to IN.

A one-way street may end without a way out. A vehicle leaves such a dead end against the direction,
as it has no other way; this holds for the OUT arcs only.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.hours import ALWAYS

Int32 = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CORE, OUT, IN, LINK, VIA = range(5)  # VIA: copies of core arcs for turn restrictions over a way
NO_STREET: Final = -1  # the street of a link


@dataclass(frozen=True, slots=True)
class Arcs:
    """Directed streets, one entry each: from junction ``tail`` to ``head`` over street ``edge``.

    ``ahead`` is True along the drawn direction of the street.
    """

    tail: Int32
    head: Int32
    edge: Int32
    ahead: Bools

    def __len__(self) -> int:
        return len(self.tail)

    def only(self, rows: Bools | Longs) -> Arcs:
        """Return the arcs of the rows."""
        return Arcs(self.tail[rows], self.head[rows], self.edge[rows], self.ahead[rows])

    def turned(self) -> Arcs:
        """Return the arcs in the opposite direction."""
        return Arcs(self.head, self.tail, self.edge, ~self.ahead)


@dataclass(frozen=True, slots=True)
class Layered:
    """The nodes and arcs of all layers.

    ``node`` is the junction of each node; ``layer`` is CORE, OUT, IN, LINK or VIA for each arc.
    ``hours`` are the hours in which a link is open, and ``extra_ds`` is the time that it takes; a
    link of ``expand`` is always open and takes none. ``against`` counts the arcs that leave a dead
    end against its direction. ``served`` counts the junctions that can be reached and left.
    """

    node: Int32
    arcs: Arcs
    layer: npt.NDArray[np.uint8]
    against: int
    served: int
    hours: npt.NDArray[np.uint32]
    extra_ds: Int32


def expand(count: int, arcs: Arcs, ends: Bools) -> Layered | None:
    """Return the layers of the arcs between ``count`` junctions; None if there is no core.

    ``ends`` is True for each arc that may be used only at the ends of a leg. If all are such arcs,
    all count as open.
    """
    core_nodes, in_core = _largest_part(count, arcs, ~ends)
    if not in_core.any():
        core_nodes, in_core = _largest_part(count, arcs, np.ones(len(arcs), bool))
        if not in_core.any():
            return None
    outer = arcs.only(~in_core)
    out_arcs, in_arcs, turned = _outer_layers(count, core_nodes, outer)
    copies = _Copies(count)
    core_copy = copies.numbers(core_nodes)
    out_copy = copies.numbers(_touched(count, out_arcs))
    in_copy = copies.numbers(_touched(count, in_arcs))
    inner = arcs.only(in_core)
    parts = [
        (inner, core_copy, core_copy, CORE),
        (out_arcs, out_copy, out_copy, OUT),
        (in_arcs, in_copy, in_copy, IN),
        (_links(core_nodes & (out_copy >= 0)), out_copy, core_copy, LINK),
        (_links(core_nodes & (in_copy >= 0)), core_copy, in_copy, LINK),
        (_links(~core_nodes & (out_copy >= 0) & (in_copy >= 0)), out_copy, in_copy, LINK),
    ]
    arc_count = sum(len(part) for part, *_ in parts)
    return Layered(
        node=np.concatenate(copies.junctions).astype(np.int32),
        arcs=Arcs(
            np.concatenate([tail_copy[part.tail] for part, tail_copy, _, _ in parts]),
            np.concatenate([head_copy[part.head] for part, _, head_copy, _ in parts]),
            np.concatenate([part.edge for part, *_ in parts]),
            np.concatenate([part.ahead for part, *_ in parts]),
        ),
        layer=np.concatenate([np.full(len(part), layer, np.uint8) for part, _, _, layer in parts]),
        against=turned,
        served=int((core_nodes | ((out_copy >= 0) & (in_copy >= 0))).sum()),
        hours=np.full(arc_count, ALWAYS, np.uint32),
        extra_ds=np.zeros(arc_count, np.int32),
    )


class _Copies:
    """Gives numbers to the copies of junctions, layer after layer."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.given = 0
        self.junctions: list[Longs] = []

    def numbers(self, members: Bools) -> Int32:
        """Return the number of each junction's copy in a new layer, -1 without one."""
        result = np.full(self.count, -1, np.int32)
        junctions = np.flatnonzero(members)
        result[junctions] = np.arange(self.given, self.given + len(junctions), dtype=np.int32)
        self.given += len(junctions)
        self.junctions.append(junctions)
        return result


def _links(members: Bools) -> Arcs:
    junctions = np.flatnonzero(members).astype(np.int32)
    return Arcs(
        junctions,
        junctions,
        np.full(len(junctions), NO_STREET, np.int32),
        np.ones(len(junctions), bool),
    )


def _touched(count: int, arcs: Arcs) -> Bools:
    members = np.zeros(count, bool)
    members[arcs.tail] = True
    members[arcs.head] = True
    return members


def _outer_layers(count: int, core: Bools, outer: Arcs) -> tuple[Arcs, Arcs, int]:
    """Return the OUT arcs, the IN arcs, and how many OUT arcs go against their direction."""
    reached = _reached(count, core, outer)
    leaving = _reached(count, core, outer.turned())
    in_arcs = outer.only(reached[outer.tail])
    out_arcs = outer.only(leaving[outer.head])
    # Dead ends: reached, and nothing leads out. Turn their arcs, unless both directions exist.
    dead = in_arcs.only(~leaving[in_arcs.head]).turned()
    known = set(zip(outer.edge.tolist(), outer.ahead.tolist(), strict=True))
    fresh = [key not in known for key in zip(dead.edge.tolist(), dead.ahead.tolist(), strict=True)]
    new = dead.only(np.array(fresh, bool))
    # The arcs inside a dead end that keep their direction: of its streets with two directions.
    kept = in_arcs.only(~leaving[in_arcs.head])
    joined = Arcs(
        np.concatenate([out_arcs.tail, kept.tail, new.tail]),
        np.concatenate([out_arcs.head, kept.head, new.head]),
        np.concatenate([out_arcs.edge, kept.edge, new.edge]),
        np.concatenate([out_arcs.ahead, kept.ahead, new.ahead]),
    )
    return joined, in_arcs, len(new)


def _reached(count: int, start: Bools, arcs: Arcs) -> Bools:
    """Return True for each junction that the arcs reach from the start, and for the start."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order

    begin = np.flatnonzero(start)
    # One extra node leads to all nodes of the start, so that one search is enough.
    tail = np.concatenate([arcs.tail, np.full(len(begin), count)])
    head = np.concatenate([arcs.head, begin])
    matrix = csr_matrix((np.ones(len(tail)), (tail, head)), shape=(count + 1, count + 1))
    visited = breadth_first_order(matrix, count, return_predecessors=False)
    reached = np.zeros(count + 1, bool)
    reached[visited] = True
    return reached[:count]


def _largest_part(count: int, arcs: Arcs, open_arcs: Bools) -> tuple[Bools, Bools]:
    """Return the largest strongly connected part of the open arcs.

    True for each of its junctions, and for each of its arcs.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    nothing = np.zeros(count, bool), np.zeros(len(arcs), bool)
    tail, head = arcs.tail[open_arcs], arcs.head[open_arcs]
    if not len(tail):
        return nothing
    matrix = csr_matrix((np.ones(len(tail), np.int8), (tail, head)), shape=(count, count))
    _, label = connected_components(matrix, directed=True, connection="strong")
    within = label[tail] == label[head]
    if not within.any():
        return nothing
    largest = int(np.bincount(label[tail[within]]).argmax())  # the part with the most arcs
    core = label == largest
    return core, open_arcs & core[arcs.tail] & core[arcs.head]


def neighbours(layered: Layered) -> tuple[Int32, Int32]:
    """Return pairs of nodes that the hierarchy must treat as connected, as two arrays.

    A place is left over the heads of its street's arcs and reached over their tails. These nodes
    must lie on one branch of the hierarchy. On most streets they are the two junctions, which an
    arc connects anyway. On an outer street, and beside a split junction, each two are a pair.
    """
    arcs, layer = layered.arcs, layered.layer
    nodes = np.full((int(arcs.edge.max(initial=0)) + 1, 4), -1, np.int32)
    leaving, reaching = np.isin(layer, (CORE, OUT)), np.isin(layer, (CORE, IN))
    for rows, end, first in ((leaving, arcs.head, 0), (reaching, arcs.tail, 2)):
        nodes[arcs.edge[rows], first + np.where(arcs.ahead[rows], 0, 1)] = end[rows]
    # Along a street: left over v and reached over u. Against it: the other way round.
    plain = (nodes[:, 0] == nodes[:, 3]) & (nodes[:, 1] == nodes[:, 2])
    nodes = nodes[~plain]
    tails, heads = [], []
    for a, b in combinations(range(4), 2):
        whole = (nodes[:, a] >= 0) & (nodes[:, b] >= 0) & (nodes[:, a] != nodes[:, b])
        tails.append(nodes[whole, a])
        heads.append(nodes[whole, b])
    return np.concatenate(tails), np.concatenate(heads)
