"""Absolute addresses, built from the Domain row and never from a Host header."""

from __future__ import annotations

from django.conf import settings

from lastmile.core.tenancy import RetailerRef, current_retailer

_USUAL_PORT = {"http": 80, "https": 443}


def origin(ref: RetailerRef) -> str:
    """Return scheme, host and port of a retailer, in the form of an Origin header.

    An unusual port appears with `make run` on a laptop, and where PUBLIC_PORT names one.
    """
    scheme: str = settings.PUBLIC_SCHEME
    usual = _USUAL_PORT[scheme]
    port: int = settings.PUBLIC_PORT or (settings.PORT if settings.LOCAL else usual)
    port_suffix = f":{port}" if port != usual else ""
    return f"{scheme}://{ref.domain}{port_suffix}"


def absolute(path: str) -> str:
    """Return the absolute address of a path of the current retailer: ``absolute("/t/…/")``."""
    return origin(current_retailer()) + path
