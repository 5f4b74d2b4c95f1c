"""Quiet hours: the hours of the night in which nobody is written to. PURE.

They are two wall-clock minutes in the reader's time zone. When the clocks change, the night is
never shorter than written:

- a beginning in an hour that comes twice counts from the first one, an end from the last one;
- a beginning or an end in an hour that does not exist is the first instant after it.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

_DAY: Final = dt.timedelta(days=1)
_SECOND: Final = dt.timedelta(seconds=1)
_MOST_NIGHTS: Final = 3  # a night that ends in the next one is left at most so often


def next_allowed(
    at: dt.datetime, zone: dt.tzinfo, quiet_from_minute: int, quiet_until_minute: int
) -> dt.datetime:
    """Return ``at`` if nobody sleeps then, else the instant at which the quiet hours end.

    Parameters
    ----------
    at : datetime
        An aware instant.
    zone : tzinfo
        The time zone of the reader.
    quiet_from_minute, quiet_until_minute : int
        Minutes of the day, 0 to 1439. The quiet hours are half-open. If both are equal, there are
        no quiet hours.
    """
    if quiet_from_minute == quiet_until_minute:
        return at
    for _night in range(_MOST_NIGHTS):
        end = _end_of_night(at, zone, quiet_from_minute, quiet_until_minute)
        if end is None:
            break
        at = end
    return at


def is_quiet(
    at: dt.datetime, zone: dt.tzinfo, quiet_from_minute: int, quiet_until_minute: int
) -> bool:
    """Return True if the instant is in the quiet hours."""
    return next_allowed(at, zone, quiet_from_minute, quiet_until_minute) != at


def _end_of_night(
    at: dt.datetime, zone: dt.tzinfo, from_minute: int, until_minute: int
) -> dt.datetime | None:
    """Return the end of the quiet hours that contain an instant; None outside of them."""
    today = at.astimezone(zone).date()
    over_midnight = until_minute < from_minute
    # Two days back, because a place that moves over the date line skips a whole day.
    for back in (2, 1, 0):
        date = today - back * _DAY
        begins = _instant(date, from_minute, zone, last=False)
        ends = _instant(date + _DAY if over_midnight else date, until_minute, zone, last=True)
        if begins <= at < ends:
            return ends
    return None


def _instant(date: dt.date, minute: int, zone: dt.tzinfo, *, last: bool) -> dt.datetime:
    """Return the UTC instant of a wall-clock minute: its first or last one, or after its gap."""
    wall = dt.datetime.combine(date, dt.time(minute // 60, minute % 60))
    instants = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if any(instant.astimezone(zone).replace(tzinfo=None) == wall for instant in instants):
        return instants[-1] if last else instants[0]
    return _change_between(instants[0], instants[1], zone)


def _change_between(before: dt.datetime, after: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Return the first instant of the new offset, to the second, by halving the interval."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
