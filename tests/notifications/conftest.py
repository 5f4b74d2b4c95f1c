"""Fixtures for the tests of messages."""

from __future__ import annotations

from tests.dispatch.conftest import clock

__all__ = ["clock"]
