"""The language of a page that a shopper reads: chosen by the reader, never stored by a GET."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from lastmile.core.tenancy import current_retailer

PARAMETER = "lang"


def shopper_language(request: HttpRequest, own: str = "") -> str:
    """Return the language of a page for a shopper: ``en``, ``es`` or ``ar``.

    The first of these that is a language for shoppers counts: ``?lang=`` of the address, the
    choice in this browser, ``own`` (the language of the order's shopper), the languages of the
    browser, the retailer's language.
    """
    for tag in _wishes(request, own):
        code = tag.replace("_", "-").partition("-")[0].lower()
        if code in dict(settings.SHOPPER_LANGUAGES):
            return code
    return settings.LANGUAGE_CODE


def _wishes(request: HttpRequest, own: str) -> Iterator[str]:
    """Yield the wished languages as BCP 47 tags, the most important first."""
    if request.path.startswith(settings.SHOPPER_PATH):
        yield request.GET.get(PARAMETER, "")
    yield request.COOKIES.get(settings.SHOPPER_LANGUAGE_COOKIE, "")
    yield own
    for tag, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        yield tag
    yield current_retailer().language
