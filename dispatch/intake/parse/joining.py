"""Rows that share an order id are one order of several parcels. PURE.

So parcel carriers export them: rows with one ``order_id`` differ in ``parcel_id``; service times
add up, and the window is what all parcels allow.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dispatch.intake.parse.faults import Fault


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """One parcel: its own id if the file gives one, grams and cubic centimetres."""

    external_id: str
    weight_g: int
    volume_cm3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order as the file gives it. Times are wall-clock minutes of ``date`` at its hub.

    ``given`` are the known columns that the row fills; ``warnings`` what its sender should know
    though the order is taken.
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
    given: frozenset[str] = frozenset()
    warnings: tuple[Fault, ...] = ()


def join(accepted: Mapping[str, Row], row: Row) -> Row | tuple[Fault, ...]:
    """Join a further parcel to its order, or say that the order id stands twice."""
    first = accepted.get(row.external_id)
    if first is None:
        return row
    ids = {parcel.external_id for parcel in first.parcels}
    new = {parcel.external_id for parcel in row.parcels}
    about = {"value": row.external_id, "row": first.number}
    if "" in ids | new or ids & new:
        return (Fault("order_id", "twice", about),)
    opens = _both(max, first.opens_minute, row.opens_minute)
    closes = _both(min, first.closes_minute, row.closes_minute)
    joined = replace(
        first,
        parcels=first.parcels + row.parcels,
        service_s=_both(operator.add, first.service_s, row.service_s),
        opens_minute=opens,
        closes_minute=closes,
        given=first.given | row.given,
        warnings=first.warnings + row.warnings,
    )
    alike = replace(
        row,
        number=first.number,
        parcels=joined.parcels,
        service_s=joined.service_s,
        opens_minute=opens,
        closes_minute=closes,
        given=joined.given,
        warnings=joined.warnings,
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
