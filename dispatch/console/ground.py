"""What every map of the office stands on: the streets of a hub's network, and the hubs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.roads import network, tiles


def ground_of(hubs: Iterable[Hub]) -> dict[str, str]:
    """``network`` and its ``tiles`` address; both empty where no network is loaded.

    The first hub that names a loaded network decides.
    """
    for name in dict.fromkeys(hub.network for hub in hubs if hub.network):
        try:
            version = tiles.tilejson(name)["version"]
        except network.UnknownNetwork:
            continue
        return {
            "network": name,
            "tiles": f"/roads/{name}/tiles/{version}/{{z}}/{{x}}/{{y}}.pbf",
        }
    return {"network": "", "tiles": ""}


def hub_marks(hubs: Iterable[Hub]) -> list[dict[str, Any]]:
    """Hubs as the map module draws them."""
    return [
        {"id": hub.public_id, "name": hub.name, "lon": hub.lon, "lat": hub.lat} for hub in hubs
    ]
