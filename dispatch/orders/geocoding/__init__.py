"""What a geocoder makes of an address: a pin where it is sure enough, or suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.orders.geocoding.base import Answer, Geocoder, SearchArea, geocoder_query
from dispatch.orders.geocoding.choosing import FallbackGeocoder, geocoder
from dispatch.orders.geocoding.embedded import EmbeddedGeocoder
from dispatch.orders.geocoding.judging import APART_M, SURE_ENOUGH, Verdict, judge
from dispatch.roads.geocode import Candidate

__all__ = [
    "APART_M",
    "SURE_ENOUGH",
    "Answer",
    "FallbackGeocoder",
    "Geocoder",
    "SearchArea",
    "Verdict",
    "geocoder",
    "geocoder_query",
    "judge",
    "street_suggestions",
    "suggestions",
]


def suggestions(place: Mapping[str, str], area: SearchArea) -> tuple[list[Answer], bool]:
    """Return answers for a person to choose from, and whether the geocoder outside had failed.

    Streets that only look alike are among them; a network that is not built answers nothing.
    """
    asked = geocoder(outside=True)
    return asked.find(geocoder_query(place), area, similar=True), asked.fell_back


def street_suggestions(
    place: Mapping[str, str], networks: Sequence[str]
) -> list[tuple[Candidate, str]]:
    """Return what the loaded streets alone know of an address, each answer with its network."""
    answers = EmbeddedGeocoder().find(geocoder_query(place), SearchArea(networks, []), similar=True)
    return [(answer.candidate, answer.provider.removeprefix("roads:")) for answer in answers]
