"""Queries that find waiting work through its pointers."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import connection
from django.db.models import Min
from django.db.models.functions import Now

from lastmile.worklist.models import WorkPointer

_SEEN_SQL: Final = """SELECT id FROM worklist_workpointer
 WHERE schema = %s AND kind = %s AND due_at <= statement_timestamp()
"""
_DUE_SQL: Final = """SELECT schema, max(id) FROM worklist_workpointer
 WHERE kind = %s AND due_at <= statement_timestamp()
 GROUP BY schema ORDER BY min(due_at)
"""


def seen(schema: str, kind: str) -> list[int]:
    """Return the ids of the due pointers of a schema and kind.

    Read the ids before the work, and pass them to ``clear`` after it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SEEN_SQL, [schema, kind])
        return [pk for (pk,) in cursor.fetchall()]


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
    with connection.cursor() as cursor:
        cursor.execute(_DUE_SQL, [kind])
        return [(schema, newest) for schema, newest in cursor.fetchall()]


def pointed(kind: str, *, limit: int = 200) -> list[str]:
    """Return the schemas that have work of a kind, due or not, oldest first."""
    rows = WorkPointer.objects.filter(kind=kind).values_list("schema")
    oldest = rows.annotate(oldest=Min("due_at")).order_by("oldest")
    return [schema for schema, _oldest in oldest[:limit]]
