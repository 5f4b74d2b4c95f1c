"""The choice of the geocoder: an external one if configured, else the embedded one."""

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
    """A geocoder that asks an external one, and after its first failure the embedded one.

    ``fell_back`` is True after a failure. Each batch has its own instance, so that a server that
    is down costs one time-out per batch.
    """

    def __init__(self, outside: Geocoder | None) -> None:
        self._outside = outside
        self._embedded = EmbeddedGeocoder()
        self.fell_back = False

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Return the places that match an address, the best first."""
        if self._outside is not None and not self.fell_back:
            try:
                return self._outside.find(address, area, similar=similar)
            except ProviderError as fault:
                log.warning("The external geocoder failed; the embedded one answers: %s", fault)
                self.fell_back = True
        return self._embedded.find(address, area, similar=similar)


@lru_cache(maxsize=4)
def _client(url: str) -> HttpClient:
    """Return the client of an address; it keeps its connections as long as the process runs."""
    return HttpClient(url)


def geocoder(*, outside: bool) -> FallbackGeocoder:
    """Return the geocoder of this installation.

    Inside a transaction ``outside`` must be False, so that no external server is asked.
    """
    if not outside or not settings.GEOCODER_URL:
        return FallbackGeocoder(None)
    return FallbackGeocoder(NominatimGeocoder(_client(settings.GEOCODER_URL)))
