"""Factories of slot templates, slots and holds for the default hub."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from django.db.models import F

from dispatch.slots import services
from dispatch.slots.models import Caller, Hold, Slot, SlotTemplate
from dispatch.slots.states import TAKING, HoldState
from lastmile.core import clock
from tests.factories.fleet import make_hub
from tests.factories.orders import DAY

_numbers = itertools.count(1)


def make_template(**fields: Any) -> SlotTemplate:
    """Add a template: every day 10:00 to 12:00 from 1 November 2026, 10 orders, order by 18:00."""
    values: dict[str, Any] = {
        "name": f"Template {next(_numbers)}",
        "option": "window",
        "rrule": "FREQ=DAILY",
        "starts_on": dt.date(2026, 11, 1),
        "opens_minute": 600,
        "closes_minute": 720,
        "capacity_orders": 10,
        "cutoff_days": 1,
        "cutoff_minute": 1080,
        "base_minor": 400,
    } | fields
    hub = values.pop("hub", None) or make_hub()
    return services.add_template(hub=hub, **values)


def make_slot(**fields: Any) -> Slot:
    """Add an open slot without a template, for 10 orders, that can be booked until it opens.

    ``opens`` and ``closes`` are local minutes of ``service_date`` (10:00 to 12:00).
    """
    values: dict[str, Any] = {
        "option": "window", "service_date": DAY, "capacity_orders": 10, "base_minor": 400,
    } | fields  # fmt: skip
    hub = values.pop("hub", None) or make_hub()
    opens, closes = values.pop("opens", 600), values.pop("closes", 720)
    values.setdefault("opens_at", clock.local_instant(values["service_date"], opens, hub.zone))
    values.setdefault("closes_at", clock.local_instant(values["service_date"], closes, hub.zone))
    values.setdefault("book_until_at", values["opens_at"])
    return Slot.objects.create(hub=hub, **values)


def make_hold(**fields: Any) -> Hold:
    """Add a live hold of 15 minutes and count it in its slot, as the services do."""
    values: dict[str, Any] = {
        "caller": Caller.SHOPPER, "state": HoldState.LIVE, "work_s": 300, "weight_g": 2_000,
        "volume_cm3": 8_000,
    } | fields  # fmt: skip
    slot = values.pop("slot", None) or make_slot()
    if values["state"] in {HoldState.LIVE, HoldState.KEPT}:
        values.setdefault("expires_at", clock.now() + dt.timedelta(minutes=15))
    hold = Hold.objects.create(slot=slot, **values)
    if hold.state in TAKING:
        checkout = hold.caller == Caller.CHECKOUT and hold.state != HoldState.PROMISED
        Slot.objects.filter(pk=slot.pk).update(
            taken_orders=F("taken_orders") + hold.orders,
            taken_work_s=F("taken_work_s") + hold.work_s,
            taken_weight_g=F("taken_weight_g") + hold.weight_g,
            taken_volume_cm3=F("taken_volume_cm3") + hold.volume_cm3,
            held_by_checkouts=F("held_by_checkouts") + hold.orders * checkout,
        )
        slot.refresh_from_db()
    return hold
