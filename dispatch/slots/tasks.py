"""The scheduled task that opens slots days ahead."""

from __future__ import annotations

from dispatch.slots.services import open_slots
from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer


@house_task("slots.open", queue="bulk", time_limit=300, soft_time_limit=280)
def open_everywhere() -> int:
    """Open the slots that are due, for every retailer; return their number."""
    return sum(open_slots() for _retailer in for_each_retailer())
