"""The protocol of a routing service. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from dispatch.roads.rules import Profile
from dispatch.solver.model.elements import MAX_TRAVEL
from lastmile.core.geo import Point
from lastmile.core.providers import ProviderError

Int32 = npt.NDArray[np.int32]
NO_WAY: Final = MAX_TRAVEL  # seconds and metres of a pair without a way
#: Places in one direction of a call: OSRM takes 100 places in all and Valhalla 2,500 pairs, unless
#: the server is set up for more.
BLOCK: Final = 50


class RoadEngine(Protocol):
    """A routing service. ``name`` is its kind, in the version of a plan's network."""

    name: str

    def covers(self, profile: Profile) -> bool:
        """Return True if the service has times for this profile."""
        ...

    def block(
        self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
    ) -> tuple[Int32, Int32]:
        """Return seconds and metres between at most BLOCK starts and BLOCK ends.

        A pair without a way has NO_WAY in both. Raises ProviderError.
        """
        ...


def table(
    engine: RoadEngine, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
) -> tuple[Int32, Int32]:
    """Return seconds and metres between all starts (rows) and ends; raises ProviderError."""
    seconds = np.zeros((len(starts), len(ends)), np.int32)
    metres = np.zeros_like(seconds)
    for a in range(0, len(starts), BLOCK):
        for b in range(0, len(ends), BLOCK):
            part = engine.block(starts[a : a + BLOCK], ends[b : b + BLOCK], profile)
            seconds[a : a + BLOCK, b : b + BLOCK], metres[a : a + BLOCK, b : b + BLOCK] = part
    return seconds, metres


def whole_numbers(values: Any, shape: tuple[int, int], factor: float = 1.0) -> Int32:
    """Return a matrix of an answer in whole units; ``null`` is NO_WAY.

    Raises ProviderError if it is not a matrix of this shape with numbers of 0 or more.
    """
    try:
        rows = [
            [NO_WAY if cell is None else round(float(cell) * factor) for cell in row]
            for row in values
        ]
        result = np.array(rows, np.int64).reshape(shape)
    except (TypeError, ValueError, OverflowError) as fault:
        raise ProviderError("its answer has no matrix of numbers", permanent=True) from fault
    if (result < 0).any():
        raise ProviderError("its answer has a negative number", permanent=True)
    whole: Int32 = np.minimum(result, NO_WAY).astype(np.int32)
    return whole


def same_ways(seconds: Int32, metres: Int32) -> tuple[Int32, Int32]:
    """Return two matrices that say NO_WAY for the same pairs."""
    closed = (seconds == NO_WAY) | (metres == NO_WAY)
    return np.where(closed, NO_WAY, seconds), np.where(closed, NO_WAY, metres)
