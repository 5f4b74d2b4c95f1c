"""Drivers: add, change, retire."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import skills, values
from dispatch.fleet.events import ADDED, CHANGED, RETIRED
from dispatch.fleet.models import Driver, Hub
from dispatch.fleet.services.writing import (
    create,
    locked,
    refuse_to_retire_in_use,
    refuse_while_in_shifts,
    write,
)
from lastmile.core.errors import Invalid
from lastmile.core.ids import looks_like
from lastmile.core.phones import e164, region_of


class DriverFields(TypedDict, total=False):
    """What a caller may say about a driver. A national phone number is read as the hub's."""

    external_id: str | None
    name: str
    phone: str
    hub: Hub
    skills: list[str]
    member: str | None
    active: bool


def _member(raw: Any) -> str | None:
    if raw in (None, ""):
        return None
    if not isinstance(raw, str) or not looks_like(raw, "mbr"):
        raise Invalid(_("This is not the id of a member (mbr_…)."))
    return raw


def _rules(hub: Hub | None) -> dict[str, values.Rule]:
    def phone(raw: Any) -> str:
        kept = values.storable(raw, most=40).strip()
        return e164(kept, region_of(hub.zone) if hub else "") if kept else ""

    return {
        "external_id": values.external_id,
        "name": values.name,
        "phone": phone,
        "hub": values.as_it_is,
        "skills": skills.normalise,
        "member": _member,
        "active": values.yes_no,
    }


@transaction.atomic
def add_driver(**fields: Unpack[DriverFields]) -> Driver:
    """Add a driver; name and hub are required.

    Records: driver.added. Raises: Invalid, ExternalIdTaken, Conflict for a member who drives.
    """
    kept = values.clean(fields, _rules(fields.get("hub")), required=("name", "hub"))
    return create(Driver, kept, ADDED["driver"])


@transaction.atomic
def change_driver(
    *, driver: Driver, version: int | None = None, **fields: Unpack[DriverFields]
) -> Driver:
    """Change what is given of a driver.

    Locks: the driver. Records: driver.changed, when something differs. Raises: Invalid, Stale,
    ExternalIdTaken, Conflict, StillInUse.
    """
    kept = values.clean(fields, _rules(fields.get("hub", driver.hub)))
    row = locked(driver, version)
    refuse_to_retire_in_use(row, kept)
    return write(row, kept, CHANGED["driver"])


@transaction.atomic
def retire_driver(*, driver: Driver, version: int | None = None) -> Driver:
    """Take a driver off the list; the history stays.

    Locks: the driver. Records: driver.retired. Raises: StillInUse, Stale.
    """
    row = locked(driver, version)
    refuse_while_in_shifts(row.shifts.all())
    return write(row, {"active": False}, RETIRED["driver"])
