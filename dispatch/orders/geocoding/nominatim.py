"""The adapter for an external geocoder with Nominatim's search API (GEOCODER_URL).

Source: https://nominatim.org/release-docs/latest/api/Search/ (structured query, jsonv2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from dispatch.orders.geocoding.base import Answer, SearchArea
from dispatch.roads.addresses import (
    AddressParts,
    fold,
    fold_postcode,
    house_number,
    other_postcode,
)
from dispatch.roads.geocode import Candidate
from dispatch.roads.likeness import same_name
from dispatch.roads.towns import Town
from lastmile.core.geo import Point, distance_m
from lastmile.core.providers import HttpClient, ProviderError

PROVIDER: Final = "nominatim"
MAX_ANSWERS: Final = 8
# A named town may be as far away as a hub delivers. Without a town name, the hub's town is meant.
WITH_TOWN_M: Final = 300_000
WITHOUT_TOWN_M: Final = 50_000
_TOWNS: Final = ("city", "town", "village", "municipality", "hamlet", "suburb", "borough")
_STREETS: Final = ("road", "pedestrian", "footway", "residential", "square", "place")


class NominatimGeocoder:
    """A client of one Nominatim server; it raises ProviderError if the server does not answer."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return the answers near the hubs, the best first.

        ``similar`` has no effect, because the server always accepts similar names.
        """
        query = _query(address)
        if not query:
            return []
        rows = self._client.get_json("/search", query)
        if not isinstance(rows, list):
            raise ProviderError("the answer is not a list of places", permanent=True)
        reach_m = WITH_TOWN_M if address.city else WITHOUT_TOWN_M
        candidates = [c for row in rows if (c := _candidate(row, address)) is not None]
        near = [
            c for c in candidates if any(distance_m(c.point, hub) <= reach_m for hub in area.hubs)
        ]
        near.sort(key=lambda candidate: -candidate.confidence)
        return [Answer(candidate, PROVIDER) for candidate in near]


def _query(address: AddressParts) -> dict[str, str]:
    filled = {
        "street": f"{address.number} {address.street}".strip() if address.street else "",
        "city": address.city,
        "postalcode": address.postcode,
    }
    filled = {name: value for name, value in filled.items() if value}
    if not filled:
        return {}
    return {**filled, "format": "jsonv2", "addressdetails": "1", "limit": str(MAX_ANSWERS)}


def _candidate(row: Any, address: AddressParts) -> Candidate | None:
    """Return one place of the answer, or None if it has no coordinates."""
    if not isinstance(row, dict):
        return None
    try:
        point = Point(lat=float(row["lat"]), lon=float(row["lon"]))
    except (KeyError, TypeError, ValueError):
        return None
    raw_address = row.get("address")
    parts = {k: str(v) for k, v in raw_address.items()} if isinstance(raw_address, dict) else {}
    street = _first(parts, _STREETS)
    precision, confidence = _precision(row, parts, street, address)
    return Candidate(
        point,
        str(row.get("display_name", ""))[:200],
        precision,
        confidence,
        street=street,
        number=parts.get("house_number", ""),
        postcode=parts.get("postcode", ""),
        city=_first(parts, _TOWNS),
        exact=bool(street) and same_name(fold(address.street), fold(street)),
        town=_town(parts, address),
        other_postcode=other_postcode(address.postcode, [parts.get("postcode", "")]),
    )


def _precision(
    row: Mapping[str, Any], parts: Mapping[str, str], street: str, address: AddressParts
) -> tuple[Literal["house", "street", "place"], float]:
    """Return the precision and confidence of a place.

    A house has full confidence only if it has exactly the requested house number.
    """
    requested, number = house_number(address.number), house_number(parts.get("house_number", ""))
    if number is not None and requested is not None:
        same = (number.low, number.high, number.suffix) == (
            requested.low,
            requested.high,
            requested.suffix,
        )
        return "house", 1.0 if same else 0.3
    if street and row.get("addresstype") in {"road", "highway", "street"}:
        return "street", 0.3 if requested is not None else 0.6
    return "place", 0.2


def _town(parts: Mapping[str, str], address: AddressParts) -> Town:
    requested = fold(address.city.split(",")[0])
    if not requested:
        return "unasked"
    towns = {fold(parts[name]) for name in _TOWNS if parts.get(name)}
    code = fold_postcode(address.postcode)
    if requested in towns or (code and code == fold_postcode(parts.get("postcode", ""))):
        return "same"
    return "other" if towns else "unknown"


def _first(parts: Mapping[str, str], names: Sequence[str]) -> str:
    return next((parts[name] for name in names if parts.get(name)), "")
