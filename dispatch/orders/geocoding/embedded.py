"""The embedded geocoder: it searches the streets and house numbers of the loaded networks."""

from __future__ import annotations

from dispatch.orders.geocoding.base import Answer, SearchArea
from dispatch.roads.addresses import AddressParts
from dispatch.roads.geocode import find
from dispatch.roads.store import UnknownNetwork


class EmbeddedGeocoder:
    """A geocoder over the address indexes of networks; it skips a network that is not built."""

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return the answers from all networks of the area.

        Exact answers come the best first; with ``similar`` they come network by network.
        """
        results: list[Answer] = []
        if not (address.street or address.postcode or address.city):
            return results
        for network in area.networks:
            try:
                answers = find(address, network, similar=similar)
            except UnknownNetwork:
                continue
            results += [Answer(answer, f"roads:{network}") for answer in answers]
        if not similar:
            results.sort(key=lambda answer: -answer.candidate.confidence)
        return results
