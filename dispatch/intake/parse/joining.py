"""Joins rows with the same order id into one order with several parcels. PURE.

Parcel carriers export orders in this way: one row for each parcel, with the same ``order_id`` and
its own ``parcel_id``. Service times are added, and the time window is the common part of all
windows.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dispatch.intake.parse.faults import Fault


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel of a row: its own id or "", its weight in grams and volume in cubic centimetres."""

    external_id: str
    weight_g: int
    volume_cm3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An order as read from the file. Times are wall-clock minutes of ``date`` at its hub.

    ``filled`` are the known columns that the row fills. ``warnings`` inform the sender but do not
    refuse the row.
    """

    number: int
    external_id: str
    name: str
    phone: str
    email: str
    language: str
    address: str
    street: str
    house_number: str
    unit: str
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
    least_age: int = 0
    signature: bool = False
    choice: str = ""
    filled: frozenset[str] = frozenset()
    warnings: tuple[Fault, ...] = ()


def join(accepted: Mapping[str, Row], row: Row) -> Row | tuple[Fault, ...]:
    """Return a row joined to its order's earlier row, or the faults that prevent this."""
    first = accepted.get(row.external_id)
    if first is None:
        return row
    ids = {parcel.external_id for parcel in first.parcels}
    new = {parcel.external_id for parcel in row.parcels}
    params = {"value": row.external_id, "row": first.number}
    if "" in ids | new or ids & new:
        return (Fault("order_id", "twice", params),)
    opens = _both(max, first.opens_minute, row.opens_minute)
    closes = _both(min, first.closes_minute, row.closes_minute)
    joined = replace(
        first,
        parcels=first.parcels + row.parcels,
        service_s=_both(operator.add, first.service_s, row.service_s),
        opens_minute=opens,
        closes_minute=closes,
        filled=first.filled | row.filled,
        warnings=first.warnings + row.warnings,
    )
    expected = replace(
        row,
        number=first.number,
        parcels=joined.parcels,
        service_s=joined.service_s,
        opens_minute=opens,
        closes_minute=closes,
        filled=joined.filled,
        warnings=joined.warnings,
    )
    if expected != joined:
        return (Fault("order_id", "parcel_differs", params),)
    if opens is not None and closes is not None and closes <= opens:
        return (Fault("window_from", "parcel_windows_apart", params),)
    return joined


def _both(of_two: Callable[[int, int], int], first: int | None, second: int | None) -> int | None:
    """Combine two values with ``of_two``; if one is missing, return the other."""
    if first is None or second is None:
        return second if first is None else first
    return of_two(first, second)
