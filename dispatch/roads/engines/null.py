"""A routing service that stays on this machine and keeps the calls, for tests. PURE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatch.roads.engines.base import Int32
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from lastmile.core.providers import ProviderError


class NullEngine:
    """Answers each pair with the same seconds and metres; raises ``fault`` if one is set."""

    name = "null"

    def __init__(self, seconds: int = 60, metres: int = 500) -> None:
        self.seconds, self.metres = seconds, metres
        self.fault: ProviderError | None = None
        self.told: list[tuple[int, int, Profile]] = []

    def covers(self, profile: Profile) -> bool:
        """Return True for each profile but the one on foot."""
        return profile != "foot"

    def block(
        self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
    ) -> tuple[Int32, Int32]:
        """Return the same numbers for each pair of different places."""
        self.told.append((len(starts), len(ends), profile))
        if self.fault is not None:
            raise self.fault
        other = np.array([[a != b for b in ends] for a in starts], np.int32)
        return other * np.int32(self.seconds), other * np.int32(self.metres)
