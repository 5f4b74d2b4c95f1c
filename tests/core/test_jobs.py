"""Jobs: one worker claims a job, the fence refuses late writes, and each job ends once."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from lastmile.core import jobs, runner
from lastmile.core.actor import acting_as
from lastmile.core.errors import Conflict, NotFound
from lastmile.core.events import record
from lastmile.core.jobs import Lease, LeaseLost, cancel, claim, enqueue, job_by_id, job_out
from lastmile.core.models import UNFINISHED, Event, Job, JobState
from lastmile.core.runner import beating, run_job, tend
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.core.timing import in_seconds
from lastmile.core.wiring import NotWired
from lastmile.worklist.models import WorkPointer
from tests.core import kinds, wired
from tests.core.conftest import Crew
from tests.drain import drain


def ends(job: Job) -> list[str]:
    """Return the final states in the job's events; there is exactly one after its end."""
    events = Event.objects.filter(kind="job.finished", subject=job.public_id)
    return [event.data["state"] for event in events]


def claimed(kind: str = "test.echo") -> Lease:
    lease = claim(enqueue(kind).public_id)
    assert lease is not None
    return lease


def fall_silent(lease: Lease) -> None:
    """Let the lease of the job run out, as if its worker had been killed."""
    Job.objects.filter(pk=lease.pk).update(lease_until=in_seconds(-1), heartbeat_at=in_seconds(-61))


# --- Enqueueing -------------------------------------------------------------------------------


def test_a_job_runs_once_and_stores_its_result(shop: RetailerRef) -> None:
    with acting_as("mem_ada"):
        job = enqueue("test.echo", subject="pln_1", payload={"hub": "hub_1"})
    drain()
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    assert job.result == {"said": {"hub": "hub_1"}, "attempt": 1}
    assert job.progress_percent == 100
    assert wired.traces() == [job.public_id]
    (end,) = Event.objects.filter(kind="job.finished")
    assert end.actor == "mem_ada"
    assert end.data == {
        "kind": "test.echo",
        "subject": "pln_1",
        "state": "succeeded",
        "reason": "",
        "attempt": 1,
    }


def test_a_rolled_back_request_leaves_no_job(shop: RetailerRef) -> None:
    def ask_and_fail() -> None:
        with transaction.atomic():
            enqueue("test.echo")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert not Job.objects.exists()
    assert not WorkPointer.objects.exists()


def test_an_unknown_kind_is_refused_at_enqueueing(shop: RetailerRef) -> None:
    with pytest.raises(NotWired, match=r"test\.nothing.*JOBS"):
        enqueue("test.nothing")
    assert not Job.objects.exists()


def test_the_hint_carries_the_job_its_retailer_and_its_limits(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    job = enqueue("test.brief")
    assert hints == [("core.run_job", {"job": job.public_id, "schema": shop.schema})]


def test_the_same_work_is_not_queued_twice_while_it_is_unfinished(shop: RetailerRef) -> None:
    first = enqueue("test.echo", dedupe_key="plan:hub_1")
    assert enqueue("test.echo", dedupe_key="plan:hub_1").pk == first.pk
    assert enqueue("test.echo", dedupe_key="plan:hub_2").pk != first.pk
    drain()
    assert enqueue("test.echo", dedupe_key="plan:hub_1").pk != first.pk
    assert WorkPointer.objects.filter(kind="jobs").count() == 3


def test_twenty_requests_at_once_for_the_same_work_make_one_job(
    shop: RetailerRef, crew: Crew
) -> None:
    start = threading.Barrier(20)

    def ask() -> int:
        start.wait(10)
        return enqueue("test.echo", dedupe_key="plan:hub_1").pk

    for _ in range(20):
        crew.start(ask)
    assert len(set(crew.join())) == 1
    assert Job.objects.count() == 1


def test_a_job_is_visible_to_its_retailer_only(shop: RetailerRef, neighbour: RetailerRef) -> None:
    job = enqueue("test.echo")
    with retailer_context(neighbour):
        assert claim(job.public_id) is None
        with pytest.raises(NotFound):
            job_by_id(job.public_id)
        with pytest.raises(NotFound):
            cancel(job.public_id)
    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == (JobState.QUEUED, False)


# --- Claiming and the fence ---------------------------------------------------------------------


def test_one_job_claimed_by_many_at_once_has_exactly_one_winner(
    shop: RetailerRef, crew: Crew
) -> None:
    for _round in range(10):
        job, start = enqueue("test.echo"), threading.Barrier(12)

        def take(job: Job = job, start: threading.Barrier = start) -> Lease | None:
            start.wait(10)
            return claim(job.public_id)

        crew.results.clear()
        for _ in range(12):
            crew.start(take)
        winners = [lease for lease in crew.join() if lease is not None]
        assert len(winners) == 1
        job.refresh_from_db()
        assert (job.attempt, job.lease_token) == (1, winners[0].token)


def test_a_claim_that_reads_before_it_writes_has_two_winners(shop: RetailerRef, crew: Crew) -> None:
    """Show that claiming with a read before the write lets two workers claim one job."""
    job, read = enqueue("test.echo"), threading.Barrier(2)

    def naive() -> bool:
        row = Job.objects.get(pk=job.pk)
        read.wait(10)
        if row.state != JobState.QUEUED:
            return False
        row.state, row.lease_token, row.attempt = JobState.RUNNING, uuid.uuid4(), 1
        row.started_at = row.created_at
        Job.objects.filter(pk=job.pk).update(
            state=row.state,
            lease_token=row.lease_token,
            lease_until=Now(),
            deadline_at=Now(),
            started_at=Now(),
        )
        return True

    crew.start(naive)
    crew.start(naive)
    assert crew.join() == [True, True]


def test_a_worker_without_the_lease_cannot_write(shop: RetailerRef) -> None:
    old = claimed("test.called")
    fall_silent(old)
    tend()
    new = claim(old.id)
    assert new is not None
    assert new.attempt == 2

    def write() -> None:
        with old.fenced():
            record(kinds.TRACE, kinds.NO_FACTS, subject="from the grave")

    with pytest.raises(LeaseLost):
        write()
    with pytest.raises(LeaseLost):
        old.progress(90, "nearly there")
    assert not old.renew()
    assert old.cancelled(), "it is told to stop"
    assert wired.traces() == []
    with new.fenced():
        record(kinds.TRACE, kinds.NO_FACTS, subject="from the living")
    assert wired.traces() == ["from the living"]


def test_a_lease_cannot_be_taken_away_while_a_fenced_write_is_open(
    shop: RetailerRef, crew: Crew
) -> None:
    lease = claimed("test.called")
    writing, commit = threading.Event(), threading.Event()

    def write() -> None:
        with lease.fenced():
            record(kinds.TRACE, kinds.NO_FACTS, subject="late")
            writing.set()
            assert commit.wait(10)

    crew.start(write)
    assert writing.wait(10)
    assert lease.renew(), "the heartbeat passes the fence"
    fall_silent(lease)
    tend()
    assert job_by_id(lease.id).state == JobState.RUNNING, "the reaper steps over it"
    cancel(lease.id)  # does not wait, and takes no lease away
    commit.set()
    crew.join()
    assert wired.traces() == ["late"]
    tend()
    assert job_by_id(lease.id).state == JobState.CANCELLED


def test_the_end_of_a_worker_that_lost_its_lease_does_not_count(shop: RetailerRef) -> None:
    def lose(lease: Lease) -> None:
        fall_silent(lease)
        tend()

    wired.during.append(lose)
    job = enqueue("test.called")
    assert run_job(job.public_id) is None
    job.refresh_from_db()
    assert (job.state, ends(job)) == (JobState.QUEUED, [])
    wired.during.clear()
    assert run_job(job.public_id) == JobState.SUCCEEDED
    assert ends(job) == ["succeeded"]


# --- Ends -------------------------------------------------------------------------------------


def test_a_domain_error_fails_the_job_with_its_code_and_text(shop: RetailerRef) -> None:
    job = enqueue("test.refuse")
    drain()
    job.refresh_from_db()
    assert (job.state, job.reason, job.attempt) == (JobState.FAILED, "invalid", 1)
    assert job.detail == "The file has no rows. Add one and send it again."
    assert ends(job) == ["failed"]


@pytest.mark.parametrize(
    ("kind", "reason"), [("test.away", "unavailable"), ("test.crash", "error")]
)
def test_a_retryable_error_is_retried_and_then_given_up(
    shop: RetailerRef, kind: str, reason: str
) -> None:
    job = enqueue(kind)
    assert run_job(job.public_id) == JobState.QUEUED
    assert run_job(job.public_id) is None, "not before its time"
    assert ends(job) == []
    Job.objects.update(due_at=Now())
    assert run_job(job.public_id) == JobState.FAILED
    job.refresh_from_db()
    assert (job.reason, job.attempt, ends(job)) == (reason, 2, ["failed"])
    assert "ZeroDivision" not in job.detail, "people are told what to do, the log what happened"


def test_a_result_that_is_not_json_fails_the_job(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired, "called", lambda job: {"when": object()})
    job = enqueue("test.called")
    for _ in range(3):
        Job.objects.update(due_at=Now())
        run_job(job.public_id)
    job.refresh_from_db()
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "error", ["failed"])


def test_a_kind_that_is_no_longer_wired_ends_with_that_reason(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = enqueue("test.echo")
    monkeypatch.delitem(wired.JOBS, "test.echo")
    assert tend() == []
    job.refresh_from_db()
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "not_wired", ["failed"])


def test_a_job_whose_worker_dies_is_requeued_until_it_is_poison(shop: RetailerRef) -> None:
    job = enqueue("test.poison")
    for attempt in (1, 2):
        lease = claim(job.public_id)
        assert lease is not None
        assert lease.attempt == attempt
        tend()
        assert job_by_id(job.public_id).state == JobState.RUNNING, "a living worker is let be"
        fall_silent(lease)
        tend()
    job.refresh_from_db()
    assert (job.state, job.reason, job.attempt) == (JobState.FAILED, "poison", 2)
    assert claim(job.public_id) is None
    assert ends(job) == ["failed"]


def test_a_job_with_one_attempt_is_lost_when_its_worker_dies(shop: RetailerRef) -> None:
    lease = claimed("test.once")
    fall_silent(lease)
    tend()
    job = job_by_id(lease.id)
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "lost", ["failed"])


def test_a_job_with_heartbeats_until_its_limit_has_timed_out(shop: RetailerRef) -> None:
    lease = claimed("test.echo")
    Job.objects.filter(pk=lease.pk).update(
        deadline_at=in_seconds(-30), heartbeat_at=in_seconds(-31), lease_until=in_seconds(-1)
    )
    assert not lease.renew(), "no lease is held past the limit"
    tend()
    job = job_by_id(lease.id)
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "timeout", ["failed"])


def test_a_runner_sees_that_its_time_is_over(shop: RetailerRef) -> None:
    job = enqueue("test.brief")
    started_at = time.monotonic()
    assert run_job(job.public_id) == JobState.FAILED
    assert 1 <= time.monotonic() - started_at < 5
    job.refresh_from_db()
    assert (job.reason, ends(job)) == ("timeout", ["failed"])


def test_a_job_with_a_late_heartbeat_is_not_reaped(shop: RetailerRef) -> None:
    lease = claimed("test.once")
    runner._reap(lease.pk)  # whose lease has just run out
    job = job_by_id(lease.id)
    assert (job.state, ends(job)) == (JobState.RUNNING, [])


def test_many_reapers_and_the_worker_at_once_end_a_job_once(shop: RetailerRef, crew: Crew) -> None:
    jobs: list[Job] = []
    for _ in range(20):
        lease = claimed("test.once")
        fall_silent(lease)
        jobs.append(job_by_id(lease.id))
    start = threading.Barrier(4)

    def reap() -> None:
        start.wait(10)
        tend()

    for _ in range(4):
        crew.start(reap)
    crew.join()
    tend()  # jobs that two reapers skipped because the other had locked them
    assert Counter(end for job in jobs for end in ends(job)) == {"failed": 20}


# --- Cancelling -------------------------------------------------------------------------------


def test_a_queued_job_is_cancelled_at_once(shop: RetailerRef) -> None:
    job = cancel(enqueue("test.echo").public_id)
    assert job.state == JobState.CANCELLED
    assert run_job(job.public_id) is None
    assert (wired.traces(), ends(job)) == ([], ["cancelled"])


def test_a_running_job_is_cancelled_when_its_runner_checks(shop: RetailerRef, crew: Crew) -> None:
    job = enqueue("test.patient")
    crew.start(run_job, job.public_id)
    while job_by_id(job.public_id).state == JobState.QUEUED:
        time.sleep(0.01)
    cancel(job.public_id)
    assert crew.join() == [JobState.CANCELLED]
    job.refresh_from_db()
    assert job.result is not None
    assert job.result["turns"] < 600
    assert ends(job) == ["cancelled"]


def test_a_job_cancelled_while_its_worker_was_dead_is_cancelled(shop: RetailerRef) -> None:
    lease = claimed()
    cancel(lease.id)
    fall_silent(lease)
    tend()
    job = job_by_id(lease.id)
    assert (job.state, ends(job)) == (JobState.CANCELLED, ["cancelled"])


def test_an_ended_job_cannot_be_cancelled(shop: RetailerRef) -> None:
    job = enqueue("test.echo")
    drain()
    with pytest.raises(Conflict, match="already ended"):
        cancel(job.public_id)
    job.refresh_from_db()
    assert (job.state, job.cancel_requested, ends(job)) == (
        JobState.SUCCEEDED,
        False,
        ["succeeded"],
    )


def test_a_cancel_and_a_claim_at_once_end_in_one_of_two_ways(shop: RetailerRef, crew: Crew) -> None:
    for _round in range(10):
        job, start = enqueue("test.called"), threading.Barrier(2)

        def stop(job: Job = job, start: threading.Barrier = start) -> None:
            start.wait(10)
            cancel(job.public_id)

        def work(job: Job = job, start: threading.Barrier = start) -> None:
            start.wait(10)
            run_job(job.public_id)

        crew.start(stop)
        crew.start(work)
        try:
            crew.join()
        except Conflict:  # the job had ended before
            crew.faults.clear()
        assert len(ends(job)) == 1
        job.refresh_from_db()
        assert [job.state] == ends(job)


# --- Heartbeat and progress -------------------------------------------------------------------


def test_the_heartbeat_keeps_the_lease_and_its_connection_is_closed(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.runner.heartbeat_s", lambda: 0.05)
    lease = claimed()
    Job.objects.update(lease_until=in_seconds(1))

    def backends() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend'"
            )
            return int(cursor.fetchone()[0])

    before = backends()
    with beating(lease):
        time.sleep(0.3)
        assert backends() == before + 1, "the thread uses its own connection"
    assert Job.objects.filter(pk=lease.pk, lease_until__gt=in_seconds(30)).exists()
    deadline = time.monotonic() + 5
    while backends() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert backends() == before


def test_the_heartbeat_has_its_retailer_and_stops_without_the_lease(
    shop: RetailerRef, neighbour: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.runner.heartbeat_s", lambda: 0.02)
    lease = claimed()
    with beating(lease):
        Job.objects.filter(pk=lease.pk).update(lease_token=uuid.uuid4())
        deadline = time.monotonic() + 5
        while any(t.name == f"beat {lease.id}" for t in threading.enumerate()):
            assert time.monotonic() < deadline, "the thread beats on for a job that is another's"
            time.sleep(0.02)


def test_progress_is_seen_while_the_job_runs(shop: RetailerRef) -> None:
    lease = claimed()
    lease.progress(140, "x" * 500)
    out = job_out(job_by_id(lease.id))
    assert out["progress"] == {"percent": 100, "note": "x" * 200}
    assert (out["id"], out["state"], out["attempt"]) == (lease.id, "running", 1)
    assert out["started_at"].endswith("Z")
    assert out["finished_at"] is None


def test_checking_for_cancellation_is_cheap(shop: RetailerRef) -> None:
    lease = claimed()
    with CaptureQueriesContext(connection) as captured:
        for _ in range(1000):
            assert not lease.cancelled()
    assert len(captured) <= 1


# --- Constraints of the tables ------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "running"},
        {"state": "failed", "finished_at": Now()},
        {"state": "succeeded"},
        {"state": "asleep"},
        {"finished_at": Now()},
        {"lease_token": uuid.uuid4()},
        {"progress_percent": 101},
    ],
)
def test_the_table_refuses_an_impossible_job(shop: RetailerRef, wrong: dict[str, Any]) -> None:
    job = enqueue("test.echo")
    with pytest.raises(IntegrityError):
        Job.objects.filter(pk=job.pk).update(**wrong)


def test_no_state_is_left_after_an_end(shop: RetailerRef) -> None:
    job = cancel(enqueue("test.echo").public_id)
    for state in JobState:
        with pytest.raises(RuntimeError, match="cannot go"), transaction.atomic():
            jobs.move(job, state)


def test_unfinished_jobs_are_checked_until_they_end(shop: RetailerRef) -> None:
    enqueue("test.echo")
    WorkPointer.objects.update(due_at=Now())
    assert len(tend()) == 1
    (pointer,) = WorkPointer.objects.filter(kind="jobs")
    drain()
    assert not Job.objects.filter(state__in=UNFINISHED).exists()
    WorkPointer.objects.filter(pk=pointer.pk).update(due_at=Now())
    tend()
    assert not WorkPointer.objects.filter(kind="jobs").exists()


def test_claim_and_end_cost_a_fixed_number_of_queries(shop: RetailerRef) -> None:
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as enqueue_queries:
        job = enqueue("test.called")
    with CaptureQueriesContext(connection) as claim_queries:
        lease = claim(job.public_id)
    assert lease is not None
    assert len(enqueue_queries) == 4, "BEGIN, job, pointer, COMMIT"
    assert len(claim_queries) == 4, "BEGIN, lock, update, COMMIT"
    with CaptureQueriesContext(connection) as fenced, lease.fenced():
        pass
    assert len(fenced) == 3, "BEGIN, the fence, COMMIT"
