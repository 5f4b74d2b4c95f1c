"""A websocket client for tests, straight onto the ASGI application (channels' own needs daphne)."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from asgiref.testing import ApplicationCommunicator

LIMIT_S = 10


class Socket(ApplicationCommunicator):
    """One websocket: ``await socket.open()``, ``frame()``, ``say()``, ``close_code()``."""

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
        """Connect; tell whether it was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(LIMIT_S))["type"] == "websocket.accept"

    async def say(self, said: str | bytes) -> None:
        """Send a frame."""
        kind = "text" if isinstance(said, str) else "bytes"
        await self.send_input({"type": "websocket.receive", kind: said})

    async def frame(self) -> Any:
        """Return the next frame, parsed."""
        said = await self.receive_output(LIMIT_S)
        assert said["type"] == "websocket.send", said
        return json.loads(said["text"])

    async def close_code(self) -> int:
        """Return with which code it is closed, whatever is sent before."""
        said = await self.receive_output(LIMIT_S)
        while said["type"] == "websocket.send":
            said = await self.receive_output(LIMIT_S)
        assert said["type"] == "websocket.close"
        code: int = said["code"]
        return code

    async def leave(self, code: int = 1000) -> None:
        """Go away, as a browser that closes its page."""
        await self.send_input({"type": "websocket.disconnect", "code": code})
        try:
            await self.wait(LIMIT_S)
        except asyncio.CancelledError:
            return
