"""Requests that a job brings a tentative plan to its content."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.planning.selectors.jobs import TENTATIVE
from lastmile.core import jobs
from lastmile.core.models import UNFINISHED, Job, JobState


def request_reconciling(*, hub: Hub, service_date: dt.date) -> Job:
    """Request that a job brings the tentative plan of a hub's day to its content.

    A job that has not started yet will see the present rows, so it is returned. A running job may
    have read its rows before the change. Then another job follows it.
    Locks: nothing. Records: nothing. Raises: nothing.
    """
    day = service_date.isoformat()
    with transaction.atomic():
        jobs_of_day = Job.objects.filter(
            kind=TENTATIVE, subject=hub.public_id, payload__service_date=day, state__in=UNFINISHED
        )
        newest = jobs_of_day.order_by("-pk").first()
        if newest is not None and newest.state == JobState.QUEUED:
            return newest
        after = newest.public_id if newest else ""
        return jobs.enqueue(
            TENTATIVE,
            subject=hub.public_id,
            hub=hub.public_id,
            payload={"hub": hub.public_id, "service_date": day},
            dedupe_key=f"{TENTATIVE}:{hub.public_id}:{day}:{after}",
        )
