"""Reads positions in the forms of common GPS apps and servers. PURE.

Four forms: the query of OsmAnd and of Traccar Client, the same as a form body, the JSON of newer
Traccar Client versions, and the JSON that a Traccar server forwards. Their units differ; a
position always has metres per second.

Sources: OsmAnd "Online tracking" (``LiveMonitoringHelper``: speed in m/s, time in milliseconds);
Traccar ``OsmAndProtocolDecoder`` (speed in knots; JSON of Traccar Client 9 in m/s); Traccar
"Position forwarding" (speed in knots, times in ISO 8601 or milliseconds).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dispatch.live.phone_time import read_phone_time
from dispatch.live.points import BadPoint, Read, id_of_place, measured, number

KNOT_MPS: Final = 1852 / 3600
#: A timestamp above this is in milliseconds; in seconds it would be after the year 5138.
_MS_FROM: Final = 100_000_000_000
#: Fields that Traccar Client sends in its query and OsmAnd does not. They tell the unit of speed.
_TRACCAR_CLIENT: Final = frozenset({"batt", "accuracy", "charge", "mock"})
MOST_POINTS: Final = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """The content of a call of a GPS client: the secret of the device, and its positions."""

    secret: str
    points: Sequence[Read] = field(default=())


def read_query(values: Mapping[str, str]) -> Sent:
    """Read the query or form of OsmAnd and Traccar Client.

    Traccar Client names speed in knots and OsmAnd in metres per second. Traccar Client sends some
    fields that OsmAnd never sends.
    """
    secret = values.get("id") or values.get("deviceid") or ""
    lat, lon = values.get("lat"), values.get("lon")
    if "location" in values and lat is None:
        lat, _comma, lon = values["location"].partition(",")
    speed = number(values.get("speed"))
    if speed is not None and not _TRACCAR_CLIENT.isdisjoint(values):
        speed = _from_knots(speed)
    point = _point(
        secret,
        values.get("timestamp"),
        (lat, lon),
        accuracy_m=values.get("accuracy") or values.get("hdop"),
        speed_mps=speed,
        heading_deg=values.get("bearing") or values.get("heading"),
    )
    return Sent(secret, [point])


def read_body(body: object) -> Sent:
    """Read the JSON of Traccar Client or of a forwarding Traccar server, or a list of such."""
    if isinstance(body, list):
        return _joined(
            [read_body(item) for item in body[:MOST_POINTS] if isinstance(item, Mapping)]
        )
    if not isinstance(body, Mapping):
        return Sent("")
    if "position" in body or "positions" in body:
        return _forwarded(body)
    secret = body.get("device_id") or body.get("deviceId") or body.get("id")
    if not isinstance(secret, str):
        return Sent("")
    location = body.get("location")
    items = location if isinstance(location, list) else [location]
    return Sent(secret, [_of_client(secret, item) for item in items[:MOST_POINTS]])


def _joined(parts: Sequence[Sent]) -> Sent:
    """Return the positions of one device; a list of several devices is not read."""
    secrets = {part.secret for part in parts}
    if len(secrets) != 1:
        return Sent("")
    return Sent(secrets.pop(), [point for part in parts for point in part.points][:MOST_POINTS])


def _forwarded(body: Mapping[str, Any]) -> Sent:
    device = body.get("device")
    secret = device.get("uniqueId") if isinstance(device, Mapping) else None
    if not isinstance(secret, str):
        return Sent("")
    positions = body.get("positions")
    items = positions if isinstance(positions, list) else [body.get("position")]
    return Sent(secret, [_of_server(secret, item) for item in items[:MOST_POINTS]])


def _of_client(secret: str, item: object) -> Read:
    """Read one location of Traccar Client's JSON; its speed is in m/s."""
    coords = item.get("coords") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(coords, Mapping):
        return BadPoint("", "malformed")
    return _point(
        secret,
        item.get("timestamp"),
        (coords.get("latitude"), coords.get("longitude")),
        accuracy_m=coords.get("accuracy"),
        speed_mps=coords.get("speed"),
        heading_deg=coords.get("heading"),
    )


def _of_server(secret: str, item: object) -> Read:
    """Read one position of a forwarding Traccar server; its speed is in knots."""
    if not isinstance(item, Mapping):
        return BadPoint("", "malformed")
    if item.get("valid") is False:
        return BadPoint("", "no_fix")
    speed = number(item.get("speed"))
    return _point(
        secret,
        item.get("fixTime") or item.get("deviceTime"),
        (item.get("latitude"), item.get("longitude")),
        accuracy_m=item.get("accuracy") or None,  # 0 is unknown here
        speed_mps=None if speed is None else _from_knots(speed),
        heading_deg=item.get("course"),
    )


def _point(secret: str, sent: object, place: tuple[object, object], **values: Any) -> Read:
    at = _time(sent)
    if at is None:
        return BadPoint("", "time_missing")
    lat, lon = number(place[0]), number(place[1])
    client_id = id_of_place(secret, at, lat, lon)
    return measured(client_id=client_id, at=at, place=(lat, lon), **values)


def _time(sent: object) -> dt.datetime | None:
    """Return a time that is sent as seconds, milliseconds or ISO 8601."""
    stamp = number(sent)
    if stamp is None:
        text = sent.replace(" ", "+") if isinstance(sent, str) else sent  # "+" in a raw query
        return read_phone_time(text)
    seconds = stamp / 1000 if stamp >= _MS_FROM else stamp
    try:
        at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return read_phone_time(at.isoformat())


def _from_knots(speed: float) -> float:
    """Return metres per second; a negative speed is unknown and stays negative."""
    return speed * KNOT_MPS
