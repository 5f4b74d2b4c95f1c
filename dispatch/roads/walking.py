"""The last metres on foot, from where a vehicle stops to the door. PURE.

A vehicle stops at the position on its streets that is nearest to the door. Where that is not beside
the door, the door may be on a street for people on foot: in a pedestrian street, or behind a
bollard or a gate. Then the vehicle stops where the way over these streets is shortest, and the
metres to the door are those of this way.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.rules import CLASS_ID, SPEED_KPH, USERS
from dispatch.roads.snapping import Snapper, Snaps, StreetIndex
from dispatch.roads.streets import E7, StreetArrays
from lastmile.core.geo import Point

if TYPE_CHECKING:
    from shapely import STRtree

#: A door this near to the vehicle's street is beside it: no walk is told or timed.
BESIDE_M: Final = 30
#: The longest walk over streets for people on foot. Chosen: about four minutes each way.
MOST_M: Final = 300
#: A way on foot that comes this near to a vehicle's street reaches it, for example a pavement.
STEP_OVER_M: Final = 12
#: A pedestrian street that is nearer to a door by this much is the street of the door.
NEARER_M: Final = 10
WALK_KPH: Final = SPEED_KPH["foot"]["residential"]
Int32 = npt.NDArray[np.int32]


def walk_s(away_m: npt.NDArray[np.integer[Any]]) -> Int32:
    """Return the seconds on foot between a street and a door this many metres away."""
    seconds: Int32 = np.where(
        away_m > BESIDE_M, np.rint(np.asarray(away_m) * 3.6 / WALK_KPH), 0
    ).astype(np.int32)
    return seconds


def walk_s_of(away_m: int) -> int:
    """Return the same for one door."""
    return int(walk_s(np.array([away_m]))[0])


def with_walks(
    duration_s: Int32, starts_m: Int32, ends_m: Int32, same: npt.NDArray[np.bool_]
) -> Int32:
    """Return travel times with the walks at both ends; none between two places that are the same.

    ``starts_m`` and ``ends_m`` are the metres on foot of the rows and of the columns.
    """
    leave, reach = walk_s(starts_m), walk_s(ends_m)
    if not leave.any() and not reach.any():
        return duration_s
    walks = leave[:, None] + reach[None, :]
    walks[same] = 0
    return duration_s + walks


class Walking:
    """The streets on which people walk from one kind of vehicle to a door."""

    def __init__(self, streets: StreetArrays, snapper: Snapper) -> None:
        self.streets, self.snapper = streets, snapper
        bit = USERS.index("foot")
        on_foot = (streets.flags >> bit | streets.flags >> bit + len(USERS)) & 1
        walkable = on_foot.astype(bool) & (streets.road_class != CLASS_ID["ferry"])
        self.rows = np.flatnonzero(walkable).astype(np.int32)
        doors = np.zeros(len(streets), bool)
        doors[snapper.index.rows] = True
        quiet = walkable & ~doors & (streets.road_class == CLASS_ID["pedestrian"])
        self.foot = StreetIndex(streets, np.flatnonzero(walkable & ~doors).astype(np.int32))
        self.precinct = StreetIndex(streets, np.flatnonzero(quiet).astype(np.int32))

    @cached_property
    def _around(self) -> tuple[list[int], list[int], list[float]]:
        """The neighbours of each junction on foot: starts, other ends and metres."""
        u, v = self.streets.u[self.rows], self.streets.v[self.rows]
        metres = self.streets.length_dm[self.rows] / 10
        tail, head = np.concatenate([u, v]), np.concatenate([v, u])
        sort = np.argsort(tail, kind="stable")
        first = np.searchsorted(tail[sort], np.arange(len(self.streets.node_lonlat) + 1))
        length = np.concatenate([metres, metres])[sort]
        return first.tolist(), head[sort].tolist(), length.tolist()

    @cached_property
    def _door_at(self) -> Int32:
        """A street of the vehicle at each junction, -1 without one."""
        doors = self.snapper.index.rows
        result = np.full(len(self.streets.node_lonlat), -1, np.int32)
        result[self.streets.v[doors]] = doors
        result[self.streets.u[doors]] = doors
        return result

    def park(self, points: Sequence[Point], snaps: Snaps) -> Snaps:
        """Return where the vehicle stops for each place, given its nearest streets.

        ``away_m`` of the result is the way on foot; ``on_foot`` is True where it leads over
        streets for people on foot.
        """
        on_foot = np.zeros(len(points), bool)
        result = Snaps(snaps.edge.copy(), snaps.share.copy(), snaps.away_m.copy(), on_foot)
        if not len(points):
            return result
        far = np.flatnonzero(snaps.covered & (snaps.away_m > NEARER_M))
        for index, rows in ((self.foot, far[snaps.away_m[far] > BESIDE_M]), (self.precinct, far)):
            for at, start in self._starts(points, rows, index):
                if on_foot[at] or start[2] > snaps.away_m[at] - NEARER_M:
                    continue
                stop = self._nearest_stop(*start)
                if stop is not None:
                    result.edge[at], result.share[at], metres = stop
                    result.away_m[at], on_foot[at] = round(metres), True
        return result

    def _starts(
        self, points: Sequence[Point], rows: npt.NDArray[np.int64], index: StreetIndex
    ) -> list[tuple[int, tuple[int, float, float]]]:
        """Return the rows that are beside a street of an index: (street, share, metres)."""
        import shapely

        if not len(rows) or not len(index.rows):
            return []
        spots: Any = shapely.points(index.plane([points[at] for at in rows.tolist()]))
        tree, lines = index.tree
        (near, line), metres = tree.query_nearest(
            spots, max_distance=BESIDE_M, return_distance=True, all_matches=False
        )
        share = shapely.line_locate_point(lines[line], spots[near], normalized=True)
        return [
            (int(rows[n]), (int(index.rows[at]), float(where), float(away)))
            for n, at, where, away in zip(near, line, share, metres, strict=True)
        ]

    def _nearest_stop(
        self, edge: int, share: float, away_m: float
    ) -> tuple[int, float, float] | None:
        """Return the nearest position of a vehicle on foot: (street, share, metres) or None."""
        length = float(self.streets.length_dm[edge]) / 10
        todo = [
            (away_m + share * length, int(self.streets.u[edge])),
            (away_m + (1 - share) * length, int(self.streets.v[edge])),
        ]
        heapq.heapify(todo)
        first, heads, lengths = self._around
        known: dict[int, float] = {}
        best: tuple[int, float, float] | None = None
        while todo:
            metres, node = heapq.heappop(todo)
            if metres > MOST_M or node in known:
                continue
            known[node] = metres
            door = int(self._door_at[node])
            if door >= 0:
                best = door, 0.0 if self.streets.u[door] == node else 1.0, metres
                break
            for at in range(first[node], first[node + 1]):
                if heads[at] not in known:
                    heapq.heappush(todo, (metres + lengths[at], heads[at]))
        return self._stepped_over(known, best)

    def _stepped_over(
        self, known: dict[int, float], best: tuple[int, float, float] | None
    ) -> tuple[int, float, float] | None:
        """Return the best stop, or one beside a junction on the way that is nearer."""
        import shapely

        nodes = list(known)
        index = self.snapper.index
        lonlat = self.streets.node_lonlat[nodes] / E7
        spots: Any = shapely.points(lonlat * index.scale)
        tree: STRtree
        tree, lines = index.tree
        (near, line), away = tree.query_nearest(
            spots, max_distance=STEP_OVER_M, return_distance=True, all_matches=False
        )
        for n, at, metres in zip(near.tolist(), line.tolist(), away.tolist(), strict=True):
            whole = known[nodes[n]] + metres
            if whole <= MOST_M and (best is None or whole < best[2]):
                share = shapely.line_locate_point(lines[at], spots[n], normalized=True)
                best = int(index.rows[at]), float(share), whole
        return best
