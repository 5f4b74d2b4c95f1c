"""A loaded network: snaps places to streets and computes tables of travel costs. PURE."""

from __future__ import annotations

import importlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads import dijkstra, hierarchy, layers, rules, store
from dispatch.roads.arrays import map_arrays
from dispatch.roads.hours import WORKING
from dispatch.roads.snapping import Snapper, Snaps, StreetIndex
from dispatch.roads.store import NetworkInfo, UnknownNetwork
from dispatch.roads.streets import StreetArrays
from dispatch.roads.walking import Walking
from dispatch.roads.water import Water
from lastmile.core.geo import Point

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "Graph",
    "Network",
    "NetworkInfo",
    "Snaps",
    "UnknownNetwork",
    "available",
    "covering",
    "load",
]

available = store.available
covering = store.covering
SNAP_LIMIT_M: Final = 2_000  # a place farther from each street of its profile is uncovered
NETWORKS_KEPT: Final = 8  # networks kept open in a process; each has four mapped files
HOURS_KEPT: Final = (
    4  # hours of a graph whose weights are cached; about 10 MB each for Greater Porto
)
NO_DOORS: Final = [rules.CLASS_ID[name] for name in ("motorway", "motorway_link", "ferry")]
#: Time to add for a street or a turn that is closed at the hour: a vehicle goes round, and only
#: where there is no other way does it wait.
CLOSED_DS: Final = 2 * 3600 * 10
Longs = npt.NDArray[np.int64]


class Graph:
    """The directed arcs of the streets that one kind of vehicle, or a person on foot, may use."""

    def __init__(self, path: Path, name: str, streets: StreetArrays, water: Water) -> None:
        self.name = name
        self.water = water
        self.streets = streets
        arrays = map_arrays(path)
        self.node, self.tail, self.head = arrays["node"], arrays["tail"], arrays["head"]
        self.edge, self.ahead, self.kph = arrays["edge"], arrays["ahead"], arrays["kph"]
        self.layer = arrays["layer"]
        self.hours, self.extra_ds = arrays["hours"], arrays["extra_ds"]
        self.shape: hierarchy.Hierarchy | None = None
        if "h_parent" in arrays:
            self.shape = hierarchy.Hierarchy(
                **{f.name: arrays[f"h_{f.name}"] for f in fields(hierarchy.Hierarchy)}
            )
        self._hours: OrderedDict[int | None, Weighted] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def leave_arc(self) -> npt.NDArray[np.int32]:
        """The arcs [streets, 2] that leave a place along and against the drawn direction.

        -1 where not allowed. A dead end has such an arc against its one-way direction.
        """
        return self._arcs_of(layers.OUT)

    @cached_property
    def reach_arc(self) -> npt.NDArray[np.int32]:
        """The arcs [streets, 2] that reach a place along and against the drawn direction."""
        return self._arcs_of(layers.IN)

    def _arcs_of(self, layer: int) -> npt.NDArray[np.int32]:
        table = np.full((len(self.streets), 2), -1, np.int32)
        arcs = np.flatnonzero((self.layer == layers.CORE) | (self.layer == layer))
        table[self.edge[arcs], np.where(self.ahead[arcs], 0, 1)] = arcs
        return table

    @cached_property
    def core_streets(self) -> npt.NDArray[np.int32]:
        """The streets that everybody may drive through, ascending."""
        streets: npt.NDArray[np.int32] = np.unique(self.edge[self.layer == layers.CORE])
        return streets

    @cached_property
    def has_ferries(self) -> bool:
        """True if a leg may lead over a ferry."""
        ferry = rules.CLASS_ID["ferry"]
        edges = self.edge[self.layer != layers.LINK]
        return bool((self.streets.road_class[edges] == ferry).any())

    @cached_property
    def doors(self) -> npt.NDArray[np.int32]:
        """The streets that can be reached and left, with doors beside them, ascending."""
        both = (self.leave_arc >= 0).any(axis=1) & (self.reach_arc >= 0).any(axis=1)
        both &= ~np.isin(self.streets.road_class, NO_DOORS)
        if self.name == "van":  # a street that is closed in working hours is no place to park
            closed = (self.streets.hours & WORKING) != WORKING
            both &= ~closed.any(axis=1)
        return np.flatnonzero(both).astype(np.int32)

    @cached_property
    def length_dm(self) -> npt.NDArray[np.int32]:
        """The length of each arc in decimetres; 0 for a link."""
        lengths: npt.NDArray[np.int32] = np.where(
            self.layer == layers.LINK, 0, self.streets.length_dm[self.edge]
        ).astype(np.int32)
        return lengths

    def arc_times_ds(self, hour: int | None) -> npt.NDArray[np.float64]:
        """Return the travel time of each arc at an hour, in tenths of a second.

        A street takes 1 or more, a link 0 or the time of a turn back. What is closed at the hour
        takes CLOSED_DS more; without an hour, what is closed in any working hour.
        """
        factor = np.array([rules.traffic_factor(self.name, c, hour) for c in rules.CLASSES])
        kph = self.kph * factor[self.streets.road_class[self.edge]]
        times = self.length_dm * 3.6 / kph
        if not np.isfinite(times).all():
            raise ValueError(f"A travel time of graph {self.name} is not finite.")
        whole: npt.NDArray[np.float64] = np.maximum(1.0, np.rint(times))
        whole[self.layer == layers.LINK] = 0.0
        whole += self.extra_ds
        if self.name == "van":
            needed = WORKING if hour is None else 1 << hour
            whole[(self.hours & needed) != needed] += CLOSED_DS
        return whole

    def at(self, hour: int | None) -> Weighted:
        """Return the graph with the weights of an hour; a few hours are cached."""
        with self._lock:
            weighted = self._hours.get(hour)
            if weighted is None:
                weighted = Weighted(
                    self, hierarchy.weights(self.arc_times_ds(hour), self.length_dm)
                )
                self._hours[hour] = weighted
                while len(self._hours) > HOURS_KEPT:
                    self._hours.popitem(last=False)
            self._hours.move_to_end(hour)
            return weighted

    @cached_property
    def cut_off(self) -> StreetIndex:
        """The streets that the graph's vehicle may use, but cannot reach or cannot leave."""
        along = rules.USERS.index(self.name)
        usable = (self.streets.flags >> along | self.streets.flags >> along + len(rules.USERS)) & 1
        usable &= ~np.isin(self.streets.road_class, NO_DOORS)
        lost = np.setdiff1d(np.flatnonzero(usable), self.doors).astype(np.int32)
        return StreetIndex(self.streets, lost)

    @cached_property
    def snapper(self) -> Snapper:
        """Finds the streets of places."""
        return Snapper(StreetIndex(self.streets, self.doors), self.water, SNAP_LIMIT_M)

    @cached_property
    def walking(self) -> Walking:
        """The ways on foot from this graph's streets to the doors."""
        return Walking(self.streets, self.snapper)

    def plane(self, lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return degrees as metres on a plane that touches the middle of the network."""
        result: npt.NDArray[np.float64] = lonlat * self.snapper.index.scale
        return result

    def snap(self, points: Sequence[Point]) -> Snaps:
        """Move each place to where a vehicle stops for it (see ``walking``).

        That is on the nearest street of this graph on its side of the water, or where the way on
        foot is shortest.
        """
        snaps = self.snapper.snap(points)
        return snaps if self.name == "foot" else self.walking.park(points, snaps)


class Weighted:
    """A graph with the weights of one hour."""

    def __init__(self, graph: Graph, weight: Longs) -> None:
        self.graph = graph
        self.weight = weight  # composite weight of each arc

    @cached_property
    def metric(self) -> hierarchy.Metric | None:
        """The hierarchy with these weights; None if the network was built without a hierarchy."""
        graph = self.graph
        if graph.shape is None:
            return None
        return hierarchy.customise(graph.shape, graph.tail, graph.head, self.weight)

    @cached_property
    def sparse(self) -> tuple[csr_matrix, Longs]:
        """The best arc between each two nodes: a scipy matrix of weights, and the arcs' numbers."""
        from scipy.sparse import csr_matrix

        graph = self.graph
        sort = np.lexsort((self.weight, graph.head, graph.tail))
        tail, head = graph.tail[sort], graph.head[sort]
        keep = np.concatenate([[True], (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])])
        arcs = sort[keep & (tail != head)]
        count = len(graph.node)
        first = np.searchsorted(graph.tail[arcs], np.arange(count + 1))
        matrix = csr_matrix(
            (self.weight[arcs].astype(np.float64), graph.head[arcs], first), shape=(count, count)
        )
        return matrix, arcs

    def ends(self, snaps: Snaps) -> hierarchy.Ends:
        """Return the costs between snapped places and the ends of their streets, by direction."""
        graph = self.graph
        past, ahead = snaps.share, 1 - snaps.share
        leave = self._sides(graph.leave_arc[snaps.edge], graph.head, (ahead, past))
        reach = self._sides(graph.reach_arc[snaps.edge], graph.tail, (past, ahead))
        low = np.minimum(leave[0].min(axis=1), reach[0].min(axis=1))
        return hierarchy.Ends(low, *leave, *reach)

    def _sides(
        self,
        arcs: npt.NDArray[np.int32],
        end: npt.NDArray[np.int32],
        shares: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    ) -> tuple[npt.NDArray[np.int32], Longs]:
        """Return the nodes at the ends of the arcs [places, 2], and the costs of the shares.

        Where one direction is not allowed, the node is that of the other, with an ENDLESS cost.
        """
        nodes = end[np.where(arcs >= 0, arcs, arcs[:, ::-1])]
        costs = [
            np.where(arcs[:, k] >= 0, share_of(self.weight[arcs[:, k]], share), hierarchy.ENDLESS)
            for k, share in enumerate(shares)
        ]
        return nodes, np.column_stack(costs)

    def table(self, snaps: Snaps, *, oracle: bool = False) -> Longs:
        """Return the composite costs between all snapped places (see ``hierarchy``).

        ``oracle`` uses scipy's Dijkstra even if there is a hierarchy; for tests.
        """
        ends = self.ends(snaps)
        if oracle or self.metric is None:
            best = dijkstra.table(self.sparse[0], ends)
        else:
            best = hierarchy.table(self.metric, ends)
        self._same_street(best, snaps)
        np.fill_diagonal(best, 0)
        return best

    def row_and_column(self, one: Snaps, known: Snaps, ends: hierarchy.Ends) -> tuple[Longs, Longs]:
        """Return the composite costs from one snapped place to the known places, and back.

        ``ends`` are those of the known places.
        """
        here, metric = self.ends(one), self.metric
        if metric is None:
            there, back = dijkstra.row_and_column(self.sparse[0], here, ends)
        else:
            # Loading numba takes half a second; most processes never ask for a row.
            sweep = importlib.import_module("dispatch.roads.sweep")
            there, back = sweep.row_and_column(metric, here, ends)
        near = np.flatnonzero(known.edge == one.edge[0])
        ahead = known.share[near] - one.share[0]
        there[near] = np.minimum(there[near], self._along(int(one.edge[0]), ahead))
        back[near] = np.minimum(back[near], self._along(int(one.edge[0]), -ahead))
        return there, back

    def _along(self, edge: int, ahead: npt.NDArray[np.float64]) -> Longs:
        """Return the costs of going along one street by signed shares of its length."""
        best = np.full(len(ahead), 2 * hierarchy.ENDLESS, np.int64)
        along, against = self.graph.reach_arc[edge]
        if along >= 0:
            direct = share_of(self.weight[along], np.maximum(ahead, 0))
            best = np.where(ahead >= 0, np.minimum(best, direct), best)
        if against >= 0:
            direct = share_of(self.weight[against], np.maximum(-ahead, 0))
            best = np.where(ahead <= 0, np.minimum(best, direct), best)
        return best

    def _same_street(self, best: Longs, snaps: Snaps) -> None:
        """Lower the costs of two places on one street to those of the way along it."""
        sort = np.argsort(snaps.edge, kind="stable")
        edges = snaps.edge[sort]
        cuts = np.flatnonzero(np.concatenate([[True], edges[1:] != edges[:-1], [True]]))
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            if b - a < 2:
                continue
            rows = sort[a:b]
            ahead = snaps.share[rows][None, :] - snaps.share[rows][:, None]
            block = best[np.ix_(rows, rows)]
            along, against = self.graph.reach_arc[edges[a]]
            if along >= 0:
                direct = share_of(self.weight[along], np.maximum(ahead, 0))
                block = np.where(ahead >= 0, np.minimum(block, direct), block)
            if against >= 0:
                direct = share_of(self.weight[against], np.maximum(-ahead, 0))
                block = np.where(ahead <= 0, np.minimum(block, direct), block)
            best[np.ix_(rows, rows)] = block


def share_of(weight: Longs | np.int64, share: npt.NDArray[np.float64]) -> Longs:
    """Return the composite weights of a share of each street's length."""
    time = np.rint((weight >> hierarchy.SHIFT) * share).astype(np.int64)
    length = np.rint((weight & hierarchy.LENGTH_MASK) * share).astype(np.int64)
    return hierarchy.weights(time, length)


class Network:
    """A version of a network, read-only; threads share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = store.info_of(folder)
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        self.streets = StreetArrays(**map_arrays(folder / "streets.bin"), names=names)
        water = Water(folder)
        self._graphs = {
            graph: Graph(folder / f"{graph}.bin", graph, self.streets, water)
            for graph in rules.GRAPHS
            if (folder / f"{graph}.bin").exists()
        }

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.info.name

    @property
    def version(self) -> str:
        """The version of the network, such as ``000003``."""
        return self.info.version

    def graph(self, profile: rules.Profile) -> Graph | None:
        """Return the graph of a profile; None if the network has no connected streets for it."""
        return self._graphs.get(rules.GRAPH_OF[profile])


_loaded: OrderedDict[Path, Network] = OrderedDict()
_loading = threading.Lock()


def load(name: str, var: Path | str | None = None) -> Network:
    """Return the current version of a network, opened once in a process.

    The next call after a new build returns the new version; older objects stay usable.

    Raises
    ------
    UnknownNetwork
        If there is no such network, or another version of Lastmile built it.
    """
    folder = store.network_folder(name, var)
    for attempt in (1, 2, 3):
        version = store.current_version(name, var)
        with _loading:
            cached = _loaded.get(folder)
            if cached is not None and cached.version == version:
                _loaded.move_to_end(folder)
                return cached
            try:
                # Arrays of another builder may have another shape, so they are not even opened.
                if store.info_of(folder / version).builder != store.BUILDER:
                    raise UnknownNetwork(
                        f"The network {name!r} was built by another version of Lastmile. "
                        "Run manage.py roads_build again with its file."
                    )
                fresh = Network(folder / version)
            except FileNotFoundError:
                if attempt == 3:
                    raise
                continue  # two new builds removed this version meanwhile: read the pointer again
            _loaded[folder] = fresh
            while len(_loaded) > NETWORKS_KEPT:
                _loaded.popitem(last=False)
            return fresh
    raise AssertionError("unreachable")
