"""The tasks of the live day: those that beat starts, and those of pointers and hints."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.live.services import (
    POINTER,
    STAYS_TASK,
    UPDATE_QUEUE,
    UPDATE_TASK,
    keep_coming_days,
    look_after_runs,
    note_late_photos,
    note_late_stays,
    note_stays_of_ended,
    point_to_next_look,
    settle_failed,
    update_arrivals_of,
)
from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import current_schema, for_each_retailer
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear


@house_task("live.keep_days", queue="bulk", time_limit=300, soft_time_limit=280)
def keep_days() -> int:
    """Make the partitions of positions for the coming days; return the number of new ones."""
    return sum(keep_coming_days() for _retailer in for_each_retailer())


@house_task("live.late_photos", queue="bulk", time_limit=300, soft_time_limit=280)
def late_photos() -> int:
    """Tell staff of deliveries whose photos do not arrive; return how many are new."""
    return sum(note_late_photos() for _retailer in for_each_retailer())


@house_task("live.failed_visits", queue="bulk", time_limit=300, soft_time_limit=280)
def failed_visits() -> int:
    """Send failed orders whose vehicle is back where the rule says; return how many were sent."""
    return sum(settle_failed() for _retailer in for_each_retailer())


@house_task("live.ended_runs", queue="bulk", time_limit=300, soft_time_limit=280)
def ended_runs() -> int:
    """Find the stays of runs that ended lately; return the number of changes."""
    return sum(note_stays_of_ended() for _retailer in for_each_retailer())


@retailer_task("live.look_after_runs", queue="default")
def look_after() -> int:
    """Compute the due arrivals and tell staff what will go wrong; return the number of runs.

    The pointers are cleared after the next one was added, so that a fault does not end the watch.
    """
    pointers = seen(current_schema(), POINTER)
    runs = look_after_runs()
    point_to_next_look()
    clear(pointer_ids=pointers)
    return runs


@retailer_task(UPDATE_TASK, queue=UPDATE_QUEUE)
def update(*, runs: Sequence[int]) -> int:
    """Compute the arrivals of runs whose next arrival moved; return the number of open stops."""
    return update_arrivals_of(runs)


@retailer_task(STAYS_TASK, queue="bulk")
def find_stays(*, runs: Sequence[int]) -> int:
    """Find the stays of runs for which late positions came; return the number of changes."""
    return note_late_stays(runs)


@house_task("live.find_runs", queue="default", time_limit=300, soft_time_limit=280)
def find_runs() -> int:
    """Point to the next look of every retailer with runs or routes to come; return their number.

    It starts the watch after an upgrade, and again if a pointer was lost.
    """
    return sum(point_to_next_look() for _retailer in for_each_retailer())
