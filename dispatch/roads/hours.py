"""Reads tags that hold for certain hours only, such as "no @ (Mo-Fr 07:00-09:00)". PURE.

A network knows the hour of a trip, but not its weekday. So each condition is read to be safe on
every working day: a closing holds in every hour that it touches on any day, an opening only in the
hours that it covers completely from Monday to Saturday.

Source: https://wiki.openstreetmap.org/wiki/Conditional_restrictions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ALWAYS: Final = (1 << 24) - 1  # one bit for each hour of the day
#: Hours in which vans work. A street that is closed in one of them is no place to park.
WORKING: Final = sum(1 << hour for hour in range(6, 22))
_DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WORKDAYS: Final = frozenset(range(6))
_CLAUSE: Final = re.compile(r"\s*([^@;]+?)\s*@\s*(\([^)]*\)|[^;(]+)\s*(?:;|$)")
_RULE: Final = re.compile(
    r"^(?P<days>(?:(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)(?:-(?:Mo|Tu|We|Th|Fr|Sa|Su))?,?\s*)+)?"
    r"(?P<times>(?:\d{1,2}:\d{2}-\d{1,2}:\d{2},?\s*)+)?$"
)
_SIZE: Final = re.compile(
    r"^\s*(weight|weightrating|length|width|height|axles)\s*[<>]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A value with the hours in which it holds, as bits.

    ``some`` are the hours that the condition touches on any day, ``every`` those that it covers
    completely on each working day.
    """

    value: str
    some: int
    every: int


def clauses(text: str) -> list[Clause] | None:
    """Return the clauses of a conditional tag; None if one of them cannot be read.

    A condition on the size of a vehicle is left out: it concerns lorries, never a van.
    """
    result = []
    at = 0
    while at < len(text.rstrip()):
        match = _CLAUSE.match(text, at)
        if match is None:
            return None
        at = match.end()
        parts = re.split(r"\s+AND\s+", match[2].strip("() "), flags=re.IGNORECASE)
        if any(_SIZE.match(part) for part in parts):
            continue
        if len(parts) != 1:
            return None
        hours = _hours(parts[0])
        if hours is None:
            return None
        result.append(Clause(match[1].strip().lower(), *hours))
    return result or None


def _hours(text: str) -> tuple[int, int] | None:
    """Return the hours that opening hours touch on any day, and cover on every working day."""
    minutes: list[set[int]] = [set() for _ in _DAYS]
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        match = _RULE.match(rule)
        if match is None or not (match["days"] or match["times"]):
            return None
        spans = [_span(span) for span in re.findall(r"[\d:]+-[\d:]+", match["times"] or "")]
        if None in spans:
            return None
        open_minutes = {m for span in spans if span for m in span} if spans else set(range(1440))
        for day in _days(match["days"] or ""):
            minutes[day] |= open_minutes
    some = every = 0
    for hour in range(24):
        inside = set(range(hour * 60, hour * 60 + 60))
        some |= any(day & inside for day in minutes) << hour
        every |= all(inside <= minutes[day] for day in _WORKDAYS) << hour
    return some, every


def _span(text: str) -> list[int] | None:
    """Return the minutes of the day of a span, which may go over midnight."""
    (h1, m1), (h2, m2) = (part.split(":") for part in text.split("-"))
    start, end = int(h1) * 60 + int(m1), int(h2) * 60 + int(m2)
    if start >= 1440 or end > 2880 or int(m1) > 59 or int(m2) > 59:
        return None
    return [minute % 1440 for minute in range(start, end if end > start else end + 1440)]


def _days(text: str) -> set[int]:
    if not text.strip():
        return set(range(7))
    days: set[int] = set()
    for first, last in re.findall(r"(Mo|Tu|We|Th|Fr|Sa|Su)(?:-(Mo|Tu|We|Th|Fr|Sa|Su))?", text):
        a = _DAYS.index(first)
        b = _DAYS.index(last) if last else a
        days |= {day % 7 for day in range(a, b + 1 if b >= a else b + 8)}
    return days
