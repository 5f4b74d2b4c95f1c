"""A parcel that its bank cannot take is told when the vehicle is loaded, not at the cabinet."""

from __future__ import annotations

from typing import Any

from dispatch.orders.models import Parcel
from lastmile.core.tenancy import RetailerRef
from lockers.courier.day import part_of
from lockers.models import Compartment, LockerBank, LockerReservation
from tests.dispatch.conftest import SetClock
from tests.lockers.courier.test_acts import Round, make_round


def at_loading(it: Round, place: int = 0) -> str:
    (bank,) = part_of([it.orders[place].public_id])["banks"]
    parcel: dict[str, Any] = bank["puts_in"][0]
    return str(parcel["at_loading"])


def measured(it: Round, width_mm: int) -> None:
    parcel = it.orders[0].parcels.get()
    LockerReservation.objects.filter(pk=it.row().pk).update(parcel=parcel)
    Parcel.objects.filter(pk=parcel.pk).update(width_mm=width_mm, height_mm=60, length_mm=200)


def test_l08_a_parcel_that_fits_no_door_of_its_bank_is_told_at_loading(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """L08: the parcel was measured after the reservation, and is too big for every door."""
    it = make_round(clock)
    assert at_loading(it) == ""
    measured(it, 300)
    assert at_loading(it) == ""
    measured(it, 900)
    assert at_loading(it) == "no_fit"


def test_l08_a_bank_that_left_or_whose_doors_are_all_broken_is_told_at_loading(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """L08: the point closed or left between the choice and the loading."""
    it = make_round(clock)
    Compartment.objects.filter(bank=it.bank).update(state="blocked")
    assert at_loading(it) == "no_fit"
    LockerBank.objects.filter(pk=it.bank.pk).update(active=False)
    assert at_loading(it) == "site_left"


def test_l08_a_parcel_without_a_door_is_told_at_loading(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """L08: the bank filled up before the vehicle left."""
    it = make_round(clock)
    LockerReservation.objects.filter(pk=it.row().pk).update(state="queued", compartment=None)
    assert at_loading(it) == "no_door"


def test_nothing_is_told_of_a_parcel_that_is_inside(retailer: RetailerRef, clock: SetClock) -> None:
    it = make_round(clock)
    LockerReservation.objects.filter(pk=it.row().pk).update(
        state="deposited", deposited_at=it.row().starts_at
    )
    measured(it, 900)
    assert at_loading(it) == ""
