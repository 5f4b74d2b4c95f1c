"""Reports when the event loop of a web process is blocked.

All sockets and all answers of a process wait meanwhile. Causes are a callback that takes long, and
threads that keep Python's lock or the processor. One line a minute says how long the longest stall
was.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

log = logging.getLogger(__name__)
EVERY_S: Final = 0.25
#: A shorter stall is not seen by people. Chosen.
REPORTED_S: Final = 0.5
REPORT_EVERY_S: Final = 60.0

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class LoopWatch:
    """The ASGI application for the life of a process: it watches the loop from start to end."""

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer the two messages of the protocol, and watch in between."""
        await receive()
        watch = asyncio.create_task(self.watch())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        watch.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def watch(self) -> None:
        """Measure for ever how late the loop wakes this task."""
        longest, ends = 0.0, time.monotonic() + REPORT_EVERY_S
        while True:
            due = time.monotonic() + EVERY_S
            await asyncio.sleep(EVERY_S)
            longest = max(longest, time.monotonic() - due)
            if time.monotonic() < ends:
                continue
            if longest > REPORTED_S:
                log.warning("The event loop was blocked for up to %.1f s in a minute", longest)
            longest, ends = 0.0, time.monotonic() + REPORT_EVERY_S
