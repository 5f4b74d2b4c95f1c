"""The geocoder of this installation: the streets and house numbers of the loaded networks."""

from __future__ import annotations

from dispatch.orders.geocoding.base import Answer, SearchArea
from dispatch.roads.addresses import AddressParts
from dispatch.roads.geocode import find
from dispatch.roads.store import UnknownNetwork


class EmbeddedGeocoder:
    """Answers from the address index of each network; one that is not built answers nothing."""

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return the answers of all these networks, the best first."""
        found: list[Answer] = []
        if not (address.street or address.postcode or address.city):
            return found
        for network in area.networks:
            try:
                answers = find(address, network, similar=similar)
            except UnknownNetwork:
                continue
            found += [Answer(answer, f"roads:{network}") for answer in answers]
        if not similar:
            found.sort(key=lambda answer: -answer.candidate.confidence)
        return found
