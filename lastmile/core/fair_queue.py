"""Shares the workers fairly between retailers.

The broker delivers hints in the order in which they were sent. So twenty plans of one retailer
would run before the single plan of another. Therefore a worker that is about to start a job of a
fair kind checks the other retailers. If another retailer has fewer jobs of this kind running, its
oldest job runs instead, and the worker's own hint goes to the end of the queue. No worker idles,
and no retailer waits for more than the jobs that are already running.

A job of a low kind is work that nobody waits for. It lets the other waiting jobs of its retailer
run first.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Now

from lastmile.core.jobs import JOBS, run_hint
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import ACTIVE, current_schema, find_retailer, retailer_context
from lastmile.core.wiring import JobSpec, job_spec, job_table
from lastmile.worklist import selectors as worklist


@dataclass(frozen=True, slots=True)
class Waiting:
    """The oldest waiting job of a retailer, and the number of its running jobs of this kind."""

    schema: str
    job: str
    running: int


def run_fairly(public_id: str) -> JobState | None:
    """Run a job of the current retailer, or the job of another retailer that comes first."""
    job = Job.objects.filter(public_id=public_id, state=JobState.QUEUED).first()
    if job is None:
        return None
    spec = job_spec(job.kind)
    if spec.low and (sooner := _sooner(spec)) is not None:
        run_hint(public_id, spec, current_schema())()
        return run_job(sooner)
    first = _next_waiting(job.kind) if spec.fair else None
    if first is None:
        return run_job(public_id)
    run_hint(public_id, spec, current_schema())()
    with retailer_context(first.schema):
        return run_job(first.job)


def _sooner(spec: JobSpec) -> str | None:
    """Return the oldest waiting job of this retailer that comes before a job that is low."""
    kinds = [kind for kind, it in job_table().items() if it.queue == spec.queue and not it.low]
    waiting = Job.objects.filter(kind__in=kinds, state=JobState.QUEUED, due_at__lte=Now())
    return waiting.order_by("due_at", "id").values_list("public_id", flat=True).first()


def _next_waiting(kind: str) -> Waiting | None:
    """Return the waiting job of the retailer with the fewest running jobs of this kind, if any.

    Only retailers with fewer running jobs than the current one count. The cost is one query while
    the current retailer has no running job of this kind, which is the usual case. Otherwise it is
    one query for each retailer with unfinished jobs.
    """
    running = Job.objects.filter(kind=kind, state=JobState.RUNNING).count()
    if not running:
        return None
    others = [schema for schema in worklist.pointed(JOBS) if schema != current_schema()]
    candidates = (_waiting(schema, kind) for schema in others)
    fewer = [one for one in candidates if one is not None and one.running < running]
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
