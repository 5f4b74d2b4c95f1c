"""Jobs: long work with a lease that ends exactly once, even if workers die.

The job's row in PostgreSQL is the queue entry. A worker *claims* the job, which counts the attempt
before it runs, and renews its lease by a heartbeat. The lease has a *fencing token*: the worker
writes only while the row still has this token. The worker ends the job in the transaction that
records ``job.finished``. When a worker dies, its heartbeat stops. The reaper then puts the job
back into the queue, or ends it.

The fence uses PostgreSQL's row locks. ``fenced()`` holds KEY SHARE on the job's row. A heartbeat's
update is compatible with this lock. Taking the lease away needs FOR UPDATE, which waits until the
fenced transaction has ended. So each write is either committed under the lease or refused.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.actor import current_actor
from lastmile.core.errors import Conflict
from lastmile.core.events import JOB_FINISHED, JobFinishedFacts, record
from lastmile.core.hints import Hint, after_commit
from lastmile.core.models import FINISHED, UNFINISHED, Job, JobState, Lane
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import in_seconds
from lastmile.core.wiring import JobSpec, job_spec
from lastmile.worklist.services import point

JOBS: Final = "jobs"  # the kind of pointers to unfinished jobs
RUN_TASK: Final = "core.run_job"
HINT_GRACE_S: Final = 3  # seconds after the commit before the sweep sends a second hint
HARD_KILL_S: Final = 30  # seconds between the soft limit, when a runner can clean up, and the kill
POLL_S: Final = 1.0  # cancelled() queries the database at most once in this time

MOVES: Final[Mapping[str, frozenset[str]]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, *FINISHED}),
}


class LeaseLost(RuntimeError):
    """This worker has lost the lease of the job, so it must not write anything more."""


def lease_s() -> float:
    """Return the seconds after a heartbeat until the lease of a job runs out."""
    return float(settings.JOB_LEASE_S)


def heartbeat_s() -> float:
    """Return the seconds between two heartbeats, a twelfth of the lease."""
    return lease_s() / 12


class Lease:
    """The lease of a worker on a job. The function that does the work (the runner) gets it.

    Attributes
    ----------
    id, kind, subject, payload, attempt
        The job's public id and its task; ``attempt`` counts from 1.
    token
        The fencing token of this attempt.
    """

    def __init__(self, job: Job, spec: JobSpec) -> None:
        if job.lease_token is None:
            raise ValueError(f"{job.public_id} is {job.state}: it has no lease.")
        self.id: str = job.public_id
        self.kind: str = job.kind
        self.subject: str = job.subject
        self.payload: Mapping[str, Any] = job.payload
        self.attempt: int = job.attempt
        self.actor: str = job.actor
        self.spec = spec
        self.pk: int = job.pk
        self.token: uuid.UUID = job.lease_token
        self.stop_reason = ""  # "", "cancelled", "timeout" or "lost"
        self._deadline = time.monotonic() + spec.time_limit_s
        self._polled_at = float("-inf")

    def progress(self, percent: int, note: str = "") -> None:
        """Store the progress. Raises LeaseLost if this worker has lost the lease.

        Call it outside ``fenced()``. Inside, the progress is visible only after the commit, and a
        cancellation has to wait.
        """
        updated = self._held().update(
            progress_percent=max(0, min(100, percent)), progress_note=note[:200]
        )
        if not updated:
            raise LeaseLost(f"{self.id} is no longer run by this worker.")

    def cancelled(self) -> bool:
        """Return True if the runner should stop: cancelled, out of time, or lease lost.

        It is cheap enough for an inner loop. After True the runner should return soon. The job
        then ends as cancelled or timed out, and its return value does not matter.
        """
        if self.stop_reason:
            return True
        if time.monotonic() >= self._deadline:
            self.stop_reason = "timeout"
        elif time.monotonic() >= self._polled_at + POLL_S:
            self._polled_at = time.monotonic()
            cancel_requested = self._held().values_list("cancel_requested", flat=True).first()
            if cancel_requested is None:
                self.stop_reason = "lost"
            elif cancel_requested:
                self.stop_reason = "cancelled"
        return bool(self.stop_reason)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Open a transaction that can commit only under this lease; use it for every write.

        Raises LeaseLost if this worker has lost the lease. While such a transaction is open, the
        reaper skips the job. PostgreSQL ends a transaction that is idle for 30 s.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM core_job WHERE id = %s AND lease_token = %s"
                    " AND state = 'running' FOR KEY SHARE",
                    [self.pk, self.token],
                )
                if cursor.fetchone() is None:
                    raise LeaseLost(f"{self.id} is no longer run by this worker.")
            yield

    def renew(self) -> bool:
        """Extend the lease (heartbeat); return False if it is lost or the time limit is over."""
        running = self._held().filter(deadline_at__gt=Now())
        return bool(running.update(lease_until=in_seconds(lease_s()), heartbeat_at=Now()))

    def _held(self) -> Any:
        return Job.objects.filter(pk=self.pk, lease_token=self.token, state=JobState.RUNNING)


def enqueue(
    kind: str,
    *,
    subject: str = "",
    hub: str = "",
    payload: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> Job:
    """Put a job into the queue; it starts after the current transaction has committed.

    Locks: nothing. Records: nothing until the job ends. Raises: NotWired for an unknown kind;
    Conflict when a job of the same key ends at this moment.

    Parameters
    ----------
    hub : str
        Public id of the hub that the work is for; empty for the whole retailer. Only callers with
        access to all hubs or to this hub may see or cancel the job.
    payload : Mapping, optional
        Ids and numbers that the runner needs, as JSON; never names or texts.
    dedupe_key : str, optional
        While a job with this key is unfinished, it is returned and no second job is made.
    """
    spec, schema = job_spec(kind), current_schema()
    with transaction.atomic():
        new = Job(
            kind=kind,
            subject=subject,
            hub=hub,
            actor=current_actor(),
            payload=dict(payload or {}),
            dedupe_key=dedupe_key,
        )
        job = _insert_or_find(new)
        if job is new:
            point(schema=schema, kind=JOBS, due_in_s=HINT_GRACE_S)
            after_commit(run_hint(job.public_id, spec, schema))
    return job


def _insert_or_find(new: Job) -> Job:
    if new.dedupe_key is None:
        new.save(force_insert=True)
        return new
    unfinished = Job.objects.filter(dedupe_key=new.dedupe_key, state__in=UNFINISHED)
    for _attempt in range(4):  # the other job may end between the query and the INSERT
        # Look first: a refused INSERT would be an error in the log of PostgreSQL each time.
        if (other := unfinished.first()) is not None:
            return other
        with suppress(IntegrityError), transaction.atomic():
            new.save(force_insert=True)
            return new
    raise Conflict(_("The same operation is just ending. Try again in a moment."))


def run_hint(public_id: str, spec: JobSpec, schema: str) -> Hint:
    """Return the hint that makes a worker of the job's queue try to claim the job."""
    limits = (
        ("soft_time_limit", spec.time_limit_s),
        ("time_limit", spec.time_limit_s + HARD_KILL_S),
    )
    return Hint(RUN_TASK, spec.queue, (("job", public_id), ("schema", schema)), limits)


def claim(public_id: str) -> Lease | None:
    """Claim a queued job that is due; None if another worker has claimed it or it is not due.

    The attempt is counted and committed before the runner starts. So a job that kills its worker
    is given up after ``max_attempts``.
    """
    with transaction.atomic():
        waiting = Job.objects.select_for_update(skip_locked=True).filter(
            public_id=public_id, state=JobState.QUEUED, due_at__lte=Now()
        )
        job = waiting.first()
        if job is None:
            return None
        spec = job_spec(job.kind)
        move(
            job,
            JobState.RUNNING,
            attempt=job.attempt + 1,
            lease_token=uuid.uuid4(),
            lease_until=in_seconds(lease_s()),
            deadline_at=in_seconds(spec.time_limit_s),
            heartbeat_at=Now(),
            started_at=job.started_at or clock.now(),
        )
    return Lease(job, spec)


def move(job: Job, to: JobState, **changes: Any) -> None:
    """Change the state of a job; only this function does. The caller has locked it FOR UPDATE.

    Any state but RUNNING ends the lease. A final state records ``job.finished`` in the same
    transaction.
    """
    if to not in MOVES.get(job.state, frozenset()):
        raise RuntimeError(f"{job.public_id} cannot go from {job.state} to {to}.")
    if to != JobState.RUNNING:
        changes |= {"lease_token": None, "lease_until": None, "deadline_at": None}
    if to in FINISHED:
        changes["finished_at"] = clock.now()
    Job.objects.filter(pk=job.pk).update(state=to, **changes)
    job.state = to
    for name in ("attempt", "lease_token", "reason", "detail", "result", "finished_at"):
        if name in changes:
            setattr(job, name, changes[name])
    if to in FINISHED:
        facts = JobFinishedFacts(
            kind=job.kind,
            subject=job.subject,
            state=str(to),
            reason=job.reason,
            attempt=job.attempt,
        )
        record(JOB_FINISHED, facts, subject=job.public_id, lane=Lane.PERSON)


def jobs(
    *, kind: str = "", state: str = "", subject: str = "", hubs: Collection[str] | None = None
) -> QuerySet[Job]:
    """Return the retailer's jobs that match the filters; an empty filter matches all.

    ``hubs`` are the public ids of the hubs to which the caller is limited; None means all hubs.
    With a limit, jobs for the whole retailer are left out.
    """
    filters = {"kind": kind, "state": state, "subject": subject}
    rows = Job.objects.filter(**{name: value for name, value in filters.items() if value})
    return rows if hubs is None else rows.filter(hub__in=[hub for hub in hubs if hub])


def job_by_id(public_id: str, *, hubs: Collection[str] | None = None) -> Job:
    """Return a job of the current retailer within the caller's hubs. Raises NotFound."""
    job = jobs(hubs=hubs).filter(public_id=public_id).first()
    if job is None:
        raise unknown()
    return job


def cancel(job_public_id: str, *, hubs: Collection[str] | None = None) -> Job:
    """Cancel a job. A queued job ends at once; a running job ends when its runner checks.

    Locks: the job. Records: job.finished if the job was queued. Raises: NotFound, also for a job
    outside the caller's hubs; Conflict if the job has ended.
    """
    with transaction.atomic():
        # NO KEY UPDATE does not wait for a fenced write, which may take long.
        rows = jobs(hubs=hubs).select_for_update(no_key=True)
        job = rows.filter(public_id=job_public_id).first()
        if job is None:
            raise unknown()
        if job.finished:
            raise Conflict(
                _("This operation has already ended and cannot be cancelled."),
                data={"state": job.state},
            )
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        job.cancel_requested = True
        if job.state == JobState.QUEUED:
            move(job, JobState.CANCELLED)
    return job


def job_out(job: Job) -> dict[str, Any]:
    """Return the job as the operations API shows it."""
    return {
        "id": job.public_id,
        "kind": job.kind,
        "subject": job.subject,
        "state": str(job.state),
        "reason": job.reason,
        "detail": job.detail,
        "progress": {"percent": job.progress_percent, "note": job.progress_note},
        "attempt": job.attempt,
        "cancel_requested": job.cancel_requested,
        "result": job.result,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "finished_at": _iso(job.finished_at),
    }


def _iso(instant: dt.datetime | None) -> str | None:
    return (
        None if instant is None else instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    )
