"""Shores and rivers: is there water between a place and its street? PURE.

Small streams and ponds are no obstacle. Rivers, canals, the sea, lakes and docks are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.arrays import map_arrays, write_arrays
from dispatch.roads.streets import E7

if TYPE_CHECKING:
    from shapely import STRtree

FILE: Final = "water.bin"
_SURFACES: Final = frozenset({"water", "bay"})
_BASINS: Final = frozenset({"reservoir", "basin"})
_COURSES: Final = frozenset({"river", "canal"})
Shore = Sequence[tuple[int, int]]  # corners (lon, lat) in 1e-7 degrees


def is_water(tags: Mapping[str, str]) -> bool:
    """Return True for the outline of a surface of water."""
    return tags.get("natural") in _SURFACES or tags.get("landuse") in _BASINS


def is_shore(tags: Mapping[str, str]) -> bool:
    """Return True for a line that nobody crosses without a bridge; False for water in a pipe."""
    if any(tags.get(key, "no") != "no" for key in ("tunnel", "covered", "intermittent")):
        return False
    return is_water(tags) or tags.get("waterway") in _COURSES or tags.get("natural") == "coastline"


def write(folder: Path, shores: Sequence[Shore]) -> None:
    """Write the lines into the folder of a network."""
    first = np.concatenate([[0], np.cumsum([len(line) for line in shores])]).astype(np.int64)
    corners = np.array([corner for line in shores for corner in line], np.int32).reshape(-1, 2)
    write_arrays(folder / FILE, {"first": first, "corners": corners})


class Water:
    """The shores of a network."""

    def __init__(self, folder: Path) -> None:
        arrays = map_arrays(folder / FILE)
        self.first, self.corners = arrays["first"], arrays["corners"]

    def __len__(self) -> int:
        return len(self.first) - 1

    @cached_property
    def _tree(self) -> STRtree:
        import shapely

        numbers = np.repeat(np.arange(len(self)), np.diff(self.first))
        lines: Any = shapely.linestrings(self.corners / E7, indices=numbers)
        return shapely.STRtree(lines)

    def between(
        self, starts: npt.NDArray[np.float64], stops: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        """Return True for each straight line that crosses water; both are [n, 2] in degrees."""
        crossed = np.zeros(len(starts), bool)
        if not len(self) or not len(starts):
            return crossed
        import shapely

        lines: Any = shapely.linestrings(np.stack([starts, stops], axis=1))
        rows = self._tree.query(lines, predicate="intersects")[0]
        crossed[rows] = True
        return crossed
