"""Views that are called directly, with few of the middlewares.

Programs and phones call some views many times a second. Such a view needs no session, no member and
no page. It declares this by ``view.direct = Direct(…)``. Then it runs with the middlewares of
``settings.DIRECT_MIDDLEWARE`` and those that it names. A small pool of threads runs such views, and
each thread keeps its connection object, so a call costs a third of the usual processor time.

A call that is not as expected goes the usual way: another method, a large body or one of unknown
length, or any exception.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, Final, NoReturn

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from lastmile.core.actor import NOBODY, acting_as

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 65_536
THREADS: Final = 4
_FAULT: Final = 400  # the first status of faults

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Call = Callable[[HttpRequest], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Direct:
    """The way in which a view is called directly.

    Parameters
    ----------
    methods : frozenset of str
        The methods that are called directly.
    middleware : tuple of str
        Names of the middlewares that the view needs besides ``settings.DIRECT_MIDDLEWARE``.
    answers_faults : bool
        True if the view answers faults completely. False if the usual way answers them, for
        example because a person reads them. Then the view must change nothing before a fault.
    largest_body : int
        A call with more bytes goes the usual way.
    """

    methods: frozenset[str] = frozenset({"POST"})
    middleware: tuple[str, ...] = ()
    answers_faults: bool = True
    largest_body: int = LARGEST_BODY


@dataclass(frozen=True, slots=True)
class DirectRoute:
    """The patterns of an address from the first to the last, and the call of its view."""

    patterns: tuple[Any, ...]
    direct: Direct
    call: Call

    def match(self, path: str) -> dict[str, Any] | None:
        """Return the arguments of the view if this is its address."""
        arguments: dict[str, Any] = {}
        for pattern in self.patterns:
            start = pattern.match(path)
            if start is None:
                return None
            path, _values, named = start
            arguments |= named
        return arguments


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
        threads = self._callers_threads if called[0].direct.middleware else self._threads
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(threads, run, self._answer, scope, body, *called)
        if response is None:
            await self.usual(scope, _again(body, receive), send)
            return
        await _send(response, send)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS, thread_name_prefix="direct view")

    @cached_property
    def _callers_threads(self) -> ThreadPoolExecutor:
        """Threads for callers who are recognised, so that phones hold back no provider."""
        return ThreadPoolExecutor(THREADS, thread_name_prefix="direct view of a caller")

    @cached_property
    def _chain(self) -> Call:
        chain: Any = _call_view
        for name in reversed(settings.DIRECT_MIDDLEWARE):
            chain = import_string(name)(chain)
        return chain  # type: ignore[no-any-return]

    def _find(self, scope: Scope) -> tuple[DirectRoute, dict[str, Any]] | None:
        """Return the route of a small call, and the arguments of its view; else None."""
        path = scope["path"].removeprefix("/")
        for route in self.routes:
            if scope["method"] not in route.direct.methods:
                continue
            arguments = route.match(path)
            if arguments is not None:
                is_small = _is_small(scope, route.direct.largest_body)
                return (route, arguments) if is_small else None
        return None

    def _answer(
        self, scope: Scope, body: bytes, route: DirectRoute, arguments: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Return the answer of a view; None if the usual way must find it."""
        try:
            request = ASGIRequest(scope, BytesIO(body))
            request.direct_view = (route, arguments)  # type: ignore[attr-defined]
            with acting_as(NOBODY):
                return self._chain(request)
        except Exception as fault:  # noqa: BLE001 - the usual way answers faults
            log.info("A call goes the usual way: %s", type(fault).__name__)
            return None
        finally:
            connections.close_all()


def direct_routes() -> list[DirectRoute]:
    """Return the routes of direct views."""
    return list(_routes(get_resolver(settings.ROOT_URLCONF), ()))


def _routes(group: URLResolver, before: tuple[Any, ...]) -> Iterator[DirectRoute]:
    for route in group.url_patterns:
        patterns = (*before, route.pattern)
        if isinstance(route, URLResolver):
            yield from _routes(route, patterns)
            continue
        view: Any = route.callback
        direct = getattr(getattr(view, "cls", view), "direct", None)
        if isinstance(direct, Direct):
            yield DirectRoute(patterns, direct, _with_middleware(route, direct))


def _with_middleware(route: URLPattern, direct: Direct) -> Call:
    view: Callable[..., HttpResponseBase] = route.callback

    def call(request: HttpRequest) -> HttpResponseBase:
        response = view(request, **request.direct_view[1])  # type: ignore[attr-defined]
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        return response

    for name in reversed(direct.middleware):
        call = import_string(name)(call)
    return call


class NotDirect(Exception):
    """A call must be answered in the usual way."""


def leave_to_usual_way(request: HttpRequest) -> None:
    """Raise NotDirect if the view was called directly. Call it before a fault is counted."""
    if hasattr(request, "direct_view"):
        raise NotDirect


class TokenMiddleware:
    """Checks the token of a form, as Django does; without it a call goes the usual way.

    A view needs it among its middlewares if browsers send the credential by themselves.
    """

    def __init__(self, get_response: Call) -> None:
        self.get_response = get_response
        self._check = _TokenCheck(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Check the token, then answer."""
        route, arguments = request.direct_view  # type: ignore[attr-defined]
        self._check.process_request(request)
        self._check.process_view(request, route.call, (), arguments)
        return self.get_response(request)


class _TokenCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> NoReturn:
        raise NotDirect


def _call_view(request: HttpRequest) -> HttpResponseBase:
    if getattr(request, "urlconf", None) is not None:  # this host has other addresses
        raise NotDirect
    route: DirectRoute = request.direct_view[0]  # type: ignore[attr-defined]
    response = route.call(request)
    if response.status_code >= _FAULT and not route.direct.answers_faults:
        raise NotDirect
    return response


def _is_small(scope: Scope, largest: int) -> bool:
    """Return True if the body has a length that is known and small, or a GET or HEAD has none."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    if scope["method"] in {"GET", "HEAD"} and not lengths:
        return all(name != b"transfer-encoding" for name, _value in scope["headers"])
    return len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= largest


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
