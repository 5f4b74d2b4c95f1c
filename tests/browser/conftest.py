"""The server that the browser tests visit: one for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.live import Live, live_house
from tests.browser.watch import Watch


@pytest.fixture(scope="package")
def live(
    template_database: str, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Live]:
    """The running house; what a test writes stays for the tests after it."""
    with django_db_blocker.unblock(), live_house(template_database) as house:  # type: ignore[attr-defined]
        yield house


@pytest.fixture
def watch(context: object, live: Live) -> Watch:
    """Notes everything that goes wrong in the test's pages."""
    return Watch(context, live.port)  # type: ignore[arg-type]
