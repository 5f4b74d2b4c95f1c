"""Point at work, and take pointers away once the work is done.

The rule that loses nothing: *see* the pointers first, then do the work, then *clear* those that
were seen. A pointer written meanwhile has an id of its own and stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.db.models.functions import Now

from lastmile.worklist.models import ScheduleMark, WorkPointer


def point(*, schema: str, kind: str, due_in_s: float = 0) -> int:
    """Write a pointer in the present transaction; return its id.

    Locks: nothing, waits for nobody. Records: nothing. Raises: nothing of its own.
    """
    due = Now() + dt.timedelta(seconds=due_in_s) if due_in_s else Now()
    return WorkPointer.objects.create(schema=schema, kind=kind, due_at=due).pk


def clear(*, pointer_ids: Iterable[int]) -> int:
    """Take away pointers that were seen before the work was done; return how many there were."""
    ids = list(pointer_ids)
    if not ids:
        return 0
    with connection.cursor() as cursor:  # the ORM would read them first, to send signals
        cursor.execute("DELETE FROM worklist_workpointer WHERE id = ANY(%s)", [ids])
        return int(cursor.rowcount)


def forget(*, schema: str) -> int:
    """Take away every pointer of a retailer that is no more; return how many there were."""
    return WorkPointer.objects.filter(schema=schema).delete()[0]


def claim_window(*, name: str, due_at: dt.datetime) -> bool:
    """Move a schedule on to ``due_at``; True for the one caller that may fire it.

    Locks: the schedule's row until the caller's transaction ends, so that a second beat waits and
    then finds the turn taken. Roll back to give the turn away again.
    """
    ScheduleMark.objects.bulk_create(
        [ScheduleMark(name=name, due_at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))],
        ignore_conflicts=True,
    )
    return ScheduleMark.objects.filter(name=name, due_at__lt=due_at).update(due_at=due_at) == 1
