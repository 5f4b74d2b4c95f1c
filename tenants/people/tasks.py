"""The scheduled task that deletes expired rows."""

from __future__ import annotations

from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer
from tenants.people.services import tidy


@house_task("people.tidy", queue="bulk", time_limit=300, soft_time_limit=280)
def tidy_everywhere() -> dict[str, int]:
    """Delete expired sessions, tickets, counters and stored answers of every retailer."""
    total: dict[str, int] = {}
    for _retailer in for_each_retailer():
        for kind, count in tidy().items():
            total[kind] = total.get(kind, 0) + count
    return total
