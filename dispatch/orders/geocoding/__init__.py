"""What a geocoder makes of an address: a pin where it is sure enough, or suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.orders.geocoding.base import Answer, Geocoder, asked_of
from dispatch.orders.geocoding.embedded import EmbeddedGeocoder
from dispatch.orders.geocoding.judging import APART_M, SURE_ENOUGH, Verdict, judge
from dispatch.roads.geocode import Candidate

__all__ = [
    "APART_M",
    "SURE_ENOUGH",
    "Answer",
    "EmbeddedGeocoder",
    "Geocoder",
    "Verdict",
    "asked_of",
    "judge",
    "suggestions",
]


def suggestions(place: Mapping[str, str], networks: Sequence[str]) -> list[tuple[Candidate, str]]:
    """Return the embedded geocoder's answers, each with its network, for a person to choose from.

    Streets that only look alike are among them; a network that is not built answers nothing.
    """
    found = EmbeddedGeocoder().find(asked_of(place), networks, similar=True)
    return [(answer.candidate, answer.provider.removeprefix("roads:")) for answer in found]
