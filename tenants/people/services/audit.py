"""Write the audit log, in the transaction of the change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection

from lastmile.core.actor import current_actor
from tenants.people.models import AuditEntry

# Fields with such a name are never recorded: a secret in the log would outlive its rotation.
_SECRET_WORDS = ("password", "secret", "token", "hash", "pin")
Change = tuple[Any, Any]


def audit(act: str, subject: str, changes: Mapping[str, Change] | None = None) -> AuditEntry:
    """Record an action of the current actor.

    Locks: nothing. Records: nothing. Raises: RuntimeError outside a transaction, ValueError if a
    change names a secret.

    Parameters
    ----------
    act : str
        ``noun.verb``, such as ``member.change``. It needs a sentence in the app's AuditWords.
    subject : str
        Public id of the changed object.
    changes : mapping, optional
        Field -> (before, after) of the changed fields.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit() belongs in the transaction of the change; there is none.")
    stored: dict[str, Any] = {}
    for field, (before, after) in (changes or {}).items():
        if field.split("_")[-1] in _SECRET_WORDS:
            raise ValueError(f"{field} is a secret; audit that it changed, not what it became.")
        stored[field] = {"before": _plain(before), "after": _plain(after)}
    return AuditEntry.objects.create(
        actor=current_actor(), act=act, subject=subject, changes=stored
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Change]:
    """Return field -> (before, after) for the fields whose values differ."""
    return {f: (before.get(f), v) for f, v in after.items() if before.get(f) != v}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    return value
