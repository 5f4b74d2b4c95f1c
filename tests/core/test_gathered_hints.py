"""Hints that are gathered: the first at once, and then one task for all commits of a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from lastmile.core import hints
from lastmile.core.hints import Hint

RELAY = Hint("core.relay", "hot", (("schema", "t1"),), gather_s=0.1)


@dataclass
class Wire:
    """The hints that the broker got, and a clock that the test moves."""

    at_s: float = 1_000.0
    sent: list[tuple[str, float]] = field(default_factory=list)
    is_away: bool = False

    def monotonic(self) -> float:
        return self.at_s

    def publish(self, task: str, *, countdown: float = 0.0, **_options: Any) -> bool:
        if not self.is_away:
            self.sent.append((task, round(self.at_s + countdown, 3)))
        return not self.is_away


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    fake = Wire()
    monkeypatch.setattr(hints, "time", fake)
    monkeypatch.setattr(hints, "publish", fake.publish)
    monkeypatch.setattr(hints, "_starts_at", {})
    return fake


def test_every_commit_is_followed_by_the_start_of_a_task(wire: Wire) -> None:
    commits = []
    for _n in range(200):
        RELAY()
        commits.append(wire.at_s)
        wire.at_s += 0.02
    starts = [at for _task, at in wire.sent]
    assert len(starts) <= 42, "ten tasks a second, however many commits"
    for commit in commits:
        assert any(commit <= start <= commit + 0.1001 for start in starts), commit


def test_a_hint_alone_is_sent_at_once(wire: Wire) -> None:
    for _n in range(3):
        RELAY()
        wire.at_s += 0.11
    assert [at for _task, at in wire.sent] == [1_000.0, 1_000.11, 1_000.22]


def test_the_hints_of_retailers_do_not_wait_for_each_other(wire: Wire) -> None:
    RELAY()
    Hint("core.relay", "hot", (("schema", "t2"),), gather_s=0.1)()
    assert [at for _task, at in wire.sent] == [1_000.0, 1_000.0]


def test_a_hint_that_the_broker_did_not_take_stops_no_later_one(wire: Wire) -> None:
    RELAY()
    wire.is_away = True
    RELAY()
    wire.is_away = False
    wire.at_s += 0.05
    RELAY()
    assert [at for _task, at in wire.sent] == [1_000.0, 1_000.1]


def test_a_hint_that_is_not_gathered_is_always_sent(wire: Wire) -> None:
    for _n in range(3):
        Hint("core.tend", "hot", ())()
    assert [at for _task, at in wire.sent] == [1_000.0] * 3
