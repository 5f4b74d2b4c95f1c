"""Reads an order file into rows and checks every value. PURE.

A row becomes a :class:`Row`, or it is refused with all of its faults, so that a person can correct
them all at once. Faults are codes with parameters; ``selectors/words.py`` has their texts.

The date and number formats are decided for each column as a whole before the rows are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from dispatch.intake.parse.columns import SHOP_STATE, recognise
from dispatch.intake.parse.conventions import Conventions
from dispatch.intake.parse.faults import BadFile, Fault
from dispatch.intake.parse.joining import ParcelRow, Row, join
from dispatch.intake.parse.matching import PLACES, Match, matched
from dispatch.intake.parse.presets import is_export, translated
from dispatch.intake.parse.reader import Reader, Sheet, sheet_of, value_at
from dispatch.intake.parse.tables import Headings, Table, read_table
from dispatch.intake.parse.windows import window_of

MAX_PARCELS = 999
MAX_CONTACT = 1_000  # orders ignores an invalid contact later and still places the order
MAX_WEIGHT_G = 10_000_000
MAX_VOLUME_CM3 = 100_000_000
MAX_SERVICE_S = 8 * 3600
SHEET_ERROR = re.compile(
    r"#(?:N/[AD]|DIV/0!|¡DIV/0!|¡?REF!|VALUE!|¡?VALOR!|NAME\?|¿NOMBRE\?|¡?NUM!|NULL!|¡NULO!"
    r"|SPILL!|CALC!)"
)
_YES = frozenset({"1", "1.0", "yes", "y", "true", "x", "si", "sí", "s", "verdadero", "required"})
_NO = frozenset({"", "0", "0.0", "no", "n", "false", "none", "-", "falso"})
ROUNDING = Decimal("0.000001")  # grams: largest floating point error of a workbook's number


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused row: its number, its original cells and its faults."""

    number: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...]


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[R]):
    """The content of a file: headings, accepted rows, refused rows and unknown headings.

    ``columns`` are the names of all known columns, even if no row fills them. ``cells`` are the
    original cells by row number.
    """

    headings: tuple[str, ...]
    unknown_headings: tuple[str, ...]
    columns: frozenset[str]
    rows: tuple[R, ...]
    refused: tuple[Refused, ...]
    row_count: int
    cells: Mapping[int, tuple[str, ...]]


#: {row: {position of a cell: its corrected text}}
Corrections = Mapping[int, Mapping[int, str]]


def parse_orders(
    data: bytes,
    *,
    max_rows: int,
    conventions: Conventions | None = None,
    match_of: Callable[[Sequence[str]], Match] | None = None,
    corrections: Corrections | None = None,
) -> Parsed[Row]:
    """Read an order file.

    Parameters
    ----------
    data : bytes
        The whole file, CSV or XLSX.
    max_rows : int
        Most data rows; a file with more rows is refused.
    conventions : Conventions, optional
        The sender's date and number formats. They decide cells that the columns of the file leave
        ambiguous; without them such cells are refused.
    match_of : callable, optional
        Returns what a person chose for the headings of the file, {} for nothing.
    corrections : dict, optional
        Cells that a person corrected after an earlier reading, by row and position.

    Raises
    ------
    BadFile
        The file is not a table, has no rows or too many, or has no order id or no place column.
    """
    table = translated(read_table(data, KNOWN))
    columns = matched(table.headings, match_of(table.headings) if match_of else {})
    _refuse_useless(set(columns.known.values()), table)
    cells_by_row = dict(data_rows(table, max_rows))
    if not cells_by_row:
        raise BadFile("no_rows")
    for number, texts in (corrections or {}).items():
        if number in cells_by_row:
            cells_by_row[number] = _corrected(cells_by_row[number], texts)
    sheet = sheet_of(
        table,
        columns.known,
        list(cells_by_row.values()),
        conventions or Conventions(),
        columns.unused,
    )
    accepted, refused, window_positions = _read_rows(cells_by_row, sheet)
    read_as_window = {table.headings[at] for at in window_positions}
    return Parsed(
        tuple(table.headings),
        tuple(heading for heading in columns.unknown if heading not in read_as_window),
        frozenset(columns.known.values()) | ({"window"} if window_positions else set()),
        tuple(accepted),
        tuple(refused),
        len(cells_by_row),
        cells_by_row,
    )


def _read_rows(
    cells_by_row: Mapping[int, tuple[str, ...]], sheet: Sheet
) -> tuple[list[Row], list[Refused], set[int]]:
    """Return the accepted rows, the refused ones, and the unknown columns read as time windows."""
    accepted: dict[str, Row] = {}
    refused: list[Refused] = []
    window_positions: set[int] = set()
    for number, cells in cells_by_row.items():
        row = _read_row(number, cells, sheet, window_positions)
        if isinstance(row, Row):
            row = join(accepted, row)
        if isinstance(row, tuple):
            refused.append(Refused(number, cells, row))
        else:
            accepted[row.external_id] = row
    return list(accepted.values()), refused, window_positions


def _recognised(cells: list[str]) -> int:
    """Return how many columns the cells of a row name."""
    return len(recognise(cells)[0])


def _is_enough(cells: list[str]) -> bool:
    """Return True if the cells of a row name the columns that an order needs."""
    names = set(recognise(cells)[0].values())
    return is_export(cells) or ("order_id" in names and bool(names & PLACES))


KNOWN = Headings(_recognised, _is_enough)


def _refuse_useless(names: set[str], table: Table) -> None:
    if "order_id" not in names:
        raise BadFile("no_order_id", headings=", ".join(h for h in table.headings if h)[:300])
    if not names & PLACES:
        raise BadFile("no_place")


def data_rows(table: Table, max_rows: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the filled rows with their numbers. Raises BadFile for too many."""
    count = 0
    for number, cells in table.rows:
        if any(cell.strip() for cell in cells):
            count += 1
            if count > max_rows:
                raise BadFile("too_many_rows", most=max_rows)
            yield number, tuple(cells)


def _corrected(cells: tuple[str, ...], corrected: Mapping[int, str]) -> tuple[str, ...]:
    width = max(len(cells), *(position + 1 for position in corrected))
    kept = [*cells, *[""] * (width - len(cells))]
    for position, text in corrected.items():
        kept[position] = text
    return tuple(kept)


def _read_row(
    number: int, cells: tuple[str, ...], sheet: Sheet, window_positions: set[int]
) -> Row | tuple[Fault, ...]:
    values = {name: value_at(cells, at) for at, name in sheet.known.items()}
    reader = Reader(values, sheet)
    external_id = reader.text("order_id", 100)
    if not external_id:
        reader.fault("order_id", "missing")
    if values.get(SHOP_STATE):
        reader.fault("", "done_in_shop", value=values[SHOP_STATE][:40])
    for name, value in values.items():
        if SHEET_ERROR.fullmatch(value):
            reader.fault(name, "sheet_error", value=value)
            reader.values[name] = ""
    lat, lon = _place(reader)
    (opens, closes), positions = window_of(reader, cells)
    filled = {name for name, value in values.items() if value}
    row = Row(
        number=number,
        external_id=external_id,
        name=reader.text("name"),
        phone=reader.text("phone", MAX_CONTACT),
        email=reader.text("email", MAX_CONTACT),
        language=reader.text("language", MAX_CONTACT),
        address=reader.text("address", 500),
        street=reader.text("street"),
        house_number=reader.text("house_number", 20),
        unit=reader.text("unit", 64),
        postcode=reader.text("postcode", 20),
        city=reader.text("city", 100),
        lat=lat,
        lon=lon,
        date=reader.date("date"),
        opens_minute=opens,
        closes_minute=closes,
        service_s=_service(reader),
        parcels=_parcels(reader),
        skills=_skills(reader.text("skills", 500)),
        hub=reader.text("hub", 100),
        direction=_direction(reader),
        least_age=_least_age(reader),
        signature=_signature(reader),
        choice=reader.text("choice", 64),
        notes=reader.text("notes", 2000),
        filled=frozenset(filled),
        warnings=tuple(reader.warnings),
    )
    if reader.faults:
        return tuple(reader.faults)
    window_positions |= positions
    return row


def _direction(read: Reader) -> str:
    direction = read.text("direction", 20).casefold() or "outward"
    if direction in {"return", "pickup", "devolucion", "devolución", "retiro"}:
        return "return"
    if direction not in {"outward", "delivery", "entrega", "despacho"}:
        read.fault("direction", "not_a_direction", value=direction)
    return "outward"


def _least_age(read: Reader) -> int:
    """Return the least age of the receiver: "18", "18+" or "+18"; no and empty mean no check."""
    value = read.text("minimum_age", 40).casefold()
    if value in _NO:
        return 0
    digits = value.strip("+≥> ")
    if not re.fullmatch(r"[0-9]{1,2}(\.0)?", digits):
        read.fault("minimum_age", "not_an_age", value=value)
        return 0
    return int(float(digits))


def _signature(read: Reader) -> bool:
    value = read.text("signature", 40).casefold()
    if value not in _YES | _NO:
        read.fault("signature", "not_yes_or_no", value=value)
    return value in _YES


def _place(read: Reader) -> tuple[float | None, float | None]:
    lat, lon = read.number("lat", -90, 90), read.number("lon", -180, 180)
    filled = [bool(read.values.get(name)) for name in ("lat", "lon")]
    if filled[0] != filled[1]:
        read.fault("lon" if filled[0] else "lat", "half_a_place")
    if not any(filled) and not (read.values.get("address") or read.values.get("street")):
        read.fault("address", "no_place")
    return None if lat is None else float(lat), None if lon is None else float(lon)


def _service(read: Reader) -> int | None:
    seconds = read.number("service_seconds", 0, MAX_SERVICE_S)
    minutes = read.number("service_minutes", 0, MAX_SERVICE_S // 60)
    if seconds is not None:
        if minutes is not None and abs(minutes * 60 - seconds) >= 60:
            read.report_difference("service_seconds", "service_minutes")
        return int(seconds)
    return None if minutes is None else round(minutes * 60)


def _parcels(read: Reader) -> tuple[ParcelRow, ...]:
    """Return the parcels of a row; its weight and volume are totals and are spread evenly."""
    count = read.number("parcels", 1, MAX_PARCELS)
    weight_g = _total(read, "weight_g", "weight_kg", MAX_WEIGHT_G)
    volume_cm3 = _total(read, "volume_cm3", "volume_l", MAX_VOLUME_CM3)
    whole = int(count or 1)
    parcel_id = read.text("parcel_id", 100)
    if parcel_id and whole > 1:
        read.fault("parcel_id", "one_id_many_parcels", count=whole)

    def share(total: int, i: int) -> int:
        return total * (i + 1) // whole - total * i // whole

    return tuple(
        ParcelRow(parcel_id, share(weight_g, i), share(volume_cm3, i)) for i in range(whole)
    )


def _total(read: Reader, small: str, large: str, most: int) -> int:
    """Return the total weight or volume of a row in grams or cubic centimetres.

    The value is in the column `small` (g, cm3), or in `large` (kg, l) and is multiplied by 1000.
    """
    exact, larger = read.number(small, 0, most), read.number(large, 0, most // 1000)
    if exact is not None or larger is None:
        if exact is not None and larger is not None and abs(exact - larger * 1000) >= 1000:
            read.report_difference(small, large)
        return int(exact or 0)
    total = larger * 1000
    whole = round(total)
    if abs(total - whole) > ROUNDING:
        read.warnings.append(
            Fault(large, "rounded", {"value": read.values[large][:40], "kept": whole})
        )
    return whole


def _skills(text: str) -> tuple[str, ...]:
    parts = (part.strip().casefold() for part in re.split(r"[,;|]", text))
    return tuple(sorted({part for part in parts if part}))
