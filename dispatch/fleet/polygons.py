"""Service areas as GeoJSON polygons: checked once at the door, looked up often."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.geometry import MultiPolygon, Polygon, mapping, shape
from shapely.geometry.polygon import orient
from shapely.validation import explain_validity

from lastmile.core.errors import Invalid
from lastmile.core.geo import EARTH_RADIUS_M

_KINDS = ("Polygon", "MultiPolygon")  # a tuple: what comes in need not be hashable
MAX_POINTS = 5_000
SMALLEST_M2 = 1_000
LARGEST_M2 = 500_000_000_000  # a country; a typing slip that covers a continent is refused


@dataclass(frozen=True, slots=True)
class Area:
    """A checked polygon with what is kept beside it."""

    polygon: dict[str, Any]
    min_lat: float
    min_lon: float
    max_lat: float
    max_lon: float
    area_m2: int


def checked(raw: Any) -> Area:
    """Return the area of a GeoJSON Polygon or MultiPolygon.

    Rings must be closed, in [lon, lat], not cross themselves; the right-hand rule is applied.

    Raises
    ------
    Invalid
        With the cause and the remedy, when it is no polygon, is broken, too small, too large, has
        too many points or crosses the antimeridian.
    """
    if isinstance(raw, dict) and raw.get("type") == "Feature":
        raw = raw.get("geometry")
    if not isinstance(raw, dict) or raw.get("type") not in _KINDS:
        raise Invalid(_("A zone is a GeoJSON Polygon or MultiPolygon."))
    _check_rings(raw)
    try:
        found = shape(raw)
    except (ValueError, TypeError, AttributeError, shapely.errors.ShapelyError) as broken:
        raise Invalid(_("The polygon cannot be read: %(why)s.") % {"why": broken}) from broken
    if found.is_empty or not found.is_valid:
        raise Invalid(
            _("The polygon is not valid: %(why)s. Draw it again without crossing lines.")
            % {"why": explain_validity(found)}
        )
    if not isinstance(found, Polygon | MultiPolygon):
        raise Invalid(_("A zone is a GeoJSON Polygon or MultiPolygon."))
    area_m2 = _area_m2(found)
    if not SMALLEST_M2 <= area_m2 <= LARGEST_M2:
        raise Invalid(
            _("The zone covers %(area)s km²; it must lie between %(least)s and %(most)s km².")
            % {
                "area": round(area_m2 / 1e6, 3),
                "least": SMALLEST_M2 / 1e6,
                "most": LARGEST_M2 // 10**6,
            }
        )
    min_lon, min_lat, max_lon, max_lat = found.bounds
    return Area(_plain(_right_handed(found)), min_lat, min_lon, max_lat, max_lon, round(area_m2))


def contains(polygon: dict[str, Any], lat: float, lon: float) -> bool:
    """Tell whether a place lies in the polygon; its edge belongs to it."""
    return bool(shape(polygon).covers(shapely.Point(lon, lat)))


def _rings(raw: dict[str, Any]) -> Iterator[Any]:
    parts = raw.get("coordinates")
    if not isinstance(parts, list | tuple) or not parts:
        raise Invalid(_("The polygon has no coordinates."))
    polygons = [parts] if raw["type"] == "Polygon" else parts
    for polygon in polygons:
        if not isinstance(polygon, list | tuple) or not polygon:
            raise Invalid(_("A polygon is a list of rings."))
        yield from polygon


def _check_rings(raw: dict[str, Any]) -> None:
    points, lons = 0, []
    for ring in _rings(raw):
        if not isinstance(ring, list | tuple) or len(ring) < 4:
            raise Invalid(_("A ring has at least four points, the last equal to the first."))
        points += len(ring)
        if points > MAX_POINTS:
            raise Invalid(
                _("The polygon has more than %(most)d points; simplify it.") % {"most": MAX_POINTS}
            )
        for spot in ring:
            _check_spot(spot)
            lons.append(spot[0])
        if list(ring[0][:2]) != list(ring[-1][:2]):
            raise Invalid(_("A ring is not closed; repeat its first point at its end."))
    if max(lons) - min(lons) > 180:
        raise Invalid(
            _("The polygon crosses the antimeridian (180°); draw one zone on each side of it.")
        )


def _check_spot(spot: Any) -> None:
    fits = (
        isinstance(spot, list | tuple)
        and len(spot) in {2, 3}
        and all(
            isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
            for x in spot
        )
    )
    if not fits or not (-180 <= spot[0] <= 180 and -90 <= spot[1] <= 90):
        raise Invalid(
            _("%(spot)r is not [longitude, latitude] in degrees (longitude first).")
            % {"spot": spot if fits else "…"}
        )


def _area_m2(found: Polygon | MultiPolygon) -> float:
    """Area on the sphere's tangent strip: degrees scaled at the middle latitude."""
    _min_lon, min_lat, _max_lon, max_lat = found.bounds
    metres = math.radians(1) * EARTH_RADIUS_M
    return float(found.area) * metres**2 * math.cos(math.radians((min_lat + max_lat) / 2))


def _right_handed(found: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    if isinstance(found, Polygon):
        return orient(found)
    return MultiPolygon([orient(part) for part in found.geoms])


def _plain(found: Polygon | MultiPolygon) -> dict[str, Any]:
    """GeoJSON with lists and two coordinates a point, as JSON keeps it."""
    flat = mapping(shapely.force_2d(found))

    def lists(part: Any) -> Any:
        return [lists(p) for p in part] if isinstance(part, list | tuple) else part

    return {"type": flat["type"], "coordinates": lists(flat["coordinates"])}
