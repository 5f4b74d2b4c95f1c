"""Tests of holds: places in slots that are kept for a short time and never sold twice."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders import services as orders
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import set_promise
from dispatch.slots.errors import (
    ChoiceGone,
    HoldEnded,
    SlotClosed,
    SlotFull,
    SlotPassed,
    TooManyHolds,
)
from dispatch.slots.models import Caller, Choice, Hold, Slot
from dispatch.slots.policy import SlotPolicy
from dispatch.slots.services import (
    Offer,
    Terms,
    cancel_choice,
    find_offers,
    keep_hold,
    promise_hold,
    release_hold,
    settle_order,
    use_choice,
)
from dispatch.slots.services.holding import promised_hold
from dispatch.slots.states import HoldState
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import RetailerRef
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import kinds, race, refused
from tests.dispatch.slots.booking import (
    ME,
    YOU,
    alternatives,
    curbside,
    is_about,
    minutes,
    request_at,
    take_place,
    taken,
)
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")


def test_a_hold_takes_a_place_and_releasing_it_gives_the_place_back() -> None:
    slot = curbside()
    hold = take_place(slot)
    assert (hold.state, hold.session) == ("live", ME)
    assert is_about(hold.expires_at, EVE + minutes(15))
    slot.refresh_from_db()
    assert (slot.taken_orders, slot.taken_work_s, slot.taken_weight_g) == (1, 180, 2_000)
    release_hold(hold=hold)
    assert taken(slot) == 0
    assert kinds(hold.public_id) == ["hold.placed", "hold.released"]
    release_hold(hold=hold)
    assert taken(slot) == 0


def test_a_full_slot_is_refused_and_nothing_changes() -> None:
    slot = curbside(capacity_orders=1)
    take_place(slot)
    with refused(SlotFull):
        take_place(slot, session=YOU)
    assert (taken(slot), Hold.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "limit",
    [{"capacity_work_s": 359}, {"capacity_weight_g": 3_999}, {"capacity_volume_cm3": 15_999}],
)
def test_each_capacity_of_a_slot_is_kept(limit: dict[str, int]) -> None:
    slot = curbside(capacity_orders=None, **limit)
    take_place(slot)
    with refused(SlotFull):
        take_place(slot, session=YOU)
    assert taken(slot) == 1
    Slot.objects.update(**{name: value + 1 for name, value in limit.items()})
    take_place(slot, session=YOU)
    assert taken(slot) == 2


def test_an_expired_hold_gives_its_place_back_to_the_next_shopper(clock: SetClock) -> None:
    slot = curbside(capacity_orders=1)
    own = take_place(slot)
    clock(EVE + minutes(14.9))
    with refused(SlotFull):
        take_place(slot, session=YOU)
    clock(EVE + minutes(15.1))
    yours = take_place(slot, session=YOU)
    own.refresh_from_db()
    assert (own.state, yours.state, taken(slot)) == ("released", "live", 1)


def test_a_closed_slot_and_a_passed_slot_are_refused() -> None:
    slot = curbside()
    Slot.objects.filter(pk=slot.pk).update(state="closed", closed_reason="staff")
    with refused(SlotClosed):
        take_place(Slot.objects.get(pk=slot.pk))
    passed = curbside(hub=slot.hub, opens=700, closes=800, book_until_at=EVE)
    with refused(SlotPassed):
        take_place(passed)
    assert (taken(slot), taken(passed)) == (0, 0)


def test_s15_hold_and_confirm_judge_the_cut_off_by_the_time_of_that_call(clock: SetClock) -> None:
    slot = curbside(book_until_at=EVE + minutes(10))
    later = curbside(hub=slot.hub, opens=720, closes=780)
    kept, live = take_place(slot), take_place(slot, session=YOU)
    choice = keep_hold(hold=kept, minutes=30)
    clock(EVE + minutes(11))
    with refused(SlotPassed) as _:
        take_place(slot, session="ses_third")
    with pytest.raises(SlotPassed) as passed:
        keep_hold(hold=live, minutes=30)
    assert alternatives(passed.value.data) == [later.public_id]
    order = make_order(service_date=None)
    with refused(SlotPassed):
        promise_hold(hold=live, order=order, handover="", cause="shopper")
    assert use_choice(order=order, choice_id=choice.public_id).opens_at == slot.opens_at


def test_a_choice_ends_at_the_latest_when_its_slot_opens(clock: SetClock) -> None:
    slot = curbside()
    clock(slot.opens_at - minutes(20))
    hold = take_place(slot)
    choice = keep_hold(hold=hold, minutes=24 * 60)
    assert choice.expires_at == slot.opens_at
    clock(slot.opens_at + minutes(1))
    order = make_order(service_date=None)
    with refused(ChoiceGone):
        use_choice(order=order, choice_id=choice.public_id)
    order.refresh_from_db()
    assert order.promise is None


def test_a_session_holds_two_places_at_most_and_expired_ones_do_not_count(
    clock: SetClock,
) -> None:
    hub = make_hub()
    slots = [curbside(hub=hub, opens=600 + 60 * n, closes=660 + 60 * n) for n in range(4)]
    first, _second = take_place(slots[0]), take_place(slots[1])
    with refused(TooManyHolds):
        take_place(slots[2])
    take_place(slots[2], replaces=first)
    clock(EVE + minutes(16))
    take_place(slots[3])
    assert [taken(slot) for slot in slots] == [0, 1, 1, 1]


def test_a_kept_choice_is_not_one_of_the_places_that_a_session_holds() -> None:
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(holds_per_session=1))
    hub = make_hub()
    slots = [curbside(hub=hub, opens=600 + 60 * n, closes=660 + 60 * n) for n in range(3)]
    keep_hold(hold=take_place(slots[0]), minutes=30)
    take_place(slots[1])
    with refused(TooManyHolds):
        take_place(slots[2])
    assert [taken(slot) for slot in slots] == [1, 1, 0]


def test_s06_a_session_still_sees_its_own_place_and_never_needs_a_second() -> None:
    slot = curbside(capacity_orders=1)
    other = curbside(hub=slot.hub, opens=720, closes=780, capacity_orders=1)
    hold = take_place(slot)
    own = offered(slot, ME)[slot.public_id]
    assert (own.hold, own.held_until) == (hold.public_id, hold.expires_at)
    assert slot.public_id not in offered(slot, YOU)
    again = take_place(slot, replaces=hold)
    assert taken(slot) == 1
    moved = take_place(other, replaces=again)
    assert (taken(slot), taken(other), moved.state) == (0, 1, "live")
    assert Hold.objects.filter(state__in=["live", "kept"]).get() == moved


def test_a_replaced_hold_stays_when_the_other_slot_is_full() -> None:
    slot = curbside(capacity_orders=1)
    other = curbside(hub=slot.hub, opens=720, closes=780, capacity_orders=1)
    hold = take_place(slot)
    take_place(other, session=YOU)
    with refused(SlotFull):
        take_place(other, replaces=hold)
    hold.refresh_from_db()
    assert (hold.state, taken(slot), taken(other)) == ("live", 1, 1)


def test_a_session_cannot_replace_the_hold_of_another() -> None:
    slot = curbside()
    hold = take_place(slot)
    with refused(HoldEnded):
        take_place(slot, session=YOU, replaces=hold)
    hold.refresh_from_db()
    assert (hold.state, taken(slot)) == ("live", 1)


def test_checkouts_hold_at_most_their_share_of_a_slot() -> None:
    slot = curbside(capacity_orders=4)
    holds = [take_place(slot, session=f"ses_{n}", caller=Caller.CHECKOUT) for n in range(2)]
    with refused(SlotFull):
        take_place(slot, session="ses_9", caller=Caller.CHECKOUT)
    assert slot.public_id not in offered(slot, "ses_9", caller="checkout")
    assert slot.public_id in offered(slot, "ses_9", caller="shopper")
    take_place(slot, session="ses_link")
    choice = keep_hold(hold=holds[0], minutes=30)
    use_choice(order=make_order(service_date=None), choice_id=choice.public_id)
    slot.refresh_from_db()
    assert (slot.held_by_checkouts, taken(slot)) == (1, 3)
    take_place(slot, session="ses_9", caller=Caller.CHECKOUT)
    assert taken(slot) == 4


def test_one_place_can_be_held_by_a_checkout() -> None:
    slot = curbside(capacity_orders=1)
    assert take_place(slot, caller=Caller.CHECKOUT).state == "live"


def offered(slot: Slot, session: str, caller: str = "") -> dict[str, Offer]:
    """Return the offers of the slot's day for a session, by slot."""
    answer = find_offers(
        request=request_at(slot.hub),
        since=slot.service_date,
        until=slot.service_date,
        session=session,
        caller=caller,
    )
    return {offer.slot: offer for offer in answer.offers}


STATES = ["live", "kept", "promised", "awaiting_collection"]


@pytest.mark.parametrize("first", STATES)
@pytest.mark.parametrize("second", STATES)
def test_s04_a_third_hold_is_refused_whatever_the_state_of_the_two_before(
    first: str, second: str
) -> None:
    slot = curbside(capacity_orders=2)
    for session, state in ((ME, first), (YOU, second)):
        hold = take_place(slot, session=session)
        if state == "live":
            continue
        choice = keep_hold(hold=hold, minutes=30)
        if state == "kept":
            continue
        order = make_order(service_date=None)
        use_choice(order=order, choice_id=choice.public_id)
        if state != "promised":
            orders.mark_awaiting_collection(orders=[order.pk])
    with refused(SlotFull):
        take_place(slot, session="ses_third")
    assert taken(slot) == 2


def test_s03_a_clock_that_moves_never_frees_a_place_without_an_event(clock: SetClock) -> None:
    hub = make_hub()
    long = curbside(hub=hub, opens=600, closes=720, capacity_orders=1)
    short = curbside(hub=hub, opens=660, closes=720, capacity_orders=1)
    hold = take_place(long)
    promise_hold(hold=hold, order=make_order(service_date=None), handover="", cause="shopper")
    hold = take_place(short, session=YOU)
    promise_hold(hold=hold, order=make_order(service_date=None), handover="", cause="shopper")
    for minute in range(0, 24 * 60, 10):
        clock(dt.datetime.combine(DAY, dt.time(), dt.UTC) + minutes(minute))
        assert offered(long, YOU) == {}
        for slot in (long, short):
            with pytest.raises((SlotFull, SlotPassed)):
                take_place(slot, session=YOU)
    assert (taken(long), taken(short)) == (1, 1)


def test_the_same_choice_is_kept_once() -> None:
    slot = curbside()
    hold = take_place(slot)
    choice = keep_hold(hold=hold, minutes=30)
    assert keep_hold(hold=hold, minutes=60) == choice
    hold.refresh_from_db()
    assert (hold.state, Choice.objects.count()) == (HoldState.KEPT, 1)
    assert is_about(choice.expires_at, EVE + minutes(30))


def test_a_cancelled_choice_gives_its_place_back_and_cannot_be_used() -> None:
    slot = curbside(capacity_orders=1)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    cancel_choice(choice=choice)
    assert taken(slot) == 0
    order = make_order(service_date=None)
    with refused(ChoiceGone):
        use_choice(order=order, choice_id=choice.public_id)
    assert taken(slot) == 0
    cancel_choice(choice=choice)


@pytest.mark.parametrize("expired_first", [False, True])
def test_a_cancelled_choice_is_never_kept_promised_or_used_again(
    clock: SetClock, expired_first: bool
) -> None:
    slot = curbside(capacity_orders=1)
    hold = take_place(slot)
    choice = keep_hold(hold=hold, minutes=30)
    if expired_first:
        clock(EVE + minutes(31))
        release_hold(hold=take_place(slot, session=YOU))
    cancel_choice(choice=choice)
    order = make_order(service_date=None)
    with refused(HoldEnded):
        keep_hold(hold=hold, minutes=30)
    with refused(HoldEnded):
        promise_hold(hold=hold, order=order, handover="", cause="choice")
    with refused(ChoiceGone):
        use_choice(order=order, choice_id=choice.public_id)
    choice.refresh_from_db()
    order.refresh_from_db()
    assert (choice.state, order.promise, taken(slot)) == ("cancelled", None, 0)


def test_an_expired_choice_that_is_kept_again_keeps_its_id_and_that_of_its_hold(
    clock: SetClock,
) -> None:
    slot = curbside(capacity_orders=1)
    hold = take_place(slot)
    choice = keep_hold(hold=hold, minutes=30)
    clock(EVE + minutes(31))
    release_hold(hold=take_place(slot, session=YOU))
    again = keep_hold(hold=hold, minutes=30)
    hold.refresh_from_db()
    assert (again, again.hold, hold.state, taken(slot)) == (choice, hold, "kept", 1)
    assert keep_hold(hold=hold, minutes=30) == choice
    cancel_choice(choice=choice)
    assert taken(slot) == 0


def test_each_end_of_a_choice_is_told_once(clock: SetClock) -> None:
    slot = curbside(capacity_orders=3)
    cancelled, released, expired = (
        keep_hold(hold=take_place(slot, session=f"ses_{n}"), minutes=30) for n in range(3)
    )
    cancel_choice(choice=cancelled)
    cancel_choice(choice=cancelled)
    assert released.hold is not None
    release_hold(hold=released.hold)
    clock(EVE + minutes(31))
    take_place(slot)
    assert kinds(cancelled.public_id) == ["choice.kept", "choice.cancelled"]
    assert kinds(released.public_id) == ["choice.kept", "choice.cancelled"]
    assert kinds(expired.public_id) == ["choice.kept", "choice.expired"]


def test_a_used_choice_cannot_be_cancelled_and_its_hold_cannot_be_released() -> None:
    slot = curbside(capacity_orders=1)
    choice = keep_hold(hold=take_place(slot), minutes=30)
    use_choice(order=make_order(service_date=None), choice_id=choice.public_id)
    choice.refresh_from_db()
    with refused(ChoiceGone):
        cancel_choice(choice=choice)
    assert choice.hold is not None
    with refused(HoldEnded):
        release_hold(hold=choice.hold)
    assert taken(slot) == 1


def test_a_contactless_handover_is_refused_where_somebody_must_be_there() -> None:
    from_hub = curbside()
    terms = Terms(price_minor=0, currency="EUR", handover="contactless")
    with refused(Invalid, at="/handover"):
        take_place(from_hub, terms=terms)
    assert taken(from_hub) == 0


def test_a_hold_of_an_order_keeps_the_order_out_of_other_hands() -> None:
    slot = curbside()
    one, two = make_order(service_date=None), make_order(service_date=None)
    hold = take_place(slot, order=one)
    with refused(HoldEnded):
        promise_hold(hold=hold, order=two, handover="", cause="shopper")
    promise_hold(hold=hold, order=one, handover="", cause="shopper")
    assert promised_hold(one) == hold
    assert promised_hold(two) is None


def test_many_shoppers_and_one_place_give_one_hold(fresh_db: str, retailer: RetailerRef) -> None:
    slot = curbside(capacity_orders=1)
    answers = race(retailer, lambda n: take_place(slot, session=f"ses_{n}"), 12)
    assert sum(isinstance(answer, Hold) for answer in answers) == 1
    assert sum(isinstance(answer, SlotFull) for answer in answers) == 11, answers
    assert taken(slot) == 1


def test_two_calls_of_one_session_cannot_pass_its_limit(
    fresh_db: str, retailer: RetailerRef
) -> None:
    hub = make_hub()
    slots = [curbside(hub=hub, opens=600 + 60 * n, closes=660 + 60 * n) for n in range(6)]
    answers = race(retailer, lambda n: take_place(slots[n]), 6)
    assert sum(isinstance(answer, Hold) for answer in answers) == 2
    assert sum(isinstance(answer, TooManyHolds) for answer in answers) == 4, answers


def test_a_change_within_its_slot_takes_no_place_that_a_stranger_has_got_meanwhile() -> None:
    slot = curbside(capacity_orders=1)
    other = curbside(hub=slot.hub, opens=780, closes=840)
    order = make_order(service_date=None)
    promise_hold(hold=take_place(slot), order=order, handover="", cause="choice")
    order.refresh_from_db()
    change = take_place(slot, order=order)
    assert (change.orders, taken(slot)) == (0, 1)
    # The retailer promises another time, and a stranger takes the place that became free.
    moved = PromiseDraft(
        opens_at=other.opens_at,
        closes_at=other.closes_at,
        cause="api",
        option="curbside",
        slot=other.public_id,
    )
    set_promise(order=order, draft=moved)
    settle_order(order=order)
    assert (taken(slot), taken(other)) == (0, 1)
    stranger = take_place(slot, session=YOU)
    order.refresh_from_db()
    with refused(HoldEnded):
        promise_hold(hold=change, order=order, handover="", cause="shopper")
    assert (taken(slot), taken(other)) == (1, 1)
    # Once the stranger has gone, the change takes the place for itself.
    release_hold(hold=stranger)
    promise_hold(hold=change, order=order, handover="", cause="shopper")
    assert (taken(slot), taken(other)) == (1, 0)


def test_goods_that_grew_while_a_place_was_held_are_promised_only_if_the_slot_has_room() -> None:
    slot = curbside(capacity_weight_g=5_000)
    order = make_order(service_date=None)
    hold = take_place(slot, order=order)
    Order.objects.filter(pk=order.pk).update(weight_g=6_000)
    order.refresh_from_db()
    with refused(HoldEnded):
        promise_hold(hold=hold, order=order, handover="", cause="shopper")
    Order.objects.filter(pk=order.pk).update(weight_g=5_000)
    order.refresh_from_db()
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    assert taken(slot) == 1
    assert slot.taken_weight_g == 5_000
