"""Hubs: open, change, retire."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction

from dispatch.fleet import hours, values
from dispatch.fleet.events import ADDED, CHANGED, RETIRED
from dispatch.fleet.models import Hub
from dispatch.fleet.services.writing import (
    create,
    locked,
    refuse_to_retire_in_use,
    refuse_while_in_shifts,
    write,
)
from lastmile.core.errors import Problems


class HubFields(TypedDict, total=False):
    """What a caller may say about a hub."""

    external_id: str | None
    name: str
    address: str
    lat: float
    lon: float
    zone: str
    hours: list[list[list[int]]]
    loading_s: int
    network: str
    active: bool


RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "name": values.name,
    "address": values.text(500),
    "lat": values.degrees(90),
    "lon": values.degrees(180),
    "zone": values.zone_name,
    "hours": hours.checked,
    "loading_s": values.whole(0, 14_400),
    "network": values.text(64),
    "active": values.yes_no,
}


@transaction.atomic
def add_hub(**fields: Unpack[HubFields]) -> Hub:
    """Open a hub; name, zone, lat and lon are required.

    Records: hub.added. Raises: Invalid, ExternalIdTaken.
    """
    kept = values.clean(fields, RULES, required=("name", "zone", "lat", "lon"))
    _refuse_null_island(kept["lat"], kept["lon"])
    return create(Hub, kept, ADDED["hub"])


@transaction.atomic
def change_hub(*, hub: Hub, version: int | None = None, **fields: Unpack[HubFields]) -> Hub:
    """Change what is given of a hub.

    Locks: the hub. Records: hub.changed, when something differs. Raises: Invalid, Stale,
    ExternalIdTaken, StillInUse.
    """
    kept: dict[str, Any] = values.clean(fields, RULES)
    row = locked(hub, version)
    refuse_to_retire_in_use(row, kept)
    if {"lat", "lon"} & set(kept):
        _refuse_null_island(kept.get("lat", row.lat), kept.get("lon", row.lon))
    return write(row, kept, CHANGED["hub"])


def _refuse_null_island(lat: float, lon: float) -> None:
    problems = Problems()
    values.refuse_null_island(lat, lon, problems, "/lat")
    problems.raise_if_any()


@transaction.atomic
def retire_hub(*, hub: Hub, version: int | None = None) -> Hub:
    """Close a hub for new work; its history stays.

    Locks: the hub. Records: hub.retired. Raises: StillInUse while shifts are to come, Stale.
    """
    row = locked(hub, version)
    refuse_while_in_shifts(row.shifts.all())
    return write(row, {"active": False}, RETIRED["hub"])
