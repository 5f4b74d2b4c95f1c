"""Times and distances between one place and many, without the table between all of them. PURE.

For what is asked while somebody waits: what would one more order cost? The answer is equal to the
last row and column of ``matrix.travel([*known, new])``; the part that depends on the known places
alone is kept, so that the next place costs milliseconds.
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
from dispatch.roads.network import Graph, Known, Snaps
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point

CACHE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AddedPlace:
    """Travel between a new place and N known ones, in their order.

    Parameters
    ----------
    to_s, to_m : int32[N]
        Seconds and metres from the new place to each known one: the row of the whole matrix.
    from_s, from_m : int32[N]
        The same from each known place to the new one: its column.
    source : str
        ``roads``, or ``straight_line`` when no pair goes over streets.
    straight : tuple of int
        Known places whose numbers are straight-line estimates although ``source`` is ``roads``.
    snapped_m : int
        Metres from the new place to its street; the search limit where there is none.
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
    """Known places on a graph: which lie at a street, and those with their labels."""

    covered: np.ndarray  # type: ignore[type-arg]
    known: Known

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
    """Return travel from a new place to known places and back.

    Parameters
    ----------
    known : sequence of Point
        The hub and the orders of a day, for example; the same sequence again is answered fast.
    network, profile, depart_minute, var
        As for ``matrix.travel``.
    """
    there_s, there_m = straight_between([new], known, profile)
    there_s, there_m = there_s[0], there_m[0]
    back_s, back_m = there_s.copy(), there_m.copy()  # a straight line is as long both ways
    graph, _code, found = graph_of(network, profile, var)
    if graph is None or found is None:
        return AddedPlace(there_s, there_m, back_s, back_m, "straight_line")
    hour = hour_of(depart_minute, graph)
    one = graph.snap([new])
    away = int(one.away_m[0])
    ready = _prepared(known, str(found.folder), graph, hour)
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
    held = _memory.get(key)
    if held is None:
        snaps: Snaps = graph.snap(known)
        held = _Prepared(snaps.covered, graph.at(hour).known(snaps.only(snaps.covered)))
        _memory.put(key, held)
    return held


_memory: Memory[_Prepared] = Memory(CACHE_BYTES)
__all__ = ["AddedPlace", "travel_added"]
