"""Writes the rows of the fleet, so that every service locks, versions and records the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from dispatch.fleet.errors import ExternalIdTaken, StillInUse
from dispatch.fleet.events import AddedFacts, ChangedFacts
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState
from lastmile.core import clock, formatting
from lastmile.core.errors import Conflict, Stale
from lastmile.core.events import record
from lastmile.core.kinds import Kind
from tenants.people.services import audit

FleetRow = TypeVar("FleetRow", Hub, Zone, Vehicle, Driver, Shift)


def create(model: type[FleetRow], values: Mapping[str, Any], kind: Kind[AddedFacts]) -> FleetRow:
    """Insert a row, and record and audit the event ``kind``. Call it inside a transaction."""
    try:
        with transaction.atomic():
            row = model.objects.create(**values)
    except IntegrityError as error:
        raise uniqueness_error(error, values) from error
    record(kind, AddedFacts(hub=_hub_of(row)), subject=row.public_id)
    audit(
        kind.name, row.public_id, {name: (None, value) for name, value in _audited(values).items()}
    )
    return row


def uniqueness_error(error: IntegrityError, values: Mapping[str, Any]) -> Conflict:
    """Return the error for a broken unique constraint. Raises any other database error."""
    if "external_id" in str(error):
        return ExternalIdTaken(
            _("The external_id %(id)r is already in use. Choose another.")
            % {"id": values.get("external_id")}
        )
    if "member" in str(error):
        return Conflict(
            _("This member is already linked to another driver. Choose another member.")
        )
    raise error


def locked(row: FleetRow, version: int | None) -> FleetRow:
    """Return the present row, locked. Raises Stale if its version is not ``version``."""
    present = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    if version is not None and present.version != version:
        raise Stale(
            _("Someone else changed this meanwhile. Reload it and make your change again."),
            data={"version": present.version},
        )
    return present


def write(row: FleetRow, values: Mapping[str, Any], kind: Kind[ChangedFacts]) -> FleetRow:
    """Write the values that differ to a locked row, and record and audit the event ``kind``.

    The version of the row goes up by one. If no value differs, nothing is written or recorded.
    """
    changed: list[str] = sorted(
        name for name, value in values.items() if getattr(row, name) != value
    )
    if not changed:
        return row
    before = _audited({name: getattr(row, name) for name in changed})
    for name in changed:
        setattr(row, name, values[name])
    row.version += 1
    try:
        with transaction.atomic():
            row.save(update_fields=[*changed, "version"])
    except IntegrityError as error:
        raise uniqueness_error(error, values) from error
    facts = ChangedFacts(hub=_hub_of(row), changed=tuple(changed))
    record(kind, facts, subject=row.public_id)
    after = _audited({name: getattr(row, name) for name in changed})
    audit(kind.name, row.public_id, {name: (before[name], after[name]) for name in after})
    return row


def refuse_while_in_shifts(shifts: models.QuerySet[Shift]) -> None:
    """Raise StillInUse if one of the shifts is scheduled and has not ended."""
    open_shift = shifts.filter(state=ShiftState.SCHEDULED, ends_at__gt=clock.now()).first()
    if open_shift is not None:
        raise StillInUse(
            _("It is still used by a shift on %(date)s. Cancel that shift first.")
            % {"date": formatting.date(open_shift.service_date)},
            data={"shift": open_shift.public_id},
        )


def refuse_to_retire_in_use(row: Hub | Vehicle | Driver, values: Mapping[str, Any]) -> None:
    """Raise StillInUse if ``active=False`` is to be written to a row that a shift still uses."""
    if row.active and values.get("active") is False:
        refuse_while_in_shifts(row.shifts.all())


def _audited(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for the audit log: rows by their public id, a zone only by its area."""
    shapes = {"polygon", "min_lat", "min_lon", "max_lat", "max_lon"}
    return {
        name: value.public_id if isinstance(value, Hub | Vehicle | Driver) else value
        for name, value in values.items()
        if name not in shapes
    }


def _hub_of(row: Hub | Zone | Vehicle | Driver | Shift) -> str:
    return row.public_id if isinstance(row, Hub) else row.hub.public_id
