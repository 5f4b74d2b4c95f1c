"""Before every websocket: which retailer, from which page, and who.

The retailer comes from Host. A browser's Origin must be that retailer's own origin, to the letter:
sibling subdomains are same-site, so cookies would come along from a neighbour's page. Without an
Origin (no browser) cookies do not count. The gate decides nothing more; consumers ask the table.
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
    """ASGI middleware: puts retailer, refusal, principal and credential in the scope."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Look the caller up, then go on: the consumer sends the refusal as a close code."""
        found = dict(scope, retailer=None, refusal=None, principal=None, credential=None)
        try:
            await _recognise(found)
        except Unavailable:
            found["refusal"] = Close.UNKNOWN  # suspended or closing: as if it were not there
        await self.app(found, receive, send)


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
            found = kind.recognise_socket(call)
            if found is not None:
                return found
        return None

    found = await in_retailer(retailer, look)
    if isinstance(found, Recognised):
        scope["credential"], scope["principal"] = found.credential, found.principal


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _query(scope: Scope) -> dict[str, str]:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return {name: values[0] for name, values in asked.items()}


def _cookies(scope: Scope) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load("; ".join(_header(scope, b"cookie")))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
