"""Runs a real uvicorn server in a thread of the test, on its own port."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def served(application: Any, *, access_log: bool = False) -> Iterator[int]:
    """Serve an ASGI application within a block; yield the port.

    ``access_log`` writes each request to the logger ``uvicorn.access`` as it is configured.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            lifespan="off",
            log_level="info" if access_log else "error",
            log_config=None,  # keep the loggers of the settings, which mask secrets
            ws="websockets-sansio",
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def get(port: int, host: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Request a page of a host name; return status and body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("GET", path, headers={"Host": host, **headers})
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()
