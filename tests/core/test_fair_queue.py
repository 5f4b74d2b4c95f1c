"""Workers are shared fairly: twenty jobs of one retailer do not delay another retailer's job."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile.core.fair_queue import run_fairly
from lastmile.core.jobs import Lease, claim, enqueue
from lastmile.core.models import Job, JobState
from lastmile.core.tasks import run
from lastmile.core.tenancy import RetailerRef, retailer_context

Hints = list[tuple[str, dict[str, Any]]]


def running(kind: str) -> Lease:
    lease = claim(enqueue(kind).public_id)
    assert lease is not None
    return lease


def state(job: Job) -> str:
    return str(Job.objects.get(pk=job.pk).state)


def test_a_retailer_with_many_jobs_yields_to_one_without_running_jobs(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    running("test.fair")
    heap = [enqueue("test.fair") for _ in range(20)]
    with retailer_context(neighbour):
        one = enqueue("test.fair")
    hints.clear()

    assert run_fairly(heap[0].public_id) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(one) == JobState.SUCCEEDED
    assert {state(job) for job in heap} == {JobState.QUEUED}
    again = [kwargs for task, kwargs in hints if task == "core.run_job"]
    assert again == [{"job": heap[0].public_id, "schema": shop.schema}], "its hint is not lost"

    assert run_fairly(heap[0].public_id) == JobState.SUCCEEDED, "nobody else waits"
    assert state(heap[0]) == JobState.SUCCEEDED


def test_a_retailer_with_as_many_running_jobs_has_to_wait(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    running("test.fair")
    job = enqueue("test.fair")
    with retailer_context(neighbour):
        running("test.fair")
        other = enqueue("test.fair")
    run_fairly(job.public_id)
    assert state(job) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_the_first_job_of_a_retailer_checks_no_other_retailer(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    with retailer_context(neighbour):
        other = enqueue("test.fair")
    job = enqueue("test.fair")
    run_fairly(job.public_id)
    assert state(job) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_jobs_of_other_kinds_run_in_the_order_of_their_hints(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    running("test.echo")
    job = enqueue("test.echo")
    with retailer_context(neighbour):
        other = enqueue("test.echo")
    run(schema=shop.schema, job=job.public_id)
    assert state(job) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_a_retailer_that_is_not_open_waits(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    running("test.fair")
    job = enqueue("test.fair")
    with retailer_context(neighbour):
        other = enqueue("test.fair")
    monkeypatch.setattr("lastmile.core.fair_queue.find_retailer", lambda _schema: None)
    run_fairly(job.public_id)
    assert state(job) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_a_job_that_is_done_is_not_run_again(shop: RetailerRef, hints: Hints) -> None:
    job = enqueue("test.fair")
    assert run_fairly(job.public_id) == JobState.SUCCEEDED
    assert run_fairly(job.public_id) is None


def test_work_that_nobody_waits_for_lets_other_jobs_of_its_queue_run_first(
    shop: RetailerRef, hints: Hints
) -> None:
    low = enqueue("test.low")
    sooner = enqueue("test.fair")
    hints.clear()
    assert run_fairly(low.public_id) == JobState.SUCCEEDED
    assert (state(low), state(sooner)) == (JobState.QUEUED, JobState.SUCCEEDED)
    again = [kwargs for task, kwargs in hints if task == "core.run_job"]
    assert again == [{"job": low.public_id, "schema": shop.schema}], "its hint is not lost"
    assert run_fairly(low.public_id) == JobState.SUCCEEDED
    assert state(low) == JobState.SUCCEEDED
