"""The streets of the app's map: the address of its tiles, and the tiles, for a phone."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from dispatch.driver.guards import DeviceRequest, device_data
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors.street_maps import street_map_of
from dispatch.roads import tiles
from dispatch.roads.network import UnknownNetwork
from lastmile.core.errors import NotFound
from tenants.permissions import Act

YEAR_S: Final = 365 * 24 * 3600
_PLACEHOLDERS: Final = "0/0/0.pbf"  # the last part of a tile's address, where the map puts its own


def streets_of(hub: Hub) -> dict[str, str]:
    """Return the address pattern of the tiles of a hub's network and its attribution, or "" both.

    The browser keeps tiles for a year, so the streets that a driver has looked at are there
    without a network too.
    """
    about = street_map_of([hub])["tilejson"]
    if about is None:
        return {"tiles": "", "attribution": ""}
    tile_of = reverse("driver:tile", args=[hub.network, about["version"], 0, 0, 0])
    pattern = tile_of.removesuffix(_PLACEHOLDERS) + "{z}/{x}/{y}.pbf"
    return {"tiles": pattern, "attribution": str(about.get("attribution", ""))}


@device_data(Act.DRIVER_VIEW)
@require_safe
def tile(
    request: DeviceRequest, network: str, version: str, z: int, x: int, y: int
) -> HttpResponse:
    """Return a tile of the streets. Its address has the network's version, so it never changes."""
    try:
        if tiles.tilejson(network)["version"] != version:
            raise NotFound("The network was rebuilt. Open the app again.")
        data = tiles.tile(network, z, x, y)
    except (UnknownNetwork, ValueError) as none:
        raise NotFound("This tile does not exist.") from none
    headers = {"Cache-Control": f"private, max-age={YEAR_S}, immutable"}
    if not data:
        return HttpResponse(status=204, headers=headers)
    return HttpResponse(data, content_type="application/x-protobuf", headers=headers)
