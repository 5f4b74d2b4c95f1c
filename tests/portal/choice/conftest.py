"""Fixtures for the tests of choosing."""

from __future__ import annotations

import pytest

from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import clock  # noqa: F401  a fixture
from tests.portal.choice.shop import Shop


@pytest.fixture
def shop(retailer: RetailerRef, clock: object) -> Shop:  # noqa: F811
    """Return a shop with a checkout key of the retailer t1."""
    return Shop(retailer)
