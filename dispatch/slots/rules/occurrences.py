"""Windows that a slot template gives: dates, wall times, cut-off and lead time. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from dispatch.slots.rules import recurrence
from dispatch.slots.rules.times import instant_from, instant_of, local_date

LeftOutReason = Literal["blackout", "holiday", "no_such_time", "hub_closed"]
#: The furthest that a preview looks for slots: so that a rule of one day a year shows its day.
FURTHEST_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The dates and times of a slot template, as the columns of ``SlotTemplate`` define them."""

    rrule: str
    starts_on: dt.date
    ends_on: dt.date | None
    opens_minute: int
    closes_minute: int
    window_minutes: int | None
    cutoff_days: int
    cutoff_minute: int | None
    lead_minutes: int | None
    closed_on_holidays: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Closures:
    """The dates without slots: blackouts, and public holidays with their names."""

    blackouts: Collection[dt.date] = ()
    holidays: Mapping[dt.date, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A window of a template on a service date. ``book_until_at`` is not after ``opens_at``."""

    service_date: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    book_until_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A window that a template does not open, with the reason; ``name`` is that of the holiday."""

    service_date: dt.date
    opens_minute: int
    closes_minute: int
    reason: LeftOutReason
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """The windows of a template in a range of dates, and those that it leaves out."""

    occurrences: tuple[Occurrence, ...]
    left_out: tuple[LeftOut, ...]


def windows(pattern: Pattern) -> list[tuple[int, int]]:
    """Return the windows of a date as local minutes [opens, closes), in order.

    A rest that is shorter than ``window_minutes`` gives no window; services refuse such a template.
    """
    length = pattern.window_minutes or pattern.closes_minute - pattern.opens_minute
    starts = range(pattern.opens_minute, pattern.closes_minute - length + 1, length)
    return [(opens, opens + length) for opens in starts]


def unfold(
    pattern: Pattern, *, first: dt.date, last: dt.date, zone: ZoneInfo, closures: Closures
) -> Unfolded:
    """Return all windows of a template with a service date in [first, last].

    Raises
    ------
    RuleError
        The recurrence rule is not valid.
    """
    occurrences: list[Occurrence] = []
    left_out: list[LeftOut] = []
    if pattern.ends_on is not None:
        last = min(last, pattern.ends_on)
    for date in recurrence.dates(
        pattern.rrule, starts_on=pattern.starts_on, first=first, last=last
    ):
        reason, name = _closed(pattern, date, closures)
        for opens, closes in windows(pattern):
            occurrence = None if reason else _occurrence(pattern, date, (opens, closes), zone)
            if occurrence is not None:
                occurrences.append(occurrence)
            else:
                left_out.append(
                    LeftOut(
                        service_date=date,
                        opens_minute=opens,
                        closes_minute=closes,
                        reason=reason or "no_such_time",
                        name=name,
                    )
                )
    return Unfolded(occurrences=tuple(occurrences), left_out=tuple(left_out))


def _closed(
    pattern: Pattern, date: dt.date, closures: Closures
) -> tuple[LeftOutReason | None, str]:
    if date in closures.blackouts:
        return "blackout", ""
    if pattern.closed_on_holidays and date in closures.holidays:
        return "holiday", closures.holidays[date]
    return None, ""


def _occurrence(
    pattern: Pattern, date: dt.date, window: tuple[int, int], zone: ZoneInfo
) -> Occurrence | None:
    """Return the window as instants; None if it would begin in an hour that does not exist."""
    opens_at = instant_of(date, window[0], zone)
    if opens_at is None:
        return None
    closes_at = instant_from(date, window[1], zone)
    if closes_at <= opens_at:
        return None
    return Occurrence(
        service_date=date,
        opens_at=opens_at,
        closes_at=closes_at,
        book_until_at=book_until(pattern, date, opens_at, zone),
    )


def book_until(
    pattern: Pattern, date: dt.date, opens_at: dt.datetime, zone: ZoneInfo
) -> dt.datetime:
    """Return the instant from which a window can no longer be booked.

    It is the earliest of the opening, the opening less the lead time, and the cut-off. The cut-off
    is a wall time of the hub; the lead time is counted in real minutes.
    """
    ends = [opens_at]
    if pattern.lead_minutes is not None:
        ends.append(opens_at - dt.timedelta(minutes=pattern.lead_minutes))
    if pattern.cutoff_minute is not None:
        day = date - dt.timedelta(days=pattern.cutoff_days)
        ends.append(instant_from(day, pattern.cutoff_minute, zone))
    return min(ends)


def next_occurrences(
    pattern: Pattern,
    *,
    now: dt.datetime,
    zone: ZoneInfo,
    closures: Closures,
    count: int = 5,
) -> Unfolded:
    """Return the next windows that can still be booked, and what is left out up to the last one.

    The look-ahead is bounded by ``FURTHEST_DAYS`` from the later of today and the first date.
    Raises RuleError.
    """
    today = local_date(now, zone)
    first = max(today, pattern.starts_on)
    span = 14
    while True:
        reach = first + dt.timedelta(days=min(span, FURTHEST_DAYS))
        unfolded = unfold(pattern, first=first, last=reach, zone=zone, closures=closures)
        free = [o for o in unfolded.occurrences if now < o.book_until_at][:count]
        if len(free) == count or span >= FURTHEST_DAYS:
            break
        span *= 4
    end = free[-1].service_date if free else first + dt.timedelta(days=FURTHEST_DAYS)
    left_out = tuple(absent for absent in unfolded.left_out if absent.service_date <= end)
    return Unfolded(occurrences=tuple(free), left_out=left_out)
