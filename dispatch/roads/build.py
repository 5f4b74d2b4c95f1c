"""Builds one version of a network from the data of a map reader. PURE."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dispatch.roads import (
    access,
    address_index,
    hierarchy,
    junctions,
    layers,
    rules,
    store,
    turns,
    water,
)
from dispatch.roads.arrays import write_arrays
from dispatch.roads.city import City
from dispatch.roads.hours import ALWAYS
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
    corners = {node for turn in city.turns for node in (turn.via, *turn.further)}
    streets = assemble(city.ways, city.barriers, corners)
    counts = {
        "streets": len(streets),
        "junctions": len(streets.node_lonlat),
        "named_streets": len(streets.names) - 1,
        "barriers": len(city.barriers),
        "turn_restrictions": city.turn_restrictions,
        "ways_left_out": sum(city.left_out.values()),
        **city.unread,
        "streets_with_hours": int((streets.hours != ALWAYS).any(axis=1).sum()),
    }
    notes = _notes(counts)
    with store.new_version(name, var) as place:
        write_streets(place, streets)
        built = _write_graphs(place, (streets, city.turns), counts, notes, report)
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
            "tables": {**rules.tables(), **access.tables()},
        }
        write_json(place / "meta.json", meta, indent=1)
    return store.info_of(store.network_folder(name, var) / store.current_version(name, var))


def _notes(counts: Mapping[str, int]) -> list[str]:
    """Return what the map does not say, or says in a way that cannot be read."""
    notes = []
    if counts.get("ferries_without_duration"):
        notes.append(
            f"{counts['ferries_without_duration']} ferries have no duration on the map: "
            f"{rules.FERRY_KPH} km/h are assumed."
        )
    if counts.get("ferries") or counts.get("ferries_without_duration"):
        notes.append(
            "The wait for a ferry is half its interval. Where the map has no interval, no wait is "
            "counted. Timetables are not known."
        )
    if counts.get("conditions"):
        notes.append(
            f"The conditions on access of {counts['conditions']} ways cannot be read. Their other "
            "tags count."
        )
    return notes


def _write_graphs(
    place: Path,
    parts: tuple[StreetArrays, Sequence[turns.Turn]],
    counts: dict[str, int],
    notes: list[str],
    report: Report,
) -> list[str]:
    """Write each graph that has streets and return their names; add to counts and notes."""
    built = []
    for graph in rules.GRAPHS:
        size = write_graph(place / f"{graph}.bin", *parts, graph)
        if size is None:
            notes.append(f"No connected streets for {graph}: straight lines are used.")
            continue
        built.append(graph)
        counts |= {f"{graph}_{key}": value for key, value in size.items()}
        unread = counts["turn_restrictions"] - size["turns"]
        if unread and graph == "van":
            notes.append(
                f"Vans obey {size['turns']} of {counts['turn_restrictions']} turn restrictions of "
                "the map. The others are for other vehicles, cannot be read, or do not concern the "
                "streets of the network."
            )
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
    """Write the address index, the shores, and water and parks for the base map; return counts."""
    write_json(place / "areas.json", [(a.kind, a.name, a.ring) for a in city.areas])
    water.write(place, city.shores)
    counts = address_index.build(place / "addresses.sqlite", streets, city.addresses)
    report(f"{counts['addresses']:,} house numbers on {counts['address_streets']:,} streets.")
    return {"areas": len(city.areas), "shores": len(city.shores), **counts}


def bounding_box(streets: StreetArrays) -> list[float]:
    """Return west, south, east and north of all streets, in degrees."""
    west, south = (streets.shape.min(axis=0) / E7).tolist()
    east, north = (streets.shape.max(axis=0) / E7).tolist()
    return [west, south, east, north]


def write_graph(
    path: Path, streets: StreetArrays, restrictions: Sequence[turns.Turn], graph: str
) -> dict[str, int] | None:
    """Write the layers of one graph (see ``layers``) and return its counts.

    Nodes are numbered in the order in which the hierarchy contracts them. Return None if no part
    of the graph can be left and reached again.
    """
    count = len(streets.node_lonlat)
    layered = layers.expand(count, *directed(streets, graph))
    if layered is None:
        return None
    outer = np.isin(layered.layer, (layers.OUT, layers.IN))
    at_ends = len(np.unique(layered.arcs.edge[outer]))
    layered, obeyed = junctions.obey(layered, streets, restrictions, graph)
    arcs, nodes = layered.arcs, layered.node
    tail, head = arcs.tail, arcs.head
    pairs = layers.neighbours(layered)
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
        pairs = rank[pairs[0]], rank[pairs[1]]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "node": nodes,
        "tail": tail,
        "head": head,
        "edge": arcs.edge,
        "ahead": arcs.ahead,
        "layer": layered.layer,
        "kph": arc_speeds(streets, graph, arcs.edge, arcs.ahead),
        "extra_ds": layered.extra_ds,
        "hours": arc_hours(streets, layered),
        "lorry": lorry_arcs(streets, arcs),
    }
    if order is not None:
        shape = hierarchy.build(len(nodes), tail, head, pairs)
        arrays |= {f"h_{f.name}": getattr(shape, f.name) for f in fields(shape)}
    write_arrays(path, arrays)
    return {
        "nodes": len(nodes),
        "arcs": len(tail),
        "nodes_outside": count - layered.served,
        "streets_at_ends": at_ends,
        "left_against": layered.against,
        "turns": obeyed,
    }


Int32 = npt.NDArray[np.int32]


def directed(streets: StreetArrays, graph: str) -> tuple[layers.Arcs, npt.NDArray[np.bool_]]:
    """Return the directed arcs of a graph, and True for each that only serves the ends of a leg."""
    along = rules.USERS.index(graph)
    against = along + len(rules.USERS)
    forth = np.flatnonzero(streets.flags >> along & 1).astype(np.int32)
    back = np.flatnonzero(streets.flags >> against & 1).astype(np.int32)
    arcs = layers.Arcs(
        tail=np.concatenate([streets.u[forth], streets.v[back]]),
        head=np.concatenate([streets.v[forth], streets.u[back]]),
        edge=np.concatenate([forth, back]),
        ahead=np.concatenate([np.ones(len(forth), bool), np.zeros(len(back), bool)]),
    )
    ends = np.concatenate([streets.ends[forth] >> along & 1, streets.ends[back] >> against & 1])
    return arcs, ends.astype(bool)


def arc_hours(streets: StreetArrays, layered: layers.Layered) -> npt.NDArray[np.uint32]:
    """Return the hours in which a van may use each arc, as bits."""
    arcs = layered.arcs
    own = streets.hours[arcs.edge, np.where(arcs.ahead, 0, 1)]
    hours: npt.NDArray[np.uint32] = np.where(
        arcs.edge == layers.NO_STREET, layered.hours, own
    ).astype(np.uint32)
    return hours


def lorry_arcs(streets: StreetArrays, arcs: layers.Arcs) -> npt.NDArray[np.bool_]:
    """Return True for each arc that a lorry may use; always for a link."""
    bit = rules.USERS.index("lorry")
    side = np.where(arcs.ahead, bit, bit + len(rules.USERS))
    usable: npt.NDArray[np.bool_] = (streets.flags[arcs.edge] >> side & 1).astype(bool)
    usable[arcs.edge == layers.NO_STREET] = True
    return usable


def arc_speeds(
    streets: StreetArrays, graph: str, edge: Int32, ahead: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return the free-flow speed of each arc, in km/h; a link without a street has 1.

    Raises ValueError if a speed is not finite and positive.
    """
    kph = np.ones(len(edge), np.float32)
    rows = edge != layers.NO_STREET
    edge, ahead = edge[rows], ahead[rows]
    posted = np.where(ahead, streets.posted[edge, 0], streets.posted[edge, 1])
    key = streets.road_class[edge].astype(np.int64) * 256 + posted
    kinds, back = np.unique(key, return_inverse=True)
    speeds = [rules.speed_kph(graph, rules.CLASSES[k // 256], k % 256) for k in kinds.tolist()]
    kph[rows] = np.array(speeds, np.float32)[back]
    known = np.flatnonzero(rows)[streets.kph[edge] > 0]  # ferries with a duration
    kph[known] = streets.kph[edge][streets.kph[edge] > 0]
    if not (np.isfinite(kph).all() and (kph > 0).all()):
        raise ValueError(f"A speed of the {graph} graph is not finite and positive.")
    return kph
