"""Tests of public holidays and of the country of a time zone."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.slots.rules import calendars
from tests.dispatch.slots.zones import ZONES


@pytest.mark.parametrize(
    ("zone_name", "country"),
    [
        ("Europe/Lisbon", "PT"), ("America/Santiago", "CL"), ("Asia/Calcutta", "IN"),
        ("Asia/Kathmandu", "NP"), ("Pacific/Chatham", "NZ"), ("Australia/Lord_Howe", "AU"),
        ("UTC", ""), ("Antarctica/Troll", ""), ("Mars/Base", ""),
    ],
)  # fmt: skip
def test_the_country_of_a_hub_follows_from_its_time_zone(zone_name: str, country: str) -> None:
    assert calendars.territory_of(zone_name) == country


def test_nearly_every_zone_has_public_holidays_in_a_year() -> None:
    first, last = dt.date(2027, 1, 1), dt.date(2027, 12, 31)
    for zone_name in ZONES:
        country = calendars.territory_of(zone_name)
        if country:
            assert len(calendars.holidays_between(country, "", first, last)) >= 4, zone_name


def test_holidays_have_names_in_the_readers_language_where_they_are_known() -> None:
    christmas = dt.date(2026, 12, 25)
    name = calendars.holidays_between("PT", "", christmas, christmas, "en")[christmas]
    assert name == "Christmas Day"
    assert calendars.holidays_between("CL", "", christmas, christmas, "es") == {
        christmas: "Navidad"
    }


def test_a_subdivision_has_holidays_of_its_own_and_a_wrong_one_changes_nothing() -> None:
    first, last = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
    germany = calendars.holidays_between("DE", "", first, last)
    bavaria = calendars.holidays_between("DE", "BY", first, last)
    assert set(germany) < set(bavaria)
    assert calendars.holidays_between("DE", "XX", first, last) == germany
    assert calendars.holidays_between("", "", first, last) == {}


def test_a_range_over_new_year_has_the_holidays_of_both_years_once() -> None:
    public = calendars.holidays_between("PT", "", dt.date(2026, 12, 25), dt.date(2027, 1, 1))
    assert list(public) == [dt.date(2026, 12, 25), dt.date(2027, 1, 1)]
