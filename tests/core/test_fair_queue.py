"""A retailer with twenty jobs does not stand before another's one."""

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


def test_a_retailer_with_a_heap_gives_way_to_one_that_has_nothing_running(
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


def test_whoever_has_as_many_running_waits_for_its_turn(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    running("test.fair")
    mine = enqueue("test.fair")
    with retailer_context(neighbour):
        running("test.fair")
        other = enqueue("test.fair")
    run_fairly(mine.public_id)
    assert state(mine) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_a_first_job_looks_at_nobody(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    with retailer_context(neighbour):
        other = enqueue("test.fair")
    mine = enqueue("test.fair")
    run_fairly(mine.public_id)
    assert state(mine) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_kinds_that_are_not_fair_are_run_as_they_come(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints
) -> None:
    running("test.echo")
    mine = enqueue("test.echo")
    with retailer_context(neighbour):
        other = enqueue("test.echo")
    run(schema=shop.schema, job=mine.public_id)
    assert state(mine) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_a_retailer_that_is_not_open_waits(
    shop: RetailerRef, neighbour: RetailerRef, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    running("test.fair")
    mine = enqueue("test.fair")
    with retailer_context(neighbour):
        other = enqueue("test.fair")
    monkeypatch.setattr("lastmile.core.fair_queue.find_retailer", lambda _schema: None)
    run_fairly(mine.public_id)
    assert state(mine) == JobState.SUCCEEDED
    with retailer_context(neighbour):
        assert state(other) == JobState.QUEUED


def test_a_job_that_is_done_is_not_run_again(shop: RetailerRef, hints: Hints) -> None:
    job = enqueue("test.fair")
    assert run_fairly(job.public_id) == JobState.SUCCEEDED
    assert run_fairly(job.public_id) is None
