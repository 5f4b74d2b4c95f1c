"""The wiring of the house: every name resolves, and no act has consequences without end."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile import switchboard
from lastmile.core import wiring
from lastmile.core.events import DomainEvent, record
from lastmile.core.jobs import Lease, enqueue
from lastmile.core.wiring import JobSpec
from tests.event_graph import graph_of, longest_path, recorded_by

HOPS = 2  # an event, what follows from it, and what follows from that


def test_every_wired_name_resolves() -> None:
    assert wiring.problems() == []


def test_consequences_of_any_event_end_within_two_hops() -> None:
    graph = graph_of(switchboard.HANDLERS, switchboard.JOBS)
    for kind, later in sorted(graph.items()):
        for path in switchboard.HANDLERS[kind]:
            print(f"{kind} -> {path} -> {', '.join(sorted(later)) or 'nothing'}")
    chain = longest_path(graph)
    assert len(chain) - 1 <= HOPS, " -> ".join(chain)


def _record_second() -> None:
    record("test.second", subject="x")


def on_first(event: DomainEvent) -> None:
    """Record through a helper, and ask for a job that records too."""
    _record_second()
    enqueue("test.work")


def on_second(event: DomainEvent) -> None:
    """Close the circle."""
    record("test.first", subject=event.subject)


def work(job: Lease) -> None:
    """Record a third kind."""
    with job.fenced():
        record("test.third", subject=job.id)


def by_expression(event: DomainEvent) -> None:
    """Hide the kind from the reader."""
    record(event.kind, subject="x")


HERE = "tests.core.test_switchboard"


def test_the_graph_follows_helpers_and_jobs() -> None:
    jobs = {"test.work": JobSpec(f"{HERE}.work")}
    found = recorded_by(f"{HERE}.on_first", jobs)
    assert found == {"test.second", "test.third", "job.finished"}


def test_a_circle_of_events_is_found() -> None:
    jobs: dict[str, JobSpec] = {}
    handlers = {"test.first": [f"{HERE}.on_first"], "test.second": [f"{HERE}.on_second"]}
    chain = longest_path(graph_of(handlers, jobs))
    assert chain == ["test.first", "test.second", "test.first"]
    handlers["test.zero"] = [f"{HERE}.on_second"]
    assert len(longest_path(graph_of(handlers, jobs))) - 1 > HOPS


def test_a_kind_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(AssertionError, match="plain string"):
        recorded_by(f"{HERE}.by_expression", {})


@pytest.mark.parametrize(
    ("handlers", "jobs", "said"),
    [
        ({"a.b": ["tests.core.nowhere.f"]}, {}, "does not resolve"),
        ({"a.b": ["tests.core.wired.JOBS"]}, {}, "not callable"),
        ({"a.b": [f"{HERE}.work", f"{HERE}.work"]}, {}, "twice"),
        ({}, {"a.b": JobSpec(f"{HERE}.work", queue="soon")}, "queue 'soon'"),
        ({}, {"a.b": JobSpec(f"{HERE}.work", max_attempts=0)}, "at least 1"),
    ],
)
def test_each_fault_of_the_wiring_is_said(
    monkeypatch: pytest.MonkeyPatch, handlers: Any, jobs: Any, said: str
) -> None:
    monkeypatch.setattr(switchboard, "HANDLERS", handlers)
    monkeypatch.setattr(switchboard, "JOBS", jobs)
    (problem,) = wiring.problems()
    assert said in problem
