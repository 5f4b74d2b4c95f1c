"""Obeys turn restrictions by splitting their junctions. PURE.

At a junction with a restriction, each arriving street with a forbidden turn gets a node of its
own, and so does each leaving street that somebody must not take. Links join the arrivals and the
departures of all turns that are allowed. A link may be open in some hours only, and a turn back on
the same street near a restriction takes time, so that it is no cheap way round.

If ways lie between the arrival and the departure, these ways are copied: a vehicle that arrives on
the first way of the restriction drives over the copies, from which the last turn is missing. A
place on a copied way is reached over both, so it gets an arc of the layer IN.

Only turns between streets of the core are obeyed. A restriction that would cut a street off is left
out, because then the map is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.hours import ALWAYS
from dispatch.roads.layers import CORE, IN, LINK, NO_STREET, VIA, Arcs, Layered
from dispatch.roads.rules import GRAPHS
from dispatch.roads.streets import StreetArrays
from dispatch.roads.turns import Turn

#: Seconds of a turn back on the same street beside a restriction; the value of OSRM's car profile.
U_TURN_S: Final = 20
LONGEST_CHAIN: Final = 40  # streets between the arrival and the departure of a restriction
Pair = tuple[int, int]  # an arriving and a leaving arc


@dataclass(frozen=True, slots=True)
class Rule:
    """A restriction on the arcs of a graph.

    ``bans`` are the forbidden pairs of arcs by node. With a ``chain`` of arcs in between, a
    vehicle that arrives on one of ``ins`` and drives over the chain must not leave on one of
    ``outs``.
    """

    hours: int
    bans: Mapping[int, Sequence[Pair]]
    ins: Sequence[int] = ()
    chain: Sequence[int] = ()
    outs: Sequence[int] = ()


def obey(
    layered: Layered, streets: StreetArrays, turns: Sequence[Turn], graph: str
) -> tuple[Layered, int]:
    """Return the layers with the restrictions of a graph, and how many of them are obeyed."""
    bit = GRAPHS.index(graph)
    network = _Core(layered, streets)
    rules = [network.rule(turn) for turn in turns if turn.graphs >> bit & 1]
    kept = [rule for rule in rules if rule is not None]
    while kept:
        splitter = _Splitter(layered, kept, network.backs(kept))
        result = splitter.split()
        broken = _cut_off(result)
        if not broken:
            return result, len(kept)
        wrong = {node for node, copies in splitter.copies.items() if copies & broken}
        kept = [rule for rule in kept if wrong and not wrong & _nodes(layered.arcs, rule)]
    return layered, 0


def _nodes(arcs: Arcs, rule: Rule) -> set[int]:
    """Return the nodes that a rule splits."""
    chain = list(rule.chain)
    return {*rule.bans, *arcs.tail[chain].tolist(), *arcs.head[chain].tolist()}


class _Core:
    """The arcs of the core with the ways of the map at both ends."""

    def __init__(self, layered: Layered, streets: StreetArrays) -> None:
        arcs = self.arcs = layered.arcs
        self.node_id = streets.node_id[layered.node]
        self.core = np.flatnonzero(layered.layer == CORE)
        self.at_head = np.where(arcs.ahead, streets.way[arcs.edge, 1], streets.way[arcs.edge, 0])
        self.at_tail = np.where(arcs.ahead, streets.way[arcs.edge, 0], streets.way[arcs.edge, 1])
        nodes = np.unique(np.concatenate([arcs.tail[self.core], arcs.head[self.core]]))
        self.node_of = dict(zip(self.node_id[nodes].tolist(), nodes.tolist(), strict=True))

    @cached_property
    def leaving(self) -> dict[int, list[int]]:
        """The core's arcs that leave each node."""
        return self._by(self.arcs.tail)

    @cached_property
    def arriving(self) -> dict[int, list[int]]:
        """The core's arcs that arrive at each node."""
        return self._by(self.arcs.head)

    def _by(self, end: npt.NDArray[np.int32]) -> dict[int, list[int]]:
        result: defaultdict[int, list[int]] = defaultdict(list)
        for node, arc in zip(end[self.core].tolist(), self.core.tolist(), strict=True):
            result[node].append(arc)
        return dict(result)

    def rule(self, turn: Turn) -> Rule | None:
        """Return a restriction on the core's arcs; None if it concerns none of them."""
        first = self.node_of.get(turn.via)
        last = self.node_of.get(turn.further[-1]) if turn.between else first
        if first is None or last is None:
            return None
        ins = [arc for arc in self.arriving.get(first, []) if self.at_head[arc] in turn.arrive]
        leaving = self.leaving.get(last, [])
        outs = [arc for arc in leaving if self.at_tail[arc] in turn.leave]
        if not ins or not outs:
            return None
        if turn.between:
            return self._over_ways(turn, first, ins, outs)
        around = turn.arrive == turn.leave  # a turn back on the same street
        edge = self.arcs.edge
        if turn.only:
            bans = [(a, b) for a in ins for b in leaving if b not in outs]
        else:
            bans = [(a, b) for a in ins for b in outs if not around or edge[a] == edge[b]]
        return Rule(turn.hours, {first: bans}) if bans else None

    def _over_ways(
        self, turn: Turn, first: int, ins: Sequence[int], outs: Sequence[int]
    ) -> Rule | None:
        chain = self._chain(turn, first)
        if not chain:
            return None
        last = int(self.arcs.head[chain[-1]])
        if turn.only:
            outs = [arc for arc in self.leaving.get(last, []) if arc not in outs]
        return Rule(turn.hours, {}, ins, chain, outs) if outs else None

    def _chain(self, turn: Turn, first: int) -> list[int]:
        """Return the arcs over the ways in between; empty if they do not connect."""
        chain: list[int] = []
        node = first
        for way, junction in zip(turn.between, turn.further, strict=True):
            goal = self.node_of.get(junction)
            for start in self.leaving.get(node, []):
                if self.at_tail[start] != way:
                    continue
                part = self._along(start, way, goal)
                if part:
                    chain += part
                    node = int(self.arcs.head[part[-1]])
                    break
            else:
                return []
        return chain

    def _along(self, start: int, way: int, goal: int | None) -> list[int]:
        """Return the arcs along one way up to a node; empty if they do not reach it."""
        part = [start]
        while int(self.arcs.head[part[-1]]) != goal:
            following = [
                arc
                for arc in self.leaving.get(int(self.arcs.head[part[-1]]), [])
                if self.at_tail[arc] == way and self.arcs.edge[arc] != self.arcs.edge[part[-1]]
            ]
            if len(following) != 1 or len(part) > LONGEST_CHAIN:
                return []
            part.append(following[0])
        return part

    def backs(self, rules: Sequence[Rule]) -> dict[int, set[Pair]]:
        """Return the turns back on one street beside the rules, by node.

        They are at the junction of a rule, and at the next junction of each street from there.
        """
        result: defaultdict[int, set[Pair]] = defaultdict(set)
        for node in {node for rule in rules for node in _nodes(self.arcs, rule)}:
            for arc in [*self.arriving.get(node, []), *self.leaving.get(node, [])]:
                head = int(self.arcs.head[arc])
                for back in self.leaving.get(head, []):
                    if self.arcs.edge[back] == self.arcs.edge[arc] and back != arc:
                        result[head].add((arc, back))
        return dict(result)


class _Splitter:
    """Splits the nodes of rules; ``copies`` are the nodes that each of them became."""

    def __init__(
        self, layered: Layered, rules: Sequence[Rule], backs: Mapping[int, set[Pair]]
    ) -> None:
        self.layered, self.backs = layered, backs
        arcs = layered.arcs
        self.tail, self.head = arcs.tail.tolist(), arcs.head.tolist()
        self.edge, self.ahead = arcs.edge.tolist(), arcs.ahead.tolist()
        self.layer = layered.layer.tolist()
        self.junction = layered.node.tolist()
        self.links: list[tuple[int, int, int, int]] = []  # tail, head, hours, tenths of a second
        self.copies: dict[int, set[int]] = {}
        self.closed: defaultdict[int, dict[Pair, int]] = defaultdict(dict)
        self.enters: defaultdict[int, list[Pair]] = defaultdict(list)  # arriving arc -> node
        self.reached: list[tuple[int, int, int]] = []  # arc, start of its copy, node to reach it
        for rule in rules:
            for node, bans in rule.bans.items():
                for pair in bans:
                    self._close(node, pair, rule.hours)
        for rule in rules:
            if rule.chain:
                self._copy_chain(rule)

    def _close(self, node: int, pair: Pair, hours: int) -> None:
        self.closed[node][pair] = self.closed[node].get(pair, 0) | hours

    def _fresh(self, node: int) -> int:
        self.junction.append(self.junction[node])
        return len(self.junction) - 1

    def _arc(self, tail: int, head: int, like: int, layer: int) -> int:
        self.tail.append(tail)
        self.head.append(head)
        self.edge.append(self.edge[like])
        self.ahead.append(self.ahead[like])
        self.layer.append(layer)
        return len(self.tail) - 1

    def _copy_chain(self, rule: Rule) -> None:
        """Add the copies of the streets in between, for those who arrive on ``rule.ins``."""
        before = list(rule.ins)
        for arc in rule.chain:
            node, following = self.tail[arc], self.head[arc]
            start = self._fresh(node)
            copy = self._arc(start, following, arc, VIA)
            for a in before:
                self._close(node, (a, arc), rule.hours)
                self.enters[node].append((a, start))
            for (a, b), hours in list(self.closed[following].items()):
                if a == arc:
                    self._close(following, (copy, b), hours)
            # A place on the street is reached over the street and over its copy.
            reach = self._fresh(node)
            self._arc(reach, self._fresh(following), arc, IN)
            self.reached.append((arc, start, reach))
            before = [copy]
        last = self.head[rule.chain[-1]]
        for out in rule.outs:
            self._close(last, (before[0], out), rule.hours)

    def split(self) -> Layered:
        """Return the layers with all nodes split."""
        split_nodes = {node for node, pairs in self.closed.items() if pairs} | set(self.backs)
        starts: defaultdict[int, list[int]] = defaultdict(list)
        tails = np.array(self.tail[: len(self.layered.arcs)], np.int32)
        for arc in np.flatnonzero(np.isin(tails, list(split_nodes))).tolist():
            starts[int(tails[arc])].append(arc)
        for node in sorted(split_nodes):
            self._split_node(node, starts[node])
        for arc, start, reach in self.reached:
            self.links.append((start, reach, ALWAYS, 0))
            self.links.append((self.tail[arc], reach, ALWAYS, 0))
        return self._layers()

    def _split_node(self, node: int, starts: Sequence[int]) -> None:
        closed, backs = self.closed.get(node, {}), self.backs.get(node, set())
        pairs = {*closed, *backs}
        self.copies[node] = {node}

        def copy() -> int:
            fresh = self._fresh(node)
            self.copies[node].add(fresh)
            return fresh

        arrivals = {a: copy() for a in sorted({a for a, _ in pairs})}
        departures = {b: copy() for b in sorted({b for _, b in pairs})}
        rest = copy()  # from here leave all that everybody may take
        for arc in starts:
            self.tail[arc] = departures.get(arc, rest)
        ways_out = [rest, *departures.values()]
        self.links += [(node, way_out, ALWAYS, 0) for way_out in ways_out]
        for a, arrival in arrivals.items():
            self.head[a] = arrival
            self.links.append((arrival, rest, ALWAYS, 0))
            for b, departure in departures.items():
                hours = ALWAYS & ~closed.get((a, b), 0)
                if hours:
                    extra = U_TURN_S * 10 if (a, b) in backs else 0
                    self.links.append((arrival, departure, hours, extra))
        for a, start in self.enters.get(node, []):
            self.links.append((arrivals[a], start, ALWAYS, 0))

    def _layers(self) -> Layered:
        links = np.array(self.links, np.int64).reshape(-1, 4)
        count, added = len(self.tail), len(links)
        old = len(self.layered.arcs)
        return replace(
            self.layered,
            node=np.array(self.junction, np.int32),
            arcs=Arcs(
                np.concatenate([self.tail, links[:, 0]]).astype(np.int32),
                np.concatenate([self.head, links[:, 1]]).astype(np.int32),
                np.concatenate([self.edge, np.full(added, NO_STREET)]).astype(np.int32),
                np.concatenate([self.ahead, np.ones(added, bool)]).astype(bool),
            ),
            layer=np.concatenate([self.layer, np.full(added, LINK)]).astype(np.uint8),
            hours=np.concatenate(
                [self.layered.hours, np.full(count - old, ALWAYS), links[:, 2]]
            ).astype(np.uint32),
            extra_ds=np.concatenate(
                [self.layered.extra_ds, np.zeros(count - old), links[:, 3]]
            ).astype(np.int32),
        )


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
