"""The fixtures of the browser tests: one server for all tests, and the watch of each browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.live import Live, live_server
from tests.browser.watch import Watch


@pytest.fixture(scope="package")
def live(
    template_database: str, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Live]:
    """Run one server for all browser tests; data that a test writes stays for later tests."""
    with django_db_blocker.unblock(), live_server(template_database) as house:  # type: ignore[attr-defined]
        yield house


@pytest.fixture
def watch(context: object, live: Live) -> Watch:
    """Record all problems in the pages of the test."""
    return Watch(context, live.port)  # type: ignore[arg-type]
