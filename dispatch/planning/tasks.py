"""The job that plans a day; wired in the switchboard as ``planning.solve``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dispatch.planning.solving import solve_day
from lastmile.core.jobs import Lease


def plan_day(job: Lease) -> Mapping[str, Any]:
    """Plan the hub and date that the job's payload names; answers with the draft's id."""
    return solve_day(
        job,
        hub_id=job.payload["hub"],
        service_date=dt.date.fromisoformat(job.payload["service_date"]),
        seconds=int(job.payload["seconds"]),
        seed=int(job.payload["seed"]),
    )
