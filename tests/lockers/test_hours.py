"""Opening hours of banks: the text of OSM, with zone, country and holidays, and in words."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils.translation import override

from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from lockers import selectors
from lockers.hours import Hours, HoursUnreadable
from lockers.models import LockerBank
from tests.dispatch.conftest import SetClock

WEEK = "Mo-Fr 09:00-18:00; Sa 10:00-17:00; PH off"


def hours(text: str, country: str = "NL") -> Hours:
    return Hours(text=text, zone="Europe/Amsterdam", country=country)


def at(day: int, hour: int, minute: int = 0, month: int = 12) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC)


def test_hours_are_read_in_the_zone_of_the_bank() -> None:
    assert hours(WEEK).is_open_at(at(1, 8, 30))  # 09:30 in Amsterdam
    assert not hours(WEEK).is_open_at(at(1, 7, 30))


def test_a_public_holiday_of_the_country_closes_the_bank() -> None:
    christmas = at(25, 11)  # a Friday
    assert not hours(WEEK).is_open_at(christmas)
    assert hours(WEEK, country="").is_open_at(christmas)


def test_the_next_opening_skips_the_holidays() -> None:
    assert hours(WEEK).opens_next_at(at(24, 20)) == at(28, 8)  # 25 and 26 are holidays
    assert hours(WEEK).opens_next_at(at(1, 12)) == at(1, 12)


def test_hours_past_midnight_belong_to_both_days() -> None:
    night = hours("Fr,Sa 22:00-02:00")
    assert night.is_open_at(at(5, 0, 30))  # Saturday 01:30 in Amsterdam
    assert night.closes_next_at(at(4, 22)) == at(5, 1)


def test_an_hour_that_the_clock_skips_is_not_open() -> None:
    night = hours("02:30-03:30")
    spans = night.spans_of(dt.date(2026, 3, 29))
    assert [closes - opens for opens, closes in spans] == [dt.timedelta(minutes=30)]


def test_no_text_means_always_open_and_a_text_may_mean_never() -> None:
    assert hours("").is_open_at(at(25, 3))
    assert hours("").closes_next_at(at(25, 3)) is None
    assert hours("off").opens_next_at(at(1, 9)) is None
    assert hours("2020 Mo 10:00-11:00").opens_next_at(at(1, 9)) is None


def test_an_unknown_time_counts_as_closed() -> None:
    assert not hours("Mo-Su 09:00-18:00 unknown").is_open_at(at(1, 12))


def test_sunset_is_that_of_the_place() -> None:
    place = Point(lat=52.1, lon=5.1)
    sun = Hours(text="sunrise-sunset", zone="Europe/Amsterdam", country="NL", point=place)
    assert not sun.is_open_at(at(26, 16))
    assert sun.is_open_at(at(26, 15))


@pytest.mark.parametrize("text", ["Mo 9-5", "by appointment", "Mo-Fr 25:00-99:00", "\n"])
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(HoursUnreadable):
        hours(text).check()


def test_a_country_whose_holidays_are_not_known_has_no_holidays() -> None:
    assert hours(WEEK, country="QQ").is_open_at(at(25, 11))


def words(text: str, clock: SetClock, now: dt.datetime) -> selectors.HoursWords:
    clock(now)
    bank = LockerBank(zone="Europe/Amsterdam", country="NL", lat=52.1, lon=5.1, hours=text)
    return selectors.hours_in_words(bank)


def test_words_join_equal_days_and_name_the_holidays_ahead(
    retailer: RetailerRef, clock: SetClock
) -> None:
    with override("en"):
        text = words(WEEK, clock, at(21, 9))
    assert text.now == "Open until 18:00"
    assert text.week == (
        ("Mon – Fri", "09:00 – 18:00"), ("Sat", "10:00 – 17:00"), ("Sun", "closed"),
    )  # fmt: skip
    assert [times for _date, times in text.other] == ["closed"] * 3  # 25 and 26 Dec, 1 Jan


def test_words_are_in_the_language_of_the_reader(retailer: RetailerRef, clock: SetClock) -> None:
    with override("es"):
        text = words("Mo-Fr 09:00-18:00", clock, at(19, 9))
    assert text.now.startswith("Cerrado hasta")
    assert text.week[1][1] == "cerrado"


def test_hours_that_are_always_open_are_one_sentence(
    retailer: RetailerRef, clock: SetClock
) -> None:
    with override("en"):
        assert words("24/7", clock, at(19, 9)).now == "Always open"
        assert words("", clock, at(19, 9)).now == "Always open"


def test_unreadable_stored_hours_say_so_and_count_as_closed(
    retailer: RetailerRef, clock: SetClock
) -> None:
    with override("en"):
        assert words("sometimes", clock, at(19, 9)).is_open is None
    assert not selectors.is_open_at(
        LockerBank(zone="Europe/Amsterdam", country="NL", lat=52.1, lon=5.1, hours="x"), at(19, 9)
    )
