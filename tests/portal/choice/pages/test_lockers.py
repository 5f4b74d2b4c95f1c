"""Choosing a locker on the shopper's pages: offers, hold, booking, and the slot before."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.slots.models import Slot
from lastmile.core import clock as clocks
from lastmile.core.geo import Point
from lockers.models import LockerBank, LockerReservation
from lockers.policy import LockerPolicy
from lockers.rolls import invariants
from lockers.services.sweeping import look_after_lockers
from portal.choice.models import LockerHold, ShownOffer
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.slots.booking import taken
from tests.factories import make_order
from tests.factories.fleet import LAT, LON
from tests.factories.lockers import make_bank
from tests.factories.orders import DAY
from tests.portal.choice.pages.test_choosing import below, book, fields_of, options_of, slot_at
from tests.portal.tracking.shoppers import ShopperBrowser


@pytest.fixture
def bank(hub: Hub) -> LockerBank:
    """Return a bank of the hub near the order's door, with two large compartments."""
    return bank_near(hub, name="Mercado")


def bank_near(hub: Hub, *, large: int = 2, north: float = 0.002, **fields: object) -> LockerBank:
    return make_bank(0, large=large, hub=hub, point=Point(lat=LAT + north, lon=LON), **fields)


def offer_of(bank: LockerBank) -> str:
    return f"{bank.public_id}.{DAY.isoformat()}"


def hold(shopper: ShopperBrowser, bank: LockerBank) -> str:
    """Hold a bank; return the path of the confirmation."""
    return below(shopper.post(options_of(shopper), offer=offer_of(bank)), shopper)


def take(shopper: ShopperBrowser, bank: LockerBank) -> str:
    """Hold and book a bank; return where the answer leads."""
    path = hold(shopper, bank)
    return below(shopper.post(path, **fields_of(shopper.get(path))), shopper)


def states() -> list[str]:
    return list(LockerReservation.objects.order_by("pk").values_list("state", flat=True))


def held() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_shopper_chooses_a_locker_and_the_order_is_promised_there(
    confirmed: ShopperBrowser, order: Order, bank: LockerBank
) -> None:
    page = confirmed.text(options_of(confirmed))
    assert "Mercado" in page
    path = hold(confirmed, bank)
    assert states() == ["soft_held"]
    summary = confirmed.text(path)
    assert "Mercado" in summary
    assert "Kept for you until" in summary
    assert take(confirmed, bank) == "?done=booked"
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.option, promise.place.text, order.service_date) == ("locker", "Mercado", DAY)
    row = LockerReservation.objects.latest("pk")
    assert (row.state, row.order_id, row.mode) == ("hard_held", order.pk, "hard")
    assert states().count("hard_held") == 1
    held()


def test_the_page_says_how_far_when_open_when_there_and_what_it_costs(
    shopper: ShopperBrowser, hub: Hub
) -> None:
    near = bank_near(hub, name="Praça", address="Praça do Comércio 1, Lisboa",
                     access="In the arcade", hours="Mo-Su 06:00-23:00")  # fmt: skip
    far = bank_near(hub, name="Longe", north=0.1)
    page = shopper.text(options_of(shopper))
    for words in ("1. Praça", "Praça do Comércio 1", "on foot", "In the arcade", "Mon – Sun",
                  "by 18:00", "Collect until", "Free", "Very likely to have room"):  # fmt: skip
        assert words in page, words
    assert "Longe" not in page, "farther than the retailer's limit"
    row = ShownOffer.objects.get(provider="lockers")
    assert (row.offer, row.details["bank"]) == (offer_of(near), near.public_id)
    assert far.active


def test_a_window_before_is_given_back_with_the_locker_and_the_other_way_round(
    confirmed: ShopperBrowser, order: Order, bank: LockerBank
) -> None:
    assert below(book(confirmed, 12), confirmed) == "?done=booked"
    assert taken(slot_at(12)) == 1
    assert take(confirmed, bank) == "?done=booked"
    assert taken(slot_at(12)) == 0
    assert states() == ["hard_held"]
    assert below(book(confirmed, 14), confirmed) == "?done=booked"
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.option == "window"
    assert taken(slot_at(14)) == 1
    assert states() == ["cancelled"]
    held()


def test_another_locker_gives_the_first_compartment_back(
    confirmed: ShopperBrowser, order: Order, hub: Hub, bank: LockerBank
) -> None:
    other = bank_near(hub, name="Estação", north=0.004)
    take(confirmed, bank)
    take(confirmed, other)
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.place.text == "Estação"
    assert states() == ["cancelled", "hard_held"]
    held()


def test_a_refused_locker_leaves_the_window_as_it_was(
    confirmed: ShopperBrowser, order: Order, bank: LockerBank
) -> None:
    book(confirmed, 12)
    path = hold(confirmed, bank)
    sent = fields_of(confirmed.get(path))
    LockerBank.objects.update(active=False)
    answer = confirmed.post(path, **sent)
    assert answer.status_code == 409
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.option == "window"
    assert taken(slot_at(12)) == 1


@pytest.mark.parametrize("change", ["left", "offline", "blocked"])
def test_l08_a_bank_that_closes_fills_or_leaves_is_found_at_confirm_and_others_are_offered(
    confirmed: ShopperBrowser, order: Order, hub: Hub, change: str
) -> None:
    """L08: the point that the shopper chose is no longer there when it is confirmed."""
    bank = bank_near(hub, large=1, name="Mercado")
    bank_near(hub, name="Estação", north=0.004)
    path = hold(confirmed, bank)
    sent = fields_of(confirmed.get(path))
    if change == "blocked":
        bank.compartments.update(state="blocked")
    else:
        values = {"active": False} if change == "left" else {"state": "offline"}
        LockerBank.objects.filter(pk=bank.pk).update(**values)
    answer = confirmed.post(path, **sent)
    assert answer.status_code == 409
    assert "Estação" in answer.content.decode()
    order.refresh_from_db()
    assert order.promise is None
    assert "hard_held" not in states()


def test_a_hold_that_ended_is_taken_again_while_there_is_room_and_refused_without(
    confirmed: ShopperBrowser, order: Order, hub: Hub, clock: SetClock
) -> None:
    bank = bank_near(hub, large=1)
    path = hold(confirmed, bank)
    sent = fields_of(confirmed.get(path))
    clock(clocks.now() + dt.timedelta(minutes=11))
    look_after_lockers()
    assert states() == ["hold_expired"]
    assert below(confirmed.post(path, **sent), confirmed) == "?done=booked"
    assert states() == ["hold_expired", "hard_held"]
    held()


def test_two_shoppers_and_one_compartment_the_second_gets_another_locker(
    shopper: ShopperBrowser, hub: Hub
) -> None:
    bank = bank_near(hub, large=1, name="Mercado")
    bank_near(hub, name="Estação", north=0.004)
    second = ShopperBrowser(make_order(hub=hub.public_id))
    options = options_of(second)
    hold(shopper, bank)
    answer = second.post(options, offer=offer_of(bank))
    assert answer.status_code == 409
    assert "Estação" in answer.content.decode()
    assert states() == ["soft_held"]
    look = second.text(options_of(second))
    assert "Mercado" not in look.split("Collect it near you")[1]


def test_nothing_is_offered_that_cannot_wait_in_a_locker(
    shopper: ShopperBrowser, order: Order, bank: LockerBank
) -> None:
    Order.objects.filter(pk=order.pk).update(signature=True)
    assert "Mercado" not in shopper.text(options_of(shopper))
    Order.objects.filter(pk=order.pk).update(signature=False)
    order.parcels.update(length_mm=900, width_mm=900, height_mm=900)
    assert "Mercado" not in shopper.text(options_of(shopper))
    order.parcels.update(length_mm=300, width_mm=200, height_mm=100)
    assert "Mercado" in shopper.text(options_of(shopper))
    set_section(section=section_of(LockerPolicy), policy=LockerPolicy(in_choice=False))
    assert "Mercado" not in shopper.text(options_of(shopper))


def test_hostile_offers_are_unknown(shopper: ShopperBrowser, bank: LockerBank) -> None:
    options = options_of(shopper)
    for offer in (
        bank.public_id,
        f"{bank.public_id}.2026-99-99",
        "lkh_1",
        "../..",
        "%00",
        "x" * 99,
    ):
        assert shopper.post(options, offer=offer).status_code in {404, 422}, offer
    assert states() == []
    assert not LockerHold.objects.exists()


def test_a_shopper_without_a_window_left_can_still_choose_a_locker(
    shopper: ShopperBrowser, bank: LockerBank
) -> None:
    Slot.objects.update(book_until_at=clocks.now())
    assert "Mercado" in shopper.text(options_of(shopper))
    LockerBank.objects.update(lat=LAT + 0.1)
    assert "The shop offers no other times here" in shopper.text("choose/")
