"""A real worker solves parts through a real broker and is killed during one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from django.db import connection, connections

from dispatch.planning.models import SolvePart
from dispatch.planning.search import parts, spread
from dispatch.planning.search.parts import PartLease
from dispatch.planning.search.spread import Spread, search_part
from dispatch.solver.referee.check import check
from dispatch.solver.solve import Result
from lastmile.core import jobs
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.settings import _URLS
from tests.dispatch.solver.towns import towns

pytestmark = pytest.mark.slow
VIRTUAL_HOST = 8  # virtual host of the broker that only this test uses
BROKER = _URLS["BROKER_URL"].split("?")[0] + f"?virtual_host={VIRTUAL_HOST}"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def worker(
    fresh_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker of the queue ``solve`` on the test's database, with this test's broker."""
    address = BROKER.removeprefix("redis+socket://").split("?")[0]
    redis.Redis(unix_socket_path=address, db=VIRTUAL_HOST).flushdb()
    app = Celery("told", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = BROKER
    monkeypatch.setattr("lastmile.core.hints.current_app", app)
    log = (tmp_path / "log").open("wb")
    started = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "lastmile.celery", "worker", "-c", "1",
         "-Q", "solve", "--without-gossip", "--without-mingle", "-l", "WARNING"],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.core.worker_settings",
            "SKIP_CHECKS": "1",
            "WORKER_BROKER": BROKER,
            "WORKER_DATABASE": connection.settings_dict["NAME"],
        },
        stdout=log,
        stderr=log,
        start_new_session=True,
    )  # fmt: skip
    yield started
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    log.close()
    print((tmp_path / "log").read_text(errors="replace")[-4000:])


def soon(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"it does not come true within {seconds} s"
        time.sleep(0.1)


def running() -> bool:
    return SolvePart.objects.filter(state="running").exists()


def test_a_real_worker_solves_parts_and_its_death_does_not_lose_them(
    worker: subprocess.Popen[bytes],
    retailer: RetailerRef,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SOLVE_SPREAD = 2
    monkeypatch.setattr(spread, "SMALLEST", 10)
    monkeypatch.setattr(spread, "LARGEST", 12)
    problem = towns(1, hubs=2, visits=20, vehicles=4)
    claimed, killed = threading.Event(), threading.Event()
    solved_here: list[int] = []

    def killer() -> None:
        """Kill the worker and its search as soon as it works on a part."""
        try:
            with retailer_context(retailer):
                soon(running, 60)
                claimed.set()
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
                killed.set()
        finally:
            connections.close_all()

    def here(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        solved_here.append(part.pk)
        return search_part(part, should_stop)

    real = parts.claim_any

    def after_the_kill(job: jobs.Lease, turn: int, left_s: float) -> PartLease | None:
        return real(job, turn, left_s) if killed.is_set() else None

    monkeypatch.setattr(parts, "claim_any", after_the_kill)
    lease = jobs.claim(jobs.enqueue("planning.solve").public_id)
    assert lease is not None
    thread = threading.Thread(target=killer)
    thread.start()
    try:
        solution = Spread(lease, problem, 60, 1, here, lambda _share: None).solve()
    finally:
        thread.join()
    assert claimed.is_set(), "the worker had taken a part over the broker"
    assert solved_here, "its part came back here"
    assert solution is not None
    assert check(problem, solution.solution) == []
    assert solution.solution.unserved == ()
    assert SolvePart.objects.count() == 0
