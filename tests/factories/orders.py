"""Factories of drafts and orders near the default hub, for Monday 23 November 2026."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from dispatch.orders import services
from dispatch.orders.drafts import (
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
    WindowDraft,
)
from dispatch.orders.models import Order
from tests.factories.fleet import LAT, LON

DAY = dt.date(2026, 11, 23)
_numbers = itertools.count(1)


def make_window(opens: int = 9, closes: int = 12, day: dt.date = DAY) -> WindowDraft:
    """Return a time window in whole hours UTC."""
    start = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    return WindowDraft(
        opens_at=start + dt.timedelta(hours=opens), closes_at=start + dt.timedelta(hours=closes)
    )


def make_draft(**fields: Any) -> OrderDraft:
    """Return a draft with one parcel of 2 kg for a new place near the hub.

    The places fill a grid of 150 by 150 doors, a metre apart and southwest of the hub. So an order
    is in the hub's zone, however many tests ran before, and north and east are free for a test.
    """
    n = next(_numbers)
    south, west = n % 150, n // 150 % 150
    defaults: dict[str, Any] = {
        "external_id": f"E{n:06d}",
        "shopper": ShopperDraft(name=f"Shopper {n}", phone=f"+3519{20_000_000 + n}"),
        "place": PlaceDraft(
            text=f"Rua {n} 1, Lisboa", lat=LAT - south * 1e-5, lon=LON - west * 1e-5
        ),
        "service_date": DAY,
        "parcels": (ParcelDraft(weight_g=2_000, volume_cm3=8_000),),
    }
    return OrderDraft(**(defaults | fields))


def make_order(**fields: Any) -> Order:
    """Place one order and return its stored row."""
    placed = services.place_order(draft=make_draft(**fields))
    assert placed.order is not None
    return Order.objects.get(pk=placed.order.pk)


def make_orders(count: int, **fields: Any) -> list[Order]:
    """Place many orders with one call."""
    drafts = [make_draft(**fields) for _n in range(count)]
    placed = services.place_orders(drafts, source="test")
    assert all(p.status == "placed" for p in placed), [p.problem for p in placed if p.problem]
    return [p.order for p in placed if p.order is not None]
