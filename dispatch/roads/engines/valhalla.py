"""The adapter for Valhalla. PURE.

Source: https://valhalla.github.io/valhalla/api/matrix/api-reference/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dispatch.roads.engines.base import Int32, same_ways, whole_numbers
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from lastmile.core.providers import HttpClient, ProviderError

COSTING: Final[Mapping[Profile, str]] = {
    "van": "auto",
    "e_van": "auto",
    "cargo_bike": "bicycle",
    "foot": "pedestrian",
}


class ValhallaEngine:
    """A client of one Valhalla server."""

    name = "valhalla"

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def covers(self, profile: Profile) -> bool:
        """Return True: Valhalla has all profiles."""
        return profile in COSTING

    def block(
        self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
    ) -> tuple[Int32, Int32]:
        """Return seconds and metres between some places; raises ProviderError."""
        answer = self._client.call_json(
            "POST",
            "/sources_to_targets",
            body={
                "sources": [{"lat": p.lat, "lon": p.lon} for p in starts],
                "targets": [{"lat": p.lat, "lon": p.lon} for p in ends],
                "costing": COSTING[profile],
                "units": "kilometers",
                "verbose": False,
            },
        )
        matrices = answer.get("sources_to_targets") if isinstance(answer, dict) else None
        if not isinstance(matrices, dict):
            raise ProviderError("Valhalla gave no matrix", permanent=True)
        shape = len(starts), len(ends)
        return same_ways(
            whole_numbers(matrices.get("durations"), shape),
            whole_numbers(matrices.get("distances"), shape, 1000),
        )
