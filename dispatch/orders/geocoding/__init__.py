"""Geocoding of addresses: a pin if the answer is reliable, else suggestions for a person."""

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
    """Return answers for a person to choose from, and True if the external geocoder failed.

    The answers include streets with a similar name. A network that is not built gives no answers.
    """
    fallback_geocoder = geocoder(outside=True)
    answers = fallback_geocoder.find(geocoder_query(place), area, similar=True)
    return answers, fallback_geocoder.fell_back


def street_suggestions(
    place: Mapping[str, str], networks: Sequence[str]
) -> list[tuple[Candidate, str]]:
    """Return answers from the loaded networks only, each with the name of its network."""
    answers = EmbeddedGeocoder().find(geocoder_query(place), SearchArea(networks, []), similar=True)
    return [(answer.candidate, answer.provider.removeprefix("roads:")) for answer in answers]
