"""A row of a file as the draft of an order."""

from __future__ import annotations

import datetime as dt

from dispatch.fleet.models import Hub
from dispatch.intake.parse import Row
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
)


def to_draft(row: Row, hub: Hub | None, service_date: dt.date | None) -> OrderDraft:
    """A row of a file as the draft that every intake hands to orders."""
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
        notes=row.notes,
    )
