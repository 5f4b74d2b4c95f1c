"""The middleware that lets the pages of registered shops call some API views (CORS).

A view with ``from_shops = True`` can be called by the pages of a shop. A shop's origin
(``https://shop.example``) is registered with an active checkout key of this retailer. A browser
asks beforehand, with a preflight, which carries no key: it is answered here, before sessions and
keys are looked at. The call itself is refused by ``KeyBearer`` unless its key has the origin.
Cookies are never allowed, so a shop's page cannot act as a signed-in member.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from lastmile.core.http.problems import ProblemAnswer, plain_problem_response
from tenants.people.selectors import is_shop_origin
from tenants.roles import KeyRole, Kind

MAX_AGE_S: Final = 600  # for so long a browser does not ask again
_HEADERS: Final = "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match"
_EXPOSED: Final = "Content-Language, ETag, Idempotency-Replayed, Location, Retry-After"
_API: Final = "/api/v1/"


class ShopOriginsMiddleware:
    """The middleware that answers preflights and adds the headers of CORS to answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a preflight; add the headers of CORS to every other answer for shops."""
        view = _view_for_shops(request)
        if view is None:
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = _preflight(view, origin)
        else:
            response = self.get_response(request)
            if origin and _may_read(request, origin):
                _allow(response, origin)
                response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        patch_vary_headers(response, ["Origin"])
        return response


def _view_for_shops(request: HttpRequest) -> Any:
    """Return the class of the view at this address if shops' pages may call it, else None."""
    if not request.path_info.startswith(_API):
        return None
    try:
        view = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return None
    declared = getattr(view, "cls", None)
    return declared if getattr(declared, "from_shops", False) else None


def _preflight(view: Any, origin: str) -> HttpResponse:
    if not is_shop_origin(origin):
        detail = _("This origin is not registered with an active checkout key of this retailer.")
        return plain_problem_response(ProblemAnswer(403, "not_allowed", detail))
    response = HttpResponse(status=204)
    _allow(response, origin)
    response.headers["Access-Control-Allow-Methods"] = ", ".join(m.upper() for m in view.acts)
    response.headers["Access-Control-Allow-Headers"] = _HEADERS
    response.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
    patch_vary_headers(
        response, ["Access-Control-Request-Method", "Access-Control-Request-Headers"]
    )
    return response


def _may_read(request: HttpRequest, origin: str) -> bool:
    """Return True if a page of this origin may read the answer.

    The credential has checked the origin of a recognised key. Without a recognised caller the
    answer is a refusal, which the page of any registered shop may read.
    """
    principal = getattr(request, "principal", None)
    if principal is None:
        return is_shop_origin(origin)
    return bool(principal.kind == Kind.KEY and principal.role == KeyRole.CHECKOUT)


def _allow(response: HttpResponse, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
