"""Converts a row of a file into the draft of an order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from dispatch.fleet.models import Hub
from dispatch.intake.parse import Row
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    SentFields,
    ShopperDraft,
)

# The field of an order that each column of a file fills.
_FIELDS = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "language": "language",
    "address": "text",
    "street": "street",
    "house_number": "house_number",
    "unit": "unit",
    "postcode": "postcode",
    "city": "city",
    "lat": "coordinates",
    "lon": "coordinates",
    "date": "service_date",
    "window_from": "window",
    "window_to": "window",
    "window": "window",
    "service_minutes": "service_s",
    "service_seconds": "service_s",
    "parcels": "parcel_count",
    "parcel_id": "parcel_ids",
    "weight_kg": "weight_g",
    "weight_g": "weight_g",
    "volume_l": "volume_cm3",
    "volume_cm3": "volume_cm3",
    "skills": "skills",
    "hub": "hub",
    "direction": "direction",
    "minimum_age": "least_age",
    "signature": "signature",
    "choice": "choice",
    "notes": "notes",
}


def sent_fields_of(row: Row, columns: Collection[str], service_date: dt.date | None) -> SentFields:
    """Return the order fields with a value in the row, and those whose column is empty there.

    Fields without a column in the file are in neither set.
    """
    filled = {_FIELDS[column] for column in row.filled if column in _FIELDS}
    if row.opens_minute is not None or row.closes_minute is not None:
        filled.add("window")
    else:
        filled.discard("window")
    if service_date is not None:
        filled.add("service_date")
    present = {_FIELDS[column] for column in columns if column in _FIELDS}
    return SentFields(filled=frozenset(filled), blank=frozenset(present - filled))


def to_draft(
    row: Row, columns: Collection[str], hub: Hub | None, service_date: dt.date | None
) -> OrderDraft:
    """Return a row of a file as the draft of an order.

    ``columns`` are the known columns of its file. On an existing order, fields without a column or
    a value do not change.
    """
    window = None
    if row.opens_minute is not None or row.closes_minute is not None:
        window = LocalWindowDraft(
            opens_minute=0 if row.opens_minute is None else row.opens_minute,
            closes_minute=1440 if row.closes_minute is None else row.closes_minute,
        )
    return OrderDraft(
        external_id=row.external_id,
        direction=row.direction,
        shopper=ShopperDraft(
            name=row.name, phone=row.phone, email=row.email, language=row.language
        ),
        place=PlaceDraft(
            text=row.address,
            street=row.street,
            house_number=row.house_number,
            unit=row.unit,
            postcode=row.postcode,
            city=row.city,
            lat=row.lat,
            lon=row.lon,
        ),
        hub=row.hub or (hub.public_id if hub else ""),
        service_date=row.date or service_date,
        window=window,
        service_s=row.service_s,
        parcels=tuple(
            ParcelDraft(
                external_id=p.external_id or None,
                barcode=p.external_id,
                weight_g=p.weight_g,
                volume_cm3=p.volume_cm3,
            )
            for p in row.parcels
        ),
        skills=row.skills,
        least_age=row.least_age,
        signature=row.signature,
        choice=row.choice,
        notes=row.notes,
        sent_fields=sent_fields_of(row, columns, service_date),
    )
