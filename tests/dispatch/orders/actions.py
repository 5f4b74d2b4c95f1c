"""Short ways to where an order has to be for a test."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.orders import services
from dispatch.orders.drafts import AttemptDraft, PlaceDraft
from dispatch.orders.models import Attempt, Order
from lastmile.core import clock
from tests.factories.orders import DAY

LOST = PlaceDraft(text="Travessa Sem Nome 3, Lisboa")
HOUR = dt.timedelta(hours=1)


def at(hour: int, day: dt.date = DAY) -> dt.datetime:
    """An hour of the day, UTC."""
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def out(order: Order) -> Order:
    """Put an order on the road."""
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_loaded(orders=[order.pk])
    services.mark_out(orders=[order.pk])
    return Order.objects.get(pk=order.pk)


def attempt(order: Order, **fields: Any) -> Attempt:
    """End an attempt an hour ago."""
    left = clock.now() - HOUR
    said = {"outcome": "delivered", "arrived_at": left - HOUR / 20, "departed_at": left} | fields
    return services.record_attempt(order=order, draft=AttemptDraft(**said))
