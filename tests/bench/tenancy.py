"""Many reads of two retailers' rows, in every way of reading, compared with naive ways."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections
from django.test import override_settings

from lastmile.core.models import Event
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.core.isolation_app import NAIVE, READS, application, whose, whose_task
from tests.core.serving import get, served
from tests.core.test_tenancy_isolation import TWO, count, over_sockets

PER_WAY = 5_000
CLIENTS = 8
VIEWS = ("sync", "async", "stream", "async-stream")


def run() -> str:
    """Read over 20,000 times. Raises when one of our reads returns another retailer's row."""
    answers_by_way: dict[str, Counter[bool]] = {}
    with two_marked():
        began = time.monotonic()
        answers_by_way["threads"] = count(_threads, CLIENTS)
        with served(application()) as port:
            for way in VIEWS:
                answers_by_way[f"{way} views"] = count(_asking(port, way), CLIENTS)
        answers_by_way["websockets"] = over_sockets("ours", PER_WAY)
        answers_by_way["tasks"] = count(_tasks, CLIENTS)
        took = time.monotonic() - began
        with naive_backend():
            naive = {way: over_sockets(way, 1_000) for way in ("set-once", "async-context")}
    wrong = {way: answers[False] for way, answers in answers_by_way.items() if answers[False]}
    assert not wrong, wrong
    assert all(answers[False] for answers in naive.values()), "the naive ways must be caught"
    reads = sum(answers.total() for answers in answers_by_way.values())
    ways = ", ".join(f"{way} {answers.total():,}" for way, answers in answers_by_way.items())
    beside = ", ".join(f"{way} {a[False]:,} of {a.total():,}" for way, a in naive.items())
    return (
        f"{reads:,} reads of two retailers at once, 0 wrong ({ways}; {reads / took:,.0f}/s); wrong "
        f"with django_tenants' own backend on the same sockets: {beside}"
    )


@contextmanager
def two_marked() -> Iterator[None]:
    """Prepare two retailers, each with one event that names it, and a small application."""
    with (
        bench_database(),
        override_settings(
            MIDDLEWARE=["tenants.middleware.RetailerMiddleware"],
            ROOT_URLCONF="tests.core.isolation_app",
        ),
    ):
        for schema in TWO:
            with retailer_context(schema):
                Event.objects.create(kind="test.mark", subject=schema)
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def naive_backend() -> Iterator[None]:
    """Use django_tenants' own backend on the same database."""
    default = connections.settings["default"]
    connections.settings[NAIVE] = {**default, "ENGINE": "django_tenants.postgresql_backend"}
    try:
        yield
    finally:
        connections[NAIVE].close()
        del connections[NAIVE]
        del connections.settings[NAIVE]


def _threads(first: str) -> list[str]:
    return _in_turns(first, _in_context)


def _tasks(first: str) -> list[str]:
    return _in_turns(first, lambda schema: whose_task.apply(kwargs={"schema": schema}).get())


def _in_context(schema: str) -> str:
    with retailer_context(schema):
        return whose()


def _in_turns(first: str, ask: Callable[[str], str]) -> list[str]:
    """Ask as each retailer in turn on one thread; a right answer counts as ``first``."""
    answers = []
    for turn in range(PER_WAY // CLIENTS):
        schema = TWO[(turn + (first == "t2")) % 2]
        answers.append(first if ask(schema) == schema else "wrong")
    connections.close_all()
    return answers


def _asking(port: int, way: str) -> Callable[[str], list[str]]:
    def work(schema: str) -> list[str]:
        answers: list[str] = []
        for _turn in range(PER_WAY // len(VIEWS) // CLIENTS // READS):
            status, body = get(port, f"{schema}.localhost:{port}", f"/{way}")
            answers += json.loads(body) if status == 200 else ["error"]
        return answers

    return work
