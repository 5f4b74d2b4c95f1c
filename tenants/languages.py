"""The language of a request."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from lastmile.core.tenancy import current_retailer


def language_of(request: HttpRequest, own: str) -> str:
    """Return the language chosen in this browser, else ``own``, else what the browser asks for.

    ``own`` is the language that the member chose. A browser that asks for no language gets the
    language of the retailer.
    """
    languages = dict(settings.LANGUAGES)
    if own in languages and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in languages:
        return own
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or "Accept-Language" in request.headers:
        return translation.get_language_from_request(request)
    default = current_retailer().language
    return default if default in languages else settings.LANGUAGE_CODE
