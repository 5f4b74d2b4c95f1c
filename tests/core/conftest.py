"""Fixtures for the tests of core: real commits, a test switchboard, other threads."""

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
    """Use tests.core.wired as the switchboard."""
    settings.SWITCHBOARD = "tests.core.wired"
    wired.broken = True
    wired.during.clear()


@pytest.fixture(scope="module")
def real_database(
    template_database: str, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """Give each test module its own database with real commits."""
    with django_db_blocker.unblock(), copy_of(template_database):
        yield


def _empty(schema: str) -> None:
    """Delete events, jobs and pointers that an earlier test or the opening of retailers left."""
    with retailer_context(schema):
        for model in (Delivery, Event, Job, WorkPointer, ScheduleMark):
            model.objects.all().delete()


@pytest.fixture
def shop(real_database: None, wiring: None) -> Iterator[RetailerRef]:
    """Enter retailer t1, with real commits, so that other connections see them."""
    _empty("t1")
    _empty("t2")
    with retailer_context("t1") as ref:
        yield ref


@pytest.fixture
def neighbour(shop: RetailerRef) -> RetailerRef:
    """Return retailer t2 without entering it."""
    ref = find_retailer("t2")
    assert ref is not None
    return ref


class Crew:
    """A group of threads, each in the retailer's context with its own database connection."""

    def __init__(self, retailer: RetailerRef) -> None:
        self.retailer = retailer
        self.threads: list[threading.Thread] = []
        self.faults: list[BaseException] = []
        self.results: list[Any] = []

    def start(self, act: Callable[..., Any], *args: Any) -> None:
        """Run a function in a thread and store its result or exception."""

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
        """Wait for all threads; raise the first exception, or return the results."""
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread of the test hangs"
        self.threads.clear()
        if self.faults:
            raise self.faults[0]
        return self.results


@pytest.fixture
def crew(shop: RetailerRef) -> Iterator[Crew]:
    """Return a Crew for the retailer; its threads are joined at the end."""
    group = Crew(shop)
    yield group
    with contextlib.suppress(Exception):
        group.join()


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Return the list of hints that were sent to the broker, as (task, arguments)."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def publish(task: str, *, queue: str, kwargs: dict[str, Any], **_options: Any) -> bool:
        sent.append((task, kwargs))
        return True

    monkeypatch.setattr("lastmile.core.hints.publish", publish)
    monkeypatch.setattr("lastmile.core.hints._starts_at", {})
    monkeypatch.setattr("lastmile.core.tasks.publish", publish)
    return sent


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use the real Celery settings with a broker address at which nothing listens."""
    dead = Celery("dead", set_as_current=False)
    dead.config_from_object("django.conf:settings", namespace="CELERY")
    dead.conf.broker_url = f"redis+socket://{tmp_path}/nobody.sock"
    monkeypatch.setattr("lastmile.core.hints.current_app", dead)
    monkeypatch.setattr("lastmile.core.hints._quiet_until", 0.0)
