"""Builds one version of a network from the data of a map reader. PURE."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dispatch.roads import address_index, hierarchy, rules, store
from dispatch.roads.arrays import write_arrays
from dispatch.roads.city import City
from dispatch.roads.streets import E7, StreetArrays, assemble

OSM_ATTRIBUTION = "© OpenStreetMap contributors"
OSM_LICENCE = "ODbL 1.0"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of the map data, with the attribution that must be shown."""

    title: str
    source: str
    licence: str = OSM_LICENCE
    attribution: str = OSM_ATTRIBUTION


def build(
    city: City,
    *,
    name: str,
    origin: Origin,
    var: Path | str | None = None,
    report: Report = lambda _text: None,
    more: Callable[[Path, StreetArrays], dict[str, int]] | None = None,
) -> store.NetworkInfo:
    """Write a new version of a network and make it the current one.

    Writes the streets, one graph for each kind of vehicle, the address index and meta.json.

    Parameters
    ----------
    more : callable, optional
        Writes more files into the folder of the version and returns counts for meta.json.

    Raises
    ------
    ValueError
        If no graph has a street that can be left and reached again.
    """
    report(f"{len(city.ways):,} usable ways; joining them into streets.")
    streets = assemble(city.ways)
    counts = {
        "streets": len(streets),
        "junctions": len(streets.node_lonlat),
        "named_streets": len(streets.names) - 1,
        "turn_restrictions_not_routed": city.turn_restrictions,
        "ways_left_out": sum(city.left_out.values()),
    }
    notes: list[str] = []
    if city.turn_restrictions:
        notes.append(
            f"The map data has {city.turn_restrictions} turn restrictions. "
            "Routes do not obey them yet."
        )
    with store.new_version(name, var) as place:
        write_streets(place, streets)
        built = _write_graphs(place, streets, counts, notes, report)
        if not built:
            raise ValueError("The file contains no street that can be left and reached again.")
        counts |= write_extras(place, city, streets, report)
        if more is not None:
            counts |= more(place, streets)
        meta = {
            "name": name,
            **asdict(origin),
            "bbox": bounding_box(streets),
            "profiles": [p for p in rules.PROFILES if rules.GRAPH_OF[p] in built],
            "counts": counts,
            "left_out": city.left_out,
            "builder": store.BUILDER,
            "notes": notes,
            "tables": rules.tables(),
        }
        write_json(place / "meta.json", meta, indent=1)
    return store.info_of(store.network_folder(name, var) / store.current_version(name, var))


def _write_graphs(
    place: Path, streets: StreetArrays, counts: dict[str, int], notes: list[str], report: Report
) -> list[str]:
    """Write each graph that has streets and return their names; add to counts and notes."""
    built = []
    for graph in rules.GRAPHS:
        size = write_graph(place / f"{graph}.bin", streets, graph)
        if size is None:
            notes.append(f"No connected streets for {graph}: straight lines are used.")
            continue
        built.append(graph)
        counts |= {f"{graph}_{key}": value for key, value in size.items()}
        report(f"{graph}: {size['nodes']:,} junctions, {size['arcs']:,} directed streets.")
    return built


def write_streets(place: Path, streets: StreetArrays) -> None:
    """Write the arrays of the streets, and their names into a second file."""
    numbers = {f.name: getattr(streets, f.name) for f in fields(StreetArrays) if f.name != "names"}
    write_arrays(place / "streets.bin", numbers)
    write_json(place / "names.json", streets.names)


def write_json(path: Path, value: object, indent: int | None = None) -> None:
    """Write a value as JSON in UTF-8, with letters such as ñ not escaped."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent), encoding="utf-8")


def write_extras(place: Path, city: City, streets: StreetArrays, report: Report) -> dict[str, int]:
    """Write the address index, and water and parks for the base map; return the counts."""
    write_json(place / "areas.json", [(a.kind, a.name, a.ring) for a in city.areas])
    counts = address_index.build(place / "addresses.sqlite", streets, city.addresses)
    report(f"{counts['addresses']:,} house numbers on {counts['address_streets']:,} streets.")
    return {"areas": len(city.areas), **counts}


def bounding_box(streets: StreetArrays) -> list[float]:
    """Return west, south, east and north of all streets, in degrees."""
    west, south = (streets.shape.min(axis=0) / E7).tolist()
    east, north = (streets.shape.max(axis=0) / E7).tolist()
    return [west, south, east, north]


def write_graph(path: Path, streets: StreetArrays, graph: str) -> dict[str, int] | None:
    """Write the largest strongly connected part of one graph and return its counts.

    Nodes are numbered in the order in which the hierarchy contracts them. Return None if the graph
    has no such part.
    """
    tail, head, edge, ahead = directed(streets, graph)
    nodes, keep = largest_part(len(streets.node_lonlat), tail, head)
    if not keep.any():
        return None
    dropped = len(streets.node_lonlat) - len(nodes)
    tail, head, edge, ahead = tail[keep], head[keep], edge[keep], ahead[keep]
    local = np.full(len(streets.node_lonlat), -1, np.int32)
    local[nodes] = np.arange(len(nodes), dtype=np.int32)
    tail, head = local[tail], local[head]
    where = streets.node_lonlat[nodes].astype(np.float64) / E7
    try:
        order = hierarchy.order_nodes(
            tail, head, where[:, 1].astype(np.float32), where[:, 0].astype(np.float32)
        )
    except ImportError:
        order = None  # no wheel for this machine: scipy's Dijkstra is used, exact but slower
    if order is not None:
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        tail, head, nodes = rank[tail], rank[head], nodes[order]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "node": nodes.astype(np.int32),
        "tail": tail,
        "head": head,
        "edge": edge,
        "ahead": ahead,
        "kph": arc_speeds(streets, graph, edge, ahead),
    }
    if order is not None:
        shape = hierarchy.build(len(nodes), tail, head)
        arrays |= {f"h_{f.name}": getattr(shape, f.name) for f in fields(shape)}
    write_arrays(path, arrays)
    return {"nodes": len(nodes), "arcs": len(tail), "nodes_outside": dropped}


Int32 = npt.NDArray[np.int32]


def directed(
    streets: StreetArrays, graph: str
) -> tuple[Int32, Int32, Int32, npt.NDArray[np.bool_]]:
    """Return the directed arcs of a graph, as four arrays.

    The arrays are tail node, head node, street, and True where the arc follows the drawn direction
    of the street.
    """
    bit = rules.GRAPHS.index(graph)
    forth = np.flatnonzero(streets.flags >> bit & 1).astype(np.int32)
    back = np.flatnonzero(streets.flags >> (bit + len(rules.GRAPHS)) & 1).astype(np.int32)
    return (
        np.concatenate([streets.u[forth], streets.v[back]]),
        np.concatenate([streets.v[forth], streets.u[back]]),
        np.concatenate([forth, back]),
        np.concatenate([np.ones(len(forth), bool), np.zeros(len(back), bool)]),
    )


def largest_part(
    count: int, tail: Int32, head: Int32
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the nodes of the largest strongly connected part, and True for each arc inside it."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(tail):
        return np.zeros(0, np.int64), np.zeros(0, bool)
    matrix = csr_matrix((np.ones(len(tail), np.int8), (tail, head)), shape=(count, count))
    _, label = connected_components(matrix, directed=True, connection="strong")
    within = label[tail] == label[head]
    if not within.any():
        return np.zeros(0, np.int64), np.zeros(0, bool)
    largest = int(np.bincount(label[tail[within]]).argmax())  # the part with the most arcs
    keep = within & (label[tail] == largest)
    return np.flatnonzero(label == largest), keep


def arc_speeds(
    streets: StreetArrays, graph: str, edge: Int32, ahead: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return the free-flow speed of each arc, in km/h.

    Raises ValueError if a speed is not finite and positive.
    """
    posted = np.where(ahead, streets.posted[edge, 0], streets.posted[edge, 1])
    key = streets.road_class[edge].astype(np.int64) * 256 + posted
    kinds, back = np.unique(key, return_inverse=True)
    kph = np.array(
        [rules.speed_kph(graph, rules.CLASSES[k // 256], k % 256) for k in kinds.tolist()],
        np.float32,
    )[back]
    if not (np.isfinite(kph).all() and (kph > 0).all()):
        raise ValueError(f"A speed of the {graph} graph is not finite and positive.")
    return kph
