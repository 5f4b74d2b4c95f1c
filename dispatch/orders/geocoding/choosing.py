"""Which geocoder is asked: the one outside where there is one, else, or when it fails, our own."""

from __future__ import annotations

import logging
from functools import lru_cache

from django.conf import settings

from dispatch.orders.geocoding.base import Answer, Geocoder, SearchArea
from dispatch.orders.geocoding.embedded import EmbeddedGeocoder
from dispatch.orders.geocoding.nominatim import NominatimGeocoder
from dispatch.roads.addresses import AddressParts
from lastmile.core.providers import HttpClient, ProviderError

log = logging.getLogger(__name__)


class FallbackGeocoder:
    """Asks a geocoder outside; from its first failure on, the embedded one.

    ``fell_back`` tells whether it failed. One is made for each batch, so that a server that is
    down costs a batch one time-out.
    """

    def __init__(self, outside: Geocoder | None) -> None:
        self._outside = outside
        self._embedded = EmbeddedGeocoder()
        self.fell_back = False

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return answers, the best first."""
        if self._outside is not None and not self.fell_back:
            try:
                return self._outside.find(address, area, similar=similar)
            except ProviderError as fault:
                log.warning("the geocoder failed, the embedded one answers: %s", fault)
                self.fell_back = True
        return self._embedded.find(address, area, similar=similar)


@lru_cache(maxsize=4)
def _client(url: str) -> HttpClient:
    """One client for each address, kept for the life of the process with its connections."""
    return HttpClient(url)


def geocoder(*, outside: bool) -> FallbackGeocoder:
    """Return the geocoder of this installation; ``outside`` False inside a transaction."""
    if not outside or not settings.GEOCODER_URL:
        return FallbackGeocoder(None)
    return FallbackGeocoder(NominatimGeocoder(_client(settings.GEOCODER_URL)))
