"""The routing service of this installation (ROADS_URL), and what happens if it fails. PURE.

After a failure the embedded network answers for PAUSE_S seconds, so that a server that is down does
not delay each call.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from dispatch.roads.engines.base import Int32, RoadEngine, table
from dispatch.roads.engines.osrm import OsrmEngine
from dispatch.roads.engines.valhalla import ValhallaEngine
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from lastmile.core.providers import HttpClient, Limits, ProviderError

log = logging.getLogger(__name__)
PAUSE_S: Final = 60.0
LIMITS: Final = Limits(connect_s=2.0, total_s=20.0, most_bytes=8_000_000)


@dataclass(frozen=True, slots=True)
class Answer:
    """The seconds and metres of the service; None without one. ``failed``: it did not answer."""

    times: tuple[Int32, Int32] | None = None
    engine: str = ""
    failed: bool = False


class ChosenEngine:
    """The service of an address; its kind is asked for at the first call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: RoadEngine | None = None
        self.paused_until = 0.0
        self._lock = threading.Lock()

    @property
    def mark(self) -> str:
        """The part of a network's version that tells its times from those of other sources."""
        paused = monotonic() < self.paused_until
        return "" if not self.url or paused else "-outside"

    def table(self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile) -> Answer:
        """Return the times of the service between places, or that there are none."""
        if not self.url or not starts or not ends:
            return Answer()
        if monotonic() < self.paused_until:
            return Answer(failed=True)
        try:
            engine = self._engine()
            if not engine.covers(profile):
                return Answer()
            return Answer(table(engine, starts, ends, profile), engine.name)
        except ProviderError as fault:
            log.warning("The routing service failed; the embedded network answers: %s", fault)
            self.paused_until = monotonic() + PAUSE_S
            return Answer(failed=True)

    def _engine(self) -> RoadEngine:
        with self._lock:
            if self.engine is None:
                client = HttpClient(self.url, limits=LIMITS)
                self.engine = ValhallaEngine(client) if _is_valhalla(client) else OsrmEngine(client)
            return self.engine


def _is_valhalla(client: HttpClient) -> bool:
    """Return True if a server answers as Valhalla does; OSRM refuses this path."""
    try:
        status = client.get_json("/status")
    except ProviderError as fault:
        if fault.permanent:
            return False
        raise
    return isinstance(status, dict) and "version" in status


_chosen = ChosenEngine("")


def use(url: str) -> None:
    """Ask the service at this address from now on; "" asks none."""
    global _chosen
    _chosen = ChosenEngine(url)


def chosen() -> ChosenEngine:
    """Return the service of this installation."""
    return _chosen
