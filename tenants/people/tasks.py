"""What people's rooms do by the clock."""

from __future__ import annotations

from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer
from tenants.people.services import tidy


@house_task("people.tidy", queue="bulk", time_limit=300, soft_time_limit=280)
def tidy_everywhere() -> dict[str, int]:
    """Throw away ended sessions, tickets, counters and stored answers of every retailer."""
    total: dict[str, int] = {}
    for _retailer in for_each_retailer():
        for what, many in tidy().items():
            total[what] = total.get(what, 0) + many
    return total
