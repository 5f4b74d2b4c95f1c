"""Leased jobs: long work that ends exactly once, whatever dies.

The row is the record. A worker *claims* it (attempt counted before it runs), keeps the lease by a
heartbeat, writes only behind the *fence*, and ends it in the transaction that records
``job.finished``. A worker that dies stops beating: the reaper gives the job to another, or ends it.

PostgreSQL's row locks carry the fence. ``fenced()`` holds KEY SHARE on the job: the heartbeat's
update passes it, while whoever would take the lease away needs FOR UPDATE and cannot until the
fenced transaction has ended. So a write is either committed under the lease or refused.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
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

JOBS: Final = "jobs"  # the pointers' kind
RUN_TASK: Final = "core.run_job"
HINT_GRACE_S: Final = 3  # so long the hint given at the commit has, before the sweep gives another
HARD_KILL_S: Final = 30  # between the soft limit, which a runner can tidy up after, and the kill
POLL_S: Final = 1.0  # cancelled() asks the database no more often

MOVES: Final[Mapping[str, frozenset[str]]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, *FINISHED}),
}


class LeaseLost(RuntimeError):
    """This worker no longer holds the job; nothing it would write now may count."""


def lease_s() -> float:
    """Seconds after its last heartbeat for which a worker is believed alive."""
    return float(settings.JOB_LEASE_S)


def heartbeat_s() -> float:
    """Seconds between two heartbeats: twelve may be missed before the lease runs out."""
    return lease_s() / 12


class Lease:
    """What a runner is given: its job, and the proof that the job is still its own.

    Attributes
    ----------
    id, kind, subject, payload, attempt
        The job's public id and what it was asked to do; ``attempt`` counts from 1.
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
        self.stop_reason = ""  # "", "cancelled", "timeout" or "lost": what the runner was told
        self._deadline = time.monotonic() + spec.time_limit_s
        self._polled_at = float("-inf")

    def progress(self, percent: int, note: str = "") -> None:
        """Say how far the work is. Raises LeaseLost when it is another's.

        Call it outside ``fenced()``: inside, nobody sees it before the commit, and a cancel waits.
        """
        mine = self._mine().update(
            progress_percent=max(0, min(100, percent)), progress_note=note[:200]
        )
        if not mine:
            raise LeaseLost(f"{self.id} is no longer run by this worker.")

    def cancelled(self) -> bool:
        """Whether the runner should stop: cancelled, out of time, or no longer its own.

        Cheap enough for an inner loop. A runner that was told to stop returns soon; the job ends
        as cancelled or timed out whatever it returns.
        """
        if self.stop_reason:
            return True
        if time.monotonic() >= self._deadline:
            self.stop_reason = "timeout"
        elif time.monotonic() >= self._polled_at + POLL_S:
            self._polled_at = time.monotonic()
            asked = self._mine().values_list("cancel_requested", flat=True).first()
            if asked is None:
                self.stop_reason = "lost"
            elif asked:
                self.stop_reason = "cancelled"
        return bool(self.stop_reason)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Open a transaction that commits only under this lease; use it for every write.

        Raises LeaseLost when the job is another's. The reaper steps over a job while one is open;
        PostgreSQL ends a transaction that idles for 30 s.
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
        """Beat: hold the lease for another while; False when lost or past the time limit."""
        beat = self._mine().filter(deadline_at__gt=Now())
        return bool(beat.update(lease_until=in_seconds(lease_s()), heartbeat_at=Now()))

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.pk, lease_token=self.token, state=JobState.RUNNING)


def enqueue(
    kind: str,
    *,
    subject: str = "",
    hub: str = "",
    payload: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> Job:
    """Ask for work of a wired kind; it is done once the transaction has committed.

    Locks: nothing. Records: nothing before the end. Raises: NotWired for an unknown kind.

    Parameters
    ----------
    hub : str
        Public id of the hub that the work is for; empty for work for the whole retailer. Only
        somebody with all hubs, or with this one, may see or cancel the job.
    payload : Mapping, optional
        JSON ids and numbers the runner needs; never names or texts.
    dedupe_key : str, optional
        While a job of this key is unfinished it is returned instead of a second one.
    """
    spec, schema = job_spec(kind), current_schema()
    with transaction.atomic():
        wanted = Job(
            kind=kind,
            subject=subject,
            hub=hub,
            actor=current_actor(),
            payload=dict(payload or {}),
            dedupe_key=dedupe_key,
        )
        found = _insert_or_find(wanted)
        if found is wanted:
            point(schema=schema, kind=JOBS, due_in_s=HINT_GRACE_S)
            after_commit(run_hint(found.public_id, spec, schema))
    return found


def _insert_or_find(wanted: Job) -> Job:
    if wanted.dedupe_key is None:
        wanted.save(force_insert=True)
        return wanted
    for _turn in range(3):  # the one in the way may end between the refusal and the look
        try:
            with transaction.atomic():
                wanted.save(force_insert=True)
        except IntegrityError:
            unfinished = Job.objects.filter(dedupe_key=wanted.dedupe_key, state__in=UNFINISHED)
            if (other := unfinished.first()) is not None:
                return other
        else:
            return wanted
    raise Conflict(
        _("The same work is being finished and asked for at once. Try again in a moment.")
    )


def run_hint(public_id: str, spec: JobSpec, schema: str) -> Hint:
    """Return the hint that makes a worker of the right queue try to claim this job."""
    limits = (
        ("soft_time_limit", spec.time_limit_s),
        ("time_limit", spec.time_limit_s + HARD_KILL_S),
    )
    return Hint(RUN_TASK, spec.queue, (("job", public_id), ("schema", schema)), limits)


def claim(public_id: str) -> Lease | None:
    """Take a queued job that is due, or return None: of any number of callers one gets it.

    The attempt is counted and committed before the runner starts, so that a job that kills its
    worker is given up after ``max_attempts``.
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
    """Write a job's state: the one place that does. The caller holds the row FOR UPDATE.

    A final state gives up the lease and records ``job.finished`` in the same transaction.
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
    """Return the retailer's jobs, narrowed by what is named.

    ``hubs`` are the public ids of the hubs that the caller is limited to; None means all. Work
    for the whole retailer is then left out.
    """
    named = {"kind": kind, "state": state, "subject": subject}
    found = Job.objects.filter(**{name: value for name, value in named.items() if value})
    return found if hubs is None else found.filter(hub__in=[hub for hub in hubs if hub])


def job_by_id(public_id: str, *, hubs: Collection[str] | None = None) -> Job:
    """Return a job of the present retailer, within the caller's hubs. Raises NotFound."""
    job = jobs(hubs=hubs).filter(public_id=public_id).first()
    if job is None:
        raise unknown()
    return job


def cancel(job_public_id: str, *, hubs: Collection[str] | None = None) -> Job:
    """Stop a job: at once when it is queued, as soon as its runner listens when it runs.

    Locks: the job. Records: job.finished when it ends here. Raises: NotFound, also for a job
    outside the caller's hubs; Conflict when it has ended.
    """
    with transaction.atomic():
        # NO KEY: it must not wait for a fenced write, which may take a while.
        found = jobs(hubs=hubs).select_for_update(no_key=True)
        job = found.filter(public_id=job_public_id).first()
        if job is None:
            raise unknown()
        if job.finished:
            raise Conflict(
                _("This operation has already ended, so there is nothing left to cancel."),
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
