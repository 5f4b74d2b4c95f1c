"""A websocket of a campaign: it reads frames on a plain socket and parses as little as it can."""

from __future__ import annotations

import asyncio
import base64
import os

from tests.bench.live_wire import Cut

_PONG, _CLOSE, _PING = 0xA, 0x8, 0x9


class WireSocket:
    """An open websocket; ``frame`` returns the bytes of the next text frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, host: str, path: str) -> WireSocket:
        """Connect; raises Cut if the server refuses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .encode()
        )  # fmt: skip
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Cut(head[:200])
        return cls(reader, writer)

    async def frame(self) -> bytes:
        """Return the next text frame; answers pings. Raises Cut when the socket is closed."""
        parts = []
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2))
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8))
            content = await self.reader.readexactly(length) if length else b""
            kind = first & 0xF
            if kind == _PING:
                self._send(_PONG, content)
            elif kind == _CLOSE:
                raise Cut(content[2:])
            elif kind != _PONG:
                parts.append(content)
                if first & 0x80:
                    return b"".join(parts)

    def _send(self, kind: int, content: bytes) -> None:
        mask = os.urandom(4)
        hidden = bytes(byte ^ mask[n % 4] for n, byte in enumerate(content))
        self.writer.write(bytes([0x80 | kind, 0x80 | len(content)]) + mask + hidden)

    def close(self) -> None:
        """End the connection."""
        self.writer.transport.abort()
