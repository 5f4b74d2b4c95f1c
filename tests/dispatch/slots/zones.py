"""Time zones with unusual rules, their clock changes, and a slow, plain clock to compare with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Both hemispheres, changes at midnight, half-hour and two-hour changes, no change at all now,
#: negative summer time, and a date line that moved (Apia, 30 December 2011 did not exist there).
ZONES = (
    "Europe/Lisbon", "Europe/London", "Europe/Dublin", "Europe/Berlin", "Europe/Athens",
    "Atlantic/Azores", "America/New_York", "America/Chicago", "America/Los_Angeles",
    "America/St_Johns", "America/Halifax", "America/Havana", "America/Santiago",
    "America/Asuncion", "America/Sao_Paulo", "America/Mexico_City", "America/Nuuk",
    "Africa/Casablanca", "Africa/Cairo", "Asia/Beirut", "Asia/Jerusalem", "Asia/Tehran",
    "Asia/Kathmandu", "Asia/Amman", "Australia/Sydney", "Australia/Lord_Howe",
    "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia",
    "Pacific/Fiji", "Antarctica/Troll",
)  # fmt: skip
MINUTE = dt.timedelta(minutes=1)
_OLDEST, _NEWEST = 1985, 2028


@dataclass(frozen=True, slots=True)
class Change:
    """A clock change: the first instant with the new offset, and the minutes that clocks jump."""

    zone_name: str
    at: dt.datetime
    jump: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @property
    def dates(self) -> list[dt.date]:
        """The local dates just before and after the change, and any date that it skips."""
        before = (self.at - MINUTE).astimezone(self.zone).date()
        after = self.at.astimezone(self.zone).date()
        first, last = min(before, after), max(before, after)
        return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def offset(instant: dt.datetime, zone: ZoneInfo) -> int:
    shift = instant.astimezone(zone).utcoffset()
    assert shift is not None
    return int(shift.total_seconds() // 60)


@lru_cache(maxsize=64)
def changes_of(zone_name: str) -> tuple[Change, ...]:
    """Return the last two changes forward and the last two back before the year 2028, if any."""
    zone = ZoneInfo(zone_name)
    changes: dict[bool, list[Change]] = {True: [], False: []}
    day = dt.datetime(_NEWEST, 1, 1, tzinfo=dt.UTC)
    while day.year >= _OLDEST and any(len(changes[way]) < 2 for way in changes):
        before = day - dt.timedelta(days=1)
        jump = offset(day, zone) - offset(before, zone)
        if jump and len(changes[jump > 0]) < 2:
            minutes = (before + n * MINUTE for n in range(1, 1441))
            at = next(t for t in minutes if offset(t, zone) != offset(before, zone))
            changes[jump > 0].append(Change(zone_name, at, jump))
        day = before
    return (*changes[True], *changes[False])


@lru_cache(maxsize=256)
def first_instants(change: Change) -> dict[dt.datetime, dt.datetime]:
    """Return wall minute -> its first instant, by walking through the minutes around a change."""
    walls: dict[dt.datetime, dt.datetime] = {}
    for n in range(-48 * 60, 48 * 60):
        instant = change.at + n * MINUTE
        walls.setdefault(instant.astimezone(change.zone).replace(tzinfo=None), instant)
    return walls


#: Samoa moved to the other side of the date line: a whole day did not exist.
LOST_DAY = Change("Pacific/Apia", dt.datetime(2011, 12, 30, 10, tzinfo=dt.UTC), 1440)
ALL_CHANGES = (*(change for name in ZONES for change in changes_of(name)), LOST_DAY)


def name_of(change: Change) -> str:
    return f"{change.zone_name} {change.at:%Y-%m-%d} {change.jump:+d}"
