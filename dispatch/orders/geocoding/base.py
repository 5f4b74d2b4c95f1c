"""What a geocoder is: it answers an address with places, the best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dispatch.orders.addresses import parts_of
from dispatch.roads.addresses import AddressParts
from dispatch.roads.geocode import Candidate
from lastmile.core.geo import Point


@dataclass(frozen=True, slots=True)
class Answer:
    """One place, and who found it: ``roads:<network>``, or the name of a geocoder outside."""

    candidate: Candidate
    provider: str


@dataclass(frozen=True, slots=True)
class SearchArea:
    """Where the place is to be served: the road networks and the hubs that may deliver there."""

    networks: Sequence[str]
    hubs: Sequence[Point]


class Geocoder(Protocol):
    """Finds places by their address."""

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return answers, the best first; ``similar`` also offers names that only look alike."""
        ...


def geocoder_query(place: Mapping[str, str]) -> AddressParts:
    """Return the parts of an address as a geocoder is asked for them.

    With a house number of its own, the street is the whole of its field: 18 de Septiembre.
    """
    parts = parts_of(place)
    if place["street"] and place["house_number"]:
        return AddressParts(place["street"], parts.number, parts.postcode, parts.city)
    return parts
