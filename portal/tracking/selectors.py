"""Reads a delivery as its shopper sees it: timeline, planned arrival, rating, arrival."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.orders.models import Attempt, Direction, Option, Order, Promise
from dispatch.orders.selectors import timeline
from dispatch.orders.states import OrderState
from dispatch.orders.wording import zone_of
from dispatch.planning.arrival import ArrivalRange
from dispatch.planning.models import Stop
from dispatch.planning.selectors.arrival import planned_arrival
from portal.shopper.requesting import is_requested
from portal.tracking.models import CurbsideArrival, Rating
from portal.tracking.timeline import Happening, Timeline, timeline_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedOrder:
    """An order as its shopper sees it.

    ``arrival`` is the planned arrival, None without a published plan that was made for the current
    promise. ``is_replanned`` means that the published plan is older than the promise, so a new one
    must come. ``is_requested`` means that a dispatcher still has to confirm the promise; the
    published plan then tells no arrival. ``attempt`` is the last attempt. All times are shown in
    ``zone``, the zone of the hub.
    """

    order: Order
    zone: str
    timeline: Timeline
    arrival: ArrivalRange | None
    is_replanned: bool
    is_requested: bool
    attempt: Attempt | None
    rating: Rating | None
    curbside: CurbsideArrival | None

    @property
    def is_return(self) -> bool:
        """True if the goods go from the shopper back to the hub."""
        return self.order.direction == Direction.RETURN

    @property
    def state(self) -> OrderState:
        """The state of the order."""
        return OrderState(self.order.state)

    @property
    def promise(self) -> Promise | None:
        """The current promise."""
        return self.order.promise

    @property
    def is_collected(self) -> bool:
        """True if the shopper collects the goods: at a curbside, a counter or a locker."""
        return self.promise is not None and self.promise.option != Option.WINDOW


def delivery_of(order: Order) -> TrackedOrder:
    """Return a delivery as its shopper sees it."""
    requested = is_requested(order)
    arrival, is_replanned = (None, False) if requested else planned_arrival(order)
    return TrackedOrder(
        order=order,
        zone=zone_of(order),
        timeline=timeline_of(happenings_of(order), is_return=order.direction == Direction.RETURN),
        arrival=arrival,
        is_replanned=is_replanned,
        is_requested=requested,
        attempt=order.attempts.order_by("-number").first(),
        rating=Rating.objects.filter(order=order).first(),
        curbside=CurbsideArrival.objects.filter(order=order, promise=order.promise).first(),
    )


def happenings_of(order: Order) -> list[Happening]:
    """Return the recorded events of an order."""
    return [
        Happening(kind=entry.kind, at=entry.occurred_at, data=entry.data)
        for entry in timeline(order)
    ]


def published_plans_with(order: Order) -> int:
    """Return how many plans with a stop for an order were published, those replaced since too."""
    stops = Stop.objects.filter(order=order, plan__published_at__isnull=False)
    return stops.values("plan").distinct().count()
