"""No supported way to the database reads another retailer's row, but naive ways do.

Each of the right ways makes 960 reads or more (4,128 together) for two retailers at once.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.db import connections
from websockets.sync.client import connect

from lastmile.core.models import Event
from lastmile.core.tenancy import NoRetailer, RetailerNotOpen, UnknownRetailer, retailer_context
from tenants.models import Retailer
from tests.core.isolation_app import NAIVE, READS, application, whose, whose_task
from tests.core.serving import get, served

TWO = ("t1", "t2")
PER_WAY = 960


@pytest.fixture
def marked(fresh_db: str, settings: object) -> Iterator[None]:
    """Two retailers with one event each; the subject of the event is the schema."""
    settings.MIDDLEWARE = ["tenants.middleware.RetailerMiddleware"]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = "tests.core.isolation_app"  # type: ignore[attr-defined]
    for schema in TWO:
        with retailer_context(schema):
            Event.objects.create(kind="test.mark", subject=schema)
    yield
    connections.close_all()


@pytest.fixture
def naive(marked: None) -> Iterator[None]:
    """Return django_tenants' own backend on the same database."""
    database = connections.settings["default"]
    connections.settings[NAIVE] = {**database, "ENGINE": "django_tenants.postgresql_backend"}
    yield
    connections[NAIVE].close()
    del connections[NAIVE]
    del connections.settings[NAIVE]


def count(work: Callable[[str], list[str]], clients: int) -> Counter[bool]:
    """Run ``work(schema) -> answers`` for both retailers in many threads; count correct answers."""
    with ThreadPoolExecutor(clients) as pool:
        turns = [TWO[turn % 2] for turn in range(clients)]
        answers = list(pool.map(work, turns))
    return Counter(
        answer == schema for schema, group in zip(turns, answers, strict=True) for answer in group
    )


@pytest.mark.slow
def test_threads_read_their_own_retailer(marked: None) -> None:
    def work(first: str) -> list[str]:
        answers = []
        for turn in range(PER_WAY // 8):  # each thread changes the retailer at every read
            schema = first if turn % 2 else TWO[first == "t1"]
            with retailer_context(schema):
                answers.append(first if whose() == schema else "wrong")
        connections.close_all()
        return answers

    assert count(work, clients=8) == {True: PER_WAY}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sync", "async", "stream", "async-stream"])
def test_views_read_their_own_retailer(marked: None, way: str) -> None:
    with served(application()) as port:

        def work(schema: str) -> list[str]:
            answers: list[str] = []
            for _turn in range(13):
                status, body = get(port, f"{schema}.localhost:{port}", f"/{way}")
                answers += json.loads(body) if status == 200 else ["error"]
            return answers

        outcomes = count(work, clients=6)
    assert outcomes == {True: 6 * 13 * READS}  # 312, and 1,248 over the four kinds of view


def over_sockets(path: str, reads: int, sockets: int = 20) -> Counter[bool]:
    """Open sockets of both retailers, then send messages on all of them in turn."""
    outcomes: Counter[bool] = Counter()
    with served(application()) as port, ExitStack() as opened:
        lines = []
        for turn in range(sockets):
            schema = TWO[turn % 2]
            url = f"ws://{schema}.localhost:{port}/ws/{path}"
            # *.localhost cannot be resolved here, so the address is set by hand.
            wire = socket.create_connection(("127.0.0.1", port))
            line = opened.enter_context(connect(url, sock=wire, open_timeout=30))
            lines.append((schema, line))
        for _round in range(reads // sockets):
            for _schema, line in lines:
                line.send("whose?")
            for schema, line in lines:
                outcomes[line.recv(timeout=30) == schema] += 1
    print(f"{path}: {dict(outcomes)}")
    return outcomes


@pytest.mark.slow
def test_websockets_read_their_own_retailer(marked: None) -> None:
    assert over_sockets("ours", PER_WAY) == {True: PER_WAY}


@pytest.mark.slow
def test_tasks_read_their_own_retailer(marked: None) -> None:
    def work(first: str) -> list[str]:
        answers = []
        for turn in range(PER_WAY // 8):
            schema = first if turn % 2 else TWO[first == "t1"]
            answer = whose_task.apply(kwargs={"schema": schema}).get()
            answers.append(first if answer == schema else "wrong")
        connections.close_all()
        return answers

    assert count(work, clients=8) == {True: PER_WAY}


@pytest.mark.slow
@pytest.mark.parametrize("path", ["set-once", "async-context"])
def test_the_naive_ways_give_wrong_answers(naive: None, path: str) -> None:
    """Show that the tests above can fail: sockets with django_tenants' backend mix rows."""
    outcomes = over_sockets(path, 400)
    assert outcomes[False] >= 100, outcomes


def test_a_naive_thread_keeps_the_last_retailer(naive: None) -> None:
    connections[NAIVE].set_schema("t2")  # an earlier request, which has ended
    assert whose(NAIVE) == "t2"  # the next request sets no retailer and reads the old one
    with pytest.raises(NoRetailer):
        whose()


@pytest.mark.parametrize(
    ("schema", "refusal"), [(None, NoRetailer), ("", NoRetailer), ("t_gone", UnknownRetailer)]
)
def test_a_task_without_its_retailer_raises(
    marked: None, schema: str | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        whose_task.apply(kwargs={} if schema is None else {"schema": schema}).get()


def test_a_task_of_a_suspended_retailer_raises(marked: None) -> None:
    with retailer_context("house"):
        Retailer.objects.filter(schema_name="t2").update(status="suspended")
    with pytest.raises(RetailerNotOpen):
        whose_task.apply(kwargs={"schema": "t2"}).get()
