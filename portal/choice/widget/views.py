"""The view of ``/widget.js``."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer
from portal.choice.widget.script import Script, script_of
from tenants.links import origin
from tenants.permissions import open_to_all

#: A shop's page gets a new version within an hour, and never waits for it.
_CURRENT: Final = "public, max-age=3600, stale-while-revalidate=86400"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


def current_script() -> Script:
    """Return the script of the current retailer's host."""
    retailer = current_retailer()
    return script_of(origin(retailer), region_of(retailer.zone))


@open_to_all("a script without data, which the pages of all shops load")
@require_safe
def widget(request: HttpRequest) -> HttpResponse:
    """Return the script of the picker; with ``?v=`` and its version, caches keep it for ever."""
    script = current_script()
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(
        script.compressed if packed else script.content,
        content_type="text/javascript; charset=utf-8",
        headers={
            "ETag": f'W/"{script.version}"',
            "Cache-Control": _FOR_EVER if request.GET.get("v") == script.version else _CURRENT,
            # Any page may load the script; it has no data, and its calls need a key.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    answer = get_conditional_response(request, etag=response.headers["ETag"], response=response)
    assert isinstance(answer, HttpResponse)
    return answer
