"""Writes the rows of rules, so that every service locks, versions and records the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from dispatch.fleet.errors import ExternalIdTaken
from dispatch.fleet.models import Hub, Zone
from dispatch.slots.events import RuleFacts
from dispatch.slots.models import Blackout, HubCalendar, Slot, SlotTemplate
from lastmile.core.errors import Stale
from lastmile.core.events import record
from lastmile.core.kinds import Kind
from tenants.people.services import audit

Row = TypeVar("Row", SlotTemplate, Blackout, HubCalendar, Slot)


def locked(row: Row, version: int | None) -> Row:
    """Return the present row, locked. Raises Stale if its version is not ``version``."""
    present = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    if version is not None and present.version != version:
        raise Stale(
            _("Someone else changed this meanwhile. Reload it and make your change again."),
            data={"version": present.version},
        )
    return present


def assign(row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set the values that differ on a row, unsaved; return the old values by name."""
    before = {name: getattr(row, name) for name, value in values.items()
              if getattr(row, name) != value}  # fmt: skip
    for name in before:
        setattr(row, name, values[name])
    return before


def insert(row: SlotTemplate | Blackout) -> None:
    """Insert a new row. Raises ExternalIdTaken."""
    with _unique(row):
        row.save(force_insert=True)


def save_changes(row: Row, before: Mapping[str, Any]) -> None:
    """Save the changed columns; the version goes up by one. Raises ExternalIdTaken."""
    row.version += 1
    with _unique(row):
        row.save(update_fields=[*before, "version"])


@contextmanager
def _unique(row: Model) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "external_id" not in str(error):
            raise
        raise ExternalIdTaken(
            _("The external_id %(id)r is already in use. Choose another.")
            % {"id": getattr(row, "external_id", None)}
        ) from error


def record_rule(
    kind: Kind[RuleFacts],
    row: SlotTemplate | Blackout | HubCalendar,
    *,
    subject: str,
    changes: Mapping[str, tuple[Any, Any]],
) -> None:
    """Record and audit that a rule was added, changed or removed."""
    hub = row.hub.public_id if row.hub is not None else None
    record(kind, RuleFacts(hub=hub, changed=tuple(sorted(changes))), subject=subject)
    audit(
        kind.name,
        subject,
        {name: (_plain(old), _plain(new)) for name, (old, new) in changes.items()},
    )


def _plain(value: Any) -> Any:
    """Return a value for the audit log: rows by their public id."""
    if isinstance(value, Hub | Zone):
        return value.public_id
    return None if isinstance(value, Model) else value
