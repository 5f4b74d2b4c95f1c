"""What a shopper must know to collect goods at a hub: the street, the hours, and the map."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from portal.shopper.wording import span_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """The place of a pickup: its text, its opening hours on the day, and its point on a map.

    ``point`` is latitude and longitude as plain text, for a ``geo:`` address (RFC 5870). The page
    loads no map, so no other host learns of its reader. ``hours`` is "" if the hub is closed then.
    """

    place: str
    hours: str
    point: str


def pickup_at(hub: Hub, date: dt.date) -> Pickup:
    """Return what to know about collecting at a hub on a date. In the active time zone."""
    spans = open_spans(hub.hours, date, hub.zone)
    return Pickup(
        place=hub.place_text,
        hours=", ".join(span_line(opens_at, closes_at) for opens_at, closes_at in spans),
        point=f"{hub.lat:.5f},{hub.lon:.5f}",
    )
