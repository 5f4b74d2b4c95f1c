"""Shortcuts that bring an order into the state that a test needs."""

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
    """Return the instant of an hour of the day, UTC."""
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def out(order: Order) -> Order:
    """Put an order on the road."""
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_loaded(orders=[order.pk])
    services.mark_out(orders=[order.pk])
    return Order.objects.get(pk=order.pk)


def attempt(order: Order, **fields: Any) -> Attempt:
    """Record an attempt that ended an hour ago."""
    departed_at = clock.now() - HOUR
    values = {
        "outcome": "delivered",
        "arrived_at": departed_at - HOUR / 20,
        "departed_at": departed_at,
    } | fields
    return services.record_attempt(order=order, draft=AttemptDraft(**values))
