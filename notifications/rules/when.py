"""The times of a message: when it is due, and after when it is of no use. Business time."""

from __future__ import annotations

import datetime as dt

from dispatch.orders.models import Order
from lastmile.core import clock
from notifications.catalogue.kinds import Timing

DAY = dt.timedelta(days=1)


def times_of(
    timing: Timing, *, order: Order | None, zone: str, at: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """Return the due time of a message and the end of its use, for a fact of the time ``at``.

    A moment of a window that the order does not have is due at once, for a day.
    """
    promise = order.promise if order is not None else None
    opens_at = promise.opens_at if promise is not None else at + DAY
    closes_at = promise.closes_at if promise is not None else at + DAY
    day = clock.local_date(opens_at if promise is not None else at, zone)
    lead = dt.timedelta(seconds=timing.lead_s)
    eve = clock.local_instant(day - DAY, 0, zone)
    due = {
        "at_once": at + dt.timedelta(seconds=timing.gather_s),
        "after": at + lead,
        "before_window": opens_at - lead,
        "day_before": clock.local_instant(day - DAY, timing.minute or 0, zone),
    }
    ends = {
        "event": at,
        "window_opens": opens_at,
        "window_closes": closes_at,
        "day_ends": clock.local_instant(day + DAY, 0, zone),
        "day_before": eve,
    }
    return due[timing.send], ends[timing.not_after] + dt.timedelta(seconds=timing.not_after_s)


def is_history(order: Order, zone: str) -> bool:
    """Return True if the window or the day of an order was over when it was placed.

    Such an order comes from a file of the past, and nobody is told about it.
    """
    if order.promise is not None:
        return order.promise.closes_at <= order.created_at
    if order.service_date is None:
        return False
    _start, end = clock.day_bounds(order.service_date, zone)
    return end <= order.created_at
