"""The scheduled task that opens slots days ahead, and the job that lets promises take places."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.slots.services import adopt_promises, open_slots, request_adoption
from lastmile.core.jobs import Lease
from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer


@house_task("slots.open", queue="bulk", time_limit=300, soft_time_limit=280)
def open_everywhere() -> int:
    """Open the slots that are due, for every retailer; return their number."""
    return sum(open_slots() for _retailer in for_each_retailer())


def adopt(job: Lease) -> Mapping[str, Any]:
    """Let one page of promised orders take their places in the slots of the payload's hub."""
    hub = Hub.objects.get(public_id=job.payload["hub"])
    since, until = (dt.date.fromisoformat(job.payload[name]) for name in ("since", "until"))
    adopted = adopt_promises(hub=hub, since=since, until=until, after=int(job.payload["after"]))
    if adopted.after is not None:
        request_adoption(hub=hub, since=since, until=until, after=adopted.after)
    return {"orders": adopted.orders}
