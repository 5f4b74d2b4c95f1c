"""The facts that a shopper needs to collect goods at a hub: the street, the hours, and the map."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.wording import AT_HUB, span_line
from lastmile.core import clock, formatting
from lastmile.core.geo import Point

MAP_HOST: Final = "openstreetmap.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """The place of a pickup: its text, its opening hours on the day, and its point on a map.

    ``point`` is latitude and longitude. ``hours`` is "" if the hub is closed then. ``map_url`` is
    the place on openstreetmap.org. The page itself loads no map, so no other host learns of its
    reader before the link is opened.
    """

    place: str
    hours: str
    point: tuple[float, float]

    @property
    def map_host(self) -> str:
        """Return the name of the host to which the link to the map leads."""
        return MAP_HOST

    @property
    def map_url(self) -> str:
        """Return the address of a public map that shows the place."""
        lat, lon = self.point
        return map_url(Point(lat=lat, lon=lon))


def map_url(point: Point) -> str:
    """Return the address of a public map that shows a point."""
    lat, lon = f"{point.lat:.5f}", f"{point.lon:.5f}"
    return f"https://www.{MAP_HOST}/?mlat={lat}&mlon={lon}#map=17/{lat}/{lon}"


def price_words(price_minor: int | None, currency: str) -> str:
    """Return a price for shoppers; 0 is “Free”, no price is empty."""
    if price_minor is None:
        return ""
    return formatting.money(price_minor, currency) if price_minor else _("Free")


def pickup_of(order: Order) -> Pickup | None:
    """Return what to know about the promised pickup of an order at its hub; None without one."""
    hub, promise = order.hub, order.promise
    if hub is None or promise is None or promise.option not in AT_HUB:
        return None
    return pickup_at(hub, clock.local_date(promise.opens_at, hub.zone))


def pickup_at(hub: Hub, date: dt.date) -> Pickup:
    """Return what to know about collecting at a hub on a date. In the active time zone."""
    spans = open_spans(hub.hours, date, hub.zone)
    return Pickup(
        place=hub.place_text,
        hours=", ".join(span_line(opens_at, closes_at) for opens_at, closes_at in spans),
        point=(hub.lat, hub.lon),
    )
