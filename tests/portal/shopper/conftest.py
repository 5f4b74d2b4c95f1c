"""Fixtures for the tests of shoppers' pages: an order with its link, and example pages."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import clock
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order

__all__ = ["clock"]


@pytest.fixture
def example_pages(settings: Any) -> None:
    """Add the example pages to the addresses."""
    settings.ROOT_URLCONF = "tests.portal.shopper.shopper_app"


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    """Return an order of t1 that is ready to plan."""
    make_hub()
    return make_order()


@pytest.fixture
def secret(order: Order) -> str:
    """Return the secret of the order's link."""
    return shopper_secret(order)
