"""Checks whether a hub can deliver to a point, used by every way to place or pin an order."""

from __future__ import annotations

from typing import Final

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import ServiceMap
from dispatch.orders.doubts import Doubt
from lastmile.core.geo import Point, distance_m

# Straight line. In the EU a driver may drive nine hours a day (Regulation 561/2006, article 6).
# At 70 km/h, there and back, that is 315 km.
MAX_DISTANCE_M: Final = 300_000
SAME_TOWN_M: Final = 15_000  # hubs without a network that are closer than this share a town


def doubt_of(point: Point, hub: Hub | None, services: ServiceMap) -> str:
    """Return the Doubt about a point, or "" if the hub can deliver to it.

    Without a hub, it is enough that any hub can deliver to the point.
    """
    hubs = [hub] if hub is not None else list(services.hubs)
    if not hubs or _reaches(hubs, point, services):
        return ""
    swapped = swap(point)
    if swapped is not None and _reaches(hubs, swapped, services):
        return Doubt.SWAPPED.value
    return Doubt.FAR.value


def swap(point: Point) -> Point | None:
    """Return the point with latitude and longitude swapped, or None if that is not on earth."""
    return Point(lat=point.lon, lon=point.lat) if abs(point.lon) <= 90 else None


def _reaches(hubs: list[Hub], point: Point, services: ServiceMap) -> bool:
    if any(distance_m(hub.point, point) <= MAX_DISTANCE_M for hub in hubs):
        return True
    ids = {hub.pk for hub in hubs}
    return any(zone.hub_id in ids for zone in services.zones_at(point))


def in_town_of(point: Point, hub: Hub, services: ServiceMap) -> bool:
    """Return True if a point is in the town of this hub.

    The point is in a zone of the hub, or the hub nearest to it is in the same town as this hub.
    """
    if any(zone.hub_id == hub.pk for zone in services.zones_at(point)):
        return True
    nearest = min(services.hubs, key=lambda other: (distance_m(other.point, point), other.pk))
    return _share_a_town(nearest, hub)


def in_one_town(services: ServiceMap) -> bool:
    """Return True if all hubs are in the same town, so that an address needs no town name."""
    first, *rest = [*services.hubs, None]
    return first is None or all(hub is None or _share_a_town(first, hub) for hub in rest)


def _share_a_town(one: Hub, other: Hub) -> bool:
    if one.pk == other.pk:
        return True
    if one.network and other.network:
        return one.network == other.network
    return distance_m(one.point, other.point) <= SAME_TOWN_M
