"""Which geocoder is asked: the one outside where there is one, else, or when it fails, our own."""

from __future__ import annotations

import logging
from functools import lru_cache

from django.conf import settings

from dispatch.orders.geocoding.base import Answer, Around, Geocoder
from dispatch.orders.geocoding.embedded import EmbeddedGeocoder
from dispatch.orders.geocoding.nominatim import NominatimGeocoder
from dispatch.roads.addresses import AddressParts
from lastmile.core.providers import HttpClient, ProviderError

log = logging.getLogger(__name__)


class CarefulGeocoder:
    """Asks a geocoder outside; from its first failure on, the embedded one.

    ``fell_back`` tells whether it failed. One is made for each batch, so that a server that is
    down costs a batch one time-out.
    """

    def __init__(self, outside: Geocoder | None) -> None:
        self._outside = outside
        self._embedded = EmbeddedGeocoder()
        self.fell_back = False

    def find(self, asked: AddressParts, around: Around, *, similar: bool = False) -> list[Answer]:
        """Return answers, the best first."""
        if self._outside is not None and not self.fell_back:
            try:
                return self._outside.find(asked, around, similar=similar)
            except ProviderError as fault:
                log.warning("the geocoder failed, the embedded one answers: %s", fault)
                self.fell_back = True
        return self._embedded.find(asked, around, similar=similar)


@lru_cache(maxsize=4)
def _client(url: str) -> HttpClient:
    """One client for each address, kept for the life of the process with its connections."""
    return HttpClient(url)


def geocoder(*, outside: bool) -> CarefulGeocoder:
    """Return the geocoder of this installation; ``outside`` False inside a transaction."""
    if not outside or not settings.GEOCODER_URL:
        return CarefulGeocoder(None)
    return CarefulGeocoder(NominatimGeocoder(_client(settings.GEOCODER_URL)))
