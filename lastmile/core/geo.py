"""Points on the Earth: ``Point(lat=, lon=)`` by keyword; [lon, lat] only in GeoJSON. PURE."""

from __future__ import annotations

import math
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point in WGS 84 degrees. Raises ValueError for values out of range or NaN."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"lat {self.lat}, lon {self.lon} is not a point on Earth.")

    def geojson(self) -> dict[str, object]:
        """Return the RFC 7946 geometry, longitude first."""
        return {"type": "Point", "coordinates": [self.lon, self.lat]}


def point_or_none(lat: float | None, lon: float | None) -> Point | None:
    """Return the point of two stored columns, or None if one of them is empty."""
    return None if lat is None or lon is None else Point(lat=lat, lon=lon)


def distance_m(a: Point, b: Point) -> float:
    """Return the great-circle distance in metres (haversine formula, mean radius)."""
    p1, p2 = math.radians(a.lat), math.radians(b.lat)
    h = (
        math.sin((p2 - p1) / 2) ** 2
        + math.cos(p1) * math.cos(p2) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))
