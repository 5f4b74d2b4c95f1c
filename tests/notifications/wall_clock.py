"""Zones, the changes of their clocks, and quiet hours calculated from the wall clock alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = dt.timedelta(minutes=1)
#: Zone and a year in which its clocks changed twice. Shifts of 30 and 120 minutes, offsets of 30
#: and 45 minutes, and changes at midnight are among them.
ZONES: Final[tuple[tuple[str, int], ...]] = (
    ("Europe/Madrid", 2026), ("Europe/Lisbon", 2026), ("Europe/London", 2026),
    ("Europe/Athens", 2026), ("Europe/Chisinau", 2026), ("Atlantic/Azores", 2026),
    ("Africa/Cairo", 2026), ("Africa/Casablanca", 2026), ("Asia/Beirut", 2026),
    ("Asia/Jerusalem", 2026), ("Asia/Tehran", 2021), ("Asia/Amman", 2021),
    ("America/New_York", 2026), ("America/Chicago", 2026), ("America/Los_Angeles", 2026),
    ("America/St_Johns", 2026), ("America/Havana", 2026), ("America/Santiago", 2026),
    ("America/Sao_Paulo", 2018), ("Australia/Adelaide", 2026), ("Australia/Lord_Howe", 2026),
    ("Pacific/Chatham", 2026), ("Pacific/Auckland", 2026), ("Antarctica/Troll", 2026),
)  # fmt: skip


def changes_of(name: str, year: int) -> list[dt.datetime]:
    """Return the instants of a year at which the clocks of a zone change."""
    zone = ZoneInfo(name)
    changes, at = [], dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    offset = at.astimezone(zone).utcoffset()
    while at.year == year:
        at += dt.timedelta(minutes=15)
        if at.astimezone(zone).utcoffset() != offset:
            offset = at.astimezone(zone).utcoffset()
            changes.append(at)
    return changes


def quiet_minutes(
    start: dt.datetime, count: int, zone: ZoneInfo, quiet: tuple[int, int]
) -> list[bool]:
    """Return for each minute from ``start`` whether it is quiet, by the wall clock alone.

    If the minute of a beginning or an end comes twice, everything between both is quiet.
    """
    begins, ends = quiet
    walls = [(start + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in range(count)]
    flags = []
    for wall in walls:
        minute = wall.hour * 60 + wall.minute
        over_midnight = begins > ends
        inside = begins <= minute or minute < ends if over_midnight else begins <= minute < ends
        flags.append(inside and begins != ends)
    seen: dict[dt.datetime, int] = {}
    for index, wall in enumerate(walls):
        first = seen.setdefault(wall, index)
        minute = wall.hour * 60 + wall.minute
        ends_twice = first != index and minute == ends and first > 0 and flags[first - 1]
        begins_twice = first != index and minute == begins and begins != ends
        if ends_twice or begins_twice:
            flags[first:index] = [True] * (index - first)
    return flags


def next_free(flags: Sequence[bool]) -> list[int]:
    """Return for each minute the first one from there on that is not quiet."""
    free, following = [0] * len(flags), len(flags)
    for index in range(len(flags) - 1, -1, -1):
        following = following if flags[index] else index
        free[index] = following
    return free
