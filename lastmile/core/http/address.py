"""The network address of a caller, as far as it can be trusted."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's address. X-Forwarded-For is used only behind TRUSTED_PROXIES.

    The header is read from the right, past our own proxies, because the caller may have written
    the entries further left. For an IPv6 caller the result is the /64 network, since one caller
    usually owns a whole /64.
    """
    hops = [request.META.get("REMOTE_ADDR", "")]
    forwarded = request.headers.get("X-Forwarded-For", "")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()] + hops
    while len(hops) > 1 and _trusted(hops[-1]):
        hops.pop()
    return _shorten(hops[-1])


def _trusted(address: str) -> bool:
    if not address:  # a Unix socket: only our own proxy can reach it
        return bool(settings.TRUSTED_PROXIES)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(net) for net in settings.TRUSTED_PROXIES)


def _shorten(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network(f"{address.split('%')[0]}/64", strict=False))
    return str(parsed)
