"""Extreme dates, instants and numbers from a client are refused without a crash."""

from __future__ import annotations

import datetime as dt

import pytest
from django import forms

from lastmile.core import clock
from lastmile.core.errors import Invalid
from lastmile.core.http.forms import DateField
from lastmile.core.units import read_whole

EAST = dt.timezone(dt.timedelta(hours=14))
WEST = dt.timezone(dt.timedelta(hours=-12))


@pytest.mark.parametrize("text", ["2000-01-01", "2026-11-23", "2100-12-31"])
def test_a_date_in_range_is_read(text: str) -> None:
    assert clock.read_date(text) == dt.date.fromisoformat(text)


@pytest.mark.parametrize("text", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "no", ""])
def test_a_date_out_of_range_is_none(text: str) -> None:
    assert clock.read_date(text) is None


def test_extreme_instants_are_out_of_range_in_every_zone() -> None:
    for zone in (dt.UTC, EAST, WEST):
        assert not clock.is_supported_date(dt.datetime(1, 1, 1, tzinfo=zone))
        assert not clock.is_supported_date(dt.datetime(9999, 12, 31, 23, 59, tzinfo=zone))
        assert clock.is_supported_date(dt.datetime(2026, 11, 23, tzinfo=zone))


def test_an_overflow_in_a_time_zone_is_an_error_and_no_crash() -> None:
    with pytest.raises(Invalid, match="2000-01-01"):
        clock.local_instant(dt.date(1, 1, 1), 0, "Pacific/Auckland")
    with pytest.raises(Invalid):
        clock.day_bounds(dt.date(9999, 12, 31), "America/Santiago")
    with pytest.raises(Invalid):
        clock.local_date(dt.datetime(1, 1, 1, tzinfo=dt.UTC), "America/Santiago")


def test_whole_numbers_are_read_within_their_bounds() -> None:
    assert read_whole(" 42 ", 1, 100) == 42
    assert read_whole("-1", -1, 1) == -1
    for text in ("", "x", "1.5", "٣", "--1", "101", "0", "9" * 5_000, "-" + "9" * 5_000):
        assert read_whole(text, 1, 100) is None


def test_a_form_field_refuses_dates_out_of_range() -> None:
    class DateForm(forms.Form):
        day = DateField()

    assert DateForm({"day": "2026-11-23"}).is_valid()
    for text in ("0001-01-01", "9999-12-31", "9" * 5_000):
        assert not DateForm({"day": text}).is_valid()
    assert 'min="2000-01-01"' in str(DateForm()["day"])
