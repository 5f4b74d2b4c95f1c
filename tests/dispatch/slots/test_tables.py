"""Tests of the tables of slots: what the database itself refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from dispatch.fleet.errors import StillInUse
from dispatch.fleet.services import remove_zone
from dispatch.slots import rolls
from dispatch.slots.models import Blackout, Caller, Hold, Slot, SlotTemplate
from dispatch.slots.states import HoldState
from lastmile.core import clock
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.factories import make_hold, make_hub, make_order, make_slot, make_template, make_zone

pytestmark = pytest.mark.usefixtures("retailer")


def refused(make: Any, **fields: Any) -> bool:
    try:
        with transaction.atomic():
            make(**fields)
    except IntegrityError:
        return True
    return False


def test_a_window_of_a_hub_zone_and_option_exists_once() -> None:
    hub = make_hub()
    zone = make_zone(hub=hub)
    make_slot(hub=hub)
    make_slot(hub=hub, zone=zone)
    make_slot(hub=hub, option="curbside")
    assert refused(make_slot, hub=hub)  # also without a zone: NULL is one value here
    assert refused(make_slot, hub=hub, zone=zone)
    assert Slot.objects.count() == 3


def test_a_slot_that_contradicts_itself_is_refused() -> None:
    slot = make_slot()
    bad: list[dict[str, Any]] = [
        {"closes": 600},
        {"book_until_at": slot.opens_at + dt.timedelta(hours=2)},
        {"option": "locker"},
        {"state": "closed"},  # without a reason
        {"closed_reason": "staff"},  # though it is open
        {"state": "lost"},
        {"taken_orders": 1, "held_by_checkouts": 2},
    ]
    for fields in bad:
        assert refused(make_slot, hub=slot.hub, opens=700, **{"closes": 800} | fields), fields


def test_a_template_that_contradicts_itself_is_refused() -> None:
    hub = make_hub()
    known = make_template(hub=hub)
    columns = {field.name: getattr(known, field.name) for field in known._meta.local_fields}
    columns |= {"id": None, "public_id": "tpl_x"}

    def add(**fields: Any) -> None:
        SlotTemplate.objects.create(**columns | fields)

    bad: list[dict[str, Any]] = [
        {"name": ""},
        {"closes_minute": 600},
        {"opens_minute": 1440, "closes_minute": 1500},
        {"closes_minute": 600 + 1441},
        {"window_minutes": 0},
        {"ends_on": dt.date(2026, 10, 31)},
        {"cutoff_minute": None, "cutoff_days": 1},
        {"cutoff_minute": 1440},
        {"opens_days_ahead": 0},
        {"option": "hub"},
    ]
    for fields in bad:
        assert refused(add, **fields), fields
    assert make_template(hub=hub, opens_minute=1320, closes_minute=1560).pk  # over midnight


def test_a_blackout_is_dates_in_order_and_a_zone_has_its_hub() -> None:
    day = dt.date(2026, 12, 24)
    add = Blackout.objects.create
    assert refused(add, first_on=day, last_on=day - dt.timedelta(days=1))
    assert refused(add, first_on=day, last_on=day, zone=make_zone())
    assert add(first_on=day, last_on=day).pk


def test_a_hold_ends_or_has_a_promise_and_an_order_has_one_promised_hold() -> None:
    slot, order = make_slot(), make_order()
    until = clock.now() + dt.timedelta(minutes=5)
    assert refused(make_hold, slot=slot, state="live", expires_at=None)
    assert refused(make_hold, slot=slot, state="promised", expires_at=until, order=order)
    assert refused(make_hold, slot=slot, state="promised")
    make_hold(slot=slot, state="promised", order=order)
    assert refused(make_hold, slot=slot, state="promised", order=order)
    make_hold(slot=slot, state="released", order=order)
    slot.refresh_from_db()
    assert (slot.taken_orders, slot.free_orders) == (1, 9)


def test_the_invariants_find_a_count_that_is_not_the_sum_of_its_holds(clock: SetClock) -> None:
    slot = make_slot()
    make_hold(slot=slot, caller=Caller.CHECKOUT)
    make_hold(slot=slot, state=HoldState.PROMISED, order=make_order())
    make_hold(slot=slot, state=HoldState.RELEASED)
    name = "the counts of a slot are the sums of its holds"
    assert rolls.invariants()[name] == []
    for field in ("taken_orders", "taken_weight_g", "taken_work_s", "taken_volume_cm3"):
        with transaction.atomic():
            Slot.objects.filter(pk=slot.pk).update(**{field: 999_999})
            assert rolls.invariants()[name] == [slot.public_id], field
            transaction.set_rollback(True)
    assert rolls.ledger()["slots"] == {"open": 1}
    assert list(rolls.ledger()["promised_holds"].values()) == [slot.public_id]  # type: ignore[attr-defined]


def test_free_places_are_never_negative() -> None:
    slot = make_slot(capacity_orders=1)
    make_hold(slot=slot)
    make_hold(slot=slot)
    assert (slot.taken_orders, slot.free_orders) == (2, 0)
    assert make_slot(capacity_orders=None).free_orders is None


def test_a_zone_with_slots_is_not_removed(retailer: RetailerRef) -> None:
    zone = make_zone()
    slot = make_slot(hub=zone.hub, zone=zone)
    with pytest.raises(StillInUse, match="inactive"), transaction.atomic():
        remove_zone(zone=zone)
    assert Slot.objects.get(pk=slot.pk).zone == zone
    assert Hold.objects.count() == 0
