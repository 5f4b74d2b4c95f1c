"""The fixtures of the browser tests: one server for all tests, and the watch of each browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.live import Live, live_server
from tests.browser.watch import Watch

# A page that is right is seen at once; only a wrong one waits this long. The other half of the
# suite runs on the same two cores, so that 5 s, Playwright's own limit, were too few at times.
expect.set_options(timeout=20_000)


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
