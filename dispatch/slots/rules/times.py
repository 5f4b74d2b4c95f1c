"""Wall times and instants of a time zone, right on both days of a clock change. PURE.

The two rules for a clock change are:

- A wall time that does not exist (clocks go forward) is no start of a window. A window or a
  cut-off that ends in the missing hour ends at the change itself, the first instant after it.
- A wall time that exists twice (clocks go back) means its first occurrence.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

MINUTES_OF_A_DAY = 1440
_SECOND = dt.timedelta(seconds=1)


def wall_time(date: dt.date, minute: int) -> dt.datetime:
    """Return the naive wall time of a local minute; 1440 and more are on the following days."""
    return dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)


def instant_of(date: dt.date, minute: int, zone: ZoneInfo) -> dt.datetime | None:
    """Return the UTC instant of a wall time, its first occurrence; None if it does not exist."""
    wall = wall_time(date, minute)
    instant = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    exists = instant.astimezone(zone).replace(tzinfo=None) == wall
    return instant if exists else None


def instant_from(date: dt.date, minute: int, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a wall time; if it does not exist, the first instant after it."""
    return instant_of(date, minute, zone) or _change_after(wall_time(date, minute), zone)


def _change_after(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant of the clock change that skips a wall time.

    In a gap, the offset after the change (fold 1) gives an instant before the change, and the
    offset before it (fold 0) gives one after it. The change is between these two.
    """
    before = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def local_date(instant: dt.datetime, zone: ZoneInfo) -> dt.date:
    """Return the calendar date of an instant in a time zone."""
    return instant.astimezone(zone).date()
