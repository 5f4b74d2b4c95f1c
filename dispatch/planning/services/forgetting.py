"""Deletes the tentative plans of days that are long over."""

from __future__ import annotations

import datetime as dt
from typing import Final

from dispatch.planning.models import TentativeDay, UnplannedDay
from lastmile.core.clock import now

KEPT_DAYS: Final = 7  # after its date, for questions about what happened. Chosen.


def forget_days() -> dict[str, int]:
    """Delete old tentative plans with their visits and changes, and notes of unplanned days.

    Locks: the deleted rows. Records: nothing. Raises: nothing.
    """
    before = now().date() - dt.timedelta(days=KEPT_DAYS)
    old = TentativeDay.objects.filter(service_date__lt=before)
    count = old.count()
    old.delete()
    UnplannedDay.objects.filter(service_date__lt=before).delete()
    return {"tentative_days": count}
