"""The language of a page that a shopper reads: chosen by the reader, never stored by a GET."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from lastmile.core.tenancy import current_retailer
from tenants import languages

PARAMETER = "lang"


def shopper_language(request: HttpRequest, own: str = "") -> str:
    """Return the language of an answer that a shopper reads: ``en``, ``es`` or ``ar``.

    The first of these that is a language for shoppers counts: ``?lang=`` of the page's address,
    the choice in this browser, ``own`` (the language of the order's shopper), the languages of the
    browser, the retailer's language.
    """
    is_page = request.path.startswith(settings.SECRET_PATHS)
    wished = request.GET.get(PARAMETER, "") if is_page else ""
    return languages.shopper_language(
        request, own, first=(wished,), last=current_retailer().language
    )


def own_language(own: str) -> str:
    """Return the language of a shopper whose browser is not known.

    ``own`` is the language of the order's shopper; without it, the retailer's language counts.
    """
    return languages.first_for_shoppers((own, current_retailer().language))
