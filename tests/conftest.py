"""The servers of a test run: a throw-away PostgreSQL and Valkey, this checkout's own.

Their data stays under var/test between runs, so a second run starts in under a second. Several
runs at once share them; the end of the last one, however it ends, stops them.
"""

from __future__ import annotations

import contextlib

import pytest
from django.conf import settings

from lastmile.embedded.keeper import services_in_use

_servers = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the controlling process, before any test asks for them."""
    asked_only_for_words = config.option.collectonly or config.option.help
    if not asked_only_for_words and not hasattr(config, "workerinput"):
        _servers.enter_context(services_in_use(settings.VAR, durable=False))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the servers."""
    _servers.close()
