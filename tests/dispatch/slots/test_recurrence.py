"""Tests of recurrence rules (RFC 5545): dates, bounded work, refused texts and weekdays."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.slots.rules import recurrence
from dispatch.slots.rules.recurrence import RuleError

START, FIRST, LAST = dt.date(2020, 1, 1), dt.date(2026, 11, 1), dt.date(2028, 3, 1)


def days(text: str, **bounds: dt.date) -> list[str]:
    span = {"starts_on": START, "first": FIRST, "last": LAST} | bounds
    return [str(date) for date in recurrence.dates(text, **span)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE", ["2026-11-02", "2026-11-04", "2026-11-09"]),
        ("FREQ=WEEKLY", ["2026-11-04", "2026-11-11", "2026-11-18"]),  # the weekday of the start
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2026-11-27", "2026-12-25", "2027-01-29"]),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", ["2026-11-13", "2027-08-13"]),
        ("FREQ=DAILY;BYMONTHDAY=-1", ["2026-11-30", "2026-12-31", "2027-01-31"]),
        ("FREQ=DAILY;BYMONTH=2;BYDAY=SU", ["2027-02-07", "2027-02-14", "2027-02-21"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", ["2026-12-28"]),
        ("FREQ=DAILY;UNTIL=20261102", ["2026-11-01", "2026-11-02"]),
        ("freq=daily;until=20261102", ["2026-11-01", "2026-11-02"]),
    ],
)
def test_a_rule_gives_the_dates_of_rfc_5545(text: str, expected: list[str]) -> None:
    assert days(text)[:3] == expected


def test_intervals_and_counts_are_counted_from_the_start_of_the_template() -> None:
    every_third = days("FREQ=DAILY;INTERVAL=3", last=dt.date(2026, 11, 30))
    assert all((dt.date.fromisoformat(day) - START).days % 3 == 0 for day in every_third)
    assert len(every_third) == 10
    fortnights = days("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", last=dt.date(2026, 12, 31))
    whole = recurrence.dates(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", starts_on=START, first=START, last=dt.date(2026, 12, 31)
    )
    assert fortnights == [str(day) for day in whole if day >= FIRST]
    assert days("FREQ=DAILY;COUNT=3", starts_on=dt.date(2026, 10, 31)) == [
        "2026-11-01",
        "2026-11-02",
    ]
    assert days("FREQ=DAILY;COUNT=2;BYDAY=SU", starts_on=dt.date(2026, 10, 31)) == [
        "2026-11-01",
        "2026-11-08",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=9999;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=SU",  # the start is a Wednesday
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYSETPOS=300;BYDAY=MO;BYMONTH=1",
        "FREQ=WEEKLY;INTERVAL=9999;BYMONTH=3;BYDAY=MO",
    ],
)
def test_a_rule_without_dates_ends_and_gives_none(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "", "DAILY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=3", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=",
        "FREQ=DAILY;UNTIL=20260101T000000Z", "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;COUNT=2;UNTIL=20260101", "FREQ=DAILY\nEXDATE:20200101", "RRULE:FREQ=DAILY",
        "FREQ=MONTHLY;BYDAY=XX", "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYSETPOS=0", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;BYYEARDAY=3",
        "FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=DAILY;", "FREQ=DAILY; BYDAY=MO", "FREQ=DÄILY",
        "FREQ=DAILY;X=" + "1" * 600, "FREQ=WEEKLY;WKST=XX", "FREQ=DAILY;DTSTART=20200101",
    ],
)  # fmt: skip
def test_a_text_that_is_no_rule_of_whole_days_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        recurrence.check(text)


def test_weekdays_and_their_rule_are_the_same_thing() -> None:
    for chosen in [(0,), (0, 1, 2, 3, 4), (5, 6), tuple(range(7))]:
        text = recurrence.rule_of(chosen)
        assert recurrence.weekdays_of(text) == chosen
        week = days(text, first=dt.date(2026, 11, 2), last=dt.date(2026, 11, 8))
        assert [dt.date.fromisoformat(day).weekday() for day in week] == list(chosen)
    assert recurrence.weekdays_of("FREQ=DAILY") == tuple(range(7))
    assert recurrence.weekdays_of("FREQ=DAILY;BYDAY=SU,MO") == (0, 6)
    for more in ["FREQ=MONTHLY", "FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;COUNT=3"]:
        assert recurrence.weekdays_of(more) is None
    for wrong in [(), (7,), (-1, 2)]:
        with pytest.raises(RuleError):
            recurrence.rule_of(wrong)
