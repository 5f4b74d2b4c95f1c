"""What every page knows about how it looks: theme, brand, languages, the ways through the house."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lastmile.core.tenancy import HOUSE, RetailerRef

THEME_CHOICES = (
    ("auto", _("As the device"), "monitor"),
    ("light", _("Light"), "sun"),
    ("dark", _("Dark"), "moon"),
    ("contrast", _("High contrast"), "contrast"),
)
THEMES = tuple(value for value, _label, _icon in THEME_CHOICES)


def theme_of(request: HttpRequest) -> str:
    """The theme the reader chose (cookie), ``auto`` when none or unknown."""
    chosen = request.COOKIES.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def brand_of(request: HttpRequest) -> dict[str, Any]:
    """Name, colour, corner and logo of the retailer whose host this is."""
    retailer: RetailerRef | None = getattr(request, "retailer", None)
    if retailer is None or retailer.schema == HOUSE:
        return {}
    return {"name": retailer.name, **asdict(retailer.brand)}


def look(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``theme``, ``themes``, ``languages``, ``principal``, ``brand``."""
    return {
        "theme": theme_of(request),
        "themes": THEME_CHOICES,
        "languages": settings.LANGUAGES,
        "principal": getattr(request, "principal", None),
        "brand": brand_of(request),
    }
