"""Headers that every answer carries and no middleware of Django's sets."""

from __future__ import annotations

import re
from collections.abc import Callable

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

# Nothing that could end the source and begin a directive of its own.
_ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?=[/?#]|\Z)")


class HeadersMiddleware:
    """Permissions-Policy and Cache-Control; a view that needs other ones sets its own.

    What a view answers is private and is not kept by any cache, unless the view says otherwise:
    pages, manifests and files hold names, addresses and telephone numbers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add what the view has not said."""
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        kept = "no-store" if request.path.startswith("/api/") else "private, no-store"
        response.headers.setdefault("Cache-Control", kept)
        return response


class BrandedPolicyMiddleware(CSPMiddleware):
    """The policy of settings; pictures may also come from where the retailer's logo lies."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Add the logo's origin, and nothing else of what a retailer may write."""
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        retailer = getattr(request, "retailer", None)
        origin = _ORIGIN.match(retailer.brand.logo) if retailer is not None else None
        if origin is not None:
            parts.update = {**(parts.update or {}), "img-src": [origin[0]]}
        return parts
