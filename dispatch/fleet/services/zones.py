"""Services of zones: add, change, remove."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from dispatch.fleet import polygons, values
from dispatch.fleet.errors import StillInUse
from dispatch.fleet.events import ADDED, CHANGED, ZONE_REMOVED, RemovedFacts
from dispatch.fleet.models import Hub, Zone
from dispatch.fleet.services.writing import create, locked, write
from lastmile.core.events import record
from tenants.people.services import audit


class ZoneFields(TypedDict, total=False):
    """The fields of a zone."""

    external_id: str | None
    name: str
    hub: Hub
    polygon: dict[str, Any]
    active: bool


RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "name": values.name,
    "hub": values.unchanged,
    "polygon": polygons.checked_area,
    "active": values.boolean,
}


def _columns(cleaned: dict[str, Any]) -> dict[str, Any]:
    area = cleaned.pop("polygon", None)
    return cleaned | (asdict(area) if area is not None else {})


@transaction.atomic
def add_zone(**fields: Unpack[ZoneFields]) -> Zone:
    """Add a zone that a hub serves; name, hub and polygon are required.

    Records: zone.added. Raises: Invalid, ExternalIdTaken.
    """
    cleaned = values.clean(fields, RULES, required=("name", "hub", "polygon"))
    return create(Zone, _columns(cleaned), ADDED["zone"])


@transaction.atomic
def change_zone(*, zone: Zone, version: int | None = None, **fields: Unpack[ZoneFields]) -> Zone:
    """Change the given fields of a zone.

    Locks: the zone. Records: zone.changed if a value differs. Raises: Invalid, Stale,
    ExternalIdTaken.
    """
    cleaned = values.clean(fields, RULES)
    return write(locked(zone, version), _columns(cleaned), CHANGED["zone"])


@transaction.atomic
def remove_zone(*, zone: Zone, version: int | None = None) -> None:
    """Remove a zone. Existing orders keep their hub; only the hubs of new orders can differ.

    Locks: the zone. Records: zone.removed. Raises: Stale, StillInUse.
    """
    row = locked(zone, version)
    record(ZONE_REMOVED, RemovedFacts(hub=row.hub.public_id), subject=row.public_id)
    audit(ZONE_REMOVED.name, row.public_id, {"name": (row.name, None)})
    try:
        row.delete()
    except ProtectedError:
        raise StillInUse(
            _("Slots or their rules use this zone. Set the zone inactive instead of removing it.")
        ) from None
