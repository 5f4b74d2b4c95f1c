"""Keeps what a shopper typed while a code is asked for, in an encrypted cookie of this browser.

The fields can hold a gate code or a PIN, so only the server can read the cookie. It is bound to the
link and to the page of the form, and it ends after half an hour.
"""

from __future__ import annotations

import json
import zlib
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from lastmile.core.clock import real_now
from lastmile.core.keys import UnknownKey
from lastmile.core.sealing import CannotDecrypt, seal, unseal

LASTS_S: Final = 30 * 60
MOST_CHARS: Final = 3_600  # browsers keep about 4 kB of a cookie with its name
_NAME: Final = "portal.shopper.typed"
_TOKEN: Final = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field


def cookie_name() -> str:
    """Return the name of the cookie. With HTTPS, browsers accept the prefix from HTTPS only."""
    return "__Secure-typed" if settings.HTTPS else "typed"


def keep_typed(response: HttpResponse, request: HttpRequest, *, bound_to: str, path: str) -> None:
    """Keep the fields of a form that was sent, for its page. ``path`` is the path of the link.

    Longer texts than a cookie can take are not kept.
    """
    fields = {name: value for name, value in request.POST.dict().items() if name != _TOKEN}
    facts = {
        "for": bound_to,
        "page": request.path,
        "until": int(real_now().timestamp()) + LASTS_S,
        "fields": fields,
    }
    sealed = seal(zlib.compress(json.dumps(facts, ensure_ascii=False).encode(), 9), _NAME)
    if len(sealed) > MOST_CHARS:
        return
    response.set_cookie(
        cookie_name(), sealed, max_age=LASTS_S, path=path,
        httponly=True, samesite="Lax", secure=settings.HTTPS,
    )  # fmt: skip


def kept_fields(request: HttpRequest, *, bound_to: str) -> dict[str, str]:
    """Return the fields that were kept for this page and this link; none if there are none."""
    try:
        facts = json.loads(zlib.decompress(unseal(request.COOKIES.get(cookie_name(), ""), _NAME)))
    except (CannotDecrypt, UnknownKey, ValueError, zlib.error):
        return {}
    if (facts["for"], facts["page"]) != (bound_to, request.path):
        return {}
    return dict(facts["fields"]) if real_now().timestamp() < facts["until"] else {}


def forget_typed(response: HttpResponse, path: str) -> None:
    """Delete the cookie. ``path`` is the path of the link."""
    response.delete_cookie(cookie_name(), path=path, samesite="Lax")
