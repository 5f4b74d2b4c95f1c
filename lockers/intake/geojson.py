"""Reads a GeoJSON file of points as a table: one row a feature. PURE.

The columns ``lat`` and ``lon`` come from the geometry (RFC 7946: longitude first). Each property of
a point is a further column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dispatch.intake.parse.encodings import decode
from dispatch.intake.parse.faults import BadFile, Fault
from dispatch.intake.parse.tables import Table, cell_text

DEGREES_APART: Final = 0.0005  # about 50 m: more than the rounding of any list
_WGS84: Final = ("CRS84", "EPSG::4326", "EPSG:4326")
_PLACE: Final = {"lat": "lat", "latitude": "lat", "lon": "lon", "lng": "lon", "longitude": "lon"}


def is_geojson(data: bytes) -> bool:
    """Return True if a file begins as a JSON object, which no CSV or Excel file does."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read_geojson(data: bytes, most: int) -> tuple[Table, Mapping[int, Fault]]:
    """Return the features as a table, and the faults of features whose geometry is no clear point.

    Raises
    ------
    BadFile
        bad_geojson, other_crs, too_many_rows, no_rows.
    """
    features = _features(data)
    if not features:
        raise BadFile("no_rows")
    if len(features) > most:
        raise BadFile("too_many_rows", most=most)
    names = dict.fromkeys(
        name
        for feature in [item for item in features if _point(item)] or features
        for name in _properties(feature)
        if name.casefold() not in _PLACE
    )
    has_id = any(_is_scalar(feature.get("id")) for feature in features) and "id" not in names
    headings = [*(["id"] if has_id else []), "lat", "lon", *names]
    faults: dict[int, Fault] = {}

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, feature in enumerate(features, start=1):
            values = _properties(feature)
            point = _point(feature)
            fault = _fault(feature, values, point)
            if fault is not None:
                faults[number] = fault
            lon, lat = point or ("-", "-")  # a row without any value would be passed over
            first = [_text(feature.get("id"))] if has_id else []
            cells = [*first, _text(lat), _text(lon), *(_text(values.get(name)) for name in names)]
            yield number, cells

    return Table(headings, iter(list(rows()))), faults


def _features(data: bytes) -> list[dict[str, Any]]:
    try:
        content = json.loads(decode(data))
    except (ValueError, RecursionError):
        raise BadFile("bad_geojson") from None
    if not isinstance(content, dict):
        raise BadFile("bad_geojson")
    crs = str((content.get("crs") or {}) if isinstance(content.get("crs"), dict) else "")
    if crs not in {"", "{}"} and not any(name in crs for name in _WGS84):
        raise BadFile("other_crs")
    features = content.get("features") if content.get("type") == "FeatureCollection" else [content]
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise BadFile("bad_geojson")
    if content.get("type") not in {"FeatureCollection", "Feature"}:
        raise BadFile("bad_geojson")
    return features


def _properties(feature: Mapping[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {str(name).replace("\x00", ""): value for name, value in properties.items()}


def _point(feature: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return longitude and latitude, or None if the geometry is not a point."""
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    place = geometry.get("coordinates")
    if not isinstance(place, list) or len(place) < 2:
        return None
    lon, lat = place[0], place[1]
    if isinstance(lon, bool) or isinstance(lat, bool):
        return None
    return (lon, lat) if isinstance(lon, int | float) and isinstance(lat, int | float) else None


def _fault(
    feature: Mapping[str, Any], values: Mapping[str, Any], point: tuple[float, float] | None
) -> Fault | None:
    if point is None:
        geometry = feature.get("geometry")
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        return Fault("", "not_a_point", {"value": str(kind or "-")[:40]})
    for name, value in values.items():
        which = _PLACE.get(name.casefold())
        if which is None or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if abs(value - point[which == "lat"]) > DEGREES_APART:
            return Fault(name, "coordinates_differ", {"value": str(value)[:40]})
    return None


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)[:10_000]
    return cell_text(value)
