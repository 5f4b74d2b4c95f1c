"""Tests of vehicles, drivers and shifts: valid combinations, and shifts that cannot overlap."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.fleet import selectors, services
from dispatch.fleet.breaks import Break
from dispatch.fleet.errors import ExternalIdTaken, ShiftOverlaps, StillInUse
from dispatch.fleet.models import Driver, Shift, Vehicle
from lastmile.core.errors import Conflict, Invalid
from lastmile.core.ids import new_public_id
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.helpers import kinds, race, refused
from tests.factories import make_driver, make_hub, make_shift, make_vehicle

EIGHT = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_skills_have_one_normal_form(retailer: RetailerRef) -> None:
    vehicle = make_vehicle(skills=["Tail Lift", "tail-lift", "  COLD ", ""])
    assert vehicle.skills == ["cold", "tail-lift"]


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("profile", "hovercraft", "/profile"),
        ("energy", "muscle", "/energy"),
        ("weight_g", 0, "/weight_g"),
        ("volume_cm3", 2**31, "/volume_cm3"),
        ("parcels", True, "/parcels"),
        ("cost_per_km_minor", -1, "/cost_per_km_minor"),
        ("cost_per_km_minor", 1.5, "/cost_per_km_minor"),
        ("range_m", 0, "/range_m"),
        ("emission_class", "tank", "/emission_class"),
        ("emission_class", "foot", "/emission_class"),
        ("skills", ["x" * 41], "/skills"),
        ("skills", [7], "/skills"),
        ("skills", [str(n) for n in range(21)], "/skills"),
        ("own_co2_mg_per_m", 5_001, "/own_co2_mg_per_m"),
    ],
)
def test_an_impossible_value_is_refused(
    retailer: RetailerRef, field: str, value: Any, at: str
) -> None:
    hub = make_hub()
    with refused(Invalid, at=at):
        make_vehicle(hub=hub, **{field: value})
    assert not Vehicle.objects.exists()


def test_the_emission_factor_follows_class_energy_or_own_figure(retailer: RetailerRef) -> None:
    diesel = make_vehicle()
    bike = make_vehicle(profile="cargo_bike", energy="electric")
    own = make_vehicle(own_co2_mg_per_m=150)
    assert [selectors.factor_of(v).wtw_mg_per_m for v in (diesel, bike, own)] == [317, 7, 150]


def test_a_changed_profile_brings_its_emission_class(retailer: RetailerRef) -> None:
    vehicle = make_vehicle()
    changed = services.change_vehicle(vehicle=vehicle, profile="cargo_bike", energy="muscle")
    assert (changed.emission_class, changed.version) == ("cargo_bike", 2)
    with refused(Invalid, at="/energy"):
        services.change_vehicle(vehicle=vehicle, energy="diesel")


def test_a_national_number_is_read_in_the_hubs_country(retailer: RetailerRef) -> None:
    assert make_driver(phone="912 345 678").phone == "+351912345678"
    santiago = make_hub(zone="America/Santiago", lat=-33.4, lon=-70.6)
    assert make_driver(hub=santiago, phone="9 1234 5678").phone == "+56912345678"


@pytest.mark.parametrize("phone", ["12", "not a phone", "+999999999999999999", "call me", "0x41"])
def test_an_invalid_phone_number_is_refused(retailer: RetailerRef, phone: str) -> None:
    hub = make_hub()
    with refused(Invalid, at="/phone", match="country code"):
        make_driver(hub=hub, phone=phone)
    assert not Driver.objects.exists()


def test_a_member_is_linked_to_one_driver_only(retailer: RetailerRef) -> None:
    member = new_public_id("mbr")
    make_driver(member=member)
    hub = make_hub()
    with refused(Conflict, match="another driver"):
        make_driver(hub=hub, member=member)


def test_two_retailers_do_not_see_each_others_fleet(
    retailer: RetailerRef, fresh_db: str, other: RetailerRef
) -> None:
    shift = make_shift(driver=make_driver())
    with retailer_context(other):
        assert not selectors.vehicles().exists()
        assert not selectors.drivers().exists()
        assert not selectors.shifts().exists()
    assert list(selectors.shifts()) == [shift]


def test_a_shift_belongs_to_its_vehicles_hub_and_local_day(retailer: RetailerRef) -> None:
    auckland = make_hub(zone="Pacific/Auckland", lat=-36.8, lon=174.7)
    vehicle = make_vehicle(hub=auckland)
    shift = make_shift(vehicle=vehicle, starts_at=dt.datetime(2026, 11, 22, 19, tzinfo=dt.UTC))
    assert (shift.hub, shift.service_date) == (auckland, dt.date(2026, 11, 23))
    assert list(selectors.shifts_on(auckland, dt.date(2026, 11, 23))) == [shift]


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Amsterdam", dt.date(2026, 3, 29), 7),  # 02:00 to 03:00 does not happen
        ("Europe/Amsterdam", dt.date(2026, 10, 25), 9),  # 02:00 to 03:00 happens twice
        ("America/Santiago", dt.date(2026, 9, 6), 7),
        ("America/Santiago", dt.date(2026, 4, 5), 8),
        ("Europe/Amsterdam", dt.date(2026, 6, 1), 8),
    ],
)
def test_a_shift_over_a_clock_change_is_as_long_as_it_really_is(
    retailer: RetailerRef, zone: str, date: dt.date, hours: int
) -> None:
    vehicle = make_vehicle(hub=make_hub(zone=zone))
    starts_at, ends_at = selectors.shift_times(vehicle.hub, date, 0, 8 * 60)
    shift = make_shift(vehicle=vehicle, starts_at=starts_at, ends_at=ends_at)
    assert shift.ends_at - shift.starts_at == dt.timedelta(hours=hours)
    assert shift.service_date == date


def test_a_night_shift_ends_the_next_day(retailer: RetailerRef) -> None:
    hub = make_hub(zone="Europe/Lisbon")
    starts_at, ends_at = selectors.shift_times(hub, dt.date(2026, 11, 23), 22 * 60, 6 * 60)
    assert ends_at - starts_at == dt.timedelta(hours=8)


def test_shifts_of_a_vehicle_cannot_overlap(retailer: RetailerRef) -> None:
    vehicle = make_vehicle()
    first = make_shift(vehicle=vehicle, starts_at=EIGHT, ends_at=EIGHT + 8 * HOUR)
    with refused(ShiftOverlaps, match=vehicle.name):
        make_shift(vehicle=vehicle, starts_at=EIGHT + 7 * HOUR)
    make_shift(vehicle=vehicle, starts_at=EIGHT + 8 * HOUR, ends_at=EIGHT + 9 * HOUR)
    services.cancel_shift(shift=first)
    make_shift(vehicle=vehicle, starts_at=EIGHT, ends_at=EIGHT + HOUR)


def test_shifts_of_a_driver_cannot_overlap(retailer: RetailerRef) -> None:
    hub = make_hub()
    driver, one, two = make_driver(hub=hub), make_vehicle(hub=hub), make_vehicle(hub=hub)
    make_shift(vehicle=one, driver=driver)
    with refused(ShiftOverlaps, match=driver.name):
        make_shift(vehicle=two, driver=driver)
    assert make_shift(vehicle=two).driver is None


def test_the_database_itself_refuses_overlapping_shifts(retailer: RetailerRef) -> None:
    from django.db import IntegrityError, transaction

    shift = make_shift()
    with pytest.raises(IntegrityError, match="shift_one_vehicle"), transaction.atomic():
        Shift.objects.create(
            hub=shift.hub,
            vehicle=shift.vehicle,
            service_date=shift.service_date,
            starts_at=shift.starts_at + HOUR,
            ends_at=shift.ends_at + HOUR,
        )


def test_twenty_dispatchers_at_once_give_one_vehicle_one_shift(
    retailer: RetailerRef, fresh_db: str
) -> None:
    vehicle = make_vehicle()
    answers = race(
        retailer, lambda n: make_shift(vehicle=vehicle, starts_at=EIGHT + n * HOUR / 20), 20
    )
    won = [a for a in answers if isinstance(a, Shift)]
    assert len(won) == 1
    assert {type(a) for a in answers if not isinstance(a, Shift)} == {ShiftOverlaps}
    assert Shift.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"ends_at": EIGHT}, "/ends_at"),
        ({"ends_at": EIGHT + dt.timedelta(minutes=14)}, "/ends_at"),
        ({"ends_at": EIGHT + 25 * HOUR}, "/ends_at"),
        ({"ends_at": dt.datetime(2026, 11, 23, 16)}, "/ends_at"),
        ({"breaks": [Break(opens_at=EIGHT - HOUR, closes_at=EIGHT, duration_s=600)]}, "/breaks/0"),
        (
            {"breaks": [Break(opens_at=EIGHT, closes_at=EIGHT + 8 * HOUR, duration_s=600)]},
            "/breaks/0",
        ),
        (
            {"breaks": [Break(opens_at=EIGHT, closes_at=EIGHT + HOUR, duration_s=5)]},
            "/breaks/0/duration_s",
        ),
    ],
)
def test_a_shift_that_cannot_be_driven_is_refused(
    retailer: RetailerRef, fields: dict[str, Any], at: str
) -> None:
    vehicle = make_vehicle()
    shift_fields = {"vehicle": vehicle, "starts_at": EIGHT, "ends_at": EIGHT + 8 * HOUR} | fields
    with refused(Invalid, at=at):
        services.add_shift(**shift_fields)
    assert not Shift.objects.exists()


def test_breaks_come_back_as_they_were_given(retailer: RetailerRef) -> None:
    pause = Break(
        opens_at=EIGHT + 3 * HOUR, closes_at=EIGHT + 5 * HOUR, duration_s=1_800, paid=True
    )
    shift = make_shift(breaks=[pause])
    shift.refresh_from_db()
    assert selectors.breaks_of(shift) == [pause]


def test_a_shortened_shift_must_still_hold_its_breaks(retailer: RetailerRef) -> None:
    pause = Break(opens_at=EIGHT + 6 * HOUR, closes_at=EIGHT + 7 * HOUR, duration_s=1_800)
    shift = make_shift(breaks=[pause])
    with refused(Invalid, at="/breaks/0"):
        services.change_shift(shift=shift, ends_at=EIGHT + 7 * HOUR)


def test_a_cancelled_shift_cannot_change(retailer: RetailerRef) -> None:
    shift = make_shift()
    services.cancel_shift(shift=shift)
    services.cancel_shift(shift=shift)
    assert kinds(shift.public_id) == ["shift.added", "shift.cancelled"]
    with refused(Conflict, match="new shift"):
        services.change_shift(shift=shift, ends_at=EIGHT + HOUR)


def test_a_vehicle_with_shifts_to_come_keeps_its_hub_and_stays(retailer: RetailerRef) -> None:
    vehicle = make_vehicle()
    make_shift(vehicle=vehicle, starts_at=dt.datetime(2099, 1, 1, 8, tzinfo=dt.UTC))
    elsewhere = make_hub()
    with refused(StillInUse):
        services.retire_vehicle(vehicle=vehicle)
    with refused(StillInUse):
        services.change_vehicle(vehicle=vehicle, hub=elsewhere)


def test_an_inactive_vehicle_or_driver_gets_no_shift(retailer: RetailerRef) -> None:
    hub = make_hub()
    vehicle, driver = make_vehicle(hub=hub), make_driver(hub=hub)
    services.retire_driver(driver=driver)
    with refused(Invalid, at="/driver"):
        make_shift(vehicle=vehicle, driver=driver)
    services.retire_vehicle(vehicle=vehicle)
    with refused(Invalid, at="/vehicle"):
        make_shift(vehicle=vehicle)


def test_an_external_id_can_be_used_once_per_kind(retailer: RetailerRef) -> None:
    make_vehicle(external_id="7")
    make_driver(external_id="7")
    hub = make_hub()
    with refused(ExternalIdTaken):
        make_vehicle(hub=hub, external_id="7")
