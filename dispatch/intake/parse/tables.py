"""Reads files into rows of text: CSV in any usual encoding and delimiter, and XLSX. PURE.

All sizes are limited: bytes, rows, cells and the unpacked size of a workbook. A file that cannot
be read raises ``BadFile`` with a code for cause and remedy.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import math
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dispatch.intake.parse.encodings import decode
from dispatch.intake.parse.faults import BadFile

MAX_CELL = 10_000
MAX_COLUMNS = 200
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 200
HEAD_ROWS: Final = 20  # filled rows among which the headings are
HEADINGS: Final = 2  # known names in a row of headings
MAX_SHEETS: Final = 20  # visible sheets of a workbook that are looked at
_SIGNS: Final = ",;\t|"
_LEADING_ZEROS: Final = re.compile(r"0{2,20}")
_XLSX_MAGIC = b"PK\x03\x04"
_OLD_EXCEL_MAGIC = b"\xd0\xcf\x11\xe0"
# The first line of a CSV file that was written for Excel may name the delimiter: sep=;
_DELIMITER_LINE = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)


class NumberCell(str):
    """A cell that a workbook stores as a number; its decimal sign is always a point."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The headings of a file and an iterator of (row number from 1, cells)."""

    headings: list[str]
    rows: Iterator[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Headings:
    """The rules by kind of file: how many columns a row names, and whether those are enough."""

    named: Callable[[list[str]], int]
    are_enough: Callable[[list[str]], bool]

    def row_of(self, rows: Sequence[list[str]]) -> int:
        """Return the position of the headings among the first rows of a file.

        Above them may be a title. Enough names decide; without such a row, HEADINGS known names;
        without these, the first row that is at least half as wide as the widest one.
        """
        for are_headings in (self.are_enough, lambda cells: self.named(cells) >= HEADINGS):
            for at, cells in enumerate(rows):
                if are_headings(cells):
                    return at
        widths = [sum(bool(cell.strip()) for cell in cells) for cells in rows]
        return next(at for at, width in enumerate(widths) if 2 * width >= max(widths))


def read_table(data: bytes, known: Headings) -> Table:
    """Open a file by its content; its name does not matter.

    The headings are among the first HEAD_ROWS filled rows (``Headings.row_of``), else the first
    filled row. Of a workbook the sheet is read whose headings are enough.

    Raises
    ------
    BadFile
        empty, old_excel, not_text, unknown_encoding, bad_workbook, workbook_too_large,
        several_sheets, too_many_sheets, no_headings.
    """
    if not data.strip():
        raise BadFile("empty")
    if data.startswith(_OLD_EXCEL_MAGIC):
        raise BadFile("old_excel")
    is_workbook = data.startswith(_XLSX_MAGIC)
    rows = _xlsx_rows(data, known) if is_workbook else _csv_rows(data, known)
    head = list(itertools.islice(_filled(rows), HEAD_ROWS))
    if not head:
        raise BadFile("no_headings")
    at = known.row_of([cells for _number, cells in head])
    headings = head[at][1]
    if len(headings) > MAX_COLUMNS:
        raise BadFile("too_many_columns", most=MAX_COLUMNS)
    return Table([cell.strip() for cell in headings], itertools.chain(head[at + 1 :], rows))


def _filled(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    return (row for row in rows if any(cell.strip() for cell in row[1]))


def _csv_rows(data: bytes, known: Headings) -> Iterator[tuple[int, list[str]]]:
    text = decode(data)
    head = text[:20_000].splitlines()
    first = next((line for line in head if line.strip()), "")
    named = _DELIMITER_LINE.fullmatch(first.strip(" \ufeff\r\n"))
    delimiter = named[1] if named else _delimiter_of(head, first, known)
    csv.field_size_limit(10 * MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadFile("bad_csv", row=reader.line_num) from None
        if named and any(cell.strip() for cell in cells):
            named = None  # the line that names the delimiter is not a row
            continue
        yield reader.line_num, cells


def _delimiter_of(lines: Sequence[str], first: str, known: Headings) -> str:
    """Return the delimiter with which a line names most columns.

    Without known names, the one with which most lines have the same number of cells: a title above
    the headings may have none at all, and a comma may stand inside an address.
    """
    filled = [line for line in lines if line.strip()][:HEAD_ROWS]
    rows = {sign: [_cells(line, sign) for line in filled] for sign in _SIGNS}
    most = {sign: max(map(known.named, rows[sign]), default=0) for sign in _SIGNS}
    best = max(_SIGNS, key=lambda sign: (most[sign], first.count(sign)))
    if most[best] >= HEADINGS:
        return best
    return max(_SIGNS, key=lambda sign: (*_alike(rows[sign]), first.count(sign)))


def _cells(line: str, sign: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        return []


def _alike(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return how many rows have the same number of cells, above one, and that number."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def _xlsx_rows(data: bytes, known: Headings) -> Iterator[tuple[int, list[str]]]:
    _guard_zip(data)
    import openpyxl  # takes 0.3 s, so it is imported only when needed

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [s for s in book.worksheets if s.sheet_state == "visible"]
        for each in sheets:
            each.reset_dimensions()  # the stated size may be wrong; read all rows
        sheet = _sheet_with_headings(sheets, known)
    except BadFile:
        raise
    except Exception as fault:
        raise BadFile("bad_workbook") from fault
    if sheet is None:
        raise BadFile("bad_workbook")
    try:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            yield number, [_shown(cell) for cell in cells[: MAX_COLUMNS + 1]]
    except Exception as fault:
        raise BadFile("bad_workbook") from fault


def _sheet_with_headings(sheets: Sequence[Any], known: Headings) -> Any:
    """Return the only sheet whose headings are enough, else the first one; None if there is none.

    Raises BadFile("several_sheets") if more than one has them: a person must say which one counts.
    """
    if len(sheets) < 2:
        return next(iter(sheets), None)
    if len(sheets) > MAX_SHEETS:
        raise BadFile("too_many_sheets", most=MAX_SHEETS)
    with_headings = []
    for sheet in sheets:
        values = sheet.iter_rows(max_row=2 * HEAD_ROWS, max_col=MAX_COLUMNS, values_only=True)
        rows = ([cell_text(value) for value in row] for row in values)
        if any(known.are_enough(row) for row in rows if any(row)):
            with_headings.append(sheet)
    if len(with_headings) > 1:
        raise BadFile("several_sheets", sheets=", ".join(s.title for s in with_headings)[:200])
    return (with_headings or sheets)[0]


def _shown(cell: Any) -> str:
    """Return the text of a cell as the workbook shows it: 123 in the format 00000 is 00123."""
    value = cell.value
    if type(value) is int and value >= 0:
        digits = _LEADING_ZEROS.fullmatch(cell.number_format or "")
        if digits:
            return f"{value:0{len(digits[0])}d}"
    return cell_text(value)


def _guard_zip(data: bytes) -> None:
    """Refuse a workbook that is not a zip archive or unpacks to far more bytes (a zip bomb)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        raise BadFile("bad_workbook") from None
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(data), 50_000):
        raise BadFile("workbook_too_large", most_mb=MAX_UNPACKED // 1024 // 1024)
    if "[Content_Types].xml" not in names:
        raise BadFile("bad_workbook")


def cell_text(value: object) -> str:
    """Return a typed value of a workbook or of JSON as the text that a person would type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return NumberCell(value)
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat(timespec="minutes")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    return str(value)


def _number_text(value: float) -> NumberCell:
    """Return a number as text with a decimal point that cannot be misread in a CSV file."""
    if not math.isfinite(value):
        return NumberCell(value)
    if value.is_integer() and abs(value) < 1e15:
        return NumberCell(int(value))
    text = f"{Decimal(repr(value)):f}"
    # Three digits after the point could be taken for thousands; four cannot.
    return NumberCell(f"{text}0" if re.fullmatch(r"-?\d{1,3}\.\d{3}", text) else text)


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: put ' before = + - @ tab and return.

    Numbers with a sign are not changed: they are not formulas.
    """
    if not cell.startswith(FORMULA_STARTS):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


def write_csv(headings: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """Yield the lines of a CSV file (UTF-8 with a byte order mark, so that Excel reads it)."""
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    for cells in (headings, *rows):
        writer.writerow([neutral(cell) for cell in cells])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
