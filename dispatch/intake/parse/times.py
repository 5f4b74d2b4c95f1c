"""Reads times of day and time windows as people and spreadsheets write them. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from dispatch.intake.parse.faults import Unreadable

_HALF: Final = r"([ap])[.\s]{0,3}m\.?"
_HOURS: Final = r"(?:h(?:s|rs?|oras?)?\.?|uhr)?"
_DAY_BEFORE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]")
_EPOCH_YEARS: Final = ("1899-", "1900-", "1904-")  # spreadsheets store a time with such a date
_TIME: Final = re.compile(
    rf"(?:{_DAY_BEFORE.pattern.replace('(', '(?:')})?"
    r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::[0-9]{2}(?:\.[0-9]+)?)?"
    rf"\s*(?:{_HALF})?\s*{_HOURS}",
    re.IGNORECASE,
)
_CLOCK: Final = (
    r"[0-9]{1,2}(?:[:.h][0-9]{2}(?::[0-9]{2})?)?"
    rf"\s*(?:{_HALF.replace('(', '(?:')})?\s*{_HOURS}"
)
_BETWEEN: Final = (
    r"\s*(?:-|–|—|~|\b(?:to|until|till|and|bis|und|à|às|as|e|et)\b"
    r"|\b(?:a|hasta|y)\b(?:\s+las?\b)?)\s*"
)
_RANGE: Final = re.compile(
    r"(?:(?:from|between|de|das|desde|entre|von|zwischen)\s+)?(?:(?:las?|the)\s+)?"
    rf"(?P<from>{_CLOCK}){_BETWEEN}(?P<to>{_CLOCK})",
    re.IGNORECASE,
)
_BY: Final = re.compile(
    r"(?:before|by|until|till|no later than|antes\s+de|hasta)(?:\s+las?)?\s+(.+)", re.IGNORECASE
)
_AFTER: Final = re.compile(
    r"(?:after|from|not before|desde|despu[eé]s\s+de|a\s+partir\s+de)(?:\s+las?)?\s+(.+)",
    re.IGNORECASE,
)
# A time with minutes or am/pm: telephone numbers, sizes and scores do not look like this.
_CLEAR: Final = (
    r"[0-9]{1,2}"
    rf"(?::[0-9]{{2}}(?::[0-9]{{2}})?(?:\s*{_HALF})?|\s*{_HALF})"
)
_CLEAR_TIME: Final = re.compile(rf"{_CLEAR}\s*{_HOURS}", re.IGNORECASE)
_INSIDE: Final = re.compile(r"(?<![0-9:.-])" + _CLEAR + _BETWEEN + _CLEAR, re.IGNORECASE)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}[T ,]+[0-9]{1,2}:[0-9]{2}")
_STAMPED_RANGE: Final = re.compile(
    rf"{_TIMESTAMP.pattern}(?::[0-9]{{2}})?(?:\s*{_HALF})?{_BETWEEN}"
    rf"(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]+)?{_CLEAR}",
    re.IGNORECASE,
)
_NO_WINDOW: Final = frozenset(
    {
        "", "-", "--", "—", "–", "none", "n/a", "na", "any", "any time", "anytime", "all day",
        "no preference", "cualquiera", "cualquier hora", "todo el dia", "todo el día", "ninguna",
        "sin preferencia", "sin horario",
    }
)  # fmt: skip
_EARLIEST_BARE: Final = 6 * 60  # "2-5" without minutes or am/pm can mean morning or afternoon


# A time of day as a spreadsheet stores it: 0.375 of a day is 09:00.
_FRACTION: Final = re.compile(r"0?[.,]([0-9]{1,17})")
_ROUNDING: Final = Decimal("0.02")  # minutes that a stored fraction differs from a whole minute
_FOUR_DIGITS: Final = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])")
_HAS_MINUTES: Final = re.compile(rf"[:.h]|{_HALF}|[0-9]{{4}}", re.IGNORECASE)
#: The longest time window that ends on the next day; a longer one is a mistake. Chosen.
MOST_OVERNIGHT: Final = 12 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """A time window in minutes of the day, above 1440 on the next day; None for an open end."""

    opens: int | None
    closes: int | None


def read_minute(value: str) -> int | None:
    """Return the minute of the day of ``9``, ``09:30``, ``9.30``, ``9h30``, ``0930``, ``2 p. m.``.

    A fraction of a day, such as 0.375, is one too, unless it can also be a time: 0.25.
    """
    text = " ".join(value.split())
    clock = _clock_minute(text)
    fraction = _FRACTION.fullmatch(text)
    if fraction is None:
        return clock
    minutes = Decimal(f"0.{fraction[1]}") * 1440
    is_whole = abs(minutes - round(minutes)) <= _ROUNDING
    return round(minutes) if is_whole and clock in {None, round(minutes)} else None


def closing(opens: int, closes: int, texts: str) -> int | None:
    """Return the closing time of a window, above 1440 on the next day; None if it ends first.

    ``texts`` are both times as written. Without minutes, as in ``10-2``, no window ends on the next
    day: it may be a mistake.
    """
    if closes == 0:
        return 1440  # "20:00 to 00:00" means the end of the day
    if closes > opens:
        return closes
    is_overnight = closes < opens and closes + 1440 - opens <= MOST_OVERNIGHT
    is_clear = len(_HAS_MINUTES.findall(texts)) > 1
    return closes + 1440 if is_overnight and is_clear else None


def _clock_minute(text: str) -> int | None:
    four = _FOUR_DIGITS.fullmatch(text)
    if four:
        return int(four[1]) * 60 + int(four[2])
    match = _TIME.fullmatch(text)
    if not match:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    total = hour * 60 + minute
    return total if minute < 60 and total <= 1440 else None


def day_of(value: str) -> str:
    """Return the date that is written before a time in a cell, or "" if there is none.

    ``2026-12-01 09:00`` gives ``2026-12-01``. The dates that spreadsheets add to a time of day
    (1899, 1900, 1904) do not count.
    """
    match = _DAY_BEFORE.match(value.strip())
    return match[1] if match and not match[1].startswith(_EPOCH_YEARS) else ""


def is_range(value: str) -> bool:
    """Return True if a cell is a range of two times of day, such as ``9-12``."""
    return _RANGE.fullmatch(" ".join(value.split())) is not None


def holds_window(value: str) -> bool:
    """Return True if a cell of an unknown column clearly contains a time window or time of day."""
    text = " ".join(value.split())
    if _TIMESTAMP.search(text):
        return bool(_STAMPED_RANGE.search(text))
    by_words = any(
        match and _CLEAR_TIME.fullmatch(match[1].strip())
        for match in (_BY.fullmatch(text), _AFTER.fullmatch(text))
    )
    clear = _CLEAR_TIME.fullmatch(text) or _INSIDE.search(text) or _clear_range(text)
    return bool(by_words or clear)


def is_no_window(value: str) -> bool:
    """Return True if a cell is empty or says that there is no time window."""
    return " ".join(value.split()).casefold() in _NO_WINDOW


def _clear_range(text: str) -> bool:
    """Return True for a range with a letter or a colon, as "14 to 18"; "9-12" may be a size."""
    return bool(_RANGE.fullmatch(text) and re.search(r"[a-z:]", text, re.IGNORECASE))


def read_window(value: str) -> Span | None:
    """Return the time window of a cell; None if the cell says that there is no window.

    ``09:00 - 12:00``, ``9-12``, ``14:00 to 18:00``, ``de 9 a 12``, ``3-5 pm``, ``before 12:00``.

    Raises
    ------
    Unreadable
        not_a_window if the cell is not clear.
    """
    text = " ".join(value.split())
    if text.casefold() in _NO_WINDOW:
        return None
    match = _RANGE.fullmatch(text)
    if match:
        return _span(value, match["from"], match["to"])
    for pattern, is_end in ((_BY, True), (_AFTER, False)):
        limit = pattern.fullmatch(text)
        minute = (
            read_minute(limit[1]) if limit and _CLEAR_TIME.fullmatch(limit[1].strip()) else None
        )
        if minute is not None:
            return Span(None, minute) if is_end else Span(minute, None)
    raise Unreadable("not_a_window", value=value[:40])


def _span(value: str, first: str, last: str) -> Span:
    """Return both ends of a range in minutes.

    In "2-5 pm" the "pm" also counts for the first time, unless that would be after the second.
    """
    opens, closes = read_minute(first), read_minute(last)
    half = re.search(_HALF, last, re.IGNORECASE)
    if half and not re.search(_HALF, first, re.IGNORECASE) and opens is not None:
        shared = read_minute(f"{first.strip()} {half[1]}m")
        if shared is not None and closes is not None and shared < closes:
            opens = shared
    if opens is not None and closes is not None:
        closes = closing(opens, closes, f"{first} {last}")
    if opens is None or closes is None:
        raise Unreadable("not_a_window", value=value[:40])
    bare = not re.search(r"[:.hap]", first + last, re.IGNORECASE)
    if bare and opens < _EARLIEST_BARE:
        raise Unreadable("not_a_window", value=value[:40])
    return Span(opens, closes)
