"""The worker's side of jobs: run a job with a heartbeat, and reap jobs whose heartbeat stopped."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from lastmile.core.actor import acting_as
from lastmile.core.errors import DomainError
from lastmile.core.hints import Hint
from lastmile.core.jobs import (
    JOBS,
    Lease,
    LeaseLost,
    claim,
    heartbeat_s,
    lease_s,
    move,
    run_hint,
)
from lastmile.core.models import UNFINISHED, Job, JobState
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from lastmile.core.wiring import NotWired, job_spec, load
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear, point

log = logging.getLogger(__name__)

TEND_BATCH: Final = 100


def tend_s() -> float:
    """Return the seconds between two checks of a retailer with unfinished jobs: a quarter lease."""
    return lease_s() / 4


def run_job(public_id: str) -> JobState | None:
    """Claim a job, run it and store its new state; return this state.

    Return None if the job could not be claimed or its lease was lost.
    """
    lease = claim(public_id)
    if lease is None:
        return None
    try:
        with beating(lease), acting_as(lease.actor):
            return _attempt(lease)
    except LeaseLost:
        log.warning("The lease of %s was lost during attempt %d", lease.id, lease.attempt)
        return None


def _attempt(lease: Lease) -> JobState:
    try:
        result = load(lease.spec.path)(lease)
        return _end_as_returned(lease, result)
    except LeaseLost:
        raise
    except SoftTimeLimitExceeded:
        return _time_out(lease)
    except DomainError as refusal:
        if refusal.retryable and lease.attempt < lease.spec.max_attempts:
            return _leave(lease, JobState.QUEUED, wait_s=backoff_s(lease.attempt))
        return _leave(lease, JobState.FAILED, reason=refusal.code, detail=refusal.detail)
    except Exception:
        log.exception("%s %s failed in attempt %d", lease.kind, lease.id, lease.attempt)
        if lease.attempt < lease.spec.max_attempts:
            return _leave(lease, JobState.QUEUED, wait_s=backoff_s(lease.attempt))
        return _leave(
            lease,
            JobState.FAILED,
            reason="error",
            detail=_(
                "Something went wrong on our side, %(attempts)d times in a row. "
                "Give the operator this number: %(job)s."
            )
            % {"attempts": lease.attempt, "job": lease.id},
        )


def _end_as_returned(lease: Lease, result: Mapping[str, Any] | None) -> JobState:
    if lease.stop_reason == "lost":
        raise LeaseLost(f"{lease.id} is no longer run by this worker.")
    if lease.stop_reason == "timeout":
        return _time_out(lease)
    stored_result = None if result is None else dict(result)
    if lease.stop_reason == "cancelled":
        return _leave(lease, JobState.CANCELLED, result=stored_result)
    return _leave(lease, JobState.SUCCEEDED, result=stored_result, progress_percent=100)


def _time_out(lease: Lease) -> JobState:
    return _leave(
        lease, JobState.FAILED, reason="timeout", detail=_too_long(lease.spec.time_limit_s)
    )


def _too_long(limit_s: int) -> str:
    return _(
        "This took longer than the limit of %(limit)d seconds and was stopped. "
        "Do less at once, or ask the operator to raise the limit."
    ) % {"limit": limit_s}


def _leave(lease: Lease, to: JobState, *, wait_s: float = 0, **changes: Any) -> JobState:
    """Store the state of a job that this worker no longer runs: ended, or queued again.

    Raises LeaseLost if this worker has lost the lease.
    """
    with transaction.atomic():
        job = (
            Job.objects.select_for_update()
            .filter(pk=lease.pk, lease_token=lease.token, state=JobState.RUNNING)
            .first()
        )
        if job is None:
            raise LeaseLost(f"{lease.id} is no longer run by this worker.")
        if to == JobState.QUEUED and job.cancel_requested:
            to = JobState.CANCELLED
        if to == JobState.QUEUED:
            changes["due_at"] = in_seconds(wait_s)
            point(schema=current_schema(), kind=JOBS, due_in_s=wait_s)
        move(job, to, **changes)
    return to


@contextmanager
def beating(lease: Lease) -> Iterator[None]:
    """Send heartbeats from a thread while the ``with`` block runs.

    The thread has a copy of the context, so it has the same retailer. It uses its own database
    connection and closes it at the end. It stops when the lease is lost.
    """
    done = threading.Event()
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_beat, lease, done), name=f"beat {lease.id}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(lease: Lease, done: threading.Event) -> None:
    try:
        while not done.wait(heartbeat_s()):
            try:
                if not lease.renew():
                    return
            except DatabaseError:  # the next heartbeat tries again; the lease lasts for several
                log.warning("A heartbeat of %s failed", lease.id, exc_info=True)
                connection.close()
    finally:
        connection.close()


def tend() -> list[Hint]:
    """Reap the retailer's jobs whose lease ran out, and return hints for its queued jobs.

    While the retailer has unfinished jobs, a new pointer makes the next check follow. So each job
    is checked until it ends, and a retailer without jobs costs nothing.
    """
    schema = current_schema()
    pointers = seen(schema, JOBS)
    silent = Job.objects.filter(state=JobState.RUNNING, lease_until__lte=Now())
    for pk in list(silent.values_list("pk", flat=True)[:TEND_BATCH]):
        _reap(pk)
    hints: list[Hint] = []
    queued = Job.objects.filter(state=JobState.QUEUED, due_at__lte=Now()).order_by("due_at", "id")
    for pk, public_id, kind in list(queued.values_list("pk", "public_id", "kind")[:TEND_BATCH]):
        try:
            hints.append(run_hint(public_id, job_spec(kind), schema))
        except NotWired as fault:
            _refuse(pk, str(fault))
    with transaction.atomic():
        if Job.objects.filter(state__in=UNFINISHED).exists():
            point(schema=schema, kind=JOBS, due_in_s=tend_s())
        clear(pointer_ids=pointers)
    return hints


def _reap(pk: int) -> None:
    """Take a job from a worker whose lease ran out: put it into the queue again, or end it."""
    with transaction.atomic():
        alive = ExpressionWrapper(F("deadline_at") - F("heartbeat_at"), DurationField())
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .annotate(left=alive)
            .filter(pk=pk, state=JobState.RUNNING, lease_until__lte=Now())
            .first()
        )
        if job is None:
            return
        spec = _spec_or_none(job.kind)
        if job.cancel_requested:
            move(job, JobState.CANCELLED)
        elif spec is not None and job.left.total_seconds() <= 2 * heartbeat_s():
            # The heartbeat went on until the time limit: the worker was not dead, it hung.
            move(job, JobState.FAILED, reason="timeout", detail=_too_long(spec.time_limit_s))
        elif spec is not None and job.attempt < spec.max_attempts:
            log.warning(
                "The heartbeat of %s stopped in attempt %d; queued again",
                job.public_id,
                job.attempt,
            )
            move(job, JobState.QUEUED, due_at=Now())
        else:
            move(
                job,
                JobState.FAILED,
                reason="poison" if job.attempt > 1 else "lost",
                detail=_(
                    "The worker died in each of %(attempts)d attempts, so the operation was "
                    "stopped. Give the operator this number: %(job)s."
                )
                % {"attempts": job.attempt, "job": job.public_id},
            )


def _spec_or_none(kind: str) -> Any:
    try:
        return job_spec(kind)
    except NotWired:
        return None


def _refuse(pk: int, why: str) -> None:
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=pk, state=JobState.QUEUED).first()
        if job is not None:
            log.error("%s cannot be run: %s", job.public_id, why)
            move(job, JobState.FAILED, reason="not_wired", detail=why)
