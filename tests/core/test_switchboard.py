"""The switchboard: every name resolves, and no event leads to an endless chain of events."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile import switchboard
from lastmile.core import wiring
from lastmile.core.checks import every_wired_name_resolves
from lastmile.core.events import DomainEvent, record
from lastmile.core.jobs import Lease, enqueue
from lastmile.core.wiring import JobSpec
from tests.core import kinds
from tests.event_graph import circle_in, followers, graph_of, longest_path, recorded_by

# The longest chain: a hub changes, so do its slots, the days of orders, their stops at banks of
# lockers, and what follows from a changed order.
HOPS = 4


def test_every_wired_name_resolves() -> None:
    assert wiring.problems() == []


def test_consequences_of_any_event_end_within_four_hops() -> None:
    graph = graph_of(switchboard.HANDLERS, switchboard.JOBS)
    wired = followers(switchboard.HANDLERS, switchboard.JOBS)
    assert set(wired) == set(graph)
    for kind, later in sorted(graph.items()):
        for path in wired[kind]:
            print(f"{kind} -> {path} -> {', '.join(sorted(later)) or 'nothing'}")
    assert circle_in(graph) == []
    chain = longest_path(graph)
    assert len(chain) - 1 <= HOPS, " -> ".join(chain)


def _record_second() -> None:
    record(kinds.SECOND, kinds.NO_FACTS, subject="x")


def on_first(event: DomainEvent) -> None:
    """Record an event through a helper, and enqueue a job that records one too."""
    _record_second()
    enqueue("test.work")


def on_second(event: DomainEvent) -> None:
    """Record the first kind again, which makes a circle."""
    record(kinds.FIRST, kinds.NO_FACTS, subject=event.subject)


def work(job: Lease) -> None:
    """Record an event of a third kind."""
    with job.fenced():
        record(kinds.THIRD, kinds.NO_FACTS, subject=job.id)


def _kind_of_subject(event: DomainEvent) -> Any:
    return kinds.BY_NAME[event.kind] if event.subject else None


def by_expression(event: DomainEvent) -> None:
    """Record a kind that the analysis cannot see."""
    record(_kind_of_subject(event), kinds.NO_FACTS, subject="x")


HERE = "tests.core.test_switchboard"


def test_the_graph_follows_helpers_and_jobs() -> None:
    jobs = {"test.work": JobSpec(f"{HERE}.work")}
    kinds_recorded = recorded_by(f"{HERE}.on_first", jobs)
    assert kinds_recorded == {"test.second", "test.third", "job.finished"}


def test_a_circle_of_events_is_detected() -> None:
    jobs: dict[str, JobSpec] = {}
    handlers = {"test.first": [f"{HERE}.on_first"], "test.second": [f"{HERE}.on_second"]}
    chain = longest_path(graph_of(handlers, jobs))
    assert chain == ["test.first", "test.second", "test.first"]
    assert set(circle_in(graph_of(handlers, jobs))) == {"test.first", "test.second"}
    del handlers["test.second"]
    assert circle_in(graph_of(handlers, jobs)) == []


def test_on_end_functions_are_edges_of_the_graph() -> None:
    jobs = {"test.work": JobSpec(f"{HERE}.work", on_end=(f"{HERE}.on_second",))}
    handlers = {"test.first": [f"{HERE}.on_first"]}
    graph = graph_of(handlers, jobs)
    assert graph["job.finished"] == {"test.first"}
    assert set(circle_in(graph)) == {"test.first", "job.finished"}


def test_a_kind_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(AssertionError, match="cannot be read"):
        recorded_by(f"{HERE}.by_expression", {})


@pytest.mark.parametrize(
    ("handlers", "jobs", "message"),
    [
        ({"plan.edited": ["tests.core.nowhere.f"]}, {}, "does not resolve"),
        ({"plan.edited": ["tests.core.wired.JOBS"]}, {}, "not callable"),
        ({"plan.edited": [f"{HERE}.work", f"{HERE}.work"]}, {}, "twice"),
        ({"plan.eaten": [f"{HERE}.work"]}, {}, "'plan.eaten' has handlers"),
        ({}, {"a.b": JobSpec(f"{HERE}.work", queue="soon")}, "queue 'soon'"),
        ({}, {"a.b": JobSpec(f"{HERE}.work", max_attempts=0)}, "at least 1"),
        ({}, {"a.b": JobSpec(f"{HERE}.work", on_end=(f"{HERE}.gone",))}, "does not resolve"),
    ],
)
def test_each_error_of_the_wiring_is_reported(
    monkeypatch: pytest.MonkeyPatch, handlers: Any, jobs: Any, message: str
) -> None:
    monkeypatch.setattr(switchboard, "HANDLERS", handlers)
    monkeypatch.setattr(switchboard, "JOBS", jobs)
    (problem,) = wiring.problems()
    assert message in problem


@pytest.mark.parametrize("table", ["CALLBACKS", "CREDENTIALS", "POLICIES"])
def test_a_missing_class_is_reported(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    monkeypatch.setattr(switchboard, table, {"gone": "tests.core.nowhere.Gone"})
    (problem,) = wiring.problems()
    assert "tests.core.nowhere.Gone" in problem


def test_an_events_module_that_is_not_named_is_refused_kind_by_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = [name for name in switchboard.EVENTS if name != "dispatch.planning.events"]
    monkeypatch.setattr(switchboard, "EVENTS", named)
    monkeypatch.setattr(switchboard, "HANDLERS", {})
    problems = wiring.problems()
    assert len(problems) == 9
    assert all("made in dispatch.planning.events" in problem for problem in problems)


def test_an_events_module_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "EVENTS", [*switchboard.EVENTS, "dispatch.nowhere.events"])
    (problem,) = wiring.problems()
    assert "'dispatch.nowhere.events', which does not resolve" in problem


def test_a_kind_declared_in_two_modules_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "EVENTS", [*switchboard.EVENTS, "tests.core.kinds"])
    problems = wiring.problems()
    assert any("'order.placed' is declared twice" in problem for problem in problems)


def test_the_start_up_check_reports_errors_of_kinds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(switchboard, "HANDLERS", {"plan.eaten": [f"{HERE}.work"]})
    errors = [str(problem.msg) for problem in every_wired_name_resolves()]
    assert any("'plan.eaten' has handlers" in text for text in errors)


def test_the_current_name_of_a_renamed_handler_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "RENAMED", {"a.b.c": "tests.core.nowhere.f"})
    (problem,) = wiring.problems()
    assert "'tests.core.nowhere.f'" in problem
