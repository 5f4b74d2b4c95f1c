"""Factories of hubs, zones, vehicles, drivers and shifts.

The default hub is in Lisbon, in the time zone of the retailer t1.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from dispatch.fleet import services
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone

LAT, LON = 38.72, -9.14
_numbers = itertools.count(1)


def square(lat: float, lon: float, half: float = 0.05) -> dict[str, Any]:
    """Return a GeoJSON square of ``2 * half`` degrees around a point."""
    west, east, south, north = lon - half, lon + half, lat - half, lat + half
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


SQUARE = square(LAT, LON)


def make_hub(**fields: Any) -> Hub:
    """Add an active hub in Lisbon."""
    n = next(_numbers)
    defaults: dict[str, Any] = {"name": f"Hub {n}", "zone": "Europe/Lisbon", "lat": LAT, "lon": LON}
    return services.add_hub(**defaults | fields)


def make_zone(**fields: Any) -> Zone:
    """Add a square zone around a hub."""
    hub = fields.pop("hub", None) or make_hub()
    defaults: dict[str, Any] = {"name": f"Zone {next(_numbers)}"}
    defaults["polygon"] = square(hub.lat, hub.lon)
    return services.add_zone(hub=hub, **defaults | fields)


def make_vehicle(**fields: Any) -> Vehicle:
    """Add a diesel van for a tonne and eight cubic metres."""
    values: dict[str, Any] = {
        "name": f"Van {next(_numbers)}",
        "profile": "van",
        "energy": "diesel",
        "weight_g": 1_000_000,
        "volume_cm3": 8_000_000,
        "parcels": 120,
        "fixed_cost_minor": 5_000,
        "cost_per_km_minor": 30,
        "cost_per_hour_minor": 1_800,
    } | fields
    hub = values.pop("hub", None) or make_hub()
    return services.add_vehicle(hub=hub, **values)


def make_driver(**fields: Any) -> Driver:
    """Add a driver with a Portuguese telephone number."""
    n = next(_numbers)
    values: dict[str, Any] = {"name": f"Driver {n}", "phone": f"+3519{10_000_000 + n}"} | fields
    hub = values.pop("hub", None) or make_hub()
    return services.add_driver(hub=hub, **values)


def make_shift(**fields: Any) -> Shift:
    """Add a shift of eight hours from 08:00 UTC on Monday 23 November 2026."""
    starts_at = fields.pop("starts_at", dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC))
    ends_at = fields.pop("ends_at", starts_at + dt.timedelta(hours=8))
    vehicle = fields.pop("vehicle", None) or make_vehicle()
    return services.add_shift(vehicle=vehicle, starts_at=starts_at, ends_at=ends_at, **fields)
