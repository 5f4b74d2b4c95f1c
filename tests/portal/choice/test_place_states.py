"""The states of a hold of a bank of lockers: each move by the REST API, and each refused one."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest

from dispatch.slots.models import Choice
from lastmile.core import clock as clocks
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerBank
from lockers.services import leave_lockers
from lockers.services.sweeping import look_after_lockers
from lockers.states import ReservationState as S
from portal.choice.models import ShownOffer
from portal.choice.selectors import newest_choices, orders_of_choices
from portal.choice.services.taking import take_waiting
from portal.choice.states import PLACE_MOVES, PlaceState, place_state
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub
from tests.factories.lockers import make_reservation
from tests.portal.choice.shop import CHOICES, HOLDS, Shop
from tests.portal.choice.test_lockers import bank_near, offer_of, place, states
from tests.portal.choice.test_staff_pages import staff_principal


@pytest.fixture
def bank(shop: Shop) -> LockerBank:
    return bank_near(make_hub())


@pytest.fixture
def hold(shop: Shop, bank: LockerBank) -> dict[str, str]:
    return shop.hold(shop.ask(), offer_of(bank))


def state(shop: Shop, hold: dict[str, str]) -> str:
    return str(shop.call("get", f"{HOLDS}{hold['id']}/").json()["state"])


def let_it_end(clock: SetClock, minutes: int = 11) -> None:
    clock(clocks.now() + dt.timedelta(minutes=minutes))
    look_after_lockers()


def test_every_combination_has_a_state_and_every_state_is_in_the_table() -> None:
    rows = [frozenset(), *(frozenset({one}) for one in S), frozenset({S.SOFT_HELD, S.CANCELLED})]
    seen = {
        place_state(row, is_released=a, has_order=b, has_choice=c, is_over=d)
        for row, a, b, c, d in product(rows, *([(False, True)] * 4))
    }
    assert seen == set(PlaceState) == set(PLACE_MOVES)


def test_a_live_hold_is_kept_by_a_choice_and_again_with_the_same_choice(
    shop: Shop, hold: dict[str, str]
) -> None:
    assert state(shop, hold) == "live"
    first = shop.confirm(hold)
    assert state(shop, hold) == "kept"
    assert shop.confirm(hold)["id"] == first["id"]
    assert Choice.objects.count() == 1


def test_a_hold_whose_time_is_over_is_kept_again_while_the_bank_has_room(
    shop: Shop, hold: dict[str, str], clock: SetClock
) -> None:
    let_it_end(clock)
    assert state(shop, hold) == "expired"
    shop.confirm(hold)
    assert (state(shop, hold), states()) == ("kept", ["hold_expired", "soft_held"])


def test_a_hold_whose_compartment_went_to_another_is_refused(
    shop: Shop, hold: dict[str, str], bank: LockerBank, clock: SetClock
) -> None:
    let_it_end(clock)
    make_reservation(bank)
    refused = shop.try_confirm(hold)
    assert (refused.status_code, refused.json()["code"]) == (409, "locker_gone")
    assert not Choice.objects.exists()


def test_a_bank_that_left_is_found_when_the_hold_is_confirmed(
    shop: Shop, hold: dict[str, str], bank: LockerBank
) -> None:
    LockerBank.objects.update(active=False)
    assert shop.try_confirm(hold).json()["code"] == "locker_gone"
    assert not Choice.objects.exists()


def test_a_released_hold_never_comes_back_also_after_its_time(
    shop: Shop, hold: dict[str, str], clock: SetClock
) -> None:
    let_it_end(clock)
    assert shop.call("delete", f"{HOLDS}{hold['id']}/").json()["state"] == "released"
    assert shop.try_confirm(hold).json()["code"] == "locker_gone"
    assert state(shop, hold) == "released"


def test_a_kept_hold_that_is_given_back_takes_its_choice_along(
    shop: Shop, hold: dict[str, str], retailer: RetailerRef
) -> None:
    choice = shop.confirm(hold)
    assert shop.call("delete", f"{HOLDS}{hold['id']}/").json()["state"] == "released"
    assert Choice.objects.get().state == "cancelled"
    assert place(shop, retailer, choice["id"]).json()["code"] == "choice_gone"
    assert states() == ["cancelled"]


def test_a_cancelled_choice_is_not_given_out_again(shop: Shop, hold: dict[str, str]) -> None:
    choice = shop.confirm(hold)
    assert shop.call("delete", f"{CHOICES}{choice['id']}/").json()["state"] == "cancelled"
    assert state(shop, hold) == "released"
    assert shop.try_confirm(hold).json()["code"] == "locker_gone"


def test_a_choice_that_expired_waits_again_as_the_same_choice(
    shop: Shop, hold: dict[str, str], clock: SetClock
) -> None:
    choice = shop.confirm(hold)
    clock(clocks.now() + dt.timedelta(minutes=31))
    assert state(shop, hold) == "expired", "the choice is over, its compartment not yet"
    assert shop.confirm(hold)["id"] == choice["id"]
    assert (state(shop, hold), states()) == ("kept", ["soft_held"])


def test_a_hold_is_promised_from_the_order_on_and_cannot_be_given_back(
    shop: Shop, hold: dict[str, str], retailer: RetailerRef
) -> None:
    assert place(shop, retailer, shop.confirm(hold)["id"]).status_code == 201
    for _time in ("before", "after"):
        assert state(shop, hold) == "promised"
        refused = shop.call("delete", f"{HOLDS}{hold['id']}/")
        assert (refused.status_code, refused.json()["code"]) == (409, "hold_ended")
        take_waiting()
    assert states() == ["hard_held"]


def test_a_hold_whose_order_went_elsewhere_is_released_and_no_longer_counts_as_chosen(
    shop: Shop, hold: dict[str, str], retailer: RetailerRef
) -> None:
    assert place(shop, retailer, shop.confirm(hold)["id"]).status_code == 201
    take_waiting()
    shown = ShownOffer.objects.get(hold=hold["id"])
    principal = staff_principal()
    assert list(newest_choices(principal)) == [shown]
    order = orders_of_choices([shown])[shown.pk]
    leave_lockers(order=order)
    assert state(shop, hold) == "released"
    assert not newest_choices(principal).exists()
