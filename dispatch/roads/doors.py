"""Which places a vehicle cannot be sent to, although a street is on the map, and why. PURE.

A place is reached if a street of its profile is near, on the same side of the water, and part of
the network that can be driven to and left. Everything else is a fault with a code:

- ``no_street``: the nearest such street is farther than NEAR_M, and no way on foot leads from a
  stop to the door (see ``walking``).
- ``across_water``: all such streets within NEAR_M are on the other side of water.
- ``cut_off``: the place is beside a street that nothing connects with the network, neither for
  the vehicle nor on foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from dispatch.roads.network import Graph, Snaps, UnknownNetwork, load
from dispatch.roads.rules import Profile
from dispatch.roads.snapping import NEAR_M
from dispatch.roads.walking import BESIDE_M, walk_s_of
from lastmile.core.geo import Point

Fault = Literal["", "no_street", "across_water", "cut_off"]
DOORS_KEPT: Final = 50_000  # places of one graph whose doors a process remembers
GRAPHS_KEPT: Final = 24


@dataclass(frozen=True, slots=True)
class Door:
    """The way of a vehicle to a place: its fault, or "", and the metres from where it stops."""

    fault: Fault
    away_m: int

    @property
    def walk_m(self) -> int:
        """The metres on foot from where the vehicle stops; 0 if that is beside the door."""
        return self.away_m if self.away_m > BESIDE_M and not self.fault else 0

    @property
    def walk_s(self) -> int:
        """The seconds on foot, one way."""
        return walk_s_of(self.walk_m)


def doors(points: Sequence[Point], snaps: Snaps, graph: Graph, foot: Graph | None) -> list[Door]:
    """Return the doors of places on the streets of a graph; ``foot`` is the graph on foot."""
    direct = np.ones(len(points), bool) if snaps.on_foot is None else ~snaps.on_foot
    faults: list[Fault] = ["no_street" if far else "" for far in direct & (snaps.away_m > NEAR_M)]
    for at in np.flatnonzero(direct & graph.snapper.wet(points, snaps)).tolist():
        faults[at] = "across_water"
    apart = np.flatnonzero(direct & (snaps.away_m > BESIDE_M))
    places = [points[at] for at in apart.tolist()]
    lost = graph.cut_off.distances(places, NEAR_M) < snaps.away_m[apart]
    if foot is not None and foot is not graph and lost.any():
        lost &= foot.snap(places).away_m > BESIDE_M
    for at in apart[lost].tolist():
        faults[at] = "cut_off"
    return [Door(fault, away) for fault, away in zip(faults, snaps.away_m.tolist(), strict=True)]


def doors_of(
    points: Sequence[Point], *, network: str | None, profile: Profile, var: Path | str | None = None
) -> list[Door]:
    """Return the door of each place; the first place is the hub.

    There is no fault without a loaded network that has the hub: then all times are straight
    lines, and the plan says so.
    """
    free = [Door("", 0)] * len(points)
    if not network or not points:
        return free
    try:
        loaded = load(network, var)
    except UnknownNetwork:
        return free
    graph = loaded.graph(profile)
    if graph is None:
        return free
    if not graph.snap(points[:1]).covered[0]:
        return free
    known = _known(loaded.folder, graph.name)
    fresh = [point for point in dict.fromkeys(points) if point not in known]
    known.update(
        zip(fresh, doors(fresh, graph.snap(fresh), graph, loaded.graph("foot")), strict=True)
    )
    return [known[point] for point in points]


def _known(folder: Path, graph: str) -> dict[Point, Door]:
    """Return the doors of a graph that this process knows; a full memory is emptied."""
    known = _cache.get((folder, graph))
    if known is None or len(known) > DOORS_KEPT:
        if len(_cache) > GRAPHS_KEPT:
            _cache.clear()
        known = _cache[folder, graph] = {}
    return known


_cache: dict[tuple[Path, str], dict[Point, Door]] = {}
