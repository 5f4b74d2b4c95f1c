"""Reads a file of points into rows and checks every value. PURE.

A row becomes a :class:`PointRow`, or it is refused with all of its faults. What the file leaves
open is a fault and never a guess. Faults are codes; ``words.py`` has their texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dispatch.intake.parse import Conventions, Fault, Parsed
from dispatch.intake.parse.columns import fold
from dispatch.intake.parse.faults import BadFile
from dispatch.intake.parse.reader import Reader, Sheet, sheet_of, value_at
from dispatch.intake.parse.rows import SHEET_ERROR, Refused, data_rows
from dispatch.intake.parse.tables import Headings, Table, read_table
from lastmile.core.geo import Point
from lockers.intake.columns import COUNTER_WORDS, LOCKER_WORDS, recognise
from lockers.intake.geojson import is_geojson, read_geojson
from lockers.states import BankKind

MOST_WEIGHT_KG: Final = 1000
_NEAR_ZERO: Final = 0.001  # degrees; 0/0 is what lists write for a place that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """A point as read from the file; "" and None are values that it does not have.

    ``external_id`` is the point's own id. If the file has no column of ids, it is computed from
    network, name and address, so that a second import finds the same point.
    """

    number: int
    external_id: str
    name: str
    kind: str
    network: str
    address: str
    point: Point
    hours: str
    country: str
    zone: str
    hub: str
    access: str
    most_weight_g: int | None
    filled: frozenset[str]


def parse_points(
    data: bytes, *, max_rows: int, kind: str = "", conventions: Conventions | None = None
) -> Parsed[PointRow]:
    """Read a file of points: GeoJSON, CSV or XLSX.

    Parameters
    ----------
    kind : str
        The kind of points without one (``BankKind``); "" refuses them.
    conventions : Conventions, optional
        The sender's number formats.

    Raises
    ------
    BadFile
        The file is not a table or GeoJSON, has no rows or too many, or has no names or places.
    """
    table, broken = (
        read_geojson(data, max_rows) if is_geojson(data) else (read_table(data, KNOWN), {})
    )
    columns, unknown = recognise(table.headings)
    _refuse_useless(set(columns.values()), table)
    cells_by_row = dict(data_rows(table, max_rows))
    if not cells_by_row:
        raise BadFile("no_rows")
    sheet = sheet_of(table, columns, list(cells_by_row.values()), conventions or Conventions())
    accepted: dict[str, PointRow] = {}
    refused: list[Refused] = []
    for number, cells in cells_by_row.items():
        fault = broken.get(number)
        row = (fault,) if fault else _read(number, cells, sheet, kind)
        if isinstance(row, PointRow) and row.external_id in accepted:
            row = (_twice(row, accepted[row.external_id]),)
        if isinstance(row, tuple):
            refused.append(Refused(number, cells, row))
        else:
            accepted[row.external_id] = row
    return Parsed(
        tuple(table.headings),
        tuple(unknown),
        frozenset(columns.values()),
        tuple(accepted.values()),
        tuple(refused),
        len(cells_by_row),
        cells_by_row,
    )


def _recognised(cells: list[str]) -> int:
    """Return how many columns the cells of a row name."""
    return len(recognise(cells)[0])


def _is_enough(cells: list[str]) -> bool:
    """Return True if the cells of a row name the columns that a point needs."""
    return {"name", "lat", "lon"} <= set(recognise(cells)[0].values())


KNOWN: Final = Headings(_recognised, _is_enough)


def _refuse_useless(names: set[str], table: Table) -> None:
    headings = ", ".join(h for h in table.headings if h)[:300]
    if not {"lat", "lon"} <= names:
        raise BadFile("no_place", headings=headings)
    if "name" not in names:
        raise BadFile("no_name", headings=headings)


def _read(
    number: int, cells: tuple[str, ...], sheet: Sheet, kind: str
) -> PointRow | tuple[Fault, ...]:
    read = Reader({name: value_at(cells, at) for at, name in sheet.known.items()}, sheet)
    filled = frozenset(name for name, value in read.values.items() if value)
    for name, value in tuple(read.values.items()):
        if SHEET_ERROR.fullmatch(value):
            read.fault(name, "sheet_error", value=value)
            read.values[name] = ""
    name = " ".join(read.text("name", 160).split())
    if "name" not in filled:
        read.fault("name", "missing")
    point = _point(read)
    values = {
        "network": read.text("network", 64),
        "address": _address(read),
        "hours": read.text("hours", 500),
        "country": read.text("country", 2).upper(),
        "zone": read.text("zone", 64),
        "hub": read.text("hub", 100),
        "access": read.text("access", 500),
    }
    weight = read.number("weight_kg", 0, MOST_WEIGHT_KG)
    row_kind = _kind(read, kind)
    external_id = _id(read, sheet, (values["network"], name, values["address"]))
    if read.faults or point is None:
        return tuple(read.faults)
    return PointRow(
        number=number,
        external_id=external_id,
        name=name,
        kind=row_kind,
        point=point,
        most_weight_g=round(weight * 1000) if weight else None,
        filled=filled,
        **values,
    )


def _point(read: Reader) -> Point | None:
    """Return the place, or None with the fault that says why it is not clear."""
    if not (read.values.get("lat") and read.values.get("lon")):
        if not (read.values.get("lat") or read.values.get("lon")):
            read.fault("lat", "no_point")
        else:
            read.fault("lon" if read.values.get("lat") else "lat", "half_a_place")
        return None
    before = len(read.faults)
    lat, lon = read.number("lat", -90, 90), read.number("lon", -180, 180)
    if lat is None or lon is None:
        assert len(read.faults) > before
        return None
    if abs(lat) < _NEAR_ZERO and abs(lon) < _NEAR_ZERO:
        read.fault("lat", "zero_point")
        return None
    return Point(lat=float(lat), lon=float(lon))


def _address(read: Reader) -> str:
    """Return the address as one line, from one column or from its parts."""
    whole = read.text("address", 500)
    if whole:
        return whole
    street = " ".join(filter(None, (read.text("street"), read.text("house_number", 20))))
    town = " ".join(filter(None, (read.text("postcode", 20), read.text("city", 100))))
    return ", ".join(filter(None, (street, town)))


def _kind(read: Reader, usual: str) -> str:
    value = read.text("kind", 60)
    word = fold(value).replace(" ", "_")
    if word in LOCKER_WORDS:
        return BankKind.VENDOR
    if word in COUNTER_WORDS:
        return BankKind.COUNTER
    if word:
        read.fault("kind", "unknown_kind", value=value)
    elif not usual:
        read.fault("kind", "missing_kind")
    return usual


def _id(read: Reader, sheet: Sheet, names: tuple[str, ...]) -> str:
    if "point_id" in sheet.known.values():
        value = read.text("point_id", 64)
        if not read.values.get("point_id"):
            read.fault("point_id", "missing")
        return value
    text = "|".join(fold(name) for name in names)
    return f"point-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _twice(row: PointRow, first: PointRow) -> Fault:
    if "point_id" in row.filled:
        return Fault("point_id", "twice", {"value": row.external_id, "row": first.number})
    return Fault("name", "twice_without_id", {"value": row.name, "row": first.number})


def params_of(row: PointRow) -> Mapping[str, object]:
    """Return the columns of a bank that the row fills, besides hub, zone and country."""
    values: dict[str, object] = {"name": row.name, "lat": row.point.lat, "lon": row.point.lon}
    optional = {
        "network": row.network,
        "address": row.address,
        "hours": row.hours,
        "access": row.access,
        "most_weight_g": row.most_weight_g,
    }
    return values | {name: value for name, value in optional.items() if value}
