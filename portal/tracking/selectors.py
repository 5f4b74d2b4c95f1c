"""Reads a delivery as its shopper sees it: timeline, planned arrival, rating, arrival."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.orders.models import Attempt, Direction, Option, Order, Promise
from dispatch.orders.selectors import timeline
from dispatch.orders.states import OrderState
from dispatch.planning.models import PlanInput, Stop
from dispatch.planning.states import PUBLISHED
from portal.shopper.requesting import is_requested
from portal.shopper.wording import zone_of
from portal.tracking.arrival import ArrivalRange, PlannedStop, range_of
from portal.tracking.models import CurbsideArrival, Rating
from portal.tracking.timeline import Happening, Timeline, timeline_of

#: States in which a published plan says when the vehicle comes.
PLANNED = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


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


def planned_arrival(order: Order) -> tuple[ArrivalRange | None, bool]:
    """Return the planned arrival, and whether the published plan is older than the promise.

    The arrival is None without a published plan, and while that plan is older than the promise.
    See ``portal.tracking.arrival`` for how the range is made.
    """
    if order.state not in PLANNED:
        return None, False
    stops = Stop.objects.filter(order=order, plan__status=PUBLISHED).select_related("route")
    stop = stops.order_by("-pk").first()
    if stop is None:
        return None, False
    promise = order.promise
    if promise is not None and _is_older(stop, promise):
        return None, True
    planned = PlannedStop(
        leaves_at=stop.route.starts_at, starts_at=stop.starts_at, slack_s=stop.slack_s
    )
    arrival = range_of(
        planned,
        opens_at=promise.opens_at if promise else None,
        closes_at=promise.closes_at if promise else None,
    )
    return arrival, arrival is None


def _is_older(stop: Stop, promise: Promise) -> bool:
    """Return True if the plan of a stop was made for another time window, place or option."""
    read_at = PlanInput.objects.values_list("created_at", flat=True).get(plan=stop.plan_id)
    if promise.made_at <= read_at:
        return False
    earlier = Promise.objects.filter(order=promise.order_id, made_at__lte=read_at)
    before = earlier.order_by("-number").first()
    return before is None or _what_a_plan_reads(before) != _what_a_plan_reads(promise)


def _what_a_plan_reads(promise: Promise) -> tuple[object, ...]:
    return promise.opens_at, promise.closes_at, promise.option, promise.place_id
