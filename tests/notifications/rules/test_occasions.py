"""Each moment is told when it happened, once, and only while it is still true."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import F

from dispatch.live.policy import AfterFailed, FailedPolicy
from dispatch.orders import services
from dispatch.orders.drafts import PlaceDraft, PromisedPlace, PromiseDraft
from dispatch.orders.models import Cause, Direction, Handover, Option, Order, Promise
from dispatch.planning.models import Plan
from dispatch.planning.policy import PlanningPolicy
from dispatch.slots.models import Slot
from lastmile.core.events import DomainEvent, as_domain_event
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lastmile.core.wiring import load
from lockers.models import LockerBank
from notifications.catalogue.moments import BY_KEY, moments_of
from notifications.models import Message
from notifications.rules.values import values_of
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.factories import make_hub, make_order, make_window
from tests.factories.lockers import make_bank
from tests.factories.orders import DAY

PROMISED = ("promise_confirmed", "promise_changed", "promise_superseded", "place_changed")


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    clock(at(9, day=DAY - dt.timedelta(days=3)))
    make_hub()
    return make_order()


def at(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def promise(order: Order, opens: int = 10, closes: int = 12, **terms: Any) -> None:
    """Give a promise; the earlier ones of the order are two minutes older by then."""
    earlier = F("made_at") - dt.timedelta(minutes=2)
    Promise.objects.filter(order=order).update(made_at=earlier)
    window = make_window(opens, closes)
    terms.setdefault("cause", Cause.SHOPPER)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, **terms)
    services.set_promise(order=order, draft=draft)


def last_event(kind: str) -> DomainEvent:
    event = Event.objects.filter(kind=kind).latest("pk")
    event.position = event.pk
    return as_domain_event(event)


def moments_told(order: Order, kind: str) -> list[str]:
    """Return the moments that the last event of a kind starts for an order as it is now."""
    event, present = last_event(kind), Order.objects.get(pk=order.pk)
    return [
        moment.key
        for moment in moments_of(kind)
        if not moment.applies or load(moment.applies)(event, present)
    ]


def still_true(order: Order, moment: str, **fields: Any) -> str:
    check = load(BY_KEY[moment].still_true)
    return str(check(Message(moment=moment, **fields), Order.objects.get(pk=order.pk)))


def make_slot(order: Order, **fields: Any) -> Slot:
    window = make_window(14, 16)
    defaults: dict[str, Any] = {
        "hub": order.hub,
        "option": Option.WINDOW,
        "service_date": DAY,
        "opens_at": window.opens_at,
        "closes_at": window.closes_at,
        "book_until_at": at(20, day=DAY - dt.timedelta(days=1)),
    }
    return Slot.objects.create(**(defaults | fields))


def test_the_first_promise_is_confirmed_and_its_eve_is_remembered(order: Order) -> None:
    promise(order)
    assert moments_told(order, "order.promised") == ["promise_confirmed", "day_before"]


def test_a_change_is_told_by_its_cause(order: Order) -> None:
    promise(order)
    promise(order, 14, 16)
    assert moments_told(order, "order.promised") == ["promise_changed", "day_before"]
    for cause, hour in ((Cause.DISPATCHER, 8), (Cause.FILE, 9), (Cause.API, 11)):
        promise(order, hour, hour + 2, cause=cause)
        assert moments_told(order, "order.promised") == ["promise_superseded", "day_before"]


def test_m09_a_promise_that_is_no_other_tells_nothing(order: Order) -> None:
    promise(order)
    before = Order.objects.get(pk=order.pk).promise
    assert before is not None
    promise(order, cause=Cause.FILE, co2_g=300)
    after = Order.objects.get(pk=order.pk).promise
    assert after != before, "the grams are another promise"
    assert not set(moments_told(order, "order.promised")) & set(PROMISED)


@pytest.mark.parametrize(
    "terms",
    [
        {"opens": 11},
        {"closes": 13},
        {"handover": Handover.CONTACTLESS},
        {"price_minor": 500, "currency": "EUR"},
        {"option": Option.CURBSIDE},
    ],
)
def test_each_term_of_a_promise_is_news(order: Order, terms: dict[str, Any]) -> None:
    promise(order)
    promise(order, **({"opens": 10, "closes": 12} | terms))
    assert "promise_changed" in moments_told(order, "order.promised")


def test_goods_that_go_elsewhere_are_told_to_the_old_contact_only(order: Order) -> None:
    promise(order)
    spot = PromisedPlace(
        reference="plc_1", text="Rua Nova 5, Lisboa", point=Point(lat=38.7, lon=-9.1)
    )
    promise(order, place=spot)
    assert moments_told(order, "order.promised") == ["place_changed", "day_before"]
    assert still_true(order, "place_changed") == ""
    promise(order, 14, 16)
    assert still_true(order, "place_changed") == "no_longer_true"


def test_an_event_that_another_promise_has_overtaken_tells_nothing(order: Order) -> None:
    promise(order)
    first = last_event("order.promised")
    promise(order, 14, 16)
    present = Order.objects.get(pk=order.pk)
    applying = [m.key for m in moments_of("order.promised") if load(m.applies)(first, present)]
    assert applying == []


def test_the_eve_is_not_told_shortly_after_the_promise(order: Order, clock: SetClock) -> None:
    clock(at(13, day=DAY - dt.timedelta(days=1)))
    promise(order)
    assert moments_told(order, "order.promised") == ["promise_confirmed"]


def test_m08_a_waiting_message_is_checked_against_the_order(order: Order, clock: SetClock) -> None:
    promise(order)
    assert still_true(order, "day_before") == ""
    services.cancel_order(order=Order.objects.get(pk=order.pk))
    for moment in ("day_before", "promise_confirmed", "choose_reminder", "out_for_delivery"):
        assert still_true(order, moment) == "no_longer_true"
    assert still_true(order, "cancelled") == ""


def test_m08_a_window_that_has_opened_is_not_promised_any_more(
    order: Order, clock: SetClock
) -> None:
    promise(order)
    clock(at(10))
    assert still_true(order, "promise_changed") == "no_longer_true"


def test_only_a_shopper_who_can_choose_is_invited(order: Order, clock: SetClock) -> None:
    assert moments_told(order, "order.placed") == []
    slot = make_slot(order)
    assert moments_told(order, "order.placed") == ["choose_invitation", "choose_reminder"]
    assert still_true(order, "choose_reminder") == ""
    clock(slot.book_until_at)
    assert moments_told(order, "order.placed") == []
    assert still_true(order, "choose_reminder") == "no_longer_true"


def test_a_shopper_with_lockers_only_is_invited_too(order: Order) -> None:
    assert order.hub is not None
    point = order.door.point
    assert point is not None
    bank = make_bank(hub=order.hub, point=point)
    assert moments_told(order, "order.placed") == ["choose_invitation", "choose_reminder"]
    assert still_true(order, "choose_reminder") == ""
    LockerBank.objects.filter(pk=bank.pk).update(state="offline")
    assert moments_told(order, "order.placed") == []
    LockerBank.objects.filter(pk=bank.pk).update(state="online")
    Order.objects.filter(pk=order.pk).update(signature=True)
    order.refresh_from_db()
    assert moments_told(order, "order.placed") == []


def test_nobody_is_invited_twice_or_with_a_promise(order: Order) -> None:
    make_slot(order)
    earlier = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    times = {"send_at": earlier, "not_after": earlier}
    Message.objects.create(
        origin="evt_earlier",
        moment="choose_invitation",
        recipient=order.shopper.public_id,
        order=order,
        channel="sms",
        priority=3,
        **times,
    )
    assert moments_told(order, "order.placed") == []
    Message.objects.all().update(state="skipped", reason="no_number", ended_at=earlier)
    assert moments_told(order, "order.placed") == ["choose_invitation", "choose_reminder"]
    promise(order)
    assert moments_told(order, "order.placed") == []


def test_an_order_without_a_pin_waits_for_its_place_first(
    retailer: RetailerRef, clock: SetClock
) -> None:
    make_hub()
    lost = make_order(place=PlaceDraft(text="Travessa Sem Nome 3, Lisboa"))
    assert moments_told(lost, "order.placed") == []


def test_an_order_on_its_way_is_told_while_it_is_out(order: Order, clock: SetClock) -> None:
    promise(order)
    out(order)
    assert moments_told(order, "order.out") == ["out_for_delivery"]
    clock(at(12))
    attempt(Order.objects.get(pk=order.pk))
    assert moments_told(order, "order.out") == []
    assert still_true(order, "out_for_delivery") == "no_longer_true"
    assert moments_told(order, "order.delivered") == ["delivered", "rating"]


def test_a_failed_attempt_and_the_next_day_are_told(order: Order, clock: SetClock) -> None:
    promise(order)
    out(order)
    clock(at(12))
    attempt(Order.objects.get(pk=order.pk), outcome="failed", reason="not_home")
    assert moments_told(order, "order.failed") == ["failed"]
    services.try_again(
        order=Order.objects.get(pk=order.pk), service_date=DAY + dt.timedelta(days=1)
    )
    assert still_true(order, "failed") == "no_longer_true"
    assert moments_told(order, "order.ready") == ["tried_again"]
    assert still_true(order, "tried_again") == ""
    clock(at(1, day=DAY + dt.timedelta(days=2)))
    assert still_true(order, "tried_again") == "no_longer_true"


def test_a_shopper_who_may_choose_again_is_invited_in_place_of_the_next_day(
    order: Order, clock: SetClock
) -> None:
    policy = FailedPolicy(after_failed=AfterFailed.OPTION.value)
    set_section(section=section_of(FailedPolicy), policy=policy)
    promise(order)
    out(order)
    clock(at(12))
    attempt(Order.objects.get(pk=order.pk), outcome="failed", reason="not_home")
    tomorrow = DAY + dt.timedelta(days=1)
    opens_at = at(14, day=tomorrow)
    closes_at = at(16, day=tomorrow)
    make_slot(
        order,
        service_date=tomorrow,
        opens_at=opens_at,
        closes_at=closes_at,
        book_until_at=opens_at,
    )
    services.try_again(order=Order.objects.get(pk=order.pk), service_date=tomorrow)
    moments = moments_told(order, "order.ready")
    assert "choose_invitation" in moments
    assert "tried_again" not in moments


def test_a_return_is_told_when_it_is_picked_up(retailer: RetailerRef, clock: SetClock) -> None:
    make_hub()
    back = make_order(direction=Direction.RETURN)
    promise(back)
    services.mark_planned(orders=[back.pk], plan="pln_1")
    services.mark_out(orders=[back.pk])
    clock(at(12))
    attempt(Order.objects.get(pk=back.pk), outcome="picked_up")
    assert moments_told(back, "order.loaded") == ["return_collected"]


def test_goods_in_the_vehicle_of_a_delivery_are_no_news(order: Order) -> None:
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_loaded(orders=[order.pk])
    assert moments_told(order, "order.loaded") == []


def test_a_plan_confirms_only_what_was_requested(order: Order, clock: SetClock) -> None:
    values = PlanningPolicy(publish_late_changes=False)
    set_section(section=section_of(PlanningPolicy), policy=values)
    promise(order)
    services.mark_planned(orders=[order.pk], plan="pln_1")
    assert moments_told(order, "order.planned") == [], "nobody was told that it is only requested"
    assert order.hub is not None
    Plan.objects.create(
        hub=order.hub,
        service_date=DAY,
        number=1,
        status=Plan.Status.SUPERSEDED,
        published_at=at(8, day=DAY - dt.timedelta(days=3)),
        origin_at=at(0),
        currency="EUR",
    )
    assert moments_told(order, "order.planned") == ["promise_confirmed"]
    assert values_of(last_event("order.planned")) == {"granted": 1}


def test_a_pickup_at_a_counter_is_not_told_as_a_delivery(order: Order, clock: SetClock) -> None:
    promise(order, option=Option.HUB)
    services.mark_awaiting_collection(orders=[order.pk])
    clock(at(11))
    attempt(Order.objects.get(pk=order.pk), outcome="delivered")
    assert moments_told(order, "order.delivered") == []


def test_the_values_of_an_event_are_ids_words_and_numbers(order: Order) -> None:
    services.cancel_order(order=order, cause=Cause.SHOPPER)
    assert values_of(last_event("order.cancelled")) == {"cause": "shopper"}
