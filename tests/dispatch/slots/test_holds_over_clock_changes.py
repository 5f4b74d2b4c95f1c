"""The table of time zones for stored slots: an offer, a hold, its expiry and a cut-off.

Each is tried over the last change forward and the last change back of every zone.
"""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub
from dispatch.slots.errors import SlotFull, SlotPassed
from dispatch.slots.models import Slot
from dispatch.slots.services import find_offers
from dispatch.slots.states import HoldState
from lastmile.core import clock as clocks
from tests.dispatch.conftest import SetClock
from tests.dispatch.slots.booking import YOU, curbside, request_at, take_place, taken
from tests.dispatch.slots.zones import ZONES, changes_of, name_of
from tests.factories import make_hub

pytestmark = pytest.mark.usefixtures("retailer")
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


@pytest.mark.parametrize("zone_name", ZONES)
def test_offer_hold_expiry_and_cut_off_are_right_over_both_changes(
    zone_name: str, clock: SetClock
) -> None:
    recent = [change for change in changes_of(zone_name) if change.at.year >= 2000]
    last = {change.jump > 0: change for change in reversed(recent)}
    for change in last.values():
        hub = make_hub(zone=zone_name)
        before = change.at - 5 * MINUTE
        date = clocks.local_date(change.at, zone_name) + dt.timedelta(days=1)
        slot = curbside(
            hub=hub, service_date=date, capacity_orders=1, book_until_at=change.at + 30 * MINUTE
        )
        clock(before)
        assert is_offered(hub, slot), name_of(change)
        hold = take_place(slot)
        assert hold.expires_at is not None
        length = hold.expires_at - before
        assert 15 * MINUTE <= length < 15 * MINUTE + SECOND, name_of(change)  # real minutes
        clock(hold.expires_at - SECOND)  # the clocks have changed in the meantime
        assert not is_offered(hub, slot), name_of(change)
        with pytest.raises(SlotFull):
            take_place(slot, session=YOU)
        clock(hold.expires_at)
        assert is_offered(hub, slot), name_of(change)
        other = take_place(slot, session=YOU)
        hold.refresh_from_db()
        assert (hold.state, other.state) == (HoldState.RELEASED, HoldState.LIVE)
        assert taken(slot) == 1
        clock(slot.book_until_at)
        assert not is_offered(hub, slot), name_of(change)
        with pytest.raises(SlotPassed):
            take_place(slot, session=YOU)


def is_offered(hub: Hub, slot: Slot) -> bool:
    """Return True if the search offers the slot; the session ``ses_none`` holds nothing."""
    date = slot.service_date
    answer = find_offers(request=request_at(hub), since=date, until=date, session="ses_none")
    return slot.public_id in [offer.slot for offer in answer.offers]


def test_s17_the_first_offer_is_the_same_wherever_the_next_delivery_is_named(
    clock: SetClock,
) -> None:
    hub = make_hub()
    date = dt.date(2026, 11, 23)
    closed = curbside(hub=hub, service_date=date, opens=600, closes=660, state="closed",
                      closed_reason="holiday")  # fmt: skip
    full = curbside(hub=hub, service_date=date, opens=660, closes=720, capacity_orders=0)
    first = curbside(hub=hub, service_date=date, opens=720, closes=780)
    request = request_at(hub)
    one_day = find_offers(request=request, since=date, until=date)
    week = find_offers(request=request, since=date, until=date + dt.timedelta(days=7))
    for answer in (one_day, week):
        soonest = min(answer.offers, key=lambda offer: offer.opens_at)
        assert soonest.slot == first.public_id
        reasons = {one.slot: one.reason for one in answer.not_offered}
        assert reasons == {closed.public_id: "closed", full.public_id: "orders"}
