"""The jobs and tasks of planning: plan a day, update a plan, solve a part of a large plan.

The switchboard names the two jobs.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from dispatch.planning.search import parts
from dispatch.planning.search.spread import search_part
from dispatch.planning.services.redispatching import Bounds, redispatch_day
from dispatch.planning.services.solving import solve_day
from dispatch.solver.process.child import SolveFailed
from lastmile.core.jobs import Lease
from lastmile.core.tasks import retailer_task

log = logging.getLogger(__name__)


def plan_day(job: Lease) -> Mapping[str, Any]:
    """Plan the hub and date of the job's payload; return the draft's id and figures."""
    return solve_day(
        job,
        hub_id=job.payload["hub"],
        service_date=dt.date.fromisoformat(job.payload["service_date"]),
        seconds=int(job.payload["seconds"]),
        seed=int(job.payload["seed"]),
    )


def redispatch(job: Lease) -> Mapping[str, Any]:
    """Fit the plan of the job's payload to its day as it is now; return the new draft's id."""
    return redispatch_day(
        job,
        plan_id=job.payload["plan"],
        seconds=int(job.payload["seconds"]),
        seed=int(job.payload["seed"]),
        bounds=Bounds(
            moved=job.payload["most_moved"], shifted_min=job.payload["most_shifted_minutes"]
        ),
    )


@retailer_task(parts.TASK, queue=parts.QUEUE)
def solve_part(*, part: int) -> None:
    """Solve one part of a large plan, if the part is still waiting."""
    lease = parts.claim(part)
    if lease is None:
        return
    try:
        parts.solve_claimed(lease, lambda claimed: search_part(claimed, lambda: False))
    except SolveFailed as failed:
        log.warning("Part %d failed: %s", part, failed.detail)
