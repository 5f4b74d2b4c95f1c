"""The areas of zones as GeoJSON polygons: their check when they are stored, and their look-up."""

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

_KINDS = ("Polygon", "MultiPolygon")  # a tuple, because a received value may not be hashable
MAX_POINTS = 5_000
SMALLEST_M2 = 1_000
LARGEST_M2 = 500_000_000_000  # a country; a typing error that covers a continent is refused


@dataclass(frozen=True, slots=True)
class Area:
    """A checked polygon with its bounding box and its area."""

    polygon: dict[str, Any]
    min_lat: float
    min_lon: float
    max_lat: float
    max_lon: float
    area_m2: int


def checked_area(raw: Any) -> Area:
    """Return the area of a GeoJSON Polygon or MultiPolygon.

    Rings must be closed, have points [lon, lat] and not cross themselves. The result follows the
    right-hand rule of GeoJSON.

    Raises
    ------
    Invalid
        If the value is not a valid polygon, is too small or too large, has too many points or
        crosses the antimeridian.
    """
    if isinstance(raw, dict) and raw.get("type") == "Feature":
        raw = raw.get("geometry")
    if not isinstance(raw, dict) or raw.get("type") not in _KINDS:
        raise Invalid(_("A zone must be a GeoJSON Polygon or MultiPolygon."))
    _check_rings(raw)
    try:
        geometry = shape(raw)
    except (ValueError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise Invalid(
            _("The polygon cannot be read: %(why)s. Draw it again.") % {"why": error}
        ) from error
    if geometry.is_empty or not geometry.is_valid:
        raise Invalid(
            _("The polygon is not valid: %(why)s. Draw it again without crossing lines.")
            % {"why": explain_validity(geometry)}
        )
    if not isinstance(geometry, Polygon | MultiPolygon):
        raise Invalid(_("A zone must be a GeoJSON Polygon or MultiPolygon."))
    area_m2 = _area_m2(geometry)
    if not SMALLEST_M2 <= area_m2 <= LARGEST_M2:
        raise Invalid(
            _("The zone covers %(area)s km². It must cover between %(least)s and %(most)s km².")
            % {
                "area": round(area_m2 / 1e6, 3),
                "least": SMALLEST_M2 / 1e6,
                "most": LARGEST_M2 // 10**6,
            }
        )
    min_lon, min_lat, max_lon, max_lat = geometry.bounds
    return Area(
        _as_geojson(_right_handed(geometry)), min_lat, min_lon, max_lat, max_lon, round(area_m2)
    )


def contains(polygon: dict[str, Any], lat: float, lon: float) -> bool:
    """Return True if a point is in the polygon or on its edge."""
    return bool(shape(polygon).covers(shapely.Point(lon, lat)))


def _rings(raw: dict[str, Any]) -> Iterator[Any]:
    parts = raw.get("coordinates")
    if not isinstance(parts, list | tuple) or not parts:
        raise Invalid(_("The polygon has no coordinates. Draw it again."))
    polygons = [parts] if raw["type"] == "Polygon" else parts
    for polygon in polygons:
        if not isinstance(polygon, list | tuple) or not polygon:
            raise Invalid(_("The coordinates of a polygon must be a list of rings."))
        yield from polygon


def _check_rings(raw: dict[str, Any]) -> None:
    points, lons = 0, []
    for ring in _rings(raw):
        if not isinstance(ring, list | tuple) or len(ring) < 4:
            raise Invalid(
                _("A ring needs at least four points, and the last must equal the first.")
            )
        points += len(ring)
        if points > MAX_POINTS:
            raise Invalid(
                _("The polygon has more than %(most)d points. Simplify it.") % {"most": MAX_POINTS}
            )
        for spot in ring:
            _check_spot(spot)
            lons.append(spot[0])
        if list(ring[0][:2]) != list(ring[-1][:2]):
            raise Invalid(_("A ring is not closed. Repeat its first point at the end."))
    if max(lons) - min(lons) > 180:
        raise Invalid(_("The polygon crosses the antimeridian (180°). Draw one zone on each side."))


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
            _("The point %(spot)r is not valid. Write [longitude, latitude] in degrees.")
            % {"spot": spot if fits else "…"}
        )


def _area_m2(geometry: Polygon | MultiPolygon) -> float:
    """Return the approximate area: degrees scaled to metres at the middle latitude."""
    _min_lon, min_lat, _max_lon, max_lat = geometry.bounds
    metres = math.radians(1) * EARTH_RADIUS_M
    return float(geometry.area) * metres**2 * math.cos(math.radians((min_lat + max_lat) / 2))


def _right_handed(geometry: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    if isinstance(geometry, Polygon):
        return orient(geometry)
    return MultiPolygon([orient(part) for part in geometry.geoms])


def _as_geojson(geometry: Polygon | MultiPolygon) -> dict[str, Any]:
    """Return GeoJSON with lists instead of tuples and two coordinates per point."""
    flat = mapping(shapely.force_2d(geometry))

    def lists(part: Any) -> Any:
        return [lists(p) for p in part] if isinstance(part, list | tuple) else part

    return {"type": flat["type"], "coordinates": lists(flat["coordinates"])}
