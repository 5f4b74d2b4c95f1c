"""Taking the compartments of a choice for its order: faults, newer promises, refusals."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.models import CommonStop, Order
from dispatch.orders.services import cancel_order
from dispatch.slots.models import Choice
from lastmile.core import clock as clocks
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lastmile.worklist.models import WorkPointer
from lockers import services
from lockers.models import LockerBank, LockerReservation
from lockers.rolls import invariants
from lockers.services.stops import refresh_stops
from lockers.states import BankKind
from notifications.handlers import on_event
from notifications.models import Message
from notifications.rules.in_lockers import still_lost
from portal.choice import rolls
from portal.choice.models import LockerHold
from portal.choice.services.taking import look_after_choices, take_waiting
from portal.choice.tasks import take_lockers_of_orders
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub
from tests.factories.lockers import make_reservation
from tests.notifications.making import switch_on
from tests.portal.choice.shop import Shop
from tests.portal.choice.test_lockers import bank_near, offer_of, place, states
from tests.portal.tracking.shoppers import promise

LOST = ("locker.reservation.rejected", "locker.reservation.expired", "order.stop_changed")


def chosen(shop: Shop, retailer: RetailerRef, bank: LockerBank, name: str = "A-1") -> Order:
    """Choose a bank in a checkout and send the order; nothing is taken for it yet."""
    choice = shop.confirm(shop.hold(shop.ask(), offer_of(bank)))
    answer = place(shop, retailer, choice["id"], external_id=name)
    assert answer.status_code == 201, answer.content
    return Order.objects.get(public_id=answer.json()["id"])


def held() -> None:
    for roll in (invariants, rolls.invariants):
        assert {name: rows for name, rows in roll().items() if rows} == {}


def test_a_bank_that_left_blocks_no_other_choice_and_its_order_is_refused_with_the_reason(
    shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    closed, good = bank_near(hub, name="closed"), bank_near(hub, north=0.004, name="good")
    first, second = (
        chosen(shop, retailer, bank, name) for bank, name in ((closed, "A-1"), (good, "A-2"))
    )
    LockerBank.objects.filter(pk=closed.pk).update(active=False)
    assert take_waiting().orders == 2
    refused = LockerReservation.objects.get(order=first)
    assert (refused.state, refused.reason) == ("rejected", "site_unknown")
    assert Event.objects.filter(
        kind="locker.reservation.rejected", subject=refused.public_id
    ).exists()
    assert LockerReservation.objects.get(order=second).state == "hard_held"
    assert CommonStop.objects.get(order=first).refused == "no_compartment"
    assert take_waiting().orders == 0
    held()


def test_a_fault_in_one_choice_blocks_no_other_and_it_is_tried_again(
    shop: Shop, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = bank_near(make_hub(), large=2)
    first, second = chosen(shop, retailer, bank), chosen(shop, retailer, bank, "A-2")
    bad = LockerHold.objects.get(choice__order=first).public_id
    take = services.take_bundle

    def taking(*, bundle: str, **terms: object) -> object:
        if bundle == bad:
            raise RuntimeError("a bug")
        return take(bundle=bundle, **terms)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "take_bundle", taking)
    WorkPointer.objects.filter(kind="choice.take").delete()
    assert take_lockers_of_orders(schema=retailer.schema) == 1
    assert not LockerReservation.objects.filter(order=first).exists()
    assert LockerReservation.objects.get(order=second).state == "hard_held"
    assert WorkPointer.objects.filter(kind="choice.take", schema=retailer.schema).exists()
    monkeypatch.undo()
    assert take_waiting().orders == 1
    assert LockerReservation.objects.get(order=first).state == "hard_held"


def test_a_late_take_changes_no_newer_promise_and_gives_the_compartment_back(
    shop: Shop, retailer: RetailerRef
) -> None:
    order = chosen(shop, retailer, bank_near(make_hub()))
    newer = promise(order, option="window")
    assert take_waiting().orders == 0
    order.refresh_from_db()
    assert order.promise == newer
    assert states() == ["cancelled"]
    assert take_waiting().orders == 0
    held()


def test_a_late_take_of_a_cancelled_order_gives_the_compartment_back(
    shop: Shop, retailer: RetailerRef
) -> None:
    order = chosen(shop, retailer, bank_near(make_hub()))
    cancel_order(order=order)
    assert take_waiting().orders == 0
    assert states() == ["cancelled"]
    held()


def test_a_late_take_leaves_the_order_at_the_bank_to_which_it_moved(
    shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    bank, other = bank_near(hub), bank_near(hub, north=0.004, name="other")
    order = chosen(shop, retailer, bank)
    make_reservation(other, order=order)
    assert take_waiting().orders == 0
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.place.text == "other"
    assert states() == ["cancelled", "hard_held"]


def test_a_counter_stays_a_counter_when_its_shelf_is_taken_late(
    shop: Shop, retailer: RetailerRef, clock: SetClock
) -> None:
    bank = bank_near(make_hub(), large=2)
    LockerBank.objects.update(kind=BankKind.COUNTER)
    order = chosen(shop, retailer, bank)
    clock(clocks.now() + dt.timedelta(hours=2))
    assert take_waiting().orders == 1
    order.refresh_from_db()
    assert order.promise is not None
    assert (order.promise.option, order.promises.count()) == ("hub", 1)


def test_keeping_tells_that_a_choice_was_kept_and_its_end_that_it_expired(
    shop: Shop, retailer: RetailerRef, clock: SetClock
) -> None:
    bank = bank_near(make_hub())
    choice = shop.confirm(shop.hold(shop.ask(), offer_of(bank)))
    assert Event.objects.filter(kind="choice.kept", subject=choice["id"]).count() == 1
    assert WorkPointer.objects.filter(kind="choice.take").exists(), "its end is looked after"
    look_after_choices()
    assert Choice.objects.get().state == "waiting"
    clock(clocks.now() + dt.timedelta(minutes=31))
    look_after_choices()
    assert Choice.objects.get().state == "expired"
    assert Event.objects.filter(kind="choice.expired", subject=choice["id"]).count() == 1
    refused = place(shop, retailer, choice["id"])
    assert refused.status_code == 409
    assert "expired" in refused.json()["detail"]


def test_l08_a_shopper_whose_bank_refuses_or_leaves_is_told_once_and_can_choose_again(
    shop: Shop, retailer: RetailerRef
) -> None:
    """L08: the point is taken off the network after the shopper chose it."""
    switch_on("sms")
    order = chosen(shop, retailer, bank_near(make_hub()))
    LockerBank.objects.update(active=False)
    take_waiting()
    events = list(Event.objects.filter(kind__in=LOST).order_by("pk"))
    assert {event.kind for event in events} == {"locker.reservation.rejected", "order.stop_changed"}
    for event in events:
        on_event(event)
    message = Message.objects.filter(moment="locker_lost", order=order).exclude(state="skipped")
    assert message.count() == 1
    order.refresh_from_db()
    assert still_lost(message.get(), order) == ""
    promise(order, option="window")
    assert still_lost(message.get(), order) == "no_longer_true"


def test_l08_a_bank_that_leaves_after_the_choice_is_told_before_the_van_leaves(
    shop: Shop, retailer: RetailerRef
) -> None:
    """L08: the shopper hears before the van has left, and nothing is planned to that bank."""
    switch_on("sms")
    bank = bank_near(make_hub())
    order = chosen(shop, retailer, bank)
    take_waiting()
    for event in Event.objects.filter(kind="order.stop_changed"):
        on_event(event)
    assert not Message.objects.filter(moment="locker_lost").exists()
    LockerBank.objects.filter(pk=bank.pk).update(active=False)
    refresh_stops([order.pk])
    on_event(Event.objects.filter(kind="order.stop_changed", subject=order.public_id).latest("pk"))
    assert Message.objects.filter(moment="locker_lost", order=order).exists()
    assert CommonStop.objects.get(order=order).refused == "site_left"
