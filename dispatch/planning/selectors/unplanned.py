"""Finds tomorrow's days that have orders and no published plan yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from dispatch.fleet.models import Hub
from dispatch.orders.selectors import to_plan
from dispatch.planning.selectors.lists import published
from lastmile.core import clock

#: From this time of day on (in the zone of the hub), tomorrow should be planned.
EVENING: Final = dt.time(18)


def unplanned_days(at: dt.datetime) -> Iterator[tuple[Hub, dt.date, int]]:
    """Yield hub, date and number of orders of each day after ``at`` that still has no plan.

    Only hubs where the evening has begun count.
    """
    for hub in Hub.objects.filter(active=True).order_by("pk"):
        local = at.astimezone(clock.zone(hub.zone))
        if local.time() < EVENING:
            continue
        tomorrow = local.date() + dt.timedelta(days=1)
        orders = orders_without_plan(hub, tomorrow)
        if orders:
            yield hub, tomorrow, orders


def orders_without_plan(hub: Hub, service_date: dt.date) -> int:
    """Return the number of orders of a hub's day that wait for a plan; 0 if one is published."""
    if published(hub, service_date) is not None:
        return 0
    return to_plan(hub, service_date).count()
