"""The servers of a test run: a throw-away PostgreSQL and Valkey, this checkout's own.

Their data stays under var/test between runs, so a second run starts in under a second. Several
runs at once share them; the end of the last one, however it ends, stops them.
"""

from __future__ import annotations

import contextlib
import shutil

import pytest
from django.conf import settings

from lastmile.embedded.keeper import services_in_use

pytest_plugins = ["tests.databases", "tests.chromium"]

_servers = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the controlling process, before any test asks for them."""
    asked_only_for_words = config.option.collectonly or config.option.help
    if not asked_only_for_words and not hasattr(config, "workerinput"):
        _servers.enter_context(services_in_use(settings.VAR, durable=False))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Release the servers, which the end of the last run stops; remove this process's files."""
    shutil.rmtree(settings.DAYS_FOLDER, ignore_errors=True)
    _servers.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse Django's flush: it would empty the shared tables, retailers and all."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark is not None and mark.kwargs.get("transaction"):
            raise pytest.UsageError(
                f"{item.nodeid}: ask for fresh_db instead of django_db(transaction=True)."
            )
