"""The middleware of websockets: it finds the retailer, checks the page, recognises the caller.

The Host header names the retailer. A browser's Origin must be exactly the retailer's own origin.
Sibling subdomains are the same site, so a page of another retailer would send cookies as well.
Without an Origin (not a browser) cookies are ignored. Consumers then check the permission table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async

from lastmile.core.errors import Unavailable
from lastmile.core.sockets import Close
from lastmile.core.tenancy import RetailerRef, in_retailer
from tenants.credentials import Recognised, Refused, SocketCall, credential_types
from tenants.links import origin
from tenants.selectors import by_host

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class SocketGate:
    """The ASGI middleware that puts retailer, refusal, principal and credential into the scope."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Recognise the caller, then run the consumer, which sends a refusal as a close code."""
        caller_scope = dict(scope, retailer=None, refusal=None, principal=None, credential=None)
        try:
            await _recognise(caller_scope)
        except Unavailable:
            caller_scope["refusal"] = Close.UNKNOWN  # suspended or closing
        await self.app(caller_scope, receive, send)


async def _recognise(scope: Scope) -> None:
    hosts = _header(scope, b"host")
    retailer = await database_sync_to_async(by_host)(hosts[0]) if len(hosts) == 1 else None
    scope["retailer"] = retailer
    if retailer is None:
        scope["refusal"] = Close.UNKNOWN
        return
    origins = _header(scope, b"origin")
    if origins and origins != [origin(retailer)]:
        scope["refusal"] = Close.NOT_ALLOWED
        return
    call = SocketCall(
        scope=scope, from_own_page=bool(origins), query=_query(scope), cookies=_cookies(scope)
    )
    await _look_up(scope, retailer, call)


async def _look_up(scope: Scope, retailer: RetailerRef, call: SocketCall) -> None:
    def look() -> Recognised | Refused | None:
        for kind in credential_types().values():
            result = kind.recognise_socket(call)
            if result is not None:
                return result
        return None

    result = await in_retailer(retailer, look)
    if isinstance(result, Recognised):
        scope["credential"], scope["principal"] = result.credential, result.principal


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _query(scope: Scope) -> dict[str, str]:
    params = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return {name: values[0] for name, values in params.items()}


def _cookies(scope: Scope) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load("; ".join(_header(scope, b"cookie")))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
