"""Reads a delivery as its shopper sees it: timeline, arrival, position, rating, curbside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from dispatch.live.selectors.approach import Approach, approach_of
from dispatch.live.selectors.proof import is_delivery_unchecked
from dispatch.live.selectors.ranges import live_range
from dispatch.orders.models import Attempt, Direction, Option, Order, Promise
from dispatch.orders.selectors import timeline
from dispatch.orders.states import OrderState
from dispatch.orders.wording import zone_of
from dispatch.planning.arrival import ArrivalRange
from dispatch.planning.models import Stop
from dispatch.planning.selectors.arrival import planned_arrival
from lastmile.core import clock
from lockers.models import LockerReservation
from portal.shopper.requesting import is_requested
from portal.tracking.lockers import lockers_of, mark_of
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

    ``approach`` is how the driver comes, while the order is on its way. ``is_live`` means that
    ``arrival`` was calculated on the way. ``is_unchecked`` means that the driver reported the
    delivery, and that its proof must be checked before the shopper is told. ``lockers`` are the
    reservations of its compartments.
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
    approach: Approach | None = None
    is_live: bool = False
    is_unchecked: bool = False
    lockers: tuple[LockerReservation, ...] = ()

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
    approach = approach_of(order) if order.state == OrderState.OUT else None
    live = live_range(order) if approach is not None and approach.is_out else None
    if live is not None:
        arrival, is_replanned = live, False
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
        approach=approach,
        is_live=live is not None,
        is_unchecked=is_delivery_unchecked(order),
        lockers=_lockers(order),
    )


def _lockers(order: Order) -> tuple[LockerReservation, ...]:
    """Return the reservations of an order that is collected, without a query for a delivery."""
    collects = order.promise is not None and order.promise.option in {Option.LOCKER, Option.HUB}
    return lockers_of(order) if collects else ()


def shopper_status(delivery: TrackedOrder) -> dict[str, Any]:
    """Return what sockets and the status address tell a shopper's page; it is for programs.

    ``state`` is the state of the order, or ``reported`` while the proof of a delivery is checked.
    ``mark`` changes when the text of the page does.
    """
    approach, arrival = delivery.approach, delivery.arrival
    place = approach.place if approach else None
    shown = {
        "state": "reported" if delivery.is_unchecked else str(delivery.state),
        "low_at": arrival.low_at if arrival else None,
        "high_at": arrival.high_at if arrival else None,
        "is_live": delivery.is_live,
        "stops_before": approach.stops_before if approach else None,
        "is_here": approach is not None and approach.is_here,
    }
    promise = delivery.promise.public_id if delivery.promise else ""
    inside = mark_of(delivery.lockers)
    seen = repr((sorted(shown.items()), promise, len(delivery.timeline.steps), inside))
    return shown | {
        "position": place.as_json() if place else None,
        "mark": hashlib.blake2b(seen.encode(), digest_size=8).hexdigest(),
        "sent_at": clock.now(),
    }


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
