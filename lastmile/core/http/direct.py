"""Views that are called directly, with few of the middlewares.

Programs of others call some views many times a second. Such a view knows its caller by a signature.
It needs no session, no member, no language and no token of a form. It declares this by
``view.direct = True``. Then it runs with the middlewares of ``settings.DIRECT_MIDDLEWARE`` alone.
A small pool of threads runs such views, and each thread keeps its connection object, so a call
costs a third of the usual processor time.

A call that is not as expected goes the usual way: another method, a large body or one of unknown
length, or any exception.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from lastmile.core.actor import NOBODY, acting_as

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 65_536
THREADS: Final = 4

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class DirectViews:
    """The ASGI application for HTTP: direct views, and ``usual`` for everything else."""

    def __init__(self, usual: App) -> None:
        self.usual = usual
        self.routes = direct_routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        called = self._find(scope)
        if called is None:
            await self.usual(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:  # the caller has gone
            return
        run = contextvars.copy_context().run
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(
            self._threads, run, self._answer, scope, body, *called
        )
        if response is None:
            await self.usual(scope, _again(body, receive), send)
            return
        await _send(response, send)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS, thread_name_prefix="direct view")

    @cached_property
    def _chain(self) -> Callable[[HttpRequest], HttpResponseBase]:
        chain: Any = _call_view
        for name in reversed(settings.DIRECT_MIDDLEWARE):
            chain = import_string(name)(chain)
        return chain  # type: ignore[no-any-return]

    def _find(self, scope: Scope) -> tuple[Any, dict[str, Any]] | None:
        """Return the direct view of a POST with a small body, and its arguments; else None."""
        if scope["method"] != "POST":
            return None
        for prefix, pattern in self.routes:
            start = prefix.match(scope["path"].removeprefix("/"))
            match = pattern.resolve(start[0]) if start else None
            if match is not None:
                return (match.func, match.kwargs) if _is_small(scope) else None
        return None

    def _answer(
        self, scope: Scope, body: bytes, view: Any, arguments: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Return the answer of a view; None if the usual way must find it."""
        try:
            request = ASGIRequest(scope, BytesIO(body))
            request.direct_view = (view, arguments)  # type: ignore[attr-defined]
            with acting_as(NOBODY):
                return self._chain(request)
        except Exception as fault:  # noqa: BLE001 - the usual way answers faults
            log.info("A call goes the usual way: %s", type(fault).__name__)
            return None
        finally:
            connections.close_all()


def direct_routes() -> list[tuple[Any, URLPattern]]:
    """Return the routes of direct views: the pattern of their prefix, and their own."""
    return [
        (group.pattern, route)
        for group in get_resolver(settings.ROOT_URLCONF).url_patterns
        if isinstance(group, URLResolver)
        for route in group.url_patterns
        if isinstance(route, URLPattern) and getattr(route.callback, "direct", False)
    ]


class NotDirect(Exception):
    """A call must be answered in the usual way."""


def _call_view(request: HttpRequest) -> HttpResponseBase:
    if getattr(request, "urlconf", None) is not None:  # this host has other addresses
        raise NotDirect
    view, arguments = request.direct_view  # type: ignore[attr-defined]
    response: HttpResponseBase = view(request, **arguments)
    return response


def _is_small(scope: Scope) -> bool:
    """Return True if the body has a length that is known and small."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= LARGEST_BODY


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a call; None if the caller went away."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a function that gives a body that was read to another reader."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Mapping[str, Any]:
        return left.pop() if left else await receive()

    return read


async def _send(response: HttpResponseBase, send: Send) -> None:
    content: bytes = response.content  # type: ignore[attr-defined]
    response.headers.setdefault("Content-Length", str(len(content)))
    headers = [
        (name.encode("ascii").lower(), value.encode("latin-1")) for name, value in response.items()
    ]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": content})
