"""Absolute addresses, built from the Domain row and never from a Host header."""

from __future__ import annotations

from django.conf import settings

from lastmile.core.tenancy import RetailerRef, current_retailer

_USUAL_PORT = {"http": 80, "https": 443}


def origin(ref: RetailerRef) -> str:
    """Return scheme, host and port of a retailer, in the form of an Origin header.

    The port appears only with `make run` on a laptop. Elsewhere a proxy listens on the usual port.
    """
    scheme: str = settings.PUBLIC_SCHEME
    port: int = settings.PORT
    port_suffix = f":{port}" if settings.LOCAL and port != _USUAL_PORT[scheme] else ""
    return f"{scheme}://{ref.domain}{port_suffix}"


def absolute(path: str) -> str:
    """Return the absolute address of a path of the current retailer: ``absolute("/t/…/")``."""
    return origin(current_retailer()) + path
