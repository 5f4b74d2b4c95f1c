"""Turn restrictions: splits the junctions where a turn is forbidden. PURE.

A restriction names a way on which a vehicle arrives, a junction, and a way on which it must not
leave (or must). At such a junction, each arriving street with a forbidden turn gets a node of its
own, and so does each leaving street that somebody must not take. Links without length join the
arrivals and the departures of all turns that are allowed.

Only turns between streets of the core are obeyed. A restriction that would cut a street off is left
out, because then the map is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.layers import CORE, LINK, NO_STREET, Arcs, Layered
from dispatch.roads.rules import GRAPHS
from dispatch.roads.streets import StreetArrays

Ban = tuple[int, int]  # an arriving and a leaving arc
# The keys of a restriction, and the words of its tag "except", that concern each graph.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "van": (
        "restriction",
        "restriction:motor_vehicle",
        "restriction:motorcar",
        "restriction:goods",
    ),
    "cargo_bike": ("restriction", "restriction:bicycle"),
    "foot": (),
}
EXCEPT: Final[Mapping[str, frozenset[str]]] = {
    "van": frozenset({"vehicle", "motor_vehicle", "motorcar", "goods"}),
    "cargo_bike": frozenset({"vehicle", "bicycle"}),
    "foot": frozenset(),
}
NO: Final = frozenset(
    {"no_left_turn", "no_right_turn", "no_straight_on", "no_u_turn", "no_entry", "no_exit"}
)
ONLY: Final = frozenset({"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"})


@dataclass(frozen=True, slots=True)
class Turn:
    """A restriction of the map: ids of ways and of the junction between them.

    ``only`` is True if no other way out is allowed. ``graphs`` has a bit for each graph.
    """

    arrive: tuple[int, ...]
    via: int
    leave: tuple[int, ...]
    only: bool
    graphs: int


def read(tags: Mapping[str, str], members: Sequence[tuple[str, int, str]]) -> Turn | None:
    """Return the restriction of a relation; None if it is not one that can be obeyed.

    Members are (type, id, role). A restriction over a way in between, or one for certain hours, is
    not read.
    """
    exempt = {word.strip() for word in tags.get("except", "").split(";")}
    graphs, only = 0, False
    for bit, graph in enumerate(GRAPHS):
        for key in KEYS[graph]:
            value = tags.get(key, "")
            if value in NO or value in ONLY:
                only = value in ONLY
                graphs |= (not exempt & EXCEPT[graph]) << bit
    via = [ref for kind, ref, role in members if role == "via" and kind == "n"]
    ways_between = any(role == "via" and kind != "n" for kind, _, role in members)
    arrive = tuple(ref for kind, ref, role in members if role == "from" and kind == "w")
    leave = tuple(ref for kind, ref, role in members if role == "to" and kind == "w")
    if not graphs or len(via) != 1 or ways_between or not arrive or not leave:
        return None
    return Turn(arrive, via[0], leave, only, graphs)


def obey(
    layered: Layered, streets: StreetArrays, turns: Sequence[Turn], graph: str
) -> tuple[Layered, int]:
    """Return the layers with the restrictions of a graph, and how many of them are obeyed."""
    bit = GRAPHS.index(graph)
    bans = _bans(layered, streets, [turn for turn in turns if turn.graphs >> bit & 1])
    while bans:
        result, nodes = _split(layered, bans)
        broken = _cut_off(result)
        wrong = {node for node in bans if nodes[node] & broken}
        if not broken:
            return result, sum(len(parts) for parts in bans.values())
        bans = {node: parts for node, parts in bans.items() if wrong and node not in wrong}
    return layered, 0


def _bans(
    layered: Layered, streets: StreetArrays, turns: Sequence[Turn]
) -> dict[int, list[list[Ban]]]:
    """Return the forbidden turns of each node, one list for each restriction."""
    arcs = layered.arcs
    core = np.flatnonzero(layered.layer == CORE)
    node_of = {turn.via for turn in turns}
    wanted = np.isin(streets.node_id[layered.node], list(node_of))
    arriving: defaultdict[int, list[int]] = defaultdict(list)
    leaving: defaultdict[int, list[int]] = defaultdict(list)
    for arc in core[wanted[arcs.head[core]]].tolist():
        arriving[int(arcs.head[arc])].append(arc)
    for arc in core[wanted[arcs.tail[core]]].tolist():
        leaving[int(arcs.tail[arc])].append(arc)
    by_id = {int(streets.node_id[layered.node[node]]): node for node in arriving}
    way_at_head = np.where(arcs.ahead, streets.way[arcs.edge, 1], streets.way[arcs.edge, 0])
    way_at_tail = np.where(arcs.ahead, streets.way[arcs.edge, 0], streets.way[arcs.edge, 1])
    result: defaultdict[int, list[list[Ban]]] = defaultdict(list)
    for turn in turns:
        node = by_id.get(turn.via)
        if node is None:
            continue
        ins = [arc for arc in arriving[node] if way_at_head[arc] in turn.arrive]
        outs = [arc for arc in leaving[node] if way_at_tail[arc] in turn.leave]
        if not ins or not outs:
            continue
        around = turn.arrive == turn.leave  # a turn back on the same street
        if turn.only:
            bans = [(a, b) for a in ins for b in leaving[node] if b not in outs]
        else:
            bans = [(a, b) for a in ins for b in outs if not around or arcs.edge[a] == arcs.edge[b]]
        if bans:
            result[node].append(bans)
    return dict(result)


def _split(
    layered: Layered, bans: Mapping[int, Sequence[Sequence[Ban]]]
) -> tuple[Layered, dict[int, set[int]]]:
    """Return the layers with the nodes split, and the nodes that each split node became."""
    arcs = layered.arcs
    tail, head = arcs.tail.copy(), arcs.head.copy()
    starts: defaultdict[int, list[int]] = defaultdict(list)
    for arc in np.flatnonzero(np.isin(tail, list(bans))).tolist():
        starts[int(tail[arc])].append(arc)
    junctions = layered.node.tolist()
    links: list[tuple[int, int]] = []
    parts: dict[int, set[int]] = {}

    def copy_of(node: int) -> int:
        junctions.append(junctions[node])
        parts[node].add(len(junctions) - 1)
        return len(junctions) - 1

    for node, lists in bans.items():
        parts[node] = {node}
        forbidden = {ban for one in lists for ban in one}
        arrivals = {a: copy_of(node) for a, _ in sorted(forbidden)}
        departures = {b: copy_of(node) for _, b in sorted(forbidden)}
        rest = copy_of(node)  # from here leave all that everybody may take
        for arc in starts[node]:
            tail[arc] = departures.get(arc, rest)
        links.append((node, rest))
        links += [(node, departure) for departure in departures.values()]
        for a, arrival in arrivals.items():
            head[a] = arrival
            links.append((arrival, rest))
            links += [
                (arrival, departure)
                for b, departure in departures.items()
                if (a, b) not in forbidden
            ]
    more = np.array(links, np.int32).reshape(-1, 2)
    result = replace(
        layered,
        node=np.array(junctions, np.int32),
        arcs=Arcs(
            np.concatenate([tail, more[:, 0]]),
            np.concatenate([head, more[:, 1]]),
            np.concatenate([arcs.edge, np.full(len(more), NO_STREET, np.int32)]),
            np.concatenate([arcs.ahead, np.ones(len(more), bool)]),
        ),
        layer=np.concatenate([layered.layer, np.full(len(more), LINK, np.uint8)]),
    )
    return result, parts


def _cut_off(layered: Layered) -> set[int]:
    """Return the ends of the core's streets that cannot be left and reached any more."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    arcs, count = layered.arcs, len(layered.node)
    matrix = csr_matrix((np.ones(len(arcs), np.int8), (arcs.tail, arcs.head)), shape=(count, count))
    _, label = connected_components(matrix, directed=True, connection="strong")
    core: npt.NDArray[np.bool_] = layered.layer == CORE
    ends = np.concatenate([arcs.tail[core], arcs.head[core]])
    main = int(np.bincount(label[ends]).argmax())
    return set(np.unique(ends[label[ends] != main]).tolist())
