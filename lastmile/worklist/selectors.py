"""Queries that find waiting work through its pointers."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max, Min
from django.db.models.functions import Now

from lastmile.worklist.models import WorkPointer


def seen(schema: str, kind: str) -> list[int]:
    """Return the ids of the due pointers of a schema and kind.

    Read the ids before the work, and pass them to ``clear`` after it.
    """
    return list(
        WorkPointer.objects.filter(schema=schema, kind=kind, due_at__lte=Now()).values_list(
            "pk", flat=True
        )
    )


def due(*, grace_s: float = 0, limit: int = 1000) -> list[tuple[str, str]]:
    """Return each (schema, kind) with work that is overdue by ``grace_s`` seconds, oldest first.

    The query reads one index from its start, so its cost grows with the waiting work and not with
    the number of retailers.
    """
    waiting = (
        WorkPointer.objects.filter(due_at__lte=Now() - dt.timedelta(seconds=grace_s))
        .values_list("schema", "kind")
        .annotate(oldest=Min("due_at"))
        .order_by("oldest")[:limit]
    )
    return [(schema, kind) for schema, kind, _oldest in waiting]


def due_schemas(kind: str) -> list[tuple[str, int]]:
    """Return the schemas with due pointers of a kind, oldest first, each with its newest pointer.

    A caller that looks often can tell by the newest pointer whether there is new work.
    """
    rows = WorkPointer.objects.filter(kind=kind, due_at__lte=Now()).values_list("schema")
    oldest = rows.annotate(oldest=Min("due_at"), newest=Max("pk")).order_by("oldest")
    return [(schema, newest) for schema, _oldest, newest in oldest]


def pointed(kind: str, *, limit: int = 200) -> list[str]:
    """Return the schemas that have work of a kind, due or not, oldest first."""
    rows = WorkPointer.objects.filter(kind=kind).values_list("schema")
    oldest = rows.annotate(oldest=Min("due_at")).order_by("oldest")
    return [schema for schema, _oldest in oldest[:limit]]
