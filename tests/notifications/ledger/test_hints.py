"""Hints to the sender: at most one in half a second from each process, also when a clock is set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lastmile.core.clock import now
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.tenancy import HOUSE, RetailerRef, retailer_context
from lastmile.switchboard import HANDLERS
from lastmile.worklist.models import WorkPointer
from notifications import handlers
from notifications.services import pointing

Commits = Callable[..., Any]


@dataclass
class Wire:
    """The hints that were sent, and a clock that the test moves."""

    at_s: float = 1_000.0
    sent: list[dict[str, Any]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at_s

    def publish(self, task: str, **options: Any) -> bool:
        self.sent.append({"task": task, **options})
        return True


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    fake = Wire()
    monkeypatch.setattr(pointing, "time", fake)
    monkeypatch.setattr(pointing, "publish", fake.publish)
    monkeypatch.setattr(pointing, "_hinted_at", float("-inf"))
    return fake


def pointers(schema: str) -> int:
    return WorkPointer.objects.filter(schema=schema, kind=pointing.SEND).count()


def test_one_hint_in_half_a_second_is_enough(wire: Wire) -> None:
    for _n in range(50):
        pointing.hint()
    assert wire.sent == [{"task": "notifications.pump", "queue": "send", "expires": 2}]
    wire.at_s += 0.49
    pointing.hint()
    assert len(wire.sent) == 1
    wire.at_s += 0.01
    pointing.hint()
    assert len(wire.sent) == 2


def test_a_hint_lives_longer_than_the_pause_between_two(wire: Wire) -> None:
    """A hint that a busy worker drops is followed by another one only after the pause."""
    assert pointing.HINT_EXPIRES_S > 2 * pointing.HINT_PAUSE_S


def test_a_message_for_now_hints_after_the_commit_and_a_later_one_only_points(
    retailer: RetailerRef, wire: Wire, django_capture_on_commit_callbacks: Commits
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        pointing.wake()
        assert wire.sent == [], "nothing before the commit"
    assert len(wire.sent) == 1
    wire.at_s += 10
    with django_capture_on_commit_callbacks(execute=True):
        pointing.wake(at=now() + dt.timedelta(hours=3))
    assert len(wire.sent) == 1
    assert pointers(retailer.schema) == 2


def test_when_a_sandboxs_clock_is_set_its_messages_are_looked_at_now(
    retailer: RetailerRef,
    other: RetailerRef,
    wire: Wire,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    event = DomainEvent(
        public_id="evt_00000000000000000001",
        kind="retailer.clock_set",
        subject=retailer.public_id,
        actor="",
        occurred_at=now(),
        data={},
        position=1,
        lane=Lane.PERSON,
    )
    with retailer_context(HOUSE), django_capture_on_commit_callbacks(execute=True):
        handlers.on_clock_set(event)
    assert (pointers(retailer.schema), pointers(other.schema), pointers(HOUSE)) == (1, 0, 0)
    due = WorkPointer.objects.get(kind=pointing.SEND)
    assert due.due_at <= dt.datetime.now(dt.UTC)
    assert len(wire.sent) == 1
    assert "notifications.handlers.on_clock_set" in HANDLERS["retailer.clock_set"]
