"""The tasks of the live day that beat starts (``lastmile.schedule``)."""

from __future__ import annotations

from dispatch.live.services import keep_coming_days, note_late_photos
from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer


@house_task("live.keep_days", queue="bulk", time_limit=300, soft_time_limit=280)
def keep_days() -> int:
    """Make the partitions of positions for the coming days; return the number of new ones."""
    return sum(keep_coming_days() for _retailer in for_each_retailer())


@house_task("live.late_photos", queue="bulk", time_limit=300, soft_time_limit=280)
def late_photos() -> int:
    """Tell staff of deliveries whose photos do not arrive; return how many are new."""
    return sum(note_late_photos() for _retailer in for_each_retailer())
