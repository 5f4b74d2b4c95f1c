"""Choosing a locker on the shopper's pages: offers, hold, booking, and the slot before."""

from __future__ import annotations

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from lastmile.core.geo import Point
from lockers.models import LockerBank, LockerReservation
from lockers.rolls import invariants
from tests.factories.fleet import LAT, LON
from tests.factories.lockers import make_bank
from tests.factories.orders import DAY
from tests.portal.choice.pages.test_choosing import below, fields_of, options_of
from tests.portal.tracking.shoppers import ShopperBrowser


@pytest.fixture
def bank(hub: Hub) -> LockerBank:
    """Return a bank of the hub near the order's door, with two large compartments."""
    return bank_near(hub, name="Mercado")


def bank_near(hub: Hub, *, large: int = 2, north: float = 0.002, **fields: object) -> LockerBank:
    return make_bank(0, large=large, hub=hub, point=Point(lat=LAT + north, lon=LON), **fields)


def offer_of(bank: LockerBank) -> str:
    return f"{bank.public_id}.{DAY.isoformat()}"


def hold(shopper: ShopperBrowser, bank: LockerBank) -> str:
    """Hold a bank; return the path of the confirmation."""
    return below(shopper.post(options_of(shopper), offer=offer_of(bank)), shopper)


def take(shopper: ShopperBrowser, bank: LockerBank) -> str:
    """Hold and book a bank; return where the answer leads."""
    path = hold(shopper, bank)
    return below(shopper.post(path, **fields_of(shopper.get(path))), shopper)


def states() -> list[str]:
    return list(LockerReservation.objects.order_by("pk").values_list("state", flat=True))


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_shopper_chooses_a_locker_and_the_order_is_promised_there(
    confirmed: ShopperBrowser, order: Order, bank: LockerBank
) -> None:
    page = confirmed.text(options_of(confirmed))
    assert "Mercado" in page
    path = hold(confirmed, bank)
    assert states() == ["soft_held"]
    summary = confirmed.text(path)
    assert "Mercado" in summary
    assert "Kept for you until" in summary
    assert take(confirmed, bank) == "?done=booked"
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.option, promise.place.text, order.service_date) == ("locker", "Mercado", DAY)
    row = LockerReservation.objects.latest("pk")
    assert (row.state, row.order_id, row.mode) == ("hard_held", order.pk, "hard")
    assert states().count("hard_held") == 1
    held()
