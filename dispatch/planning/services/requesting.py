"""Requests a plan of a hub's day; a job makes the plan."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.planning.events import REQUESTED, RequestedFacts
from dispatch.planning.problem.build import check_day
from dispatch.planning.problem.day import read_day
from dispatch.planning.selectors.jobs import SOLVE
from lastmile.core import jobs
from lastmile.core.errors import Invalid
from lastmile.core.events import Lane, record
from lastmile.core.models import Job

LEAST_S, USUAL_S, MOST_S = 1, 15, 240


def request_plan(*, hub: Hub, service_date: dt.date, seconds: int = USUAL_S, seed: int = 1) -> Job:
    """Request a plan of a hub's day; a job makes the plan.

    While that job runs, another request for the same day returns the same job.
    Locks: nothing. Records: plan.requested. Raises: NothingToPlan, Invalid.
    """
    if not LEAST_S <= seconds <= MOST_S:
        raise Invalid(
            _("Choose a planning time from %(least)d to %(most)d seconds.")
            % {"least": LEAST_S, "most": MOST_S}
        )
    check_day(read_day(hub, service_date))
    with transaction.atomic():
        job = jobs.enqueue(
            SOLVE,
            subject=hub.public_id,
            hub=hub.public_id,
            payload={
                "hub": hub.public_id,
                "service_date": service_date.isoformat(),
                "seconds": seconds,
                "seed": seed,
            },
            dedupe_key=f"{SOLVE}:{hub.public_id}:{service_date}",
        )
        facts = RequestedFacts(job=job.public_id, service_date=service_date)
        record(REQUESTED, facts, subject=hub.public_id, lane=Lane.PERSON)
    return job
