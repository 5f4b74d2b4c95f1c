"""What a geocoder makes of an address: a pin where it is sure enough, or suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.orders.geocoding.base import Answer, Around, Geocoder, asked_of
from dispatch.orders.geocoding.choosing import CarefulGeocoder, geocoder
from dispatch.orders.geocoding.embedded import EmbeddedGeocoder
from dispatch.orders.geocoding.judging import APART_M, SURE_ENOUGH, Verdict, judge
from dispatch.roads.geocode import Candidate

__all__ = [
    "APART_M",
    "SURE_ENOUGH",
    "Answer",
    "Around",
    "CarefulGeocoder",
    "Geocoder",
    "Verdict",
    "asked_of",
    "geocoder",
    "judge",
    "on_streets",
    "suggestions",
]


def suggestions(place: Mapping[str, str], around: Around) -> tuple[list[Answer], bool]:
    """Return answers for a person to choose from, and whether the geocoder outside had failed.

    Streets that only look alike are among them; a network that is not built answers nothing.
    """
    asked = geocoder(outside=True)
    return asked.find(asked_of(place), around, similar=True), asked.fell_back


def on_streets(place: Mapping[str, str], networks: Sequence[str]) -> list[tuple[Candidate, str]]:
    """Return what the loaded streets alone know of an address, each answer with its network."""
    answers = EmbeddedGeocoder().find(asked_of(place), Around(networks, []), similar=True)
    return [(answer.candidate, answer.provider.removeprefix("roads:")) for answer in answers]
