"""Travel times and distances between one new place and many known places. PURE.

A dispatcher waits for these numbers: what would one more order cost? The result equals the last
row and column of ``matrix.travel([*known, new])``, without the table between all places. The part
that depends only on the known places is cached, so that the next new place takes milliseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from dispatch.roads.matrix import Int32, graph_of, hour_of, split, straight_between
from dispatch.roads.memory import Memory
from dispatch.roads.network import Graph, KnownPlaces, Snaps
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point

CACHE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AddedPlace:
    """Travel between a new place and N known places, in the order of the known places.

    Parameters
    ----------
    to_s, to_m : int32[N]
        Seconds and metres from the new place to each known place: a row of the full matrix.
    from_s, from_m : int32[N]
        Seconds and metres from each known place to the new place: a column of the full matrix.
    source : str
        ``roads``, or ``straight_line`` if no pair is connected by streets.
    straight : tuple of int
        Known places whose values are straight-line estimates although ``source`` is ``roads``.
    snapped_m : int
        Metres from the new place to its street; the search limit if no street is near.
    """

    to_s: Int32
    to_m: Int32
    from_s: Int32
    from_m: Int32
    source: Literal["roads", "straight_line"]
    straight: tuple[int, ...] = ()
    snapped_m: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Known places on a graph: ``covered`` (near a street), and the labels of the covered ones."""

    covered: np.ndarray  # type: ignore[type-arg]
    known: KnownPlaces

    @property
    def nbytes(self) -> int:
        return int(self.covered.nbytes) + self.known.nbytes


def travel_added(
    known: Sequence[Point],
    new: Point,
    *,
    network: str | None,
    profile: Profile,
    depart_minute: int | None = None,
    var: Path | str | None = None,
) -> AddedPlace:
    """Return the travel times and distances from a new place to known places and back.

    Parameters
    ----------
    known : sequence of Point
        For example the hub and the orders of a day. The same sequence again is fast (cached).
    network, profile, depart_minute, var
        As for ``matrix.travel``.
    """
    there_s, there_m = straight_between([new], known, profile)
    there_s, there_m = there_s[0], there_m[0]
    back_s, back_m = (
        there_s.copy(),
        there_m.copy(),
    )  # a straight line has the same length in both directions
    graph, _code, network_found = graph_of(network, profile, var)
    if graph is None or network_found is None:
        return AddedPlace(there_s, there_m, back_s, back_m, "straight_line")
    hour = hour_of(depart_minute, graph)
    one = graph.snap([new])
    away = int(one.away_m[0])
    ready = _prepared(known, str(network_found.folder), graph, hour)
    if not one.covered[0] or not ready.covered.any():
        return AddedPlace(there_s, there_m, back_s, back_m, "straight_line", snapped_m=away)
    there, back = graph.at(hour).row_and_column(one, ready.known)
    there_s[ready.covered], there_m[ready.covered] = split(there)
    back_s[ready.covered], back_m[ready.covered] = split(back)
    straight = tuple(np.flatnonzero(~ready.covered).tolist())
    return AddedPlace(there_s, there_m, back_s, back_m, "roads", straight, away)


def _prepared(known: Sequence[Point], folder: str, graph: Graph, hour: int | None) -> _Prepared:
    digest = hashlib.sha256(np.array([(p.lat, p.lon) for p in known]).tobytes()).hexdigest()
    key = (folder, graph.name, hour, digest)
    prepared = _memory.get(key)
    if prepared is None:
        snaps: Snaps = graph.snap(known)
        prepared = _Prepared(snaps.covered, graph.at(hour).known_places(snaps.only(snaps.covered)))
        _memory.put(key, prepared)
    return prepared


_memory: Memory[_Prepared] = Memory(CACHE_BYTES)
__all__ = ["AddedPlace", "travel_added"]
