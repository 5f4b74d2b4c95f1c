"""Recorded answers of outside systems, replayed to their adapters: no call leaves this machine.

``Replay`` replaces the network inside httpx. ``served`` is a real server on loopback, for tests
that need a socket: time-outs, slow answers, a broken connection.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A recorded exchange: the expected parts of the call, and the answer.

    The call must have these ``params`` and ``headers``; it may have more. ``body`` is sent as JSON
    unless it is bytes. ``pause_s`` is the pause before the answer, and between the two halves of
    its body.
    """

    method: str = "GET"
    path: str = "/"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    body: Any = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def refuse_other(self, method: str, url: httpx.URL, headers: Mapping[str, str]) -> None:
        """Fail the test when a call is not the one that was recorded."""
        assert (method, url.path) == (self.method, self.path)
        sent = dict(url.params)
        assert {name: sent.get(name) for name in self.params} == dict(self.params)
        assert {name: headers.get(name) for name in self.headers} == dict(self.headers)


class Replay(httpx.BaseTransport):
    """Answers calls in the order of the recording; one call more fails the test."""

    def __init__(self, *exchanges: Captured) -> None:
        self.remaining = list(exchanges)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the next recorded answer."""
        self.requests.append(request)
        assert self.remaining, f"one call too many: {request.method} {request.url}"
        exchange = self.remaining.pop(0)
        exchange.refuse_other(request.method, request.url, request.headers)
        return httpx.Response(
            exchange.status, content=exchange.content, headers=dict(exchange.answer_headers)
        )


@contextmanager
def served(*exchanges: Captured) -> Iterator[str]:
    """Serve recorded answers on loopback; yield the address. The last answer is repeated."""
    remaining = list(exchanges)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            exchange = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            time.sleep(exchange.pause_s)
            content = exchange.content
            self.send_response(exchange.status)
            for name, value in exchange.answer_headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = len(content) // 2
            for piece in (content[:half], content[half:]):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(exchange.pause_s)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # the caller had waited long enough

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
