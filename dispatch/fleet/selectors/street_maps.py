"""The street map for the maps on pages: the tiles of a hub's network, and markers of hubs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse

from dispatch.fleet.models import Hub
from dispatch.roads import network, tiles

NO_STREET_MAP: Mapping[str, Any] = {
    "tilejson": None,
    "tiles": "",
}  # the map says that there is none
_PLACEHOLDERS = "0/0/0.pbf"  # the last part of a tile's address, where the map puts its own


def street_map_of(hubs: Iterable[Hub]) -> Mapping[str, Any]:
    """Return ``tilejson`` and ``tiles`` (an address pattern) for the template tag ``map``.

    They belong to the network of the first hub whose network is loaded. Both are empty if no
    network is loaded; the map then tells the reader.
    """
    for name in dict.fromkeys(hub.network for hub in hubs if hub.network):
        street_map = street_map_named(name)
        if street_map["tilejson"] is not None:
            return street_map
    return NO_STREET_MAP


def street_map_named(name: str) -> Mapping[str, Any]:
    """Return ``tilejson`` and ``tiles`` of one network; both are empty if it is not loaded."""
    try:
        about = tiles.tilejson(name)
    except network.UnknownNetwork:
        return NO_STREET_MAP
    tile = reverse("roads:tile", args=[name, about["version"], 0, 0, 0])
    return {"tilejson": about, "tiles": tile.removesuffix(_PLACEHOLDERS) + "{z}/{x}/{y}.pbf"}


def hub_marks(hubs: Iterable[Hub]) -> list[dict[str, Any]]:
    """Return the hubs in the form that ``static/core/map.js`` draws."""
    return [{"id": hub.public_id, "name": hub.name, "lon": hub.lon, "lat": hub.lat} for hub in hubs]
