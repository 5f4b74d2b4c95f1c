"""Before every websocket: which retailer, from which page, and who.

The retailer comes from Host. A browser's Origin must be that retailer's own origin, to the letter:
sibling subdomains are same-site, so cookies would come along from a neighbour's page. Without an
Origin (no browser) only a ticket counts. The gate decides nothing more; consumers ask the table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings

from lastmile.core.errors import Unavailable
from lastmile.core.sockets import Close
from lastmile.core.tenancy import RetailerRef, in_retailer
from tenants.links import origin
from tenants.people.selectors import Credential, member_of_session, still
from tenants.people.services import take_ticket
from tenants.people.sessions import SessionStore
from tenants.permissions import Kind, Principal
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
    ticket = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("ticket", [""])[0]
    session_key = _session_key(scope) if origins else ""
    await _look_up(scope, retailer, ticket, session_key)


async def _look_up(scope: Scope, retailer: RetailerRef, ticket: str, session_key: str) -> None:
    def look() -> tuple[Credential | None, Principal | None]:
        if ticket:
            credential = take_ticket(secret=ticket)
        else:
            credential = _of_session(session_key)
        return credential, still(credential) if credential else None

    if ticket or session_key:
        scope["credential"], scope["principal"] = await in_retailer(retailer, look)


def _of_session(session_key: str) -> Credential | None:
    member = member_of_session(SessionStore(session_key))
    return Credential(Kind.MEMBER, member.public_id, session_key) if member else None


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _session_key(scope: Scope) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load("; ".join(_header(scope, b"cookie")))
    except CookieError:
        return ""
    morsel = jar.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else ""
