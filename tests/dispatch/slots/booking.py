"""Helpers of the tests of holds: requests, terms, holds and the counts of slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.slots import rolls
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.services import (
    DeliveryRequest,
    Terms,
    hold_slot,
    request_for_order,
)
from dispatch.slots.states import TAKING
from lastmile.core.geo import Point
from tests.factories import make_slot
from tests.factories.fleet import LAT, LON

ME, YOU = "ses_me", "ses_you"


def curbside(**fields: Any) -> Slot:
    """Add a curbside slot for two orders."""
    return make_slot(**{"option": "curbside", "capacity_orders": 2} | fields)


def request_at(hub: Hub, **fields: Any) -> DeliveryRequest:
    """Return the request of a delivery of 2 kg near the hub."""
    values: dict[str, Any] = {
        "point": Point(lat=LAT + 0.001, lon=LON),
        "place_text": "Rua 1, Lisboa",
        "hub": hub,
        "zone": None,
        "weight_g": 2_000,
        "volume_cm3": 8_000,
        "parcels": 1,
        "service_s": 180,
        "currency": "EUR",
    }
    return DeliveryRequest(**values | fields)


def take_place(slot: Slot, **fields: Any) -> Hold:
    """Hold a place in a slot; ``order`` is the order that changes, else it is a new delivery."""
    order: Order | None = fields.pop("order", None)
    request = fields.pop("request", None) or (
        request_for_order(order) if order else request_at(slot.hub)
    )
    values: dict[str, Any] = {
        "session": ME,
        "caller": Caller.SHOPPER,
        "terms": Terms(price_minor=slot.base_minor + slot.surcharge_minor, currency="EUR"),
    }
    return hold_slot(slot=slot, request=request, **values | fields)


def taken(slot: Slot) -> int:
    """Return how many places of a slot are taken, after a check of all counts."""
    assert rolls.invariants()["the counts of a slot are the sums of its holds"] == []
    slot.refresh_from_db()
    assert slot.taken_orders == sum(
        hold.orders for hold in Hold.objects.filter(slot=slot, state__in=TAKING)
    )
    return slot.taken_orders


def minutes(number: float) -> dt.timedelta:
    """Return a number of minutes."""
    return dt.timedelta(minutes=number)


def alternatives(data: Mapping[str, Any]) -> list[str]:
    """Return the slots that a refusal names."""
    return [near["slot"] for near in data["alternatives"]]


def is_about(instant: dt.datetime | None, expected: dt.datetime) -> bool:
    """Return True if two instants differ by less than a minute: the test clock runs on."""
    return instant is not None and abs(instant - expected) < minutes(1)
