"""Add pointers to work, and delete them when the work is done.

So that no work is lost: first read the ids of the pointers (``seen``), then do the work, then
delete exactly these ids (``clear``). A pointer that is written in the meantime has another id and
stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import connection

from lastmile.worklist.models import ScheduleMark, WorkPointer


def point(*, schema: str, kind: str, due_in_s: float = 0) -> int:
    """Add a pointer in the current transaction and return its id.

    Locks: nothing, and waits for no other transaction. Records: nothing. Raises: nothing of its
    own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POINT_SQL, [schema, kind, due_in_s])
        return int(cursor.fetchone()[0])


_POINT_SQL: Final = """
INSERT INTO worklist_workpointer (schema, kind, due_at)
VALUES (%s, %s, statement_timestamp() + make_interval(secs => %s))
RETURNING id
"""
_POINT_ONCE_SQL: Final = """
INSERT INTO worklist_workpointer (schema, kind, due_at)
SELECT %(schema)s, %(kind)s, statement_timestamp() + make_interval(secs => %(due_in_s)s)
 WHERE NOT EXISTS (
    SELECT 1 FROM worklist_workpointer
     WHERE schema = %(schema)s AND kind = %(kind)s
       AND due_at > statement_timestamp() + make_interval(secs => %(margin_s)s)
       AND due_at <= statement_timestamp() + make_interval(secs => %(due_in_s)s)
)
"""


def point_once(*, schema: str, kind: str, due_in_s: float, margin_s: float) -> bool:
    """Add a pointer unless an earlier one is enough; return True if it was added.

    A pointer is enough for later work while it is due in more than ``margin_s`` seconds. The code
    that clears a pointer of such a kind must point to the work that is left. No transaction that
    calls this may be open for longer than ``margin_s``. Then nobody can clear the earlier pointer
    in the meantime.

    Locks: nothing, and waits for no other transaction. Records: nothing. Raises: nothing of its
    own.
    """
    values: dict[str, str | float] = {
        "schema": schema,
        "kind": kind,
        "due_in_s": due_in_s,
        "margin_s": margin_s,
    }
    with connection.cursor() as cursor:
        cursor.execute(_POINT_ONCE_SQL, values)
        return bool(cursor.rowcount == 1)


def clear(*, pointer_ids: Iterable[int]) -> int:
    """Delete the pointers that were read before the work; return how many existed."""
    ids = list(pointer_ids)
    if not ids:
        return 0
    with connection.cursor() as cursor:  # Django's delete() would read the rows first
        cursor.execute("DELETE FROM worklist_workpointer WHERE id = ANY(%s)", [ids])
        return int(cursor.rowcount)


def forget(*, schema: str) -> int:
    """Delete every pointer of a retailer that no longer exists; return how many there were."""
    return WorkPointer.objects.filter(schema=schema).delete()[0]


def claim_window(*, name: str, due_at: dt.datetime) -> bool:
    """Claim the window that starts at ``due_at``; return True for the caller that may run the task.

    Locks: the schedule's row until the caller's transaction ends. So a second beat waits, and then
    sees that the window is claimed. A rollback frees the window again.
    """
    ScheduleMark.objects.bulk_create(
        [ScheduleMark(name=name, due_at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))],
        ignore_conflicts=True,
    )
    return ScheduleMark.objects.filter(name=name, due_at__lt=due_at).update(due_at=due_at) == 1


_RESERVE_SQL: Final = """
INSERT INTO worklist_pace AS pace (name, next_at)
VALUES (%(name)s, clock_timestamp() + make_interval(secs => %(taken_s)s))
ON CONFLICT (name) DO UPDATE
SET next_at = greatest(pace.next_at, clock_timestamp()) + make_interval(secs => %(taken_s)s)
RETURNING extract(epoch FROM next_at - clock_timestamp()) - %(taken_s)s
"""


def reserve(*, name: str, count: int, per_s: float) -> float:
    """Reserve the next ``count`` sending times of a pace; return the seconds until the first.

    The times are ``1 / per_s`` seconds apart. All processes that name the same pace share them.
    Locks: the row of the pace until the caller's transaction ends, so call it outside one.
    Records: nothing. Raises: nothing of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE_SQL, {"name": name, "taken_s": count / per_s})
        return max(0.0, float(cursor.fetchone()[0]))
