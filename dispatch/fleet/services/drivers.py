"""Services of drivers: add, change, retire."""

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
    """The fields of a driver.

    A phone number without a country code is read as a number of the hub's country.
    """

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
        raise Invalid(_("This is not the id of a member. Such an id begins with mbr_."))
    return raw


def _rules(hub: Hub | None) -> dict[str, values.Rule]:
    def phone(raw: Any) -> str:
        number = values.storable(raw, most=40).strip()
        return e164(number, region_of(hub.zone) if hub else "") if number else ""

    return {
        "external_id": values.external_id,
        "name": values.name,
        "phone": phone,
        "hub": values.unchanged,
        "skills": skills.normalise,
        "member": _member,
        "active": values.boolean,
    }


@transaction.atomic
def add_driver(**fields: Unpack[DriverFields]) -> Driver:
    """Add a driver; name and hub are required.

    Records: driver.added. Raises: Invalid, ExternalIdTaken; Conflict if the member is linked to
    another driver.
    """
    columns = values.clean(fields, _rules(fields.get("hub")), required=("name", "hub"))
    return create(Driver, columns, ADDED["driver"])


@transaction.atomic
def change_driver(
    *, driver: Driver, version: int | None = None, **fields: Unpack[DriverFields]
) -> Driver:
    """Change the given fields of a driver.

    Locks: the driver. Records: driver.changed if a value differs. Raises: Invalid, Stale,
    ExternalIdTaken, Conflict, StillInUse.
    """
    columns = values.clean(fields, _rules(fields.get("hub", driver.hub)))
    row = locked(driver, version)
    refuse_to_retire_in_use(row, columns)
    return write(row, columns, CHANGED["driver"])


@transaction.atomic
def retire_driver(*, driver: Driver, version: int | None = None) -> Driver:
    """Make a driver inactive; the history stays.

    Locks: the driver. Records: driver.retired. Raises: StillInUse, Stale.
    """
    row = locked(driver, version)
    refuse_while_in_shifts(row.shifts.all())
    return write(row, {"active": False}, RETIRED["driver"])
