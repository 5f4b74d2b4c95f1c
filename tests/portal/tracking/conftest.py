"""Fixtures for the tests of the delivery page: the clock of the evening before the orders' day."""

from __future__ import annotations

import pytest

from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock, clock
from tests.portal.tracking.shoppers import ShopperBrowser

__all__ = ["clock"]


@pytest.fixture
def shopper(retailer: RetailerRef, clock: SetClock) -> type[ShopperBrowser]:
    """Return the class of a shopper's browser: ``shopper(order)`` opens the link of an order."""
    return ShopperBrowser
