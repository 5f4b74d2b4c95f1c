"""How a noun of fleet is written: once here, so that every act locks, counts and records alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from dispatch.fleet.errors import ExternalIdTaken, StillInUse
from dispatch.fleet.events import AddedFacts, ChangedFacts
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState
from lastmile.core import clock
from lastmile.core.errors import Conflict, Stale
from lastmile.core.events import record
from lastmile.core.kinds import Kind
from tenants.people.services import audit

Noun = TypeVar("Noun", Hub, Zone, Vehicle, Driver, Shift)


def create(model: type[Noun], values: Mapping[str, Any], kind: Kind[AddedFacts]) -> Noun:
    """Insert one row, record and audit ``kind``. Must run inside a transaction."""
    try:
        with transaction.atomic():
            row = model.objects.create(**values)
    except IntegrityError as refused:
        raise taken(refused, values) from refused
    record(kind, AddedFacts(hub=_hub_of(row)), subject=row.public_id)
    audit(
        kind.name, row.public_id, {name: (None, shown) for name, shown in _audited(values).items()}
    )
    return row


def taken(refused: IntegrityError, values: Mapping[str, Any]) -> Conflict:
    """Say in words which uniqueness a write broke."""
    if "external_id" in str(refused):
        return ExternalIdTaken(
            _("The external_id %(id)r is already in use; choose another or change that row.")
            % {"id": values.get("external_id")}
        )
    if "member" in str(refused):
        return Conflict(_("This member already is a driver; one login drives as one driver."))
    raise refused


def locked(row: Noun, version: int | None) -> Noun:
    """Return the row as it stands, locked. Raises Stale when ``version`` is no longer present."""
    present = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    if version is not None and present.version != version:
        raise Stale(
            _("Somebody changed this meanwhile; read it again and repeat your change."),
            data={"version": present.version},
        )
    return present


def write(row: Noun, values: Mapping[str, Any], kind: Kind[ChangedFacts]) -> Noun:
    """Write what differs to a locked row, raise its version, record and audit ``kind``.

    Nothing is written or recorded when nothing differs.
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
    except IntegrityError as refused:
        raise taken(refused, values) from refused
    facts = ChangedFacts(hub=_hub_of(row), changed=tuple(changed))
    record(kind, facts, subject=row.public_id)
    after = _audited({name: getattr(row, name) for name in changed})
    audit(kind.name, row.public_id, {name: (before[name], after[name]) for name in after})
    return row


def refuse_while_in_shifts(shifts: models.QuerySet[Shift]) -> None:
    """Raise StillInUse when a scheduled shift has not ended yet."""
    open_shift = shifts.filter(state=ShiftState.SCHEDULED, ends_at__gt=clock.now()).first()
    if open_shift is not None:
        raise StillInUse(
            _("A shift on %(date)s still uses it; cancel that shift first.")
            % {"date": open_shift.service_date.isoformat()},
            data={"shift": open_shift.public_id},
        )


def refuse_to_retire_in_use(row: Hub | Vehicle | Driver, values: Mapping[str, Any]) -> None:
    """Raise StillInUse when ``active=False`` would leave a shift to come without its means."""
    if row.active and values.get("active") is False:
        refuse_while_in_shifts(row.shifts.all())


def _audited(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit keeps of columns: rows by their public id, a zone by its area."""
    shapes = {"polygon", "min_lat", "min_lon", "max_lat", "max_lon"}
    return {
        name: value.public_id if isinstance(value, Hub | Vehicle | Driver) else value
        for name, value in values.items()
        if name not in shapes
    }


def _hub_of(row: Hub | Zone | Vehicle | Driver | Shift) -> str:
    return row.public_id if isinstance(row, Hub) else row.hub.public_id
