"""The schedule of a route: its stops, the waiting times before service, and its breaks.

Between arrival and the begin of service the driver waits for the time window to open or takes a
break.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dispatch.planning.models import Route, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteBreak:
    """A planned break of a route; ``after`` is the number of stops served before it."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    after: int

    @property
    def duration_s(self) -> int:
        """Return the duration of the break in seconds."""
        return round((self.ends_at - self.starts_at).total_seconds())


def breaks_of(route: Route) -> list[RouteBreak]:
    """Return the breaks of a route, the earliest first."""
    breaks = (
        RouteBreak(
            starts_at=dt.datetime.fromisoformat(row["starts_at"]),
            ends_at=dt.datetime.fromisoformat(row["ends_at"]),
            after=row["after"],
        )
        for row in route.breaks
    )
    return sorted(breaks, key=lambda pause: pause.starts_at)


def wait_s(stop: Stop, breaks: Iterable[RouteBreak]) -> int:
    """Return the seconds of waiting between arrival and service, not counting breaks."""
    waited = stop.starts_at - stop.arrives_at
    for pause in breaks:
        within = min(pause.ends_at, stop.starts_at) - max(pause.starts_at, stop.arrives_at)
        waited -= max(within, dt.timedelta())
    return round(waited.total_seconds())


def rows_of(route: Route, stops: Sequence[Stop]) -> Iterator[Stop | RouteBreak]:
    """Yield the stops and breaks of a route in sequence. ``stops`` are all stops of the route."""
    breaks = breaks_of(route)
    for stop in stops:
        while breaks and breaks[0].after < stop.position:
            yield breaks.pop(0)
        yield stop
    yield from breaks
