"""Reads the values of a row with the formats of its columns; collects faults and warnings. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dispatch.intake.parse.columns import is_other_time, mentions_delivery
from dispatch.intake.parse.conventions import Conventions
from dispatch.intake.parse.dates import DateColumn, date_column
from dispatch.intake.parse.faults import Fault, Unreadable
from dispatch.intake.parse.numbers import Kind, NumberColumn, number_column
from dispatch.intake.parse.tables import FORMULA_STARTS, MAX_CELL, NumberCell, Table
from dispatch.intake.parse.times import holds_window, is_no_window, is_range, read_minute

_NUMBERS: Mapping[str, Kind] = {
    "lat": "degrees",
    "lon": "degrees",
    "service_minutes": "measure",
    "service_seconds": "whole",
    "parcels": "whole",
    "weight_kg": "measure",
    "weight_g": "whole",
    "volume_l": "measure",
    "volume_cm3": "whole",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a file and their formats.

    ``known`` is {position: column name}, ``others`` {position: heading} of unknown columns.
    ``promising`` are the positions of unknown columns that mostly hold time windows.
    """

    known: Mapping[int, str]
    others: Mapping[int, str]
    dates: DateColumn
    numbers: Mapping[str, NumberColumn]
    promising: frozenset[int] = frozenset()

    def may_promise(self, position: int, cell: str) -> bool:
        """Return True if a cell of an unknown column may be a time window."""
        if position in self.promising:
            return not is_no_window(cell)
        is_delivery = mentions_delivery(self.others[position])
        return holds_window(cell) or (is_delivery and is_range(cell))


def sheet_of(
    table: Table,
    known: Mapping[int, str],
    rows: Sequence[tuple[str, ...]],
    conventions: Conventions,
    unused: frozenset[int] = frozenset(),
) -> Sheet:
    """Return the columns of a file with their formats, decided from all cells of each column.

    ``unused`` are the positions of the columns that a person chose not to use.
    """
    at = {name: position for position, name in known.items()}

    def column(name: str) -> Iterator[str]:
        return (value_at(cells, at[name]) for cells in rows) if name in at else iter(())

    numbers = {
        name: number_column(kind, column(name), conventions.decimal)
        for name, kind in _NUMBERS.items()
    }
    others = {
        position: heading
        for position, heading in enumerate(table.headings)
        if position not in known and position not in unused and not is_other_time(heading)
    }
    return Sheet(
        known,
        others,
        date_column(column("date"), conventions.date_order),
        numbers,
        frozenset(at for at in others if _mostly_windows([value_at(cells, at) for cells in rows])),
    )


def _mostly_windows(cells: Sequence[str]) -> bool:
    """Return True if at least half of the filled cells of an unknown column are time windows."""
    filled = [cell for cell in cells if not is_no_window(cell)]
    clear = sum(holds_window(cell) for cell in filled)
    bare = sum(is_range(cell) and not holds_window(cell) for cell in filled)
    return clear > 0 and 2 * (clear + bare) >= len(filled)


def value_at(cells: tuple[str, ...], at: int) -> str:
    """Return the cell at a position, or "" if the row is too short.

    Surrounding spaces are removed. So is the ' with which ``tables.neutral`` marks a text that
    looks like a formula, and with which shops mark a number that is text: '01234.
    """
    cell = cells[at] if at < len(cells) else ""
    if isinstance(cell, NumberCell):
        return cell
    value = cell.strip()
    # The sender may have corrected a file that ``write_csv`` wrote, with ' before such texts.
    is_marked = value[:1] == "'" and (value[1:2] in FORMULA_STARTS or value[1:2].isdigit())
    return value[1:] if is_marked else value


class Reader:
    """Reads the values of one row and collects its faults and warnings."""

    def __init__(self, values: Mapping[str, str], sheet: Sheet) -> None:
        self.values = dict(values)
        self.sheet = sheet
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def fault(self, column: str, code: str, **params: object) -> None:
        self.faults.append(Fault(column, code, params))

    def report_difference(self, column: str, other: str) -> None:
        """Add the fault that two columns for the same quantity differ."""
        one, two = (f"{name} {self.values[name][:40]}" for name in (column, other))
        self.fault(column, "columns_differ", one=one, other=two)

    def text(self, column: str, most: int = 200) -> str:
        value = str(self.values.get(column, ""))
        if len(value) > min(most, MAX_CELL):
            self.fault(column, "too_long", most=most, found=len(value))
            return ""
        if "\x00" in value:
            self.fault(column, "bad_character")
            return ""
        return value

    def number(self, column: str, least: int, most: int) -> Decimal | None:
        value = self.values.get(column, "")
        if not value:
            return None
        format_ = self.sheet.numbers[column]
        try:
            number = format_.read(value)
        except Unreadable as problem:
            self.fault(column, problem.code, **problem.params)
            return None
        if not least <= number <= most:
            self.fault(column, "out_of_range", value=value[:40], least=least, most=most)
            return None
        if format_.kind == "whole" and number != number.to_integral_value():
            self.fault(column, "not_whole", value=value[:40])
            return None
        return number

    def minute(self, column: str) -> int | None:
        value = self.values.get(column, "")
        if not value:
            return None
        minute = read_minute(value)
        if minute is None:
            self.fault(column, "not_a_time", value=value[:40])
        return minute

    def known_date(self) -> str:
        """Return the date of the row as ``2026-12-01``, or "" if it is missing or unreadable."""
        try:
            return self.sheet.dates.read(self.values.get("date", "")).isoformat()
        except Unreadable:
            return ""

    def date(self, column: str) -> dt.date | None:
        value = self.values.get(column, "")
        if not value:
            return None
        try:
            return self.sheet.dates.read(value)
        except Unreadable as problem:
            self.fault(column, problem.code, **problem.params)
            return None
