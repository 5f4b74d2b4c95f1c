"""Fixtures for the tests of lockers."""

from tests.dispatch.conftest import clock

__all__ = ["clock"]
