"""The adapter for OSRM. PURE.

A server of OSRM has the streets of one kind of vehicle. It does not read which kind a call names.
So only motor vehicles ask it.

Source: https://project-osrm.org/docs/v5.24.0/api/#table-service.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.roads.engines.base import Int32, same_ways, whole_numbers
from dispatch.roads.rules import GRAPH_OF, Profile
from lastmile.core.geo import Point
from lastmile.core.providers import HttpClient, ProviderError


class OsrmEngine:
    """A client of one OSRM server."""

    name = "osrm"

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def covers(self, profile: Profile) -> bool:
        """Return True for motor vehicles."""
        return GRAPH_OF[profile] == "van"

    def block(
        self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
    ) -> tuple[Int32, Int32]:
        """Return seconds and metres between some places; raises ProviderError."""
        places = ";".join(f"{p.lon:.6f},{p.lat:.6f}" for p in [*starts, *ends])
        rows = range(len(starts))
        columns = range(len(starts), len(starts) + len(ends))
        answer = self._client.get_json(
            f"/table/v1/driving/{places}",
            {
                "annotations": "duration,distance",
                "sources": ";".join(map(str, rows)),
                "destinations": ";".join(map(str, columns)),
            },
        )
        if not isinstance(answer, dict) or answer.get("code") != "Ok":
            raise ProviderError("OSRM gave no table", permanent=True)
        shape = len(starts), len(ends)
        return same_ways(
            whole_numbers(answer.get("durations"), shape),
            whole_numbers(answer.get("distances"), shape),
        )
