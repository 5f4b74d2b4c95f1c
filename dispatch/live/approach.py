"""Decides what a shopper may see of the driver's position. PURE.

The position is shown only while the driver is on the way to the shopper's own stop: none before,
none after, and none near the door of somebody else. It is snapped to a grid.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lastmile.core.geo import EARTH_RADIUS_M, Point, distance_m

#: Cells of the grid, as the retailers were promised.
GRID_M: Final = 50
#: Closer than this to the door of another order nothing is shown. Twice the grid. Chosen.
NEAR_M: Final = 100
#: A position may be this much ahead of our clock. Chosen.
AHEAD: Final = dt.timedelta(minutes=1)
_M_PER_DEG: Final = math.radians(1) * EARTH_RADIUS_M
_HEADING_STEP: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachRules:
    """The rules of a retailer.

    Parameters
    ----------
    stops_ahead : int
        The position appears when at most this many open stops are before the shopper's stop.
    oldest : timedelta
        An older position is not shown.
    """

    is_on: bool = True
    stops_ahead: int = 0
    oldest: dt.timedelta = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class WayStop:
    """A stop of a run: its order, its door, and what happened there.

    ``is_open`` means that the goods are still to be brought or picked up. ``is_followed`` is False
    for orders that nobody follows on a map, such as those for a locker. Orders with the same
    ``common`` place are one stop; "" is a stop of its own.
    """

    order: str
    door: Point | None
    is_open: bool
    is_followed: bool = True
    arrived_at: dt.datetime | None = None
    departed_at: dt.datetime | None = None
    common: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A run on the road: its stops in the sequence of the route, and its last position."""

    left_at: dt.datetime
    stops: Sequence[WayStop]
    at: dt.datetime
    place: Point
    heading_deg: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlace:
    """A position as a shopper may see it: snapped, with the time of its measurement."""

    at: dt.datetime
    lat: float
    lon: float
    heading_deg: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the position as sockets and pages get it."""
        return {"at": self.at, "lat": self.lat, "lon": self.lon, "heading_deg": self.heading_deg}


def stops_before(way: Sequence[WayStop], order: str) -> int | None:
    """Return the number of open stops before an order's stop; None if that is not open."""
    still_open = {stop.order: stop.common or stop.order for stop in way if stop.is_open}
    if order not in still_open:
        return None
    return list(dict.fromkeys(still_open.values())).index(still_open[order])


def shown_to(order: str, way: Way, rules: ApproachRules, now: dt.datetime) -> ShownPlace | None:
    """Return the position that the shopper of an order may see now, or None."""
    if not rules.is_on or not now - rules.oldest <= way.at <= now + AHEAD:
        return None
    before = stops_before(way.stops, order)
    if before is None or before > rules.stops_ahead:
        return None
    own = next(stop for stop in way.stops if stop.order == order)
    if not own.is_followed or own.arrived_at is not None:
        return None
    departures = [stop.departed_at for stop in way.stops if stop.departed_at is not None]
    since = max(departures, default=way.left_at)
    if way.at < since or _is_at_a_door(way.stops, since) or _is_near_others(own, way):
        return None
    place = snapped(way.place)
    heading = way.heading_deg
    if heading is not None:
        heading = round(heading / _HEADING_STEP) * _HEADING_STEP % 360
    return ShownPlace(at=way.at, lat=place.lat, lon=place.lon, heading_deg=heading)


def _is_at_a_door(stops: Sequence[WayStop], since: dt.datetime) -> bool:
    """Return True if the driver arrived somewhere after the last departure."""
    return any(
        stop.arrived_at is not None and stop.departed_at is None and stop.arrived_at >= since
        for stop in stops
    )


def _is_near_others(own: WayStop, way: Way) -> bool:
    """Return True if the place tells where another shopper lives."""
    if own.door is not None and distance_m(way.place, own.door) <= NEAR_M:
        return False
    others = (stop.door for stop in way.stops if stop.order != own.order)
    return any(door is not None and distance_m(way.place, door) < NEAR_M for door in others)


def snapped(place: Point) -> Point:
    """Return the nearest point of a grid with cells of 50 m, to six decimals."""
    step = GRID_M / _M_PER_DEG
    lat = round(place.lat / step) * step
    lat = min(90.0, max(-90.0, lat))
    across = step / max(math.cos(math.radians(lat)), 0.01)
    lon = min(180.0, max(-180.0, round(place.lon / across) * across))
    return Point(lat=round(lat, 6), lon=round(lon, 6))
