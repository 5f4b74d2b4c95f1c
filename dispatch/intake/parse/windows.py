"""Finds the time window of a row: in two columns, in one column, or in an unknown column. PURE.

A time window in the file is a promise and is never ignored: if a cell looks like a window but
cannot be read, the row gets a fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.intake.parse.columns import looks_like_window
from dispatch.intake.parse.faults import Fault, Unreadable
from dispatch.intake.parse.reader import Reader, value_at
from dispatch.intake.parse.times import closing, day_of, is_range, read_window

Window = tuple[int | None, int | None]


def window_of(read: Reader, cells: tuple[str, ...]) -> tuple[Window, frozenset[int]]:
    """Return the time window of a row and the positions of the unknown columns it was read from."""
    opens, closes = _ends(read)
    _refuse_other_days(read)
    ranges: list[tuple[str, int | None, int | None]] = []
    unclear: list[Fault] = []
    positions: set[int] = set()
    for position, column, cell in _promising(read, cells):
        try:
            span = read_window(cell)
        except Unreadable as problem:
            unclear.append(Fault(column, problem.code, problem.params))
            continue
        if span is not None:
            ranges.append((column, span.opens, span.closes))
            if position is not None:
                positions.add(position)
    if not read.faults and (opens, closes) == (None, None) and ranges:
        _column, opens, closes = ranges[0]
    for column, *span_of in ranges:
        if not read.faults and span_of != [opens, closes]:
            read.fault(
                column, "windows_differ", one=_clocks(opens, closes), other=_clocks(*span_of)
            )
    is_open = opens is None or closes is None
    if is_open:
        read.faults += unclear if not ranges else []
        read.faults += _overlooked(read, cells, positions)
    return (opens, closes), frozenset(positions)


def _ends(read: Reader) -> Window:
    """Return the window of the columns ``window_from`` and ``window_to``.

    If ``window_from`` holds a range such as ``9-12``, both ends are read from it.
    """
    first = read.values.get("window_from", "")
    if is_range(first):
        try:
            span = read_window(first)
        except Unreadable as problem:
            read.fault("window_from", problem.code, **problem.params)
            return None, None
        assert span is not None, "a range is a window"
        closes = read.minute("window_to")
        if closes is not None and closes != span.closes:
            other = _clocks(span.opens, closes)
            read.fault(
                "window_to", "windows_differ", one=_clocks(span.opens, span.closes), other=other
            )
        return span.opens, span.closes
    opens, closes = read.minute("window_from"), read.minute("window_to")
    if opens is None or closes is None:
        return opens, closes
    ends = closing(opens, closes, f"{first} {read.values.get('window_to', '')}")
    if ends is None:
        read.fault("window_to", "window_ends_first", opens=_clock(opens), closes=_clock(closes))
    return opens, ends


def _refuse_other_days(read: Reader) -> None:
    """Add a fault for each time of day that is written with another date than the row's date."""
    days = {column: day_of(read.values.get(column, "")) for column in ("window_from", "window_to")}
    if not any(days.values()):
        return
    date = read.known_date()
    for column, day in days.items():
        if day and day != date:
            read.fault(column, "time_of_other_day", value=read.values[column][:40])


def _promising(read: Reader, cells: tuple[str, ...]) -> Iterator[tuple[int | None, str, str]]:
    """Yield (position, column, cell) for each filled cell whose column names a time window.

    The position of the known column ``window`` is None.
    """
    if read.values.get("window"):
        yield None, "window", read.values["window"]
    for position, heading in read.sheet.others.items():
        cell = value_at(cells, position)
        if cell and looks_like_window(heading):
            yield position, heading[:40], cell


def _overlooked(read: Reader, cells: tuple[str, ...], used: set[int]) -> list[Fault]:
    """Return a fault for each cell of another unknown column that looks like a time window."""
    return [
        Fault(heading[:40], "maybe_window", {"value": value_at(cells, position)[:40]})
        for position, heading in read.sheet.others.items()
        if position not in used
        and not looks_like_window(heading)
        and read.sheet.may_promise(position, value_at(cells, position))
    ]


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24 if minute > 1440 else minute // 60:02d}:{minute % 60:02d}"


def _clocks(opens: int | None, closes: int | None) -> str:
    return "–".join("" if minute is None else _clock(minute) for minute in (opens, closes))
