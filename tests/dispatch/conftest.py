"""Fixtures for the tests of dispatch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories.orders import DAY

SetClock = Callable[[dt.datetime], None]
EVE = dt.datetime.combine(DAY, dt.time(), dt.UTC) - dt.timedelta(hours=8)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SetClock:
    """Return a function that sets the clock; first it is the evening before the factories' day."""
    file = tmp_path / "clock"
    monkeypatch.setenv("ALLOW_TEST_CLOCK", "1")
    monkeypatch.setenv("TEST_CLOCK_FILE", str(file))

    def set_to(instant: dt.datetime) -> None:
        file.unlink(missing_ok=True)
        file.write_text(instant.isoformat())

    set_to(EVE)
    return set_to
