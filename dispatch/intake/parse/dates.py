"""Reads the dates of a column. The whole column decides whether day or month comes first. PURE.

The names of months are those of Unicode CLDR in the languages of ``_LANGUAGES``.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dispatch.intake.parse.conventions import DateOrder
from dispatch.intake.parse.faults import Unreadable

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_PARTS: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})", re.ASCII)
_LANGUAGES: Final = ("en", "es", "pt", "fr", "de", "it", "nl")
_COMPACT: Final = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})")
# A day's number as spreadsheets count from 1900: 36526 is 1 January 2000, 73415 the last of 2100.
_SERIAL: Final = re.compile(r"[3-7][0-9]{4}(?:\.[0-9]+)?")
_DAY_OF_WEEK: Final = r"(?:[^\W\d_]+\.?,?\s+)?"
_DAY_NAME_YEAR: Final = re.compile(
    _DAY_OF_WEEK + r"([0-9]{1,2})(?:st|nd|rd|th|\.|º|er)?(?:\s+(?:de|of)(?=\s))?[\s/-]*"
    r"([^\W\d_]+)\.?(?:\s+del?(?=\s))?[\s/,-]*([0-9]{4})",
    re.IGNORECASE,
)
_NAME_DAY_YEAR: Final = re.compile(
    _DAY_OF_WEEK + r"([^\W\d_]+)\.?[\s/-]+([0-9]{1,2})(?:st|nd|rd|th)?[\s,/-]+([0-9]{4})",
    re.IGNORECASE,
)
_TIME_AFTER: Final = re.compile(
    r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]\.?\s?m\.?|Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class DateColumn:
    """The date format of a column.

    ``order`` is None if it is not certain. ``mixed`` is True if some cells can only be day first
    and others only month first.
    """

    order: DateOrder | None = None
    mixed: bool = False

    def read(self, cell: str) -> dt.date:
        """Return the date of a cell: 2026-12-01, 20261201, 01/12/2026, 12/01/2026 or 1 Dec 2026.

        Raises
        ------
        Unreadable
            not_a_date, serial_date, two_digit_year, year_outside, ambiguous_date, mixed_dates.
        """
        named = _named(cell.strip())
        if named is not None:
            return _date(cell, *named)
        first, second, last, year_first = _split(cell)
        if year_first:
            return _date(cell, first, second, last)
        if first > 12 or first == second:
            return _date(cell, last, second, first)
        if second > 12 or self.order == "month":
            return _date(cell, last, first, second)
        if self.order == "day":
            return _date(cell, last, second, first)
        readings = [_date(cell, last, second, first), _date(cell, last, first, second)]
        code = "mixed_dates" if self.mixed else "ambiguous_date"
        one, other = (reading.isoformat() for reading in readings)
        raise Unreadable(code, value=cell[:40], one=one, other=other)


def date_column(cells: Iterable[str], convention: DateOrder | None) -> DateColumn:
    """Return the date format of a column: from its unambiguous cells, else the convention."""
    proved: set[DateOrder] = set()
    for cell in cells:
        try:
            first, second, _last, year_first = _split(cell)
        except Unreadable:
            continue
        if not year_first and first != second:
            if first > 12 >= second:
                proved.add("day")
            elif second > 12 >= first:
                proved.add("month")
    if len(proved) == 2:
        return DateColumn(mixed=True)
    return DateColumn(order=proved.pop() if proved else convention)


def _split(cell: str) -> tuple[int, int, int, bool]:
    """Return the three numbers of a date, and True if the year comes first."""
    text = cell.strip()
    if _SERIAL.fullmatch(text):
        raise Unreadable("serial_date", value=cell[:40])
    match = _PARTS.match(text)
    if match is None or not _TIME_AFTER.fullmatch(text[match.end() :]):
        raise Unreadable("not_a_date", value=cell[:40])
    first, last = match[1], match[4]
    if len(first) == 4 and len(last) <= 2:
        return int(first), int(match[3]), int(last), True
    if len(first) <= 2 and len(last) == 4:
        return int(first), int(match[3]), int(last), False
    code = "two_digit_year" if len(first) <= 2 and len(last) == 2 else "not_a_date"
    raise Unreadable(code, value=cell[:40])


def _named(text: str) -> tuple[int, int, int] | None:
    """Return year, month and day of a date that can be read in one way only; else None.

    That is 20261201, or a date with the name of its month.
    """
    compact = _COMPACT.fullmatch(text)
    if compact:
        return int(compact[1]), int(compact[2]), int(compact[3])
    for pattern, name, day in ((_DAY_NAME_YEAR, 2, 1), (_NAME_DAY_YEAR, 1, 2)):
        match = pattern.fullmatch(text)
        month = _months().get(_plain(match[name])) if match else None
        if match and month:
            return int(match[3]), month, int(match[day])
    return None


@functools.cache
def _months() -> Mapping[str, int]:
    """Return {name: month} without accents; a name that means two months is left out."""
    from babel.dates import get_month_names  # takes 0.1 s, so it is imported only when needed

    months: dict[str, set[int]] = {"sept": {9}, "set": {9}}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, locale=language).items():
                months.setdefault(_plain(name), set()).add(number)
    return {name: numbers.pop() for name, numbers in months.items() if len(numbers) == 1}


def _plain(name: str) -> str:
    """Return a name in lower case without accents and points."""
    letters = unicodedata.normalize("NFKD", name.strip(" ."))
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()


def _date(cell: str, year: int, month: int, day: int) -> dt.date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Unreadable("year_outside", value=cell[:40], least=FIRST_YEAR, most=LAST_YEAR)
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Unreadable("not_a_date", value=cell[:40]) from None
