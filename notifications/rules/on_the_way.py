"""The conditions of the moments while a vehicle is on its way: nearly there, late, arriving.

They are asked like those in ``occasions``.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from dispatch.live.models import VisitProgress
from dispatch.live.selectors.arrivals import ExpectedArrival, arrival_of_order
from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.events import DomainEvent
from notifications.models import Message
from notifications.policy import MessagePolicy
from notifications.rules.occasions import unless
from notifications.states import MessageState
from tenants.people.selectors import policy

#: The moments while the vehicle is on its way.
ON_THE_WAY: Final = ("out_for_delivery", "delayed", "near", "arriving")
#: Two messages on the way are at least this far apart, unless the later one is about a delay.
BETWEEN: Final = dt.timedelta(minutes=15)
ARRIVING_WITHIN: Final = dt.timedelta(minutes=10)
#: A delay that has grown by this is told again.
GROWN_MINUTES: Final = 30


def is_delayed(event: DomainEvent, order: Order) -> bool:
    """Return True if an order will come after its window, and that is news to its shopper.

    It is news once, and again if the delay has grown by half an hour.
    """
    if still_delayed(Message(), order):
        return False
    earlier = _told_on_the_way(order, ("delayed",), event)
    known = max((int(one.values.get("late_minutes", 0)) for one in earlier), default=None)
    return known is None or int(event.data["late_minutes"]) - known >= GROWN_MINUTES


def still_delayed(message: Message, order: Order) -> str:
    """Return "" while an order is expected after its promised window."""
    arrival = _coming(order)
    return unless(arrival is not None and arrival.slack_s is not None and arrival.slack_s < 0)


def is_near(event: DomainEvent, order: Order) -> bool:
    """Return True if few stops or minutes are left, and nothing else was told just before."""
    arrival, settings = _coming(order), policy(MessagePolicy)
    if arrival is None:
        return False
    minutes = (arrival.expected_at - clock.now()).total_seconds() / 60
    is_close = arrival.stops_before <= settings.near_stops or minutes <= settings.near_minutes
    return is_close and not _tells_again(order, ("near", "arriving"), event)


def is_arriving(event: DomainEvent, order: Order) -> bool:
    """Return True if the driver is on the way to this shopper and there in about ten minutes.

    A shopper who got another message on the way within a quarter of an hour knows it already.
    """
    arrival = _coming(order)
    if arrival is None or arrival.stops_before:
        return False
    is_soon = arrival.expected_at - clock.now() <= ARRIVING_WITHIN
    return is_soon and not _tells_again(order, ("arriving",), event)


def still_coming(message: Message, order: Order) -> str:
    """Return "" while the vehicle is on the way to an order and has not arrived."""
    return unless(_coming(order) is not None)


def _coming(order: Order) -> ExpectedArrival | None:
    """Return the expected arrival of goods that are brought to a door; None after the arrival."""
    if order.state != OrderState.OUT or (order.promise is not None and not order.promise.to_door):
        return None
    here = VisitProgress.objects.filter(order=order, arrived_at__isnull=False, outcome="")
    return None if here.exists() else arrival_of_order(order.pk)


def _tells_again(order: Order, moments: tuple[str, ...], event: DomainEvent) -> bool:
    """Return True if a moment was told before, or another one on the way a short time ago."""
    if _told_on_the_way(order, moments, event):
        return True
    return any(
        clock.now() - one.made_at < BETWEEN for one in _told_on_the_way(order, ON_THE_WAY, event)
    )


def _told_on_the_way(order: Order, moments: tuple[str, ...], event: DomainEvent) -> list[Message]:
    """Return the messages of moments on the present way; a new try begins from nothing."""
    rows = Message.objects.filter(order=order, moment__in=moments)
    rows = rows.exclude(state=MessageState.SKIPPED).exclude(origin=event.public_id)
    attempt = order.attempts.order_by("-number").first()
    return list(rows if attempt is None else rows.filter(made_at__gt=attempt.departed_at))
