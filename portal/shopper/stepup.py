"""The confirmation by a six-digit code, for acts that move goods elsewhere or show a code.

The link alone shows and reschedules an order. Another address, another person and secret codes
need a step-up: a code is sent to the contact on the order. A correct code confirms this browser
for one order, for 15 minutes. It works with scripts off::

    @shopper_page
    @needs_step_up
    @require_http_methods(["GET", "POST"])
    def redirect(request: ShopperRequest, secret: str) -> HttpResponse: ...

A page that needs it for some choices only calls ``is_confirmed`` and ``to_step_up``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from lastmile.core.clock import real_now
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import current_retailer
from portal.shopper.errors import StepUpNeeded
from portal.shopper.rules import CONFIRMED_S
from portal.shopper.typed import cookie_name as typed_cookie
from portal.shopper.typed import forget_typed, keep_typed, kept_fields

View = Callable[..., HttpResponseBase]
_SALT: Final = "portal.shopper.stepup"
_BELOW: Final = re.compile(
    r"(?:[\w-]+/)*\Z", re.ASCII
)  # a path under the link, such as ``choose/``


def cookie_name() -> str:
    """Return the name of the cookie. With HTTPS, browsers accept the prefix from HTTPS only."""
    return "__Secure-step-up" if settings.HTTPS else "step-up"


def is_confirmed(request: HttpRequest) -> bool:
    """Return True if this browser confirmed the order of the link in the last 15 minutes."""
    try:
        token = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT)
    except signing.BadSignature:
        return False
    secret, order = _link_of(request)
    until = token.get("until")
    return (
        token.get("for") == _bound_to(secret, order)
        and isinstance(until, int)
        and real_now().timestamp() < until
    )


def require_step_up(request: HttpRequest) -> None:
    """Raise StepUpNeeded unless this browser confirmed the order of the link."""
    if not is_confirmed(request):
        raise StepUpNeeded(_("Confirm with a code first. Nothing was changed."))


def set_confirmed(response: HttpResponse, request: HttpRequest) -> None:
    """Mark this browser as confirmed for the order of the link, for 15 minutes."""
    secret, order = _link_of(request)
    until = int(real_now().timestamp()) + CONFIRMED_S
    response.set_cookie(
        cookie_name(),
        signing.dumps({"for": _bound_to(secret, order), "until": until}, salt=_SALT),
        max_age=CONFIRMED_S,
        path=_path(secret),
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def to_step_up(request: HttpRequest, back: str = "") -> HttpResponse:
    """Send the reader to the page that asks for a code, and after it to the path ``back``.

    ``back`` is by default the path of the request. A form that was sent without a confirmation is
    not done: the page says that nothing was changed. The reader comes back to the form with what
    was typed, and sends it again.
    """
    secret, order = _link_of(request)
    # Without the secret, so that it is in no query.
    below = (back or request.path).removeprefix(_path(secret))
    query = {"next": below} | ({"again": "1"} if request.method == "POST" else {})
    url = f"{reverse('shopper:confirm', args=[secret])}?{urlencode(query)}"
    if is_fragment(request):
        response = HttpResponse(status=204, headers={"HX-Redirect": url})
    else:
        response = HttpResponse(status=303, headers={"Location": url})
    if request.method == "POST":
        keep_typed(response, request, bound_to=_bound_to(secret, order), path=_path(secret))
    return response


def typed_before(request: HttpRequest) -> dict[str, str]:
    """Return what was typed on this page before the code was asked for; none without a code."""
    if not is_confirmed(request):
        return {}
    return kept_fields(request, bound_to=_bound_to(*_link_of(request)))


def forget_typed_of(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Delete what was typed, because the form was done; return the response."""
    if typed_cookie() in request.COOKIES:
        forget_typed(response, _path(_link_of(request)[0]))
    return response


def needs_step_up(view: View) -> View:
    """Guard a page below ``@shopper_page``: without a confirmation, the reader is asked for a code.

    The page must answer GET, because the reader comes back with GET.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        return to_step_up(request)

    return guarded


def back_of(request: HttpRequest) -> str:
    """Return the path to go to after the confirmation, from ``?next=``: always under this link."""
    secret, _order = _link_of(request)
    below = request.GET.get("next", "")
    if _BELOW.match(below) is None:
        below = ""
    return f"{_path(secret)}{below}"


def _path(secret: str) -> str:
    """Return the path of a link, below which its cookies count."""
    return f"{settings.SHOPPER_PATH}{secret}/"


def _link_of(request: HttpRequest) -> tuple[str, str]:
    """Return the secret of the link and the public id of its order."""
    credential = request.credential  # type: ignore[attr-defined]
    return credential.session_key, credential.principal_id


def _bound_to(secret: str, order: str) -> str:
    """Return what a confirmation is bound to: retailer, order and the current link."""
    parts = f"{current_retailer().public_id}|{order}|{secret}"
    return hashlib.sha256(parts.encode()).hexdigest()
