"""Fixtures for the pages of choosing: a day with a van, slots, and a shopper with an order."""

from __future__ import annotations

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.planning.services import reconcile_day
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order, make_shift, make_vehicle
from tests.factories.orders import DAY
from tests.factories.slots import make_slot
from tests.portal.shopper.codes import let_codes_be_sent, newest_code
from tests.portal.tracking.shoppers import ShopperBrowser

__all__ = ["clock"]


@pytest.fixture
def hub(retailer: RetailerRef, clock: SetClock) -> Hub:
    """Return a hub with one van and three windows on the day, and one curbside hour."""
    hub = make_hub(name="Alcântara", zone="Europe/Lisbon")
    make_shift(vehicle=make_vehicle(hub=hub))
    for opens in (10, 12, 14):
        make_slot(hub=hub, opens=opens * 60, closes=opens * 60 + 120, base_minor=350 + opens)
    make_slot(hub=hub, opens=1020, closes=1080, option="curbside", base_minor=0)
    return hub


@pytest.fixture
def order(hub: Hub) -> Order:
    """Return an order of the day without a promise."""
    placed = make_order(hub=hub.public_id)
    reconcile_day(hub=hub, service_date=DAY)
    return placed


@pytest.fixture
def shopper(order: Order) -> ShopperBrowser:
    """Return the browser of the order's shopper."""
    return ShopperBrowser(order)


@pytest.fixture
def confirmed(shopper: ShopperBrowser, retailer: RetailerRef) -> ShopperBrowser:
    """Return the browser after a confirmation with the code of the newest message."""
    let_codes_be_sent()
    shopper.post("confirm/", what="send")
    shopper.post("confirm/", code=newest_code(shopper.order))
    return shopper
