"""The right to choose a time: only slots count that the order could really take."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.models import Direction
from dispatch.slots.models import Slot
from lastmile.core.tenancy import RetailerRef
from portal.shopper.changes import rights_of
from tests.dispatch.conftest import SetClock, clock
from tests.dispatch.orders.actions import at
from tests.factories import make_hub, make_order, make_zone
from tests.factories.fleet import square
from tests.factories.orders import DAY
from tests.factories.slots import make_slot
from tests.portal.tracking.shoppers import promise

__all__ = ["clock"]


@pytest.fixture
def hub(retailer: RetailerRef, clock: SetClock) -> Hub:
    clock(at(8))
    return make_hub(name="Alcântara", zone="Europe/Lisbon")


def _may_choose(hub: Hub, **fields: Any) -> bool:
    return rights_of(make_order(hub=hub.public_id, **fields)).time.possible


def test_a_slot_that_can_no_longer_be_booked_is_no_time(hub: Hub) -> None:
    assert not _may_choose(hub)
    slot = make_slot(hub=hub, book_until_at=at(7))
    assert not _may_choose(hub)
    Slot.objects.filter(pk=slot.pk).update(book_until_at=at(9))
    assert _may_choose(hub)
    Slot.objects.filter(pk=slot.pk).update(state="closed", closed_reason="staff")
    assert not _may_choose(hub)


def test_an_order_of_the_day_may_choose_until_a_slot_opens(hub: Hub, clock: SetClock) -> None:
    make_slot(hub=hub, book_until_at=at(7))
    order = make_order(hub=hub.public_id)
    promise(order, 14, 16)
    assert rights_of(order).time.possible
    clock(at(10))
    assert not rights_of(order).time.possible
    other = make_order(hub=hub.public_id, service_date=DAY + dt.timedelta(days=1))
    promise(other, 14, 16, DAY + dt.timedelta(days=1))
    clock(at(8))
    assert not rights_of(other).time.possible


def test_a_slot_of_another_zone_or_hub_is_no_time(hub: Hub) -> None:
    far = make_zone(hub=hub, polygon=square(hub.lat + 1, hub.lon))
    make_slot(hub=hub, zone=far)
    assert not _may_choose(hub)
    make_slot(hub=make_hub(name="Santiago", lat=-33.4, lon=-70.7, zone="America/Santiago"))
    assert not _may_choose(hub)
    make_slot(hub=hub)
    assert _may_choose(hub)


def test_a_pickup_place_is_no_time_for_a_return(hub: Hub) -> None:
    make_slot(hub=hub, option="curbside")
    assert _may_choose(hub)
    assert not _may_choose(hub, direction=Direction.RETURN)
    make_slot(hub=hub)
    assert _may_choose(hub, direction=Direction.RETURN)
