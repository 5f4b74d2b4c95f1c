"""The table of time zones and clock changes: windows, cut-offs, lead times and previews."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from dispatch.slots.rules.occurrences import Closures, Pattern, next_occurrences, unfold
from tests.dispatch.slots.zones import (
    ALL_CHANGES,
    ZONES,
    Change,
    changes_of,
    first_instants,
    name_of,
)

SECOND = dt.timedelta(seconds=1)
OPEN = Closures(holidays={})
ALL_DAY = Pattern(
    rrule="FREQ=DAILY", starts_on=dt.date(1984, 1, 1), ends_on=None, opens_minute=0,
    closes_minute=1440, window_minutes=60, cutoff_days=0, cutoff_minute=None, lead_minutes=None,
    closed_on_holidays=True,
)  # fmt: skip


def table(check: Callable[[Change], None]) -> Callable[[str], None]:
    """Make a test of a check: one test a zone, which runs the check for each of its changes."""

    def test(zone_name: str) -> None:
        changes = [change for change in ALL_CHANGES if change.zone_name == zone_name]
        assert changes
        for change in changes:
            try:
                check(change)
            except AssertionError as wrong:
                raise AssertionError(f"{name_of(change)}: {wrong}") from wrong

    test.__name__ = check.__name__
    return pytest.mark.parametrize("zone_name", ZONES)(test)


def wall(date: dt.date, minute: int) -> dt.datetime:
    return dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)


def expected_from(change: Change, when: dt.datetime) -> dt.datetime:
    """Return the first instant of a wall time, or the change itself if it skips this time."""
    return first_instants(change).get(when, change.at)


def test_the_table_has_both_changes_of_both_hemispheres_in_at_least_24_zones() -> None:
    assert len(ZONES) >= 24
    changing = [name for name in ZONES if len(changes_of(name)) == 4]
    assert len(changing) >= 24
    for name in changing:
        jumps = [change.jump for change in changes_of(name)]
        assert jumps[0] > 0, name
        assert jumps[2] < 0, name
    jumps_of = {abs(change.jump) for change in ALL_CHANGES}
    assert {30, 60, 120, 15, 1440} <= jumps_of
    in_spring = {name for c in ALL_CHANGES if c.jump > 0 and c.at.month in {2, 3, 4, 5}
                 for name in [c.zone_name]}  # fmt: skip
    in_autumn = {c.zone_name for c in ALL_CHANGES if c.jump > 0 and c.at.month in {8, 9, 10, 11}}
    assert len(in_spring) > 10
    assert len(in_autumn) > 5  # the southern hemisphere


@table
def test_s08_each_window_begins_at_its_wall_time_or_is_named_as_not_existing(
    change: Change,
) -> None:
    for start in (0, 30):
        check_each_hour(change, start)


def check_each_hour(change: Change, start: int) -> None:
    pattern = dataclasses.replace(ALL_DAY, opens_minute=start, closes_minute=start + 1440)
    known = first_instants(change)
    for date in change.dates:
        unfolded = unfold(pattern, first=date, last=date, zone=change.zone, closures=OPEN)
        starts = {o.opens_at: o for o in unfolded.occurrences}
        skipped = {absent.opens_minute for absent in unfolded.left_out}
        assert all(absent.reason == "no_such_time" for absent in unfolded.left_out)
        for minute in range(start, start + 1440, 60):
            begins = known.get(wall(date, minute))
            assert (begins is None) == (minute in skipped), minute
            if begins is not None:
                offer = starts.pop(begins)
                local = offer.opens_at.astimezone(change.zone).replace(tzinfo=None)
                assert local == wall(date, minute)
                assert offer.closes_at == expected_from(change, wall(date, minute + 60))
                assert offer.opens_at < offer.closes_at
                assert offer.book_until_at == offer.opens_at
        assert starts == {}, "each wall time is given once"


@table
def test_windows_of_a_day_never_overlap(change: Change) -> None:
    dates = [change.dates[0] - dt.timedelta(days=1), change.dates[-1] + dt.timedelta(days=1)]
    unfolded = unfold(ALL_DAY, first=dates[0], last=dates[1], zone=change.zone, closures=OPEN)
    for before, after in zip(unfolded.occurrences, unfolded.occurrences[1:], strict=False):
        assert before.closes_at <= after.opens_at


@table
def test_a_cut_off_is_a_wall_time_of_the_hub_or_the_first_instant_after_it(change: Change) -> None:
    for minute in (*range(0, 240, 30), *range(240, 1440, 120), 1439):
        pattern = dataclasses.replace(
            ALL_DAY, opens_minute=600, closes_minute=720, window_minutes=None, cutoff_days=1,
            cutoff_minute=minute,
        )  # fmt: skip
        for cutoff_date in change.dates:
            date = cutoff_date + dt.timedelta(days=1)
            unfolded = unfold(pattern, first=date, last=date, zone=change.zone, closures=OPEN)
            if wall(date, 600) not in first_instants(change):
                assert unfolded.occurrences == ()  # Apia: the day after was skipped too
                continue
            (offer,) = unfolded.occurrences
            assert offer.book_until_at == expected_from(change, wall(cutoff_date, minute))


@table
def test_a_lead_time_counts_real_minutes_over_a_clock_change(change: Change) -> None:
    pattern = dataclasses.replace(ALL_DAY, lead_minutes=300)
    for date in change.dates:
        unfolded = unfold(pattern, first=date, last=date, zone=change.zone, closures=OPEN)
        for offer in unfolded.occurrences:
            assert offer.opens_at - offer.book_until_at == dt.timedelta(hours=5)


@table
def test_an_offer_is_there_until_its_last_second_and_not_at_its_cut_off(change: Change) -> None:
    pattern = dataclasses.replace(ALL_DAY, cutoff_days=1, cutoff_minute=1080, closes_minute=600)
    moments = [change.at + dt.timedelta(minutes=15 * n) for n in (-6, -1, 0, 1, 6)]
    for now in moments:
        offers = next_occurrences(pattern, now=now, zone=change.zone, closures=OPEN, count=30)
        assert len(offers.occurrences) == 30
        first = offers.occurrences[0]
        assert now < first.book_until_at
        later = next_occurrences(
            pattern, now=first.book_until_at, zone=change.zone, closures=OPEN, count=30
        )
        assert first not in later.occurrences
        just = next_occurrences(
            pattern, now=first.book_until_at - SECOND, zone=change.zone, closures=OPEN, count=30
        )
        assert just.occurrences == offers.occurrences


def test_s01_order_by_18_the_day_before_shows_all_of_tomorrow_or_nothing() -> None:
    zone = ZoneInfo("America/Santiago")
    pattern = dataclasses.replace(
        ALL_DAY, opens_minute=600, closes_minute=1200, window_minutes=120, cutoff_days=1,
        cutoff_minute=1080,
    )  # fmt: skip
    six = dt.datetime(2026, 11, 25, 18, tzinfo=zone)
    tomorrow, after = dt.date(2026, 11, 26), dt.date(2026, 11, 27)

    def offered(now: dt.datetime, rule: Pattern = pattern) -> list[tuple[dt.date, int]]:
        unfolded = next_occurrences(rule, now=now, zone=zone, closures=OPEN, count=5).occurrences
        return [(o.service_date, o.opens_at.astimezone(zone).hour) for o in unfolded]

    assert offered(six - SECOND) == [(tomorrow, hour) for hour in (10, 12, 14, 16, 18)]
    assert offered(six) == [(after, hour) for hour in (10, 12, 14, 16, 18)]
    assert offered(six.replace(hour=23)) == offered(six)
    lead = dataclasses.replace(pattern, cutoff_days=0, cutoff_minute=None, lead_minutes=16 * 60)
    assert offered(six - SECOND, lead)[0] == (tomorrow, 10)  # in 16 hours and a second
    assert offered(six, lead)[0] == (tomorrow, 12)
    assert offered(six.replace(hour=23), lead)[0] == (tomorrow, 16)


def test_s02_the_time_of_day_changes_no_offer_of_a_later_day() -> None:
    zone = ZoneInfo("Europe/Lisbon")
    pattern = dataclasses.replace(ALL_DAY, opens_minute=660, closes_minute=1260)
    tomorrow = dt.date(2026, 11, 26)
    sets = set()
    for minute in range(1440):
        now = dt.datetime(2026, 11, 25, tzinfo=zone) + dt.timedelta(minutes=minute)
        unfolded = next_occurrences(
            pattern, now=now, zone=zone, closures=OPEN, count=30
        ).occurrences
        sets.add(tuple(o.opens_at for o in unfolded if o.service_date == tomorrow))
    assert len(sets) == 1
    assert len(sets.pop()) == 10


def test_left_out_dates_are_named_with_their_reason() -> None:
    zone = ZoneInfo("Europe/Lisbon")
    pattern = dataclasses.replace(ALL_DAY, opens_minute=600, closes_minute=720, window_minutes=None)
    closures = Closures(
        blackouts={dt.date(2026, 12, 24)}, holidays={dt.date(2026, 12, 25): "Natal"}
    )
    now = dt.datetime(2026, 12, 23, 23, tzinfo=zone)
    unfolded = next_occurrences(pattern, now=now, zone=zone, closures=closures)
    assert [o.service_date.day for o in unfolded.occurrences] == [26, 27, 28, 29, 30]
    assert [(absent.reason, absent.name) for absent in unfolded.left_out] == [
        ("blackout", ""),
        ("holiday", "Natal"),
    ]
    on_holidays = dataclasses.replace(pattern, closed_on_holidays=False)
    unfolded = next_occurrences(on_holidays, now=now, zone=zone, closures=closures)
    assert unfolded.occurrences[0].service_date == dt.date(2026, 12, 25)


def test_the_next_slots_of_a_rare_or_ended_rule_are_found_or_none() -> None:
    zone = ZoneInfo("Europe/Lisbon")
    now = dt.datetime(2026, 11, 25, tzinfo=zone)
    once = dataclasses.replace(
        ALL_DAY, rrule="FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24", opens_minute=600, closes_minute=720,
        window_minutes=None,
    )  # fmt: skip
    unfolded = next_occurrences(once, now=now, zone=zone, closures=OPEN)
    assert [o.service_date for o in unfolded.occurrences] == [dt.date(2027, 11, 24)]
    ended = dataclasses.replace(once, rrule="FREQ=DAILY", ends_on=dt.date(2026, 11, 24))
    assert next_occurrences(ended, now=now, zone=zone, closures=OPEN).occurrences == ()
    starts = dataclasses.replace(once, rrule="FREQ=DAILY", starts_on=dt.date(2031, 1, 1))
    unfolded = next_occurrences(starts, now=now, zone=zone, closures=OPEN)
    assert unfolded.occurrences[0].service_date == dt.date(2031, 1, 1)
