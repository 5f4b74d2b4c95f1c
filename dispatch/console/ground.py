"""What every map of the office stands on: the streets of a hub's network, and the hubs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.roads import network, tiles


def ground_of(hubs: Iterable[Hub]) -> dict[str, Any]:
    """``json`` (TileJSON) and ``tiles`` (address pattern) for the tag ``map``.

    The first hub that names a loaded network decides; both are empty where there is none, and the
    map says so.
    """
    for name in dict.fromkeys(hub.network for hub in hubs if hub.network):
        try:
            about = tiles.tilejson(name)
        except network.UnknownNetwork:
            continue
        pattern = f"/roads/{name}/tiles/{about['version']}/{{z}}/{{x}}/{{y}}.pbf"
        return {"json": about, "tiles": pattern}
    return {"json": None, "tiles": ""}


def hub_marks(hubs: Iterable[Hub]) -> list[dict[str, Any]]:
    """Hubs as the map module draws them."""
    return [{"id": hub.public_id, "name": hub.name, "lon": hub.lon, "lat": hub.lat} for hub in hubs]
