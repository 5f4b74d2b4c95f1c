"""Dates, instants and numbers that a client may send, out of any reason."""

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
def test_a_date_of_these_times_is_read(text: str) -> None:
    assert clock.read_date(text) == dt.date.fromisoformat(text)


@pytest.mark.parametrize("text", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "no", ""])
def test_a_date_out_of_reach_is_no_date(text: str) -> None:
    assert clock.read_date(text) is None


def test_instants_at_the_ends_of_time_are_out_of_reach_in_every_zone() -> None:
    for zone in (dt.UTC, EAST, WEST):
        assert not clock.is_supported_date(dt.datetime(1, 1, 1, tzinfo=zone))
        assert not clock.is_supported_date(dt.datetime(9999, 12, 31, 23, 59, tzinfo=zone))
        assert clock.is_supported_date(dt.datetime(2026, 11, 23, tzinfo=zone))


def test_what_overflows_in_a_zone_is_a_refusal_and_no_crash() -> None:
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


def test_a_field_of_a_form_refuses_dates_out_of_reach() -> None:
    class Asked(forms.Form):
        day = DateField()

    assert Asked({"day": "2026-11-23"}).is_valid()
    for text in ("0001-01-01", "9999-12-31", "9" * 5_000):
        assert not Asked({"day": text}).is_valid()
    assert 'min="2000-01-01"' in str(Asked()["day"])
