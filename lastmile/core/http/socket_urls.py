"""URLs of websockets by name, as ``django.urls.reverse`` gives them for pages."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.urls import URLPattern, reverse
from django.utils.module_loading import import_string


@cache
def _routes() -> tuple[URLPattern, ...]:
    return tuple(route for path in settings.SOCKET_ROUTES for route in import_string(path))


def socket_url(name: str, *args: str) -> str:
    """Return the URL of a websocket. Raises NoReverseMatch when no route has the name."""
    return reverse(name, urlconf=_routes(), args=args)  # type: ignore[arg-type]
