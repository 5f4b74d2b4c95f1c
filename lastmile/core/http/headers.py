"""Response headers that every response has and that no middleware of Django sets."""

from __future__ import annotations

import re
from collections.abc import Callable

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

# Only characters that cannot end the source and start another directive.
_ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?=[/?#]|\Z)")


# Every answer under a secret address, also an error or a file. Search engines leave it out, and
# other sites never get the address. With "no-referrer" a browser would send ``Origin: null`` with
# its forms, which CSRF refuses.
_SECRET_ADDRESS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


class HeadersMiddleware:
    """Adds Permissions-Policy and Cache-Control unless the view has set them.

    By default a response is private and no cache may store it, because pages, manifests and files
    contain names, addresses and telephone numbers. Answers under ``SECRET_PATHS`` have a secret in
    their address, so they get stricter headers, which no view can change.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers that the view has not set."""
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        cache_control = "no-store" if request.path.startswith("/api/") else "private, no-store"
        response.headers.setdefault("Cache-Control", cache_control)
        if request.path.startswith(settings.SECRET_PATHS):
            for name, value in _SECRET_ADDRESS.items():
                response.headers[name] = value
        return response


class BrandedPolicyMiddleware(CSPMiddleware):
    """The content security policy of settings, plus the host of the retailer's logo for images."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Add only the origin of the logo; the rest of the logo's address is ignored."""
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        retailer = getattr(request, "retailer", None)
        if retailer is None or request.path.startswith(settings.SECRET_PATHS):
            return parts
        origin = _ORIGIN.match(retailer.brand.logo)
        if origin is not None:
            parts.update = {**(parts.update or {}), "img-src": [origin[0]]}
        return parts
