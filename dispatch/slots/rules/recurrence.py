"""Dates of a recurrence rule (RFC 5545), and rules of weekdays only. PURE.

A rule is the value of an RRULE property without DTSTART, such as ``FREQ=WEEKLY;BYDAY=MO,WE``. It
repeats whole days: parts for hours, minutes and seconds are refused, and so are parts that
RFC 5545 does not allow for the frequency.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST = 500  # characters
#: Parts that each frequency may have (RFC 5545, 3.3.10), besides INTERVAL, COUNT, UNTIL and WKST.
_MAY_HAVE = {
    "DAILY": {"BYDAY", "BYMONTH", "BYMONTHDAY"},
    "WEEKLY": {"BYDAY", "BYMONTH"},
    "MONTHLY": {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"},
}
_COMMON = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
_DATE = re.compile(r"\d{8}")
_NUMBER = re.compile(r"[1-9]\d{0,3}")
_PLAIN_DAYS = re.compile(r"(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*")
_NUMBERS = re.compile(r"-?[1-9]\d?(,-?[1-9]\d?)*")
#: dateutil looks for the next date up to the year 9999, for ever when a rule has none (such as
#: 30 February). The calendar repeats every 400 years, so the search runs 7600 years later, where
#: it ends soon.
_LATER_YEARS = 7600


class RuleError(ValueError):
    """The text is no recurrence rule of whole days. ``part`` is the wrong part, "" for all."""

    def __init__(self, part: str = "") -> None:
        super().__init__(part or "rule")
        self.part = part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A parsed rule. ``weekdays``, ``months`` and ``days`` filter a daily rule; empty means all."""

    rule: rrule
    freq: str
    interval: int
    count: int | None
    until: dt.date | None
    weekdays: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()

    def has(self, date: dt.date) -> bool:
        """Return True if the filters of a daily rule let a date pass."""
        after = (date.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
        from_end = (date - after).days  # -1 is the last day of the month
        return (
            (not self.weekdays or date.weekday() in self.weekdays)
            and (not self.months or date.month in self.months)
            and (not self.days or not self.days.isdisjoint({date.day, from_end}))
        )


def dates(text: str, *, starts_on: dt.date, first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the dates of a rule in [first, last]. Intervals count from ``starts_on``.

    The work is bounded, also for a rule that never gives a date. Raises RuleError.
    """
    parsed = _parsed(text)
    end = last if parsed.until is None else min(last, parsed.until)
    if end < starts_on:
        return []
    start = starts_on if parsed.count is not None else _near(parsed, starts_on, first)
    bounded = parsed.rule.replace(dtstart=_later(start), until=_later(end))
    days = (day.replace(year=day.year - _LATER_YEARS).date() for day in bounded)
    wanted: Iterator[dt.date] = filter(parsed.has, days)
    return [date for date in itertools.islice(wanted, parsed.count) if date >= first]


def _later(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date.replace(year=date.year + _LATER_YEARS), dt.time())


def _near(parsed: _Rule, starts_on: dt.date, first: dt.date) -> dt.date:
    """Return the last start of a whole period before ``first``, so that old rules cost nothing.

    Moving the start by whole periods of days or weeks changes no later date. Rules of months and
    years are cheap from their own start.
    """
    days = {"DAILY": 1, "WEEKLY": 7}.get(parsed.freq)
    if days is None or first <= starts_on:
        return starts_on
    period = days * parsed.interval
    return starts_on + dt.timedelta(days=(first - starts_on).days // period * period)


def check(text: str) -> None:
    """Raise RuleError if the text is no recurrence rule of whole days."""
    _parsed(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> _Rule:
    parts = _parts(text)
    count, until = parts.get("COUNT"), parts.get("UNTIL")
    kept = {name: value for name, value in parts.items() if name not in {"COUNT", "UNTIL"}}
    filters: dict[str, frozenset[int]] = {}
    if parts["FREQ"] == "DAILY":  # filtered here: dateutil would look for a day for ever
        weekdays = kept.pop("BYDAY", "")
        filters = {
            "weekdays": frozenset(WEEKDAYS.index(day) for day in weekdays.split(",") if day),
            "months": _numbers(kept.pop("BYMONTH", "")),
            "days": _numbers(kept.pop("BYMONTHDAY", "")),
        }
    written = ";".join(f"{name}={value}" for name, value in kept.items())
    try:
        rule = rrulestr(written, dtstart=dt.datetime(2000, 1, 1))  # noqa: DTZ001  a wall time
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        raise RuleError from None
    if not isinstance(rule, rrule):
        raise RuleError
    return _Rule(
        rule=rule,
        freq=parts["FREQ"],
        interval=int(parts.get("INTERVAL", "1")),
        count=None if count is None else int(count),
        until=None if until is None else _date_of(until),
        **filters,
    )


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in text.split(",") if number)


def _parts(text: str) -> dict[str, str]:
    """Return the parts of a rule by name, checked one by one. Raises RuleError."""
    if not 0 < len(text) <= LONGEST or not text.isascii():
        raise RuleError
    parts: dict[str, str] = {}
    for piece in text.upper().split(";"):
        name, equals, value = piece.partition("=")
        if not equals or not value or name in parts or value != value.strip():
            raise RuleError(name)
        parts[name] = value
    freq = parts.get("FREQ", "")
    if freq not in _MAY_HAVE:
        raise RuleError("FREQ")
    for name, value in parts.items():
        if name not in _COMMON | _MAY_HAVE[freq] or not _valid(freq, name, value):
            raise RuleError(name)
    if "UNTIL" in parts and "COUNT" in parts:
        raise RuleError("UNTIL")
    return parts


def _valid(freq: str, name: str, value: str) -> bool:
    """Return True for a value that dateutil would not check itself."""
    if name in {"INTERVAL", "COUNT"}:
        return bool(_NUMBER.fullmatch(value))
    if name == "UNTIL":
        return _date_of(value) is not None
    if name == "WKST":
        return value in WEEKDAYS
    if name == "BYDAY" and freq in {"DAILY", "WEEKLY"}:  # an ordinal such as 1MO has no meaning
        return bool(_PLAIN_DAYS.fullmatch(value))
    if name == "BYMONTH":
        return bool(_NUMBERS.fullmatch(value)) and _numbers(value) <= set(range(1, 13))
    if name == "BYMONTHDAY":
        return bool(_NUMBERS.fullmatch(value)) and _numbers(value) <= set(range(-31, 32)) - {0}
    return True


def _date_of(text: str) -> dt.date:
    """Return the date of 20261224; an hour is refused, because it would need a time zone."""
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise RuleError("UNTIL")


def rule_of(weekdays: Collection[int]) -> str:
    """Return the weekly rule of some weekdays; Monday is 0. Raises RuleError without any."""
    if not weekdays or not set(weekdays) <= set(range(7)):
        raise RuleError("BYDAY")
    return f"FREQ=WEEKLY;BYDAY={','.join(WEEKDAYS[day] for day in sorted(set(weekdays)))}"


def weekdays_of(text: str) -> tuple[int, ...] | None:
    """Return the weekdays of a rule; None if it says more than weekdays. Raises RuleError."""
    check(text)
    parts = _parts(text)
    parts.pop("WKST", None)  # without an interval it has no effect
    if parts.pop("INTERVAL", "1") != "1":
        return None
    if parts == {"FREQ": "DAILY"}:
        return tuple(range(7))
    if parts.keys() != {"FREQ", "BYDAY"} or parts["FREQ"] not in {"DAILY", "WEEKLY"}:
        return None
    return tuple(sorted({WEEKDAYS.index(day) for day in parts["BYDAY"].split(",")}))
