"""Whose job is next, where many retailers wait for few workers.

The broker hands hints out in the order they came: twenty plans asked for by one retailer would
stand before another's one. So a worker that is about to start a job of a fair kind looks who else
waits. If another retailer has fewer of that kind running, that one's oldest job is started
instead and the hint at hand is given again, to the end of the queue: no worker idles, and nobody
waits for more than the jobs that run already.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Now

from lastmile.core.jobs import JOBS, run_hint
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import ACTIVE, current_schema, find_retailer, retailer_context
from lastmile.core.wiring import job_spec
from lastmile.worklist import selectors as worklist


@dataclass(frozen=True, slots=True)
class Waiting:
    """A retailer's oldest job that waits, and how many of its kind that retailer has running."""

    schema: str
    job: str
    running: int


def run_fairly(public_id: str) -> JobState | None:
    """Run a job of the retailer at hand, or in its place the one whose turn it is."""
    job = Job.objects.filter(public_id=public_id, state=JobState.QUEUED).first()
    if job is None:
        return None
    spec = job_spec(job.kind)
    first = _before(job.kind) if spec.fair else None
    if first is None:
        return run_job(public_id)
    run_hint(public_id, spec, current_schema())()
    with retailer_context(first.schema):
        return run_job(first.job)


def _before(kind: str) -> Waiting | None:
    """Return the job of another retailer that has a better claim to this worker, if any.

    Costs one query while the retailer at hand has none of the kind running, which is as a rule;
    else one for each retailer that has unfinished jobs of whatever kind.
    """
    mine = Job.objects.filter(kind=kind, state=JobState.RUNNING).count()
    if not mine:
        return None
    others = [schema for schema in worklist.pointed(JOBS) if schema != current_schema()]
    found = (_waiting(schema, kind) for schema in others)
    fewer = [waiting for waiting in found if waiting is not None and waiting.running < mine]
    return min(fewer, key=lambda waiting: waiting.running, default=None)


def _waiting(schema: str, kind: str) -> Waiting | None:
    ref = find_retailer(schema)
    if ref is None or ref.status != ACTIVE:
        return None
    with retailer_context(ref):
        jobs = Job.objects.filter(kind=kind)
        due = jobs.filter(state=JobState.QUEUED, due_at__lte=Now()).order_by("due_at", "id")
        oldest = due.values_list("public_id", flat=True).first()
        if oldest is None:
            return None
        running = jobs.aggregate(n=Count("id", filter=Q(state=JobState.RUNNING)))["n"]
        return Waiting(schema, oldest, running)
