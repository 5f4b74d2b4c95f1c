"""Notes the days that wait for improvement or publication, and requests the jobs for them."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db.models import F

from dispatch.planning.models import TentativeDay
from dispatch.planning.selectors.jobs import IMPROVE, LATE
from dispatch.planning.selectors.late import late_changes
from dispatch.planning.selectors.tentative import not_over
from lastmile.core import jobs
from lastmile.core.clock import now
from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point

POINTER: Final = "planning.days"
#: Seconds without a change before a day is improved, and for which late changes are gathered.
QUIET_S: Final = 30


def note_change(row: TentativeDay, version_before: int) -> None:
    """Add a pointer for a changed day, unless it has one since an earlier change."""
    if version_before <= row.improved_version:
        note_waiting()


def note_waiting(due_in_s: int = QUIET_S) -> None:
    """Add a pointer: the days of this retailer are looked at again after ``due_in_s``."""
    point(schema=current_schema(), kind=POINTER, due_in_s=due_in_s)


def request_due_work() -> bool:
    """Request the jobs for all changed days; return True if a day has to wait a little longer.

    A published day gets the job that publishes its late changes. Another day is improved after
    ``QUIET_S`` without a change. Locks: nothing. Records: nothing. Raises: nothing.
    """
    quiet_since = now() - dt.timedelta(seconds=QUIET_S)
    rows = TentativeDay.objects.select_related("hub", "base_plan").filter(
        version__gt=F("improved_version"),
        service_date__gte=now().date() - dt.timedelta(days=1),
    )
    waits = False
    for row in rows:
        if not not_over([(row.hub, row.service_date)]):
            continue
        if row.base_plan_id is not None:
            if late_changes(row):
                _request(LATE, row)
            else:
                mark_tended(row)
        elif not row.ready:
            mark_tended(row)
        elif row.changed_at <= quiet_since:
            _request(IMPROVE, row)
        else:
            waits = True
    return waits


def mark_tended(row: TentativeDay) -> bool:
    """Note that a day needs no work until it changes again; False if it has changed since."""
    unchanged = TentativeDay.objects.filter(pk=row.pk, version=row.version)
    return unchanged.update(improved_version=row.version) == 1


def _request(kind: str, row: TentativeDay) -> None:
    day = row.service_date.isoformat()
    jobs.enqueue(
        kind,
        subject=row.hub.public_id,
        hub=row.hub.public_id,
        payload={"hub": row.hub.public_id, "service_date": day},
        dedupe_key=f"{kind}:{row.hub.public_id}:{day}",
    )
