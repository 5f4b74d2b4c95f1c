"""Opening hours in words, in the reader's language."""

from __future__ import annotations

import datetime as dt
import logging
import re
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from lastmile.core import clock, formatting
from lockers.hours import DAY, Hours, HoursUnreadable
from lockers.models import LockerBank

_SUN = re.compile(r"sun(rise|set)|dawn|dusk")
HOLIDAYS_AHEAD = 14  # days in which other hours than usual are announced

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursWords:
    """Opening hours in words.

    ``now`` says whether the bank is open, and until when or from when. ``week`` are the usual hours
    as (days, times). ``other`` are dates of the next two weeks with other hours, as (date, times).
    """

    is_open: bool | None
    now: str
    week: tuple[tuple[str, str], ...]
    other: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """The usual hours as one line."""
        return "; ".join(f"{days} {times}" for days, times in self.week)


def hours_of(bank: LockerBank) -> Hours:
    """Return the opening hours of a bank. The place counts only for hours that follow the sun."""
    point = bank.point if _SUN.search(bank.hours) else None
    return Hours(text=bank.hours, zone=bank.zone, country=bank.country, point=point)


def is_open_at(bank: LockerBank, instant: dt.datetime) -> bool:
    """Return True if a bank is open at an instant; False also if its hours cannot be read."""
    try:
        return hours_of(bank).is_open_at(instant)
    except HoursUnreadable:
        # Hours are checked before they are stored, so this is an older text or another version.
        log.warning("Unreadable opening hours of bank %s", bank.public_id)
        return False


def hours_in_words(bank: LockerBank) -> HoursWords:
    """Return the opening hours of a bank in the reader's language."""
    hours, now = hours_of(bank), clock.now()
    try:
        hours.check()
    except HoursUnreadable:
        unknown = _("The opening hours cannot be read. Correct them on the bank's form.")
        return HoursWords(is_open=None, now=unknown, week=())
    if hours.closes_next_at(now) is None and hours.is_open_at(now):
        return HoursWords(is_open=True, now=_("Always open"), week=())
    today = clock.local_date(now, bank.zone)
    return HoursWords(
        is_open=hours.is_open_at(now),
        now=_now_words(hours, now),
        week=_week(hours, today),
        other=_other(hours, today),
    )


def _now_words(hours: Hours, now: dt.datetime) -> str:
    closes = hours.closes_next_at(now)
    if closes is not None:
        return _("Open until %(time)s") % {"time": _moment(closes, now, hours.zone)}
    opens = hours.opens_next_at(now)
    if opens is None:
        return _("Closed")
    return _("Closed until %(time)s") % {"time": _moment(opens, now, hours.zone)}


def _moment(instant: dt.datetime, now: dt.datetime, zone: str) -> str:
    """Return a time of today, or a date and a time."""
    local = instant.astimezone(clock.zone(zone))
    time = formatting.time(local.time())
    if local.date() == clock.local_date(now, zone):
        return time
    return f"{formatting.day(local.date())}, {time}"


def _week(hours: Hours, today: dt.date) -> tuple[tuple[str, str], ...]:
    """Return the usual hours of a week, with days of equal hours joined."""
    usual = Hours(text=hours.text, zone=hours.zone, point=hours.point)  # no country: no holidays
    monday = today - DAY * today.weekday()
    groups: list[tuple[list[int], str]] = []
    for day in range(7):
        times = _times(usual, monday + DAY * day)
        if groups and groups[-1][1] == times:
            groups[-1][0].append(day)
        else:
            groups.append(([day], times))
    return tuple((_days(days), times) for days, times in groups)


def _other(hours: Hours, today: dt.date) -> tuple[tuple[str, str], ...]:
    """Return the coming dates whose hours differ from the usual ones because of a holiday."""
    usual = Hours(text=hours.text, zone=hours.zone, point=hours.point)
    dates = [today + DAY * n for n in range(HOLIDAYS_AHEAD)]
    return tuple(
        (formatting.day(date), _times(hours, date))
        for date in dates
        if hours.spans_of(date) != usual.spans_of(date)
    )


def _days(days: list[int]) -> str:
    first, last = (str(WEEKDAYS_ABBR[day]).capitalize() for day in (days[0], days[-1]))
    return first if len(days) == 1 else f"{first} – {last}"


def _times(hours: Hours, date: dt.date) -> str:
    spans = hours.spans_of(date)
    if not spans:
        return _("closed")
    if [(opens.time(), closes.time()) for opens, closes in spans] == [(dt.time(), dt.time())]:
        return _("open all day")
    return ", ".join(
        f"{formatting.time(opens.time())} – {formatting.time(closes.time())}"
        for opens, closes in spans
    )
