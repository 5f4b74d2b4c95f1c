"""The workers for imports and plans give way to the others; no other worker does."""

from __future__ import annotations

import pytest
from celery.signals import celeryd_after_setup

from lastmile import celery


@pytest.fixture
def niced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of priorities that were asked for."""
    levels: list[int] = []
    monkeypatch.setattr(celery.os, "nice", levels.append)
    return levels


@pytest.mark.parametrize("name", ["bulk@laptop", "solve@laptop"])
def test_the_workers_for_imports_and_plans_run_at_a_lower_priority(
    niced: list[int], name: str
) -> None:
    celery.give_way(sender=name)
    assert niced == [10]


@pytest.mark.parametrize(
    "name", ["worker@laptop", "send@laptop", "", "not-bulk@x", "bulky@laptop", "solver@x"]
)
def test_no_other_worker_gives_way(niced: list[int], name: str) -> None:
    celery.give_way(sender=name)
    celery.give_way()
    assert niced == []


def test_celery_calls_it_with_the_name_of_the_node_before_its_processes_start(
    niced: list[int],
) -> None:
    """The processes inherit the priority, so it is set before they are forked."""
    celeryd_after_setup.send(sender="bulk@laptop", instance=None, conf=None)
    assert niced == [10]
