"""A route in the order of time: its stops, the waits before service, and the breaks between.

A person at the door sees when service begins. Between the arrival and that moment the driver
waits for the window to open, or has a break.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dispatch.planning.models import Route, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteBreak:
    """A break of a route as it is planned; ``after`` stops have been served before it."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    after: int

    @property
    def duration_s(self) -> int:
        """How long it lasts."""
        return round((self.ends_at - self.starts_at).total_seconds())


def breaks_of(route: Route) -> list[RouteBreak]:
    """Return the breaks of a route in the order of time."""
    found = (
        RouteBreak(
            starts_at=dt.datetime.fromisoformat(kept["starts_at"]),
            ends_at=dt.datetime.fromisoformat(kept["ends_at"]),
            after=kept["after"],
        )
        for kept in route.breaks
    )
    return sorted(found, key=lambda pause: pause.starts_at)


def wait_s(stop: Stop, breaks: Iterable[RouteBreak]) -> int:
    """Return the seconds of waiting between arrival and service, without the breaks in between."""
    waited = stop.starts_at - stop.arrives_at
    for pause in breaks:
        within = min(pause.ends_at, stop.starts_at) - max(pause.starts_at, stop.arrives_at)
        waited -= max(within, dt.timedelta())
    return round(waited.total_seconds())


def rows_of(route: Route, stops: Sequence[Stop]) -> Iterator[Stop | RouteBreak]:
    """Yield stops and breaks as they follow each other; ``stops`` are all those of the route."""
    breaks = breaks_of(route)
    for stop in stops:
        while breaks and breaks[0].after < stop.position:
            yield breaks.pop(0)
        yield stop
    yield from breaks
