"""Reads the dates of a column. The whole column decides whether day or month comes first. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dispatch.intake.parse.conventions import DateOrder
from dispatch.intake.parse.faults import Unreadable

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_PARTS: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})", re.ASCII)
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
        """Return the date of a cell: 2026-12-01, 2026/12/01, 01/12/2026 or 12/01/2026.

        Raises
        ------
        Unreadable
            not_a_date, two_digit_year, year_outside, ambiguous_date, mixed_dates.
        """
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


def _date(cell: str, year: int, month: int, day: int) -> dt.date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Unreadable("year_outside", value=cell[:40], least=FIRST_YEAR, most=LAST_YEAR)
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Unreadable("not_a_date", value=cell[:40]) from None
