"""The context processor that gives every page its theme, brand, languages and principal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lastmile.core.tenancy import HOUSE, RetailerRef

THEME_CHOICES = (
    ("auto", _("Same as device"), "monitor"),
    ("light", _("Light"), "sun"),
    ("dark", _("Dark"), "moon"),
    ("contrast", _("High contrast"), "contrast"),
)
THEMES = tuple(value for value, _label, _icon in THEME_CHOICES)


def theme_of(request: HttpRequest) -> str:
    """Return the reader's theme from the cookie; ``auto`` when it is missing or unknown."""
    chosen = request.COOKIES.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def brand_of(request: HttpRequest) -> dict[str, Any]:
    """Return name, colours, corner and logo of the retailer that the host belongs to.

    Pages of shoppers have the name that shoppers know. They load nothing from another host, so they
    show only a logo of this host.
    """
    retailer: RetailerRef | None = getattr(request, "retailer", None)
    if retailer is None or retailer.schema == HOUSE:
        return {}
    brand = asdict(retailer.brand)
    if not request.path.startswith(settings.SECRET_PATHS):
        return {"name": retailer.name, **brand}
    own_logo = brand["logo"] if brand["logo"].startswith("/") else ""
    return {**brand, "name": retailer.shop_name, "logo": own_logo}


def look(request: HttpRequest) -> dict[str, Any]:
    """Return ``theme``, ``themes``, ``languages``, ``principal``, ``brand`` for every template."""
    return {
        "theme": theme_of(request),
        "themes": THEME_CHOICES,
        "languages": settings.LANGUAGES,
        "principal": getattr(request, "principal", None),
        "brand": brand_of(request),
    }
