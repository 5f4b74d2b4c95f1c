"""Finds the street of a place: the nearest one that is not across water. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.streets import E7, StreetArrays, metres_per_degree
from dispatch.roads.water import Water
from lastmile.core.geo import Point

if TYPE_CHECKING:
    from shapely import STRtree

NEAR_M: Final = 100  # a place farther from its street is not reached
STEP_M: Final = 8.0  # positions on a street that are tried if the nearest one is across water
Degrees = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Snaps:
    """Places moved to their nearest street.

    ``edge`` is the street, or -1 if no street is within the limit. ``share`` is the position on
    the street: 0 at its start, 1 at its end. ``away_m`` is the distance to it, or the limit.
    ``on_foot`` is True where this distance is a way over streets for people on foot; None if that
    is not known.
    """

    edge: Int32
    share: Degrees
    away_m: Int32
    on_foot: npt.NDArray[np.bool_] | None = None

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """True for each place that has a street."""
        result: npt.NDArray[np.bool_] = self.edge >= 0
        return result

    def only(self, rows: npt.NDArray[np.bool_]) -> Snaps:
        """Return the places where ``rows`` is True."""
        on_foot = None if self.on_foot is None else self.on_foot[rows]
        return Snaps(self.edge[rows], self.share[rows], self.away_m[rows], on_foot)


class StreetIndex:
    """A spatial index of some streets, in metres on a plane that touches the network's middle."""

    def __init__(self, streets: StreetArrays, rows: Int32) -> None:
        self.streets, self.rows = streets, rows

    @cached_property
    def scale(self) -> Degrees:
        """The metres in a degree of longitude and of latitude."""
        lats = self.streets.node_lonlat[:, 1]
        return np.array(metres_per_degree((int(lats.min()) + int(lats.max())) / 2 / E7))

    @cached_property
    def tree(self) -> tuple[STRtree, npt.NDArray[np.object_]]:
        """The index and the lines, in the order of ``rows``."""
        import shapely

        size = np.diff(self.streets.first)[self.rows]
        start = np.repeat(self.streets.first[self.rows] - (np.cumsum(size) - size), size)
        corners = self.streets.shape[start + np.arange(int(size.sum()))]
        lines: Any = shapely.linestrings(
            corners / E7 * self.scale, indices=np.repeat(np.arange(len(self.rows)), size)
        )
        return shapely.STRtree(lines), lines

    def plane(self, points: Sequence[Point]) -> Degrees:
        """Return places in metres on the plane."""
        result: Degrees = np.array([(p.lon, p.lat) for p in points]).reshape(-1, 2) * self.scale
        return result

    def distances(self, points: Sequence[Point], limit_m: float) -> npt.NDArray[np.float64]:
        """Return the metres from each place to the nearest of the streets, inf above the limit."""
        import shapely

        result = np.full(len(points), np.inf)
        if len(self.rows) and len(points):
            spots: Any = shapely.points(self.plane(points))
            (rows, _), metres = self.tree[0].query_nearest(
                spots, max_distance=limit_m, return_distance=True, all_matches=False
            )
            result[rows] = metres
        return result


class Snapper:
    """Moves places to the streets of one graph."""

    def __init__(self, index: StreetIndex, water: Water | None, limit_m: int) -> None:
        self.index, self.water, self.limit_m = index, water, limit_m

    def snap(self, points: Sequence[Point]) -> Snaps:
        """Move each place to the nearest street on its side of the water.

        If all streets within NEAR_M are across water, it is moved to the nearest one nevertheless.
        """
        import shapely

        count = len(points)
        edge = np.full(count, -1, np.int32)
        share, away = np.zeros(count), np.full(count, float(self.limit_m))
        if not count:
            return Snaps(edge, share, away.astype(np.int32))
        tree, lines = self.index.tree
        plane = self.index.plane(points)
        spots: Any = shapely.points(plane)
        (rows, nearest), metres = tree.query_nearest(
            spots, max_distance=self.limit_m, return_distance=True, all_matches=False
        )
        edge[rows] = self.index.rows[nearest]
        share[rows] = shapely.line_locate_point(lines[nearest], spots[rows], normalized=True)
        away[rows] = metres
        if self.water is not None and len(self.water):
            stops = shapely.get_coordinates(
                shapely.line_interpolate_point(lines[nearest], share[rows], normalized=True)
            )
            wet = self._wet(plane[rows], stops)
            for at, row in zip(rows[wet].tolist(), np.flatnonzero(wet).tolist(), strict=True):
                dry = self._on_this_side(plane[at], float(metres[row]))
                if dry is not None:
                    edge[at], share[at], away[at] = dry
        return Snaps(edge, share, np.rint(away).astype(np.int32))

    def wet(self, points: Sequence[Point], snaps: Snaps) -> npt.NDArray[np.bool_]:
        """Return True for each place with water between it and its street within NEAR_M."""
        import shapely

        result = np.zeros(len(points), bool)
        rows = np.flatnonzero((snaps.edge >= 0) & (snaps.away_m <= NEAR_M))
        if self.water is None or not len(self.water) or not len(rows):
            return result
        lines = self.index.tree[1][np.searchsorted(self.index.rows, snaps.edge[rows])]
        stops = shapely.get_coordinates(
            shapely.line_interpolate_point(lines, snaps.share[rows], normalized=True)
        )
        result[rows] = self._wet(self.index.plane(points)[rows], stops)
        return result

    def _wet(self, starts: Degrees, stops: Degrees) -> npt.NDArray[np.bool_]:
        if self.water is None:
            return np.zeros(len(starts), bool)
        return self.water.between(starts / self.index.scale, stops / self.index.scale)

    def _on_this_side(self, start: Degrees, least: float) -> tuple[int, float, float] | None:
        """Return the nearest position on a street within NEAR_M that is not across water.

        ``least`` is the distance of the nearest street, whose nearest position is across water.
        """
        import shapely

        if least > NEAR_M:
            return None
        tree, lines = self.index.tree
        spot: Any = shapely.points(start)
        best: tuple[int, float, float] | None = None
        for at in tree.query(spot, predicate="dwithin", distance=NEAR_M).tolist():
            line = lines[at]
            length = max(shapely.length(line), 1e-6)
            middle = shapely.line_locate_point(line, spot)
            reach = np.arange(-NEAR_M, NEAR_M + STEP_M, STEP_M)
            tried = np.unique(np.clip(np.append(middle + reach, middle), 0, length))
            stops = shapely.get_coordinates(shapely.line_interpolate_point(line, tried))
            metres = np.hypot(*(stops - start).T)
            near = metres <= NEAR_M
            tried, stops, metres = tried[near], stops[near], metres[near]
            dry = ~self._wet(np.repeat(start[None], len(tried), axis=0), stops)
            if dry.any():
                pick = int(np.argmin(np.where(dry, metres, np.inf)))
                if best is None or metres[pick] < best[2]:
                    best = int(self.index.rows[at]), float(tried[pick] / length), metres[pick]
        return best
