"""The protocol of a geocoder: for an address it returns places, the best first."""

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
    """A place with its source: ``roads:<network>`` or the name of an external geocoder."""

    candidate: Candidate
    provider: str


@dataclass(frozen=True, slots=True)
class SearchArea:
    """The area in which an address is searched: road networks and the points of hubs."""

    networks: Sequence[str]
    hubs: Sequence[Point]


class Geocoder(Protocol):
    """A service that finds places by their address."""

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return the places that match an address, the best first.

        With ``similar``, streets with a similar name match, too.
        """
        ...


def geocoder_query(place: Mapping[str, str]) -> AddressParts:
    """Return the parts of an address for a question to a geocoder.

    If the number has its own field, then all of the street field is a name, even its digits:
    18 de Septiembre.
    """
    parts = parts_of(place)
    if place["street"] and place["house_number"]:
        return AddressParts(place["street"], parts.number, parts.postcode, parts.city)
    return parts
