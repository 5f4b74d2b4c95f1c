"""The language of a request."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

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


def shopper_language(
    request: HttpRequest, own: str = "", *, first: Iterable[str] = (), last: str = ""
) -> str:
    """Return the language of an answer that a shopper reads: ``en``, ``es`` or ``ar``.

    The first of these that is a language for shoppers counts: ``first``, the choice in this
    browser, ``own`` (the language of the order's shopper), the languages of the browser, ``last``.
    """
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    chosen = request.COOKIES.get(settings.SHOPPER_LANGUAGE_COOKIE, "")
    return first_for_shoppers((*first, chosen, own, *(tag for tag, _weight in accepted), last))


def first_for_shoppers(tags: Iterable[str]) -> str:
    """Return the first of these languages that shoppers can read, else that of the installation."""
    return next(filter(None, map(code_for_shoppers, tags)), settings.LANGUAGE_CODE)


def code_for_shoppers(tag: str) -> str:
    """Return ``en``, ``es`` or ``ar`` for a language such as es-CL, "" if shoppers lack it."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return code if code in dict(settings.SHOPPER_LANGUAGES) else ""
