"""Where work waits."""

from __future__ import annotations

import datetime as dt

from django.db.models import Min
from django.db.models.functions import Now

from lastmile.worklist.models import WorkPointer


def seen(schema: str, kind: str) -> list[int]:
    """Return the ids of the due pointers; read them before the work, clear them after it."""
    return list(
        WorkPointer.objects.filter(schema=schema, kind=kind, due_at__lte=Now()).values_list(
            "pk", flat=True
        )
    )


def due(*, grace_s: float = 0, limit: int = 1000) -> list[tuple[str, str]]:
    """Return (schema, kind) with work due at least ``grace_s`` ago, the longest waiting first.

    Reads one index from its head: the cost grows with the work that waits, not with retailers.
    """
    waiting = (
        WorkPointer.objects.filter(due_at__lte=Now() - dt.timedelta(seconds=grace_s))
        .values_list("schema", "kind")
        .annotate(oldest=Min("due_at"))
        .order_by("oldest")[:limit]
    )
    return [(schema, kind) for schema, kind, _oldest in waiting]


def pointed(kind: str, *, limit: int = 200) -> list[str]:
    """Return the schemas that have work of a kind, due or not, the longest waiting first."""
    rows = WorkPointer.objects.filter(kind=kind).values_list("schema")
    oldest = rows.annotate(oldest=Min("due_at")).order_by("oldest")
    return [schema for schema, _oldest in oldest[:limit]]
