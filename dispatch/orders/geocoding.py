"""What the embedded geocoder makes of an address: a pin where it is sure enough, or suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.orders.addresses import parts_of
from dispatch.roads.geocode import Candidate, find
from dispatch.roads.store import UnknownNetwork

# A house, or one between its neighbours, is taken when the geocoder is more sure than not. The
# middle of a street only when the street is certain; the middle of a town never: a driver would
# be sent to the wrong door, and a person can say better.
SURE_ENOUGH: Mapping[str, float] = {"house": 0.5, "interpolated": 0.5, "street": 0.8}


def suggestions(place: Mapping[str, str], networks: Sequence[str]) -> list[tuple[Candidate, str]]:
    """Return the geocoder's answers over these networks with each one's network, best first.

    A network that is not built here answers nothing.
    """
    asked = parts_of(place)
    found: list[tuple[Candidate, str]] = []
    if not (asked.street or asked.postcode or asked.city):
        return found
    for network in networks:
        try:
            found += [(candidate, network) for candidate in find(asked, network)]
        except UnknownNetwork:
            continue
    found.sort(key=lambda pair: -pair[0].confidence)
    return found


def sure(place: Mapping[str, str], networks: Sequence[str]) -> tuple[Candidate, str] | None:
    """Return the best answer if it is good enough to send a driver there."""
    for candidate, network in suggestions(place, networks):
        if candidate.confidence >= SURE_ENOUGH.get(candidate.precision, 2.0):
            return candidate, network
    return None
