"""A web process says when its event loop was blocked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lastmile.asgi import application
from lastmile.core.http import stalls


def block(seconds: float) -> None:
    time.sleep(seconds)


def lived(block_s: float) -> list[str]:
    """Start and end a process whose loop is blocked once; return what it told the server."""
    messages: list[str] = []

    async def live() -> None:
        inbox: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

        async def send(message: Mapping[str, Any]) -> None:
            messages.append(message["type"])

        inbox.put_nowait({"type": "lifespan.startup"})
        life = asyncio.create_task(application({"type": "lifespan"}, inbox.get, send))
        await asyncio.sleep(0.05)
        block(block_s)
        await asyncio.sleep(0.1)
        inbox.put_nowait({"type": "lifespan.shutdown"})
        await life

    asyncio.run(live())
    return messages


def test_a_loop_that_was_blocked_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stalls, "EVERY_S", 0.01)
    monkeypatch.setattr(stalls, "REPORT_EVERY_S", 0.02)
    monkeypatch.setattr(stalls, "REPORTED_S", 0.2)
    with caplog.at_level(logging.WARNING, stalls.__name__):
        assert lived(0.4) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert "blocked for up to 0." in caplog.text


def test_a_loop_that_runs_is_not_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stalls, "EVERY_S", 0.01)
    monkeypatch.setattr(stalls, "REPORT_EVERY_S", 0.02)
    monkeypatch.setattr(stalls, "REPORTED_S", 5.0)
    with caplog.at_level(logging.WARNING, stalls.__name__):
        lived(0)
    assert "blocked" not in caplog.text
