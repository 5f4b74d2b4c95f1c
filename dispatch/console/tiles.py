"""The streets of every map, as vector tiles of the loaded networks."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dispatch.roads import tiles
from dispatch.roads.network import UnknownNetwork
from lastmile.core.errors import NotFound
from tenants.permissions import Act, page

YEAR_S = 365 * 24 * 3600


@page(Act.HOME_VIEW)
@require_safe
def tile(request: HttpRequest, network: str, version: str, z: int, x: int, y: int) -> HttpResponse:
    """Return a tile.

    The address contains the network's version, so the content never changes and the browser caches
    it for a year.
    """
    mark = f'"{network}-{version}-{z}-{x}-{y}"'
    headers = {"Cache-Control": f"private, max-age={YEAR_S}, immutable", "ETag": mark}
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers=headers)
    try:
        if tiles.tilejson(network)["version"] != version:
            raise NotFound("The network was rebuilt. Reload the page.")
        data = tiles.tile(network, z, x, y)
    except (UnknownNetwork, ValueError) as none:
        raise NotFound("This tile does not exist.") from none
    if not data:
        return HttpResponse(status=204, headers=headers)
    return HttpResponse(data, content_type="application/x-protobuf", headers=headers)
