"""Rows of text to order rows: every value checked, every fault named by row and column. PURE.

A row either becomes a :class:`Row` or is refused with all of its faults at once, so that the
person mends it in one go. Faults are codes with parameters; ``words.py`` says them to people.

Rows that share an ``order_id`` and differ in ``parcel_id`` are one order of several parcels, as
parcel carriers export them: service times add up, and the window is what all parcels allow.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dispatch.intake.parse.columns import recognise
from dispatch.intake.parse.tables import MAX_CELL, BadFile, Table, read_table

MAX_PARCELS = 999
MAX_WEIGHT_G = 10_000_000
MAX_VOLUME_CM3 = 100_000_000
MAX_SERVICE_S = 8 * 3600
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason a row is refused: a column, a stable code, and what fills its sentence."""

    column: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """One parcel: its own id if the file gives one, grams and cubic centimetres."""

    external_id: str
    weight_g: int
    volume_cm3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order as the file gives it. Times are wall-clock minutes of ``date`` at its hub."""

    number: int
    external_id: str
    name: str
    phone: str
    email: str
    language: str
    address: str
    street: str
    house_number: str
    postcode: str
    city: str
    lat: float | None
    lon: float | None
    date: dt.date | None
    opens_minute: int | None
    closes_minute: int | None
    service_s: int | None
    parcels: tuple[ParcelRow, ...]
    skills: tuple[str, ...]
    hub: str
    direction: str
    notes: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot become an order: its number, its cells as they came, and why."""

    number: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file, read: headings, accepted orders, refused rows, and the headings nobody knows."""

    headings: tuple[str, ...]
    unknown_headings: tuple[str, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]
    row_count: int
    cells: Mapping[int, tuple[str, ...]]


def parse_orders(data: bytes, *, max_rows: int) -> Parsed:
    """Read an order file.

    Parameters
    ----------
    data : bytes
        The whole file, CSV or XLSX.
    max_rows : int
        Most data rows; one more refuses the file as a whole.

    Raises
    ------
    BadFile
        The file is no table, has too many rows, or lacks an order id or any place column.
    """
    table = read_table(data)
    known, unknown = recognise(table.headings)
    names = set(known.values())
    if "order_id" not in names:
        raise BadFile("no_order_id", headings=", ".join(h for h in table.headings if h)[:300])
    if not names & {"address", "street", "lat"}:
        raise BadFile("no_place")
    accepted: dict[str, Row] = {}
    refused: list[Refused] = []
    cells_by_row: dict[int, tuple[str, ...]] = {}
    count = 0
    for number, cells in _data_rows(table):
        count += 1
        if count > max_rows:
            raise BadFile("too_many_rows", most=max_rows)
        cells_by_row[number] = cells
        row = _read_row(number, {name: _value(cells, at) for at, name in known.items()})
        if isinstance(row, Row):
            row = _join(accepted, row)
        if isinstance(row, tuple):
            refused.append(Refused(number, cells, row))
        else:
            accepted[row.external_id] = row
    if count == 0:
        raise BadFile("no_rows")
    return Parsed(
        tuple(table.headings),
        tuple(unknown),
        tuple(accepted.values()),
        tuple(refused),
        count,
        cells_by_row,
    )


def _data_rows(table: Table) -> Iterator[tuple[int, tuple[str, ...]]]:
    for number, cells in table.rows:
        if any(cell.strip() for cell in cells):
            yield number, tuple(cells)


def _value(cells: tuple[str, ...], at: int) -> str:
    value = cells[at].strip() if at < len(cells) else ""
    # A file we wrote ourselves carries ' before what a spreadsheet would run: take it off again.
    return value[1:] if value[:1] == "'" and value[1:2] in _FORMULA else value


def _join(accepted: Mapping[str, Row], row: Row) -> Row | tuple[Fault, ...]:
    """Join a further parcel to its order, or say that the order id stands twice."""
    first = accepted.get(row.external_id)
    if first is None:
        return row
    ids = {parcel.external_id for parcel in first.parcels}
    new = {parcel.external_id for parcel in row.parcels}
    if "" in ids | new or ids & new:
        return (Fault("order_id", "twice", {"value": row.external_id, "row": first.number}),)
    about = {"value": row.external_id, "row": first.number}
    opens = _both(max, first.opens_minute, row.opens_minute)
    closes = _both(min, first.closes_minute, row.closes_minute)
    joined = replace(
        first,
        parcels=first.parcels + row.parcels,
        service_s=_both(operator.add, first.service_s, row.service_s),
        opens_minute=opens,
        closes_minute=closes,
    )
    alike = replace(
        row,
        number=first.number,
        parcels=joined.parcels,
        service_s=joined.service_s,
        opens_minute=opens,
        closes_minute=closes,
    )
    if alike != joined:
        return (Fault("order_id", "parcel_differs", about),)
    if opens is not None and closes is not None and closes <= opens:
        return (Fault("window_from", "parcel_windows_apart", about),)
    return joined


def _both(of_two: Callable[[int, int], int], first: int | None, second: int | None) -> int | None:
    """Combine two values of which either may be missing."""
    if first is None or second is None:
        return second if first is None else first
    return of_two(first, second)


class _Reader:
    """Reads the values of one row and gathers its faults."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.faults: list[Fault] = []

    def fault(self, column: str, code: str, **params: object) -> None:
        self.faults.append(Fault(column, code, params))

    def text(self, column: str, most: int = 200) -> str:
        value = self.values.get(column, "")
        if len(value) > min(most, MAX_CELL):
            self.fault(column, "too_long", most=most, found=len(value))
            return ""
        if "\x00" in value:
            self.fault(column, "bad_character")
            return ""
        return value

    def number(self, column: str, least: float, most: float) -> float | None:
        value = self.values.get(column, "")
        if not value:
            return None
        try:
            found = float(_plain_number(value))
        except ValueError:
            self.fault(column, "not_a_number", value=value[:40])
            return None
        if not math.isfinite(found) or not least <= found <= most:
            self.fault(column, "out_of_range", value=value[:40], least=least, most=most)
            return None
        return found

    def minute(self, column: str) -> int | None:
        value = self.values.get(column, "")
        if not value:
            return None
        found = read_minute(value)
        if found is None:
            self.fault(column, "not_a_time", value=value[:40])
        return found

    def date(self, column: str) -> dt.date | None:
        value = self.values.get(column, "")
        if not value:
            return None
        found = read_date(value)
        if found is None:
            self.fault(column, "not_a_date", value=value[:40])
        return found


def _read_row(number: int, values: Mapping[str, str]) -> Row | tuple[Fault, ...]:
    read = _Reader(values)
    external_id = read.text("order_id", 100)
    if not external_id:
        read.fault("order_id", "missing")
    lat, lon = _place(read)
    opens, closes = _window(read)
    direction = read.text("direction", 20).casefold() or "outward"
    if direction in {"return", "pickup", "devolucion", "devolución", "retiro"}:
        direction = "return"
    elif direction in {"outward", "delivery", "entrega", "despacho"}:
        direction = "outward"
    else:
        read.fault("direction", "not_a_direction", value=direction)
    row = Row(
        number=number,
        external_id=external_id,
        name=read.text("name"),
        phone=read.text("phone", 40),
        email=read.text("email", 254),
        language=read.text("language", 35),
        address=read.text("address", 500),
        street=read.text("street"),
        house_number=read.text("house_number", 20),
        postcode=read.text("postcode", 20),
        city=read.text("city", 100),
        lat=lat,
        lon=lon,
        date=read.date("date"),
        opens_minute=opens,
        closes_minute=closes,
        service_s=_service(read),
        parcels=_parcels(read),
        skills=_skills(read.text("skills", 500)),
        hub=read.text("hub", 100),
        direction=direction,
        notes=read.text("notes", 2000),
    )
    return tuple(read.faults) if read.faults else row


def _place(read: _Reader) -> tuple[float | None, float | None]:
    lat, lon = read.number("lat", -90, 90), read.number("lon", -180, 180)
    given = [bool(read.values.get(name)) for name in ("lat", "lon")]
    if given[0] != given[1]:
        read.fault("lon" if given[0] else "lat", "half_a_place")
    if lat == 0 and lon == 0:
        read.fault("lat", "null_island")
    if not any(given) and not (read.values.get("address") or read.values.get("street")):
        read.fault("address", "no_place")
    return lat, lon


def _window(read: _Reader) -> tuple[int | None, int | None]:
    opens, closes = read.minute("window_from"), read.minute("window_to")
    if opens is not None and closes is not None and closes <= opens:
        if closes == 0:
            return opens, 1440  # "20:00 to 00:00" means the end of the day
        read.fault("window_to", "window_ends_first", opens=_clock(opens), closes=_clock(closes))
    return opens, closes


def _service(read: _Reader) -> int | None:
    seconds = read.number("service_seconds", 0, MAX_SERVICE_S)
    minutes = read.number("service_minutes", 0, MAX_SERVICE_S / 60)
    if seconds is not None:
        return round(seconds)
    return None if minutes is None else round(minutes * 60)


def _parcels(read: _Reader) -> tuple[ParcelRow, ...]:
    """Weight and volume of a row are those of all its parcels together; they are spread evenly."""
    count = read.number("parcels", 1, MAX_PARCELS)
    grams = read.number("weight_g", 0, MAX_WEIGHT_G)
    kilos = read.number("weight_kg", 0, MAX_WEIGHT_G / 1000)
    cm3 = read.number("volume_cm3", 0, MAX_VOLUME_CM3)
    litres = read.number("volume_l", 0, MAX_VOLUME_CM3 / 1000)
    weight_g = round(grams if grams is not None else (kilos or 0) * 1000)
    volume_cm3 = round(cm3 if cm3 is not None else (litres or 0) * 1000)
    whole = int(count or 1)
    if count is not None and count != whole:
        read.fault("parcels", "not_whole", value=read.values.get("parcels", ""))
    parcel_id = read.text("parcel_id", 100)
    if parcel_id and whole > 1:
        read.fault("parcel_id", "one_id_many_parcels", count=whole)
    share = lambda total, i: total * (i + 1) // whole - total * i // whole  # noqa: E731
    return tuple(
        ParcelRow(parcel_id, share(weight_g, i), share(volume_cm3, i)) for i in range(whole)
    )


def _skills(text: str) -> tuple[str, ...]:
    found = (part.strip().casefold() for part in re.split(r"[,;|]", text))
    return tuple(sorted({part for part in found if part}))


def _plain_number(value: str) -> str:
    """``1.234,5`` and ``1,234.5`` and ``1 234,5`` and ``1234.5`` all mean the same."""
    value = value.replace("\u00a0", "").replace(" ", "").replace("'", "")
    if "," in value and "." in value:
        last = max(value.rfind(","), value.rfind("."))
        whole = re.sub(r"[.,]", "", value[:last])
        return f"{whole}.{value[last + 1 :]}"
    return value.replace(",", ".")


_TIME = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}[T ])?"  # a spreadsheet's date before the time
    r"(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2}(?:\.\d+)?)?\s*([ap]\.?m\.?)?\s*h?",
    re.IGNORECASE,
)


def read_minute(value: str) -> int | None:
    """Return the minute of the day of ``9``, ``09:30``, ``9.30``, ``9h30``, ``2:15 pm``."""
    match = _TIME.fullmatch(value.strip())
    if not match:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    total = hour * 60 + minute
    return total if minute < 60 and total <= 1440 else None


def read_date(value: str) -> dt.date | None:
    """Return the date of ``2026-12-01``, ``2026/12/01``, ``01/12/2026`` or ``01.12.2026``.

    A date that starts with its day is read day first, as everywhere but in the USA; where the
    second number passes 12 it can only be month first.
    """
    text = value.strip().split("T")[0].split(" ")[0]
    parts = re.split(r"[-/.]", text)
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    numbers = [int(p) for p in parts]
    if len(parts[0]) == 4:
        year, month, day = numbers
    elif len(parts[2]) == 4:
        day, month, year = numbers
        if month > 12 >= day:
            day, month = month, day
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
