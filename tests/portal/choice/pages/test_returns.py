"""Several returns of one order by its shopper's page: each parcel goes back once."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import ParcelDraft
from dispatch.orders.models import Direction, Order
from dispatch.orders.services import cancel_order
from dispatch.orders.states import OrderState
from lastmile.core.models import Event
from portal.shopper.changes import parcels_left
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, attempt, out
from tests.factories import make_order
from tests.factories.orders import DAY
from tests.portal.tracking.shoppers import ShopperBrowser, text_of


@pytest.fixture
def reader(hub: Hub, clock: SetClock) -> ShopperBrowser:
    """Return the browser of the shopper of three delivered parcels, two of them the same."""
    clock(at(6))
    parcels = tuple(ParcelDraft(weight_g=grams, volume_cm3=8_000) for grams in (2_000, 2_000, 900))
    order = make_order(hub=hub.public_id, parcels=parcels)
    out(order)
    attempt(order)
    order.refresh_from_db()
    return ShopperBrowser(order)


def _back(order: Order) -> None:
    """Bring the goods of a return back to the hub."""
    Order.objects.filter(pk=order.pk).update(state=OrderState.RETURNED, service_date=DAY)


def _returns() -> list[Order]:
    return list(Order.objects.filter(direction=Direction.RETURN).order_by("pk"))


def test_after_one_parcel_is_back_the_others_can_follow_and_none_goes_twice(
    reader: ShopperBrowser,
) -> None:
    first, second, third = reader.order.parcels.all()
    reader.post("return/", parcels=first.public_id)
    (one,) = _returns()
    assert "already requested" in reader.text("return/")
    _back(one)
    assert "Request a pickup" in reader.text()
    page = reader.get("return/").content.decode()
    assert first.public_id not in page
    assert second.public_id in page
    assert "Parcel 2 Parcel 3" in text_of(reader.get("return/"))
    before = Event.objects.count()
    assert reader.post("return/", parcels=first.public_id).status_code == 422
    assert Event.objects.count() == before
    reader.post("return/", parcels=[second.public_id, third.public_id])
    two = _returns()[-1]
    assert two.external_id == f"{reader.order.public_id}-R2"
    assert sorted(two.parcels.values_list("weight_g", flat=True)) == [900, 2_000]
    _back(two)
    assert "Your return" in reader.text()
    there = reader.post("return/", parcels=third.public_id).headers["Location"]
    assert there == f"/t/{ShopperBrowser(two).secret}/"
    assert len(_returns()) == 2


def test_the_parcels_of_a_cancelled_return_can_go_back(reader: ShopperBrowser) -> None:
    parcels = [parcel.public_id for parcel in reader.order.parcels.all()]
    reader.post("return/", parcels=parcels)
    cancel_order(order=_returns()[0])
    assert len(parcels_left(reader.order)) == 3
    reader.post("return/", parcels=parcels)
    assert [row.parcels.count() for row in _returns()] == [3, 3]


def test_a_return_of_everything_stays_on_the_page_after_the_last_day(
    reader: ShopperBrowser, clock: SetClock
) -> None:
    reader.post("return/", parcels=[row.public_id for row in reader.order.parcels.all()])
    _back(_returns()[0])
    clock(at(6) + dt.timedelta(days=5))
    assert "Your return" in reader.text()
