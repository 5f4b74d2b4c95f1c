"""Quiet hours: nothing in the night, in every zone, also when the clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from notifications.wording.quiet import is_quiet, next_allowed
from tests.notifications.wall_clock import ZONES, changes_of, next_free, quiet_minutes

NINE, EIGHT = 21 * 60, 8 * 60
MADRID = ZoneInfo("Europe/Madrid")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2026-06-01T20:59:59+02:00", "2026-06-01T20:59:59+02:00"),
        ("2026-06-01T21:00:00+02:00", "2026-06-02T08:00:00+02:00"),
        ("2026-06-02T03:00:00+02:00", "2026-06-02T08:00:00+02:00"),
        ("2026-06-02T07:59:59+02:00", "2026-06-02T08:00:00+02:00"),
        ("2026-06-02T08:00:00+02:00", "2026-06-02T08:00:00+02:00"),
    ],
)
def test_the_night_ends_in_the_morning(when: str, allowed: str) -> None:
    assert next_allowed(at(when), MADRID, NINE, EIGHT) == at(allowed)


def test_equal_minutes_mean_no_quiet_hours() -> None:
    for hour in range(24):
        assert not is_quiet(at(f"2026-06-01T{hour:02d}:00:00+02:00"), MADRID, 600, 600)


def test_an_end_in_the_missing_hour_is_the_first_instant_after_it() -> None:
    ends = next_allowed(at("2026-03-29T00:30:00+01:00"), MADRID, NINE, 150)
    assert ends == at("2026-03-29T03:00:00+02:00")


def test_an_end_in_the_doubled_hour_is_its_last_occurrence() -> None:
    ends = next_allowed(at("2026-10-25T00:30:00+02:00"), MADRID, NINE, 150)
    assert ends == at("2026-10-25T02:30:00+01:00")


def test_a_beginning_in_the_doubled_hour_is_its_first_occurrence() -> None:
    assert not is_quiet(at("2026-10-25T02:29:00+02:00"), MADRID, 150, 360)
    assert is_quiet(at("2026-10-25T02:30:00+02:00"), MADRID, 150, 360)
    assert is_quiet(at("2026-10-25T02:10:00+01:00"), MADRID, 150, 360)


def test_a_day_that_does_not_exist_is_skipped() -> None:
    apia = ZoneInfo("Pacific/Apia")  # it moved over the date line: no 30 December 2011
    ends = next_allowed(at("2011-12-29T23:00:00-10:00"), apia, NINE, EIGHT)
    assert ends.astimezone(apia).date() == dt.date(2011, 12, 31)
    assert not is_quiet(ends, apia, NINE, EIGHT)


@pytest.mark.parametrize("name", [name for name, _year in ZONES[::4]])
def test_the_wall_clock_alone_gives_the_same_nights(name: str) -> None:
    zone, year = ZoneInfo(name), dict(ZONES)[name]
    minute = dt.timedelta(minutes=1)
    for change in changes_of(name, year)[:2]:
        start = change - 720 * minute
        for quiet in ((NINE, EIGHT), (30, 90), (150, 450)):
            free = next_free(quiet_minutes(start, 3 * 1440, zone, quiet))
            for index in range(0, 1440, 7):
                instant = start + index * minute
                assert next_allowed(instant, zone, *quiet) == start + free[index] * minute
