"""Travel times and distances between one new place and many known places. PURE.

A person waits for these numbers: what would one more order cost? The result equals the last row
and column of ``matrix.travel([*known, new])``, without the table between all places. One pass over
the network serves all known places (see ``sweep``), so that the places of many days are asked for
at once. A known place only keeps its position on its street.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from dispatch.roads.doors import Fault, doors
from dispatch.roads.engines import choosing
from dispatch.roads.hierarchy import Ends
from dispatch.roads.matrix import Int32, graph_of, hour_of, split, straight_lines
from dispatch.roads.memory import Memory
from dispatch.roads.network import Snaps, Weighted
from dispatch.roads.rules import Profile
from dispatch.roads.walking import with_walks
from lastmile.core.geo import Point

CACHE_BYTES: Final = 16 * 1024 * 1024
Kind = TypeVar("Kind", bound=np.generic)
Degrees = npt.NDArray[np.float64]  # [places, 2]: latitude and longitude


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
    fault : str
        Why no vehicle of the profile can be sent to the new place (see ``doors``), or "".
    """

    to_s: Int32
    to_m: Int32
    from_s: Int32
    from_m: Int32
    source: Literal["roads", "straight_line"]
    straight: tuple[int, ...] = ()
    snapped_m: int = 0
    fault: Fault = ""


class KnownPlaces:
    """Known places on the streets of one profile; ``with_place`` returns a list with one more.

    Parameters
    ----------
    network, profile, depart_minute, var
        As for ``matrix.travel``.
    """

    def __init__(
        self,
        points: Sequence[Point],
        *,
        network: str | None,
        profile: Profile,
        depart_minute: int | None = None,
        var: Path | str | None = None,
    ) -> None:
        self.profile: Profile = profile
        self.graph, _code, loaded = graph_of(network, profile, var)
        self.foot = loaded.graph("foot") if loaded is not None else None
        mark = choosing.chosen().mark
        self.version = f"{loaded.version if loaded is not None else ''}{mark}"
        self.hour = hour_of(depart_minute, self.graph) if self.graph is not None else None
        self.degrees: Degrees = np.array([(p.lat, p.lon) for p in points]).reshape(-1, 2)
        self.snaps = self._snapped(points)
        self._ends: Ends | None = None

    def __len__(self) -> int:
        return len(self.degrees)

    @property
    def nbytes(self) -> int:
        """The size in bytes, approximately."""
        return 110 * len(self)

    @property
    def weighted(self) -> Weighted | None:
        """The graph with the weights of the hour; None without a graph."""
        return None if self.graph is None else self.graph.at(self.hour)

    def with_place(self, index: int, point: Point) -> KnownPlaces:
        """Return a copy with the place at an index replaced, or added if there is none yet."""
        if index > len(self):
            raise ValueError(f"There are {len(self)} places: {index} would leave a gap.")
        one, place = self._snapped([point]), np.array([(point.lat, point.lon)])
        before, after = slice(None, index), slice(index + 1, None)

        def joined(old: npt.NDArray[Kind], new: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
            return np.concatenate([old[before], new, old[after]])

        result = copy(self)
        result.degrees = joined(self.degrees, place)
        result.snaps = Snaps(
            joined(self.snaps.edge, one.edge),
            joined(self.snaps.share, one.share),
            joined(self.snaps.away_m, one.away_m),
        )
        result._ends = None  # noqa: SLF001 - of the same class
        return result

    def with_places(self, points: Sequence[Point], snaps: Snaps) -> KnownPlaces:
        """Return a list of other places on the same graph, which are snapped already."""
        result = copy(self)
        result.degrees = np.array([(p.lat, p.lon) for p in points]).reshape(-1, 2)
        result.snaps, result._ends = snaps, None  # noqa: SLF001 - of the same class
        return result

    def ends(self, weighted: Weighted) -> Ends:
        """Return the costs between the covered places and the ends of their streets."""
        if self._ends is None:
            self._ends = weighted.ends(self.snaps.only(self.snaps.covered))
        return self._ends

    def _snapped(self, points: Sequence[Point]) -> Snaps:
        if self.graph is not None:
            return self.graph.snap(points)
        count = len(points)
        return Snaps(np.full(count, -1, np.int32), np.zeros(count), np.zeros(count, np.int32))


def travel_to_known(new: Point, lists: Sequence[KnownPlaces]) -> list[AddedPlace]:
    """Return the travel between a new place and the places of each list.

    Lists with the same graph and hour share one pass over the network.
    """
    outside = _outside(new, lists)
    if outside is not None:
        return outside
    passes: dict[tuple[int, int | None], list[int]] = {}
    for at, known in enumerate(lists):
        passes.setdefault((id(known.graph), known.hour), []).append(at)
    result: dict[int, AddedPlace] = {}
    for members in passes.values():
        travels = _travel(new, [lists[at] for at in members])
        result.update(zip(members, travels, strict=True))
    return [result[at] for at in range(len(lists))]


def _outside(new: Point, lists: Sequence[KnownPlaces]) -> list[AddedPlace] | None:
    """Return the travel by the routing service of the installation; None without its answer.

    The fault of the new place is that of the embedded network.
    """
    choice = choosing.chosen()
    result = []
    for known in lists:
        places = [Point(lat=lat, lon=lon) for lat, lon in known.degrees.tolist()]
        there = choice.table([new], places, known.profile).times
        back = choice.table(places, [new], known.profile).times
        if there is None or back is None:
            return None
        fault: Fault = ""
        if known.graph is not None:
            (door,) = doors([new], known.graph.snap([new]), known.graph, known.foot)
            fault = door.fault
        result.append(
            AddedPlace(there[0][0], there[1][0], back[0][:, 0], back[1][:, 0], "roads", fault=fault)
        )
    return result


def _travel(new: Point, lists: Sequence[KnownPlaces]) -> list[AddedPlace]:
    """Return the travel for lists with the same graph and hour."""
    weighted, graph = lists[0].weighted, lists[0].graph
    if weighted is None or graph is None:
        return [_straight(new, known, 0) for known in lists]
    one = graph.snap([new])
    away = int(one.away_m[0])
    (door,) = doors([new], one, graph, lists[0].foot)
    covered = [known.snaps.covered for known in lists]
    if not one.covered[0] or not any(rows.any() for rows in covered):
        return [replace(_straight(new, known, away), fault=door.fault) for known in lists]
    ends = [known.ends(weighted) for known in lists]
    streets = [known.snaps.only(rows) for known, rows in zip(lists, covered, strict=True)]
    there, back = weighted.row_and_column(one, _joined(streets), _joined_ends(ends))
    (to_s, to_m), (from_s, from_m) = split(there), split(back)
    result, first = [], 0
    for known, rows in zip(lists, covered, strict=True):
        last = first + int(rows.sum())
        part = slice(first, last)
        same = (known.degrees[rows] == (new.lat, new.lon)).all(axis=1)
        walks = one.away_m, known.snaps.away_m[rows], same[None, :]
        values = (
            with_walks(to_s[None, part], *walks)[0],
            to_m[part],
            with_walks(from_s[None, part], *walks)[0],
            from_m[part],
        )
        first = last
        if rows.all():
            result.append(AddedPlace(*values, "roads", (), away, door.fault))
            continue
        line = _straight(new, known, away)
        if rows.any():
            for whole, part_values in zip(
                (line.to_s, line.to_m, line.from_s, line.from_m), values, strict=True
            ):
                whole[rows] = part_values
            outside = tuple(np.flatnonzero(~rows).tolist())
            line = replace(line, source="roads", straight=outside)
        line = replace(line, fault=door.fault)
        result.append(line)
    return result


def _straight(new: Point, known: KnownPlaces, away_m: int) -> AddedPlace:
    seconds, metres = straight_lines(np.array([(new.lat, new.lon)]), known.degrees, known.profile)
    # a straight line has the same length in both directions
    back_s, back_m = seconds[0].copy(), metres[0].copy()
    return AddedPlace(seconds[0], metres[0], back_s, back_m, "straight_line", (), away_m)


def _joined(parts: Sequence[Snaps]) -> Snaps:
    if len(parts) == 1:
        return parts[0]
    return Snaps(
        np.concatenate([part.edge for part in parts]),
        np.concatenate([part.share for part in parts]),
        np.concatenate([part.away_m for part in parts]),
    )


def _joined_ends(parts: Sequence[Ends]) -> Ends:
    if len(parts) == 1:
        return parts[0]
    names = ("low", "leave_node", "leave", "reach_node", "reach")
    return Ends(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


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
    graph, _code, network_found = graph_of(network, profile, var)
    digest = hashlib.sha256(np.array([(p.lat, p.lon) for p in known]).tobytes()).hexdigest()
    folder = str(network_found.folder) if network_found is not None else ""
    hour = hour_of(depart_minute, graph) if graph is not None else None
    key = (folder, graph.name if graph is not None else "", profile, hour, digest)
    places = _memory.get(key)
    if places is None:
        places = KnownPlaces(
            known, network=network, profile=profile, depart_minute=depart_minute, var=var
        )
        _memory.put(key, places)
    return travel_to_known(new, [places])[0]


_memory: Memory[KnownPlaces] = Memory(CACHE_BYTES)
__all__ = ["AddedPlace", "KnownPlaces", "travel_added", "travel_to_known"]
