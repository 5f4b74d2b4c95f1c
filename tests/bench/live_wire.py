"""A phone's line for campaigns: HTTP/1.1 on a plain socket that can be cut at any byte.

It is light, so that the sender does not take the processor from the server that it measures.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANSWER_S = 60.0


class Cut(Exception):
    """The line was cut, by plan or by the server; the caller does not know what arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, headers with small letters, and body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Line:
    """A connection to a host, opened again when it was cut; ``requests`` counts the calls."""

    def __init__(self, port: int, host: str, cookies: Mapping[str, str] | None = None) -> None:
        self.port, self.host = port, host
        self.cookies = dict(cookies or {})
        self.token = ""
        self.requests = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        cut_at: float | None = None,
    ) -> Answer:
        """Send a request and return its answer.

        ``cut_at`` is the share of its bytes after which the line is cut; 1 cuts after the whole
        request, so that the server may have done it. Raises Cut.
        """
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        if self.token and method not in {"GET", "HEAD"}:
            lines.append(f"X-CSRFToken: {self.token}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method in {"POST", "PUT"}:
            lines.append(f"Content-Length: {len(body)}")
        raw = "\r\n".join([*lines, "", ""]).encode() + body
        self.requests += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await self._open()
                if cut_at is not None:
                    writer.write(raw[: max(1, round(len(raw) * cut_at))])
                    await writer.drain()
                    self.cut()
                    raise Cut
                writer.write(raw)
                await writer.drain()
                return await self._read(reader, has_body=method != "HEAD")
        except (OSError, EOFError, TimeoutError) as away:
            self.cut()
            raise Cut from away

    async def call_json(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """Send a body as JSON."""
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | more.pop("headers", {})
        return await self.call(method, path, raw, headers, **more)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[1].is_closing() or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        return self._streams

    async def _read(self, reader: asyncio.StreamReader, *, has_body: bool) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in filter(None, head[1:]):
            name, _colon, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = value
            if name == "set-cookie":
                cookie, _equals, rest = value.partition("=")
                self.cookies[cookie] = rest.partition(";")[0]
        content = b""
        if has_body:
            if headers.get("transfer-encoding") == "chunked":
                content = await _chunks(reader)
            else:
                content = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.cut()
        return Answer(int(head[0].split(" ")[1]), headers, content)

    def cut(self) -> None:
        """End the connection at once, as a lost signal does."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).strip() or b"0", 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
