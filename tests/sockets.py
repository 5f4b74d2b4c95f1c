"""A websocket client for tests that calls the ASGI application directly.

The client of the package channels needs daphne.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from asgiref.testing import ApplicationCommunicator

LIMIT_S = 10


class Socket(ApplicationCommunicator):
    """A websocket: ``await socket.open()``, ``frame()``, ``say()``, ``close_code()``."""

    def __init__(self, app: Any, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        parts = urlsplit(path)
        super().__init__(
            app,
            {
                "type": "websocket",
                "path": unquote(parts.path),
                "query_string": parts.query.encode(),
                "headers": headers,
                "subprotocols": [],
            },
        )

    async def open(self) -> bool:
        """Connect; return True if the connection was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(LIMIT_S))["type"] == "websocket.accept"

    async def say(self, content: str | bytes) -> None:
        """Send a frame."""
        kind = "text" if isinstance(content, str) else "bytes"
        await self.send_input({"type": "websocket.receive", kind: content})

    async def frame(self) -> Any:
        """Return the next frame, parsed."""
        message = await self.receive_output(LIMIT_S)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def close_code(self) -> int:
        """Skip all frames until the socket is closed; return the close code."""
        message = await self.receive_output(LIMIT_S)
        while message["type"] == "websocket.send":
            message = await self.receive_output(LIMIT_S)
        assert message["type"] == "websocket.close"
        code: int = message["code"]
        return code

    async def leave(self, code: int = 1000) -> None:
        """Disconnect, as a browser does that closes its page."""
        await self.send_input({"type": "websocket.disconnect", "code": code})
        try:
            await self.wait(LIMIT_S)
        except asyncio.CancelledError:
            return
