"""Fixtures of the machinery's tests: real commits, its own switchboard, other threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection

from lastmile.core.models import Delivery, Event, Job
from lastmile.core.tenancy import RetailerRef, find_retailer, retailer_context
from lastmile.worklist.models import ScheduleMark, WorkPointer
from tests.core import wired
from tests.databases import copy_of


@pytest.fixture
def wiring(settings: Any) -> None:
    """The machinery is wired to tests.core.wired."""
    settings.SWITCHBOARD = "tests.core.wired"
    wired.broken = True
    wired.during.clear()


@pytest.fixture(scope="module")
def real_database(
    template_database: str, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """A database of the module's own, where commits are real."""
    with django_db_blocker.unblock(), copy_of(template_database):
        yield


def _empty(schema: str) -> None:
    """Leave no work of the test before, nor of the opening of the retailers."""
    with retailer_context(schema):
        for model in (Delivery, Event, Job, WorkPointer, ScheduleMark):
            model.objects.all().delete()


@pytest.fixture
def shop(real_database: None, wiring: None) -> Iterator[RetailerRef]:
    """Retailer t1, entered, with real commits: other connections see what was done."""
    _empty("t1")
    _empty("t2")
    with retailer_context("t1") as ref:
        yield ref


@pytest.fixture
def neighbour(shop: RetailerRef) -> RetailerRef:
    """Retailer t2, not entered."""
    ref = find_retailer("t2")
    assert ref is not None
    return ref


class Crew:
    """Threads, each in the retailer's context on a connection of its own."""

    def __init__(self, retailer: RetailerRef) -> None:
        self.retailer = retailer
        self.threads: list[threading.Thread] = []
        self.faults: list[BaseException] = []
        self.results: list[Any] = []

    def start(self, act: Callable[..., Any], *args: Any) -> None:
        """Run an act in a thread; its result or fault is kept."""

        def run() -> None:
            try:
                with retailer_context(self.retailer):
                    self.results.append(act(*args))
            except BaseException as fault:  # noqa: BLE001 - handed to the test's own thread
                self.faults.append(fault)
            finally:
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        self.threads.append(thread)
        thread.start()

    def join(self) -> list[Any]:
        """Wait for all; raise the first fault, else return the results."""
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread of the test hangs"
        self.threads.clear()
        if self.faults:
            raise self.faults[0]
        return self.results


@pytest.fixture
def crew(shop: RetailerRef) -> Iterator[Crew]:
    """Threads at work for the retailer; joined at the end."""
    made = Crew(shop)
    yield made
    with contextlib.suppress(Exception):
        made.join()


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the broker was told: (task, arguments)."""
    told: list[tuple[str, dict[str, Any]]] = []

    def publish(task: str, *, queue: str, kwargs: dict[str, Any], **_options: Any) -> bool:
        told.append((task, kwargs))
        return True

    monkeypatch.setattr("lastmile.core.hints.publish", publish)
    monkeypatch.setattr("lastmile.core.tasks.publish", publish)
    return told


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The house's Celery settings, with a broker at an address where nobody listens."""
    dead = Celery("dead", set_as_current=False)
    dead.config_from_object("django.conf:settings", namespace="CELERY")
    dead.conf.broker_url = f"redis+socket://{tmp_path}/nobody.sock"
    monkeypatch.setattr("lastmile.core.hints.current_app", dead)
    monkeypatch.setattr("lastmile.core.hints._quiet_until", 0.0)
