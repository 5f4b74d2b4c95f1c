"""In which language somebody reads."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from lastmile.core.tenancy import current_retailer


def language_of(request: HttpRequest, own: str) -> str:
    """Return what was chosen in this browser, else by the member, else what the browser asks for.

    A browser that asks for nothing gets what the retailer speaks.
    """
    known = dict(settings.LANGUAGES)
    if own in known and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in known:
        return own
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or "Accept-Language" in request.headers:
        return translation.get_language_from_request(request)
    spoken = current_retailer().language
    return spoken if spoken in known else settings.LANGUAGE_CODE
