"""Services of hubs: add, change, retire."""

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
    """The fields of a hub."""

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
    "hours": hours.checked_hours,
    "loading_s": values.whole(0, 14_400),
    "network": values.text(64),
    "active": values.boolean,
}


@transaction.atomic
def add_hub(**fields: Unpack[HubFields]) -> Hub:
    """Add a hub; name, zone, lat and lon are required.

    Records: hub.added. Raises: Invalid, ExternalIdTaken.
    """
    columns = values.clean(fields, RULES, required=("name", "zone", "lat", "lon"))
    _refuse_null_island(columns["lat"], columns["lon"])
    return create(Hub, columns, ADDED["hub"])


@transaction.atomic
def change_hub(*, hub: Hub, version: int | None = None, **fields: Unpack[HubFields]) -> Hub:
    """Change the given fields of a hub.

    Locks: the hub. Records: hub.changed if a value differs. Raises: Invalid, Stale,
    ExternalIdTaken, StillInUse.
    """
    columns: dict[str, Any] = values.clean(fields, RULES)
    row = locked(hub, version)
    refuse_to_retire_in_use(row, columns)
    if {"lat", "lon"} & set(columns):
        _refuse_null_island(columns.get("lat", row.lat), columns.get("lon", row.lon))
    return write(row, columns, CHANGED["hub"])


def _refuse_null_island(lat: float, lon: float) -> None:
    problems = Problems()
    values.refuse_null_island(lat, lon, problems, "/lat")
    problems.raise_if_any()


@transaction.atomic
def retire_hub(*, hub: Hub, version: int | None = None) -> Hub:
    """Make a hub inactive, so that it gets no new work; its history stays.

    Locks: the hub. Records: hub.retired. Raises: Stale; StillInUse if it has shifts to come.
    """
    row = locked(hub, version)
    refuse_while_in_shifts(row.shifts.all())
    return write(row, {"active": False}, RETIRED["hub"])
