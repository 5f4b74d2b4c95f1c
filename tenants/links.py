"""Absolute addresses, built from the Domain row alone, never from a Host header."""

from __future__ import annotations

from django.conf import settings

from lastmile.core.tenancy import RetailerRef, current_retailer

_USUAL_PORT = {"http": 80, "https": 443}


def origin(ref: RetailerRef) -> str:
    """Return scheme, host and port of a retailer, as browsers write an Origin.

    The port is told only for the laptop's `make run`: elsewhere a proxy stands on the usual one.
    """
    scheme: str = settings.PUBLIC_SCHEME
    port: int = settings.PORT
    shown = f":{port}" if settings.LOCAL and port != _USUAL_PORT[scheme] else ""
    return f"{scheme}://{ref.domain}{shown}"


def absolute(path: str) -> str:
    """Return the absolute address of a path at the retailer at hand: ``absolute("/t/…/")``."""
    return origin(current_retailer()) + path
