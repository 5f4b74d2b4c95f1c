"""Tells the shop that a shopper is on the way to the curbside, or is there."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Option, Order, Promise
from dispatch.orders.services import lock_orders
from dispatch.orders.states import OrderState
from lastmile.core import clock, formatting
from lastmile.core.errors import Problems
from lastmile.core.events import Lane, record
from lastmile.core.formatting import number
from portal.tracking.errors import NoCurbsidePickup
from portal.tracking.events import ARRIVED, ON_THE_WAY, ArrivedFacts, OnTheWayFacts
from portal.tracking.models import LONGEST_BAY, LONGEST_CAR, CurbsideArrival

EARLY = dt.timedelta(hours=2)  # before the window opens
LATE = dt.timedelta(hours=2)  # after the window has closed
MOST_MINUTES = 240
_WAITING = frozenset({OrderState.READY, OrderState.PLANNED, OrderState.AWAITING_COLLECTION})


def expects_arrival(order: Order) -> bool:
    """Return True if the shopper of this order can now say “on my way” or “I am here”."""
    promise = order.promise
    if promise is None or promise.option != Option.CURBSIDE or order.state not in _WAITING:
        return False
    return promise.opens_at - EARLY <= clock.now() < promise.closes_at + LATE


@transaction.atomic
def tell_on_the_way(*, order: Order, minutes: int | None = None) -> CurbsideArrival:
    """Note that the shopper is on the way, with the estimated minutes. Again changes only these.

    Locks: the order. Records: curbside.on_the_way if it is new. Raises: Invalid; NoCurbsidePickup
    if the order is not picked up at the curbside now.
    """
    if minutes is not None and not 0 <= minutes <= MOST_MINUTES:
        problems = Problems()
        problems.add(
            "/minutes",
            _("Enter 0 to %(most)s minutes, or nothing.") % {"most": number(MOST_MINUTES)},
        )
        problems.raise_if_any(_("This was not saved. See below."))
    promise, arrival = _arrival_of(order)
    if arrival.here_at is not None:
        return arrival
    if arrival.on_the_way_at is not None and arrival.minutes == minutes:
        return arrival
    arrival.on_the_way_at = arrival.on_the_way_at or clock.now()
    arrival.minutes = minutes
    arrival.save()
    facts = OnTheWayFacts(promise=promise.public_id, minutes=minutes)
    record(ON_THE_WAY, facts, subject=order.public_id, lane=Lane.PERSON)
    return arrival


@transaction.atomic
def tell_here(*, order: Order, bay: str = "", car: str = "") -> CurbsideArrival:
    """Note that the shopper is at the curbside, in a bay and a car. Again changes only these.

    Locks: the order. Records: curbside.arrived if something is new. Raises: Invalid;
    NoCurbsidePickup if the order is not picked up at the curbside now.
    """
    bay, car = bay.strip(), car.strip()
    problems = Problems()
    for name, text, most in (("bay", bay, LONGEST_BAY), ("car", car, LONGEST_CAR)):
        if len(text) > most or "\x00" in text:
            problems.add(
                f"/{name}", _("Write at most %(most)s characters.") % {"most": number(most)}
            )
    problems.raise_if_any(_("This was not saved. See below."))
    promise, arrival = _arrival_of(order)
    first = arrival.here_at is None
    if not first and (arrival.bay, arrival.car) == (bay, car):
        return arrival
    arrival.here_at = arrival.here_at or clock.now()
    arrival.bay, arrival.car = bay, car
    arrival.save()
    facts = ArrivedFacts(promise=promise.public_id, first=first)
    record(ARRIVED, facts, subject=order.public_id, lane=Lane.PERSON)
    return arrival


def _arrival_of(order: Order) -> tuple[Promise, CurbsideArrival]:
    """Lock the order; return its promise and its arrival, empty if it was for another promise."""
    (row,) = lock_orders([order.pk])
    promise = row.promise
    if promise is None or promise.option != Option.CURBSIDE:
        raise NoCurbsidePickup(
            _("This order is not picked up at the curbside. See above how you get it.")
        )
    if row.state not in _WAITING:
        raise NoCurbsidePickup(_("This order no longer waits for you. See above what happened."))
    if not expects_arrival(row):
        raise NoCurbsidePickup(
            _("You can tell us from %(from)s to %(to)s. Try again then, or choose another time.")
            % {
                "from": formatting.day_and_time(promise.opens_at - EARLY),
                "to": formatting.day_and_time(promise.closes_at + LATE),
            }
        )
    arrival = CurbsideArrival.objects.filter(order=row).first() or CurbsideArrival(order=row)
    if arrival.promise_id != promise.pk:
        arrival.promise = promise
        arrival.on_the_way_at = arrival.minutes = arrival.here_at = None
        arrival.bay = arrival.car = ""
    return promise, arrival
