"""Tests of holds of time windows: counts and the tentative plan of the day agree."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, transaction

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft, PromiseDraft
from dispatch.orders.models import Order, Promise
from dispatch.orders.services import set_promise
from dispatch.planning.boards import updating
from dispatch.planning.boards.board import HubBoard
from dispatch.planning.errors import VisitNotPrepared
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.selectors.tentative import broken_rules
from dispatch.planning.services import lock_days, reconcile_day
from dispatch.planning.services.tentative import removing
from dispatch.planning.services.tentative.log import RESET, Change, log_changes
from dispatch.slots.errors import ChoiceDiffers, ChoiceGone, SlotFull
from dispatch.slots.models import Choice, Hold, Slot
from dispatch.slots.services import (
    cancel_choice,
    choosing,
    find_offers,
    keep_hold,
    prepare_choice,
    prepare_hold,
    promise_hold,
    promising,
    release_hold,
    request_for_order,
    use_choice,
)
from dispatch.slots.services import visits as booked_visits
from dispatch.slots.services.counting import give_back_expired, lock_slots
from dispatch.slots.services.visits import HubDay
from lastmile.core.clock import local_date, local_instant, now
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import race, refused
from tests.dispatch.slots.booking import (
    ME,
    YOU,
    alternatives,
    minutes,
    request_at,
    take_place,
    taken,
)
from tests.factories import make_hold, make_hub, make_order, make_shift, make_slot, make_vehicle
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")


def hub_with_van(parcels: int = 120, **fields: object) -> Hub:
    """Return a hub with one van on the day and a tentative plan that is ready."""
    hub = make_hub(**fields)
    make_shift(vehicle=make_vehicle(hub=hub, parcels=parcels))
    reconcile_day(hub=hub, service_date=DAY)
    return hub


def visits(hub: Hub) -> dict[str, str]:
    """Return the state of each visit of the day by key, after a check by the referee."""
    day = TentativeDay.objects.get(hub=hub, service_date=DAY)
    assert broken_rules(day, now()) == []
    return dict(TentativeVisit.objects.filter(day=day).values_list("key", "state"))


def order_at(hub: Hub, /, **fields: object) -> Order:
    """Place an order at the place of ``request_at``."""
    place = PlaceDraft(text="Rua 1, Lisboa", lat=LAT + 0.001, lon=LON)
    return make_order(**{"service_date": None, "place": place} | fields)


def use_prepared(order: Order, choice: Choice) -> Promise:
    """Use a choice as the interfaces do: its travel is computed before the transaction."""
    ready = prepare_choice(choice.public_id)
    return use_choice(order=order, choice_id=choice.public_id, prepared=ready)


def test_a_hold_of_a_window_is_a_visit_until_it_is_released() -> None:
    hub = hub_with_van()
    hold = take_place(make_slot(hub=hub))
    assert visits(hub) == {hold.public_id: "placed"}
    release_hold(hold=hold)
    assert visits(hub) == {}


def test_a_window_with_free_places_is_refused_where_no_van_has_room() -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub)
    take_place(slot)
    with refused(SlotFull):
        take_place(slot, session=YOU)
    assert (taken(slot), len(visits(hub))) == (1, 1)


def test_an_expired_hold_leaves_the_plan_and_the_counts_together(clock: SetClock) -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub, capacity_orders=1)
    take_place(slot)
    clock(EVE + minutes(16))
    yours = take_place(slot, session=YOU)
    assert (taken(slot), visits(hub)) == (1, {yours.public_id: "placed"})


def test_a_used_choice_makes_its_visit_the_visit_of_the_order() -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    order = order_at(hub)
    promise = use_choice(order=order, choice_id=choice.public_id)
    order.refresh_from_db()
    assert (order.state, order.service_date, order.promise) == ("ready", DAY, promise)
    assert (promise.slot, promise.cause, promise.price_minor) == (slot.public_id, "choice", 400)
    assert visits(hub) == {order.public_id: "placed"}
    choice.refresh_from_db()
    assert (choice.state, choice.order) == ("used", order)
    assert use_choice(order=order, choice_id=choice.public_id) == promise
    assert taken(slot) == 1


def test_s05_an_expired_choice_is_kept_if_its_place_still_fits(clock: SetClock) -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub, capacity_orders=1)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    clock(EVE + minutes(31))
    reconcile_day(hub=hub, service_date=DAY)
    assert visits(hub) == {}
    order = order_at(hub)
    promise = use_prepared(order, choice)
    assert (promise.opens_at, taken(slot)) == (slot.opens_at, 1)
    assert visits(hub) == {order.public_id: "placed"}


@pytest.mark.parametrize("caller", ["checkout", "shopper"])
def test_s05_an_expired_choice_whose_place_was_given_back_is_kept_if_it_is_free_again(
    clock: SetClock, caller: str
) -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub, capacity_orders=1)
    choice = keep_hold(hold=take_place(slot, caller=caller), minutes=30)
    clock(EVE + minutes(31))
    release_hold(hold=take_place(slot, session=YOU))
    choice.refresh_from_db()
    assert choice.state == "expired"
    order = order_at(hub)
    promise = use_prepared(order, choice)
    choice.refresh_from_db()
    assert (promise.opens_at, taken(slot), choice.state) == (slot.opens_at, 1, "used")
    assert choice.hold is not None
    assert choice.hold.order == order
    assert visits(hub) == {order.public_id: "placed"}


def test_s05_an_expired_hold_of_a_checkout_is_confirmed_if_its_place_is_free_again(
    clock: SetClock,
) -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub, capacity_orders=1)
    hold = take_place(slot, caller="checkout")
    clock(EVE + minutes(16))
    release_hold(hold=take_place(slot, session=YOU))
    choice = keep_hold(hold=hold, minutes=30)
    assert choice.hold is not None
    assert visits(hub) == {choice.hold.public_id: "placed"}
    slot.refresh_from_db()
    assert (choice.state, taken(slot), slot.held_by_checkouts) == ("waiting", 1, 1)
    use_choice(order=order_at(hub), choice_id=choice.public_id)
    slot.refresh_from_db()
    assert (taken(slot), slot.held_by_checkouts) == (1, 0)


def test_s05_an_expired_choice_that_no_longer_fits_names_near_slots_and_promises_nothing(
    clock: SetClock,
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub, capacity_orders=1)
    near = [make_slot(hub=hub, opens=600 + 60 * n, closes=719 + 60 * n) for n in range(1, 6)]
    choice = keep_hold(hold=take_place(slot), minutes=30)
    clock(EVE + minutes(31))
    take_place(slot, session=YOU)
    order = order_at(hub)
    with pytest.raises(ChoiceGone) as refusal:
        use_choice(order=order, choice_id=choice.public_id)
    assert alternatives(refusal.value.data) == [it.public_id for it in near[:3]]
    order.refresh_from_db()
    assert (order.promise, taken(slot), len(visits(hub))) == (None, 1, 1)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"weight_g": 2_001}, "/weight_g"),
        ({"volume_cm3": 8_001}, "/volume_cm3"),
        ({"skills": ("fridge",)}, "/skills"),
        ({"direction": "return"}, "/direction"),
        ({"place": PlaceDraft(text="Rua 2, Lisboa", lat=LAT + 0.01, lon=LON)}, "/place"),
        ({"service_date": DAY.replace(day=24)}, "/service_date"),
    ],
)
def test_an_order_that_differs_from_the_choice_is_refused_with_the_difference(
    fields: dict[str, object], pointer: str
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    order = order_at(hub, **fields)
    with pytest.raises(ChoiceDiffers) as differs:
        use_choice(order=order, choice_id=choice.public_id)
    assert [error.pointer for error in differs.value.errors] == [pointer]
    order.refresh_from_db()
    choice.refresh_from_db()
    assert (order.promise, choice.state, taken(slot)) == (None, "waiting", 1)


def test_s07_a_window_that_overlaps_the_old_one_is_free_for_its_own_order() -> None:
    hub = hub_with_van(parcels=1)
    old = make_slot(hub=hub, capacity_orders=1)
    new = make_slot(hub=hub, opens=615, closes=735, capacity_orders=1)
    order = order_at(hub)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()
    answer = find_offers(request=request_for_order(order), since=DAY, until=DAY)
    assert {offer.slot for offer in answer.offers} == {old.public_id, new.public_id}
    stranger = find_offers(request=request_at(hub), since=DAY, until=DAY)
    assert stranger.offers == ()
    hold = take_place(new, order=order, session=ME)
    assert visits(hub) == {order.public_id: "placed"}  # the van has no room for both
    promise = promise_hold(hold=hold, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.promise, promise.opens_at) == (promise, new.opens_at)
    assert (taken(old), taken(new)) == (0, 1)
    assert visits(hub) == {order.public_id: "placed"}
    visit = TentativeVisit.objects.get(key=order.public_id)
    assert (visit.opens_at, visit.closes_at) == (new.opens_at, new.closes_at)


def test_a_change_within_the_own_slot_needs_no_second_place() -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub, capacity_orders=1)
    order = order_at(hub)
    promise_hold(hold=take_place(slot), order=order, handover="", cause="choice")
    order.refresh_from_db()
    hold = take_place(slot, order=order)
    assert (hold.orders, taken(slot)) == (0, 1)
    promise = promise_hold(hold=hold, order=order, handover="contactless", cause="shopper")
    assert (promise.handover, taken(slot)) == ("contactless", 1)
    hold.refresh_from_db()
    assert (hold.orders, hold.state) == (1, "promised")
    assert visits(hub) == {order.public_id: "placed"}


def test_the_old_place_stays_while_a_change_is_only_held(clock: SetClock) -> None:
    hub = hub_with_van()
    old, new = make_slot(hub=hub), make_slot(hub=hub, opens=720, closes=780)
    order = order_at(hub)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()
    hold = take_place(new, order=order)
    assert (taken(old), taken(new)) == (1, 1)
    assert set(visits(hub)) == {order.public_id, hold.public_id}
    clock(EVE + minutes(16))
    reconcile_day(hub=hub, service_date=DAY)
    order.refresh_from_db()
    assert order.promise is not None
    assert (order.promise.opens_at, visits(hub)) == (old.opens_at, {order.public_id: "placed"})


def test_a_move_to_curbside_takes_the_order_out_of_the_plan() -> None:
    hub = hub_with_van()
    window = make_slot(hub=hub)
    bay = make_slot(hub=hub, option="curbside")
    order = order_at(hub)
    promise_hold(hold=take_place(window), order=order, handover="", cause="choice")
    order.refresh_from_db()
    promise = promise_hold(
        hold=take_place(bay, order=order), order=order, handover="", cause="shopper"
    )
    assert (promise.option, promise.place.text, promise.co2_g) == ("curbside", hub.name, None)
    assert (taken(window), taken(bay), visits(hub)) == (0, 1, {})


def test_shoppers_who_race_for_the_last_room_of_a_van_are_served_once(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = hub_with_van(parcels=2)
    slot = make_slot(hub=hub)
    answers = race(retailer, lambda n: take_place(slot, session=f"ses_{n}"), 6)
    assert sum(isinstance(answer, Hold) for answer in answers) == 2, answers
    assert sum(isinstance(answer, SlotFull) for answer in answers) == 4, answers
    assert (taken(slot), len(visits(hub))) == (2, 2)


def test_an_order_races_with_itself_and_keeps_one_place(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = hub_with_van()
    old = make_slot(hub=hub)
    slots = [make_slot(hub=hub, opens=720 + 10 * n, closes=780 + 10 * n) for n in range(4)]
    order = order_at(hub)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()

    def change(n: int) -> object:
        hold = take_place(slots[n], order=order, session=f"ses_{n}")
        return promise_hold(hold=hold, order=order, handover="", cause="shopper")

    answers = race(retailer, change, 4)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    by_slot = {it.public_id: taken(it) for it in [old, *slots]}
    assert by_slot == {name: int(name == promise.slot) for name in by_slot}
    assert visits(hub) == {order.public_id: "placed"}


def test_a_shopper_who_waits_for_a_day_reads_at_once_that_the_slot_filled_up(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub, capacity_orders=1)
    locked, refused_meanwhile = threading.Event(), threading.Event()

    def keep_the_day() -> None:
        with transaction.atomic():
            lock_days([(hub, DAY)])
            locked.set()
            assert refused_meanwhile.wait(30), "the loser waited for the lock of the day"

    def come_second() -> None:
        assert locked.wait(30)
        ready = prepare_hold(slot=slot, request=request_at(hub))
        make_hold(slot=slot)
        try:
            take_place(slot, prepared=ready)
        finally:
            refused_meanwhile.set()

    first, second = race(retailer, lambda n: (keep_the_day, come_second)[n](), 2)
    assert first is None
    assert isinstance(second, SlotFull), second


IS_WAITING = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND clock_timestamp() - query_start > interval '150 ms'
    )
"""


@pytest.mark.parametrize("act", ["keep", "promise", "release", "cancel"])
def test_an_act_waits_for_a_day_that_another_one_changes(
    fresh_db: str, retailer: RetailerRef, act: str
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    hold, order = take_place(slot), order_at(hub)
    choice = keep_hold(hold=hold, minutes=30) if act == "cancel" else None
    locked, ended = threading.Event(), threading.Event()

    def keep_the_day_until_the_act_has_waited() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            lock_days([(hub, DAY)])
            locked.set()
            while not ended.is_set():
                cursor.execute("SELECT pg_stat_clear_snapshot()")  # else kept for the transaction
                cursor.execute(IS_WAITING)
                if cursor.fetchone() == (True,):
                    return

    def act_with_a_short_time_out() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        assert locked.wait(30)
        try:
            if act == "keep":
                return keep_hold(hold=hold, minutes=30)
            if act == "promise":
                return promise_hold(hold=hold, order=order, handover="", cause="shopper")
            if choice is not None:
                return cancel_choice(choice=choice)
            return release_hold(hold=hold)
        finally:
            ended.set()

    acts = (keep_the_day_until_the_act_has_waited, act_with_a_short_time_out)
    first, second = race(retailer, lambda n: acts[n](), 2)
    assert first is None
    assert not isinstance(second, Exception), second


def test_a_window_after_midnight_stays_on_the_round_of_the_evening_on_which_it_was_held(
    clock: SetClock,
) -> None:
    hub = make_hub()
    evening = local_instant(DAY, 20 * 60, hub.zone)
    make_shift(vehicle=make_vehicle(hub=hub), starts_at=evening, ends_at=evening + minutes(480))
    reconcile_day(hub=hub, service_date=DAY)
    slot = make_slot(hub=hub, opens=1440, closes=1500)
    assert local_date(slot.opens_at, hub.zone) == DAY + dt.timedelta(days=1)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    order = order_at(hub)
    promise = use_choice(order=order, choice_id=choice.public_id)
    order.refresh_from_db()
    assert (order.service_date, promise.opens_at) == (DAY, slot.opens_at)
    reconcile_day(hub=hub, service_date=DAY)
    reconcile_day(hub=hub, service_date=DAY + dt.timedelta(days=1))
    assert visits(hub) == {order.public_id: "placed"}
    # The same window with another handover keeps the round, and so does a change within it.
    same = PromiseDraft(
        opens_at=promise.opens_at,
        closes_at=promise.closes_at,
        cause="dispatcher",
        slot=promise.slot,
        handover="contactless",
    )
    set_promise(order=order, draft=same)
    order.refresh_from_db()
    assert order.service_date == DAY
    later = make_slot(hub=hub, opens=1500, closes=1560)
    promise_hold(hold=take_place(later, order=order), order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.service_date, taken(slot), taken(later)) == (DAY, 0, 1)
    assert visits(hub) == {order.public_id: "placed"}
    far = dataclasses.replace(same, service_date=DAY + dt.timedelta(days=3))
    with refused(Invalid, at="/service_date"):
        set_promise(order=order, draft=far)


def test_a_choice_that_another_order_uses_meanwhile_is_refused_with_that_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    first, second = order_at(hub), order_at(hub)

    def compare_while_another_is_placed(order: Order, hold: Hold) -> None:
        monkeypatch.setattr(choosing, "refuse_difference", lambda _order, _hold: None)
        use_choice(order=first, choice_id=choice.public_id)

    monkeypatch.setattr(choosing, "refuse_difference", compare_while_another_is_placed)
    with pytest.raises(ChoiceGone, match="Another order has used this choice") as refusal:
        use_choice(order=second, choice_id=choice.public_id)
    assert refusal.value.data["state"] == "used"
    assert taken(slot) == 1


def test_a_kept_place_stays_and_its_room_is_offered_in_its_own_slot_only() -> None:
    hub = hub_with_van(parcels=1)
    kept, other = make_slot(hub=hub), make_slot(hub=hub, opens=720, closes=840)

    def offered() -> list[str]:
        answer = find_offers(request=request_at(hub), since=DAY, until=DAY, session=ME)
        return sorted(offer.slot for offer in answer.offers)

    hold = take_place(kept)
    assert offered() == sorted([kept.public_id, other.public_id]), "a live place is replaced"
    keep_hold(hold=hold, minutes=30)
    assert offered() == [kept.public_id]
    with refused(SlotFull):
        take_place(other)


def three_days(hub: Hub) -> tuple[Slot, Slot, Slot]:
    """Return a slot on the day, and one on each of the next two days, which have a van too."""
    others = []
    for days in (1, 2):
        date = DAY + dt.timedelta(days=days)
        starts_at = local_instant(date, 8 * 60, hub.zone)
        make_shift(vehicle=make_vehicle(hub=hub), starts_at=starts_at)
        reconcile_day(hub=hub, service_date=date)
        others.append(make_slot(hub=hub, service_date=date))
    return make_slot(hub=hub), others[0], others[1]


def test_an_order_that_moves_to_another_day_while_its_days_are_locked_is_promised_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = hub_with_van()
    old, second, third = three_days(hub)
    order = order_at(hub)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()
    first = take_place(second, order=order)
    other = take_place(third, order=order, session=YOU)
    days_of, moved = promising._days, []

    def days_before_a_move(hold: Hold, order: Order) -> list[HubDay]:
        days = days_of(hold, order)
        if not moved:  # the other change comes after the days were read, before they are locked
            moved.append(hold)
            promise_hold(hold=other, order=order, handover="", cause="shopper")
        return days

    monkeypatch.setattr(promising, "_days", days_before_a_move)
    promise = promise_hold(hold=first, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.promise, order.service_date) == (promise, second.service_date)
    assert (taken(old), taken(second), taken(third)) == (0, 1, 0)
    (visit,) = TentativeVisit.objects.filter(key=order.public_id)
    assert (visit.day.service_date, TentativeVisit.objects.count()) == (second.service_date, 1)


def test_an_act_that_holds_the_order_already_locks_no_other_day_and_is_to_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = hub_with_van()
    _old, second, third = three_days(hub)
    order = order_at(hub)
    choice = keep_hold(hold=take_place(second), minutes=30)
    other = take_place(third, order=order, session=YOU)
    days_of, moved = promising._days, []

    def days_before_a_move(hold: Hold, order: Order) -> list[HubDay]:
        days = days_of(hold, order)
        moved.append(hold)
        if len(moved) == 1:
            promise_hold(hold=other, order=order, handover="", cause="shopper")
        return days

    monkeypatch.setattr(promising, "_days", days_before_a_move)
    with pytest.raises(VisitNotPrepared):
        use_choice(order=order, choice_id=choice.public_id)
    assert len(moved) == 2, "it looks for days once, the move looks once"


def test_two_changes_of_an_order_to_different_days_at_once_leave_one_place(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = hub_with_van()
    _old, *slots = three_days(hub)
    order = order_at(hub)
    holds = [take_place(it, order=order, session=f"ses_{it.pk}") for it in slots]

    def change(n: int) -> object:
        return promise_hold(hold=holds[n], order=order, handover="", cause="shopper")

    answers = race(retailer, change, 2)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    by_slot = {it.public_id: taken(it) for it in slots}
    assert by_slot == {name: int(name == promise.slot) for name in by_slot}
    (visit,) = TentativeVisit.objects.filter(key=order.public_id)
    assert (visit.day.service_date, TentativeVisit.objects.count()) == (order.service_date, 1)


def test_a_promise_wins_over_a_job_that_writes_the_old_day_at_the_same_moment(
    fresh_db: str, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_with_van()
    _old, slot, _other = three_days(hub)
    order = order_at(hub, service_date=DAY, hub=hub.public_id)
    hold, lock = take_place(slot, order=order), promising.lock_hold
    TentativeVisit.objects.filter(key=order.public_id).delete()

    def lock_while_a_job_writes(row: Hold) -> Hold:
        monkeypatch.setattr(promising, "lock_hold", lock)
        (done,) = race(retailer, lambda _n: reconcile_day(hub=hub, service_date=DAY), 1)
        assert not isinstance(done, Exception), done
        assert TentativeVisit.objects.get(key=order.public_id).day.service_date == DAY
        return lock(row)

    monkeypatch.setattr(promising, "lock_hold", lock_while_a_job_writes)
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    (visit,) = TentativeVisit.objects.filter(key=order.public_id)
    assert visit.day.service_date == slot.service_date
    assert taken(slot) == 1


@pytest.mark.parametrize("way", ["keep", "promise"])
def test_an_expired_hold_is_confirmed_although_another_expired_one_still_has_its_visit(
    clock: SetClock, way: str
) -> None:
    hub = hub_with_van(parcels=1)
    slot = make_slot(hub=hub)
    hold = take_place(slot)
    clock(EVE + minutes(16))
    reconcile_day(hub=hub, service_date=DAY)
    take_place(slot, session=YOU)
    clock(EVE + minutes(32))
    if way == "keep":
        keep_hold(hold=hold, minutes=30)
    else:
        promise_hold(hold=hold, order=order_at(hub), handover="", cause="choice")
    assert taken(slot) == 1
    assert list(visits(hub).values()) == ["placed"]


def test_an_expired_choice_of_a_slot_that_was_closed_names_near_slots(clock: SetClock) -> None:
    hub = hub_with_van()
    slot, near = make_slot(hub=hub), make_slot(hub=hub, opens=720, closes=780)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    clock(EVE + minutes(31))
    with transaction.atomic():
        give_back_expired(list(lock_slots([slot.pk]).values()), now())
    Slot.objects.filter(pk=slot.pk).update(state="closed", closed_reason="staff")
    order = order_at(hub)
    with pytest.raises(ChoiceGone) as refusal:
        use_choice(order=order, choice_id=choice.public_id)
    assert alternatives(refusal.value.data) == [near.public_id]


def test_a_choice_whose_van_has_left_is_promised_on_another_van(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = hub_with_van()
    choice = keep_hold(hold=take_place(make_slot(hub=hub)), minutes=30)
    left = TentativeVisit.objects.get().shift_id
    for module in (removing, booked_visits):
        monkeypatch.setattr(module, "closed_shifts", lambda *_args: {left})
    order = order_at(hub)
    use_prepared(order, choice)
    assert visits(hub) == {order.public_id: "placed"}


def test_goods_that_take_longer_at_the_door_than_in_the_checkout_are_refused() -> None:
    hub = hub_with_van()
    choice = keep_hold(hold=take_place(make_slot(hub=hub)), minutes=30)
    order = order_at(hub, service_s=7_200)
    with pytest.raises(ChoiceDiffers) as differs:
        use_choice(order=order, choice_id=choice.public_id)
    assert [fault.pointer for fault in differs.value.errors] == ["/service_s"]


def test_goods_that_grew_since_their_hold_are_planned_as_they_are_now() -> None:
    hub = hub_with_van()
    order = order_at(hub)
    hold = take_place(make_slot(hub=hub), order=order)
    Order.objects.filter(pk=order.pk).update(weight_g=9_000, service_s=600)
    order.refresh_from_db()
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    visit = TentativeVisit.objects.get()
    assert (visit.key, visit.weight_g, visit.service_s) == (order.public_id, 9_000, 600)
    assert visits(hub) == {order.public_id: "placed"}


@pytest.mark.parametrize("act", ["hold", "keep", "promise"])
def test_no_board_is_built_while_a_day_is_locked(
    fresh_db: str, retailer: RetailerRef, clock: SetClock, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    ready = prepare_hold(slot=slot, request=request_at(hub))
    held, order = take_place(slot, session=YOU), order_at(hub)
    if act != "hold":  # the hold has expired, and its visit is gone
        clock(EVE + minutes(20))
        reconcile_day(hub=hub, service_date=DAY)
    with transaction.atomic():  # the day is rewritten after all was prepared
        (day,) = lock_days([(hub, DAY)])
        log_changes(day, [Change(op=RESET)])
    built: list[bool] = []

    def build(*args: Any, **kwargs: Any) -> HubBoard:
        built.append(connection.in_atomic_block)
        return HubBoard(*args, **kwargs)

    monkeypatch.setattr(updating, "HubBoard", build)
    if act == "hold":
        take_place(slot, prepared=ready)
    elif act == "keep":
        keep_hold(hold=held, minutes=30)
    else:
        promise_hold(hold=held, order=order, handover="", cause="choice")
    assert built == [False], "it is built once, and outside the transaction"
    assert set(visits(hub).values()) == {"placed"}


def test_an_order_cannot_use_a_choice_whose_travel_must_be_computed_under_the_lock(
    clock: SetClock,
) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    order = order_at(hub)
    clock(EVE + minutes(31))
    reconcile_day(hub=hub, service_date=DAY)
    ready = prepare_choice(choice.public_id)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        log_changes(day, [Change(op=RESET)])
    assert ready is not None
    before = taken(slot)
    with refused(VisitNotPrepared):
        use_choice(order=order, choice_id=choice.public_id, prepared=ready)
    assert (visits(hub), taken(slot), VisitNotPrepared.status) == ({}, before, 503)
    use_prepared(order, choice)
    assert visits(hub) == {order.public_id: "placed"}
