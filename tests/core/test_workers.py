"""A real worker and beat that are killed and lose their broker: all work is done once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from django.db import connection, transaction

from lastmile.core.events import record
from lastmile.core.jobs import enqueue, job_by_id
from lastmile.core.models import Event, Job, JobState
from lastmile.core.tenancy import RetailerRef
from lastmile.settings import _URLS
from tests.core import kinds, wired

pytestmark = pytest.mark.slow
BROKER = _URLS["BROKER_URL"].split("?")[0] + "?virtual_host=9"  # may be emptied
ROOT = Path(__file__).resolve().parent.parent.parent


class House:
    """A worker and a beat, each in its own process group."""

    def __init__(self, log: Path) -> None:
        self.log = log.open("ab")
        self.worker = self.beat = None
        address = BROKER.removeprefix("redis+socket://").split("?")[0]
        self.broker = redis.Redis(unix_socket_path=address, db=9)
        self.broker.flushdb()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start ``celery …`` on the test's database."""
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "lastmile.celery", *command, "-l", "WARNING"],
            cwd=ROOT,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "tests.core.worker_settings",
                "SKIP_CHECKS": "1",  # as under the supervisor, which runs the checks once before
                "WORKER_BROKER": BROKER,
                "WORKER_DATABASE": connection.settings_dict["NAME"],
            },
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def start_worker(self) -> None:
        """Start a worker of all queues."""
        self.worker = self.start(
            "worker",
            "-c",
            "2",
            "-Q",
            "hot,default,solve,bulk,send",
            "--without-gossip",
            "--without-mingle",
        )

    def kill_worker(self) -> None:
        """Kill the worker and its children, as a power failure would."""
        if self.worker is not None:
            os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait()


@pytest.fixture
def real_hints(house_at_work: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the hints of this process to the worker."""
    app = Celery("told", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = BROKER
    monkeypatch.setattr("lastmile.core.hints.current_app", app)


@pytest.fixture(scope="module")
def house_at_work(real_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start the processes once for the module."""
    log = tmp_path_factory.mktemp("house") / "log"
    processes = House(log)
    processes.beat = processes.start("beat")
    processes.start_worker()
    yield processes
    for process in (processes.worker, processes.beat):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    print(log.read_text(errors="replace")[-4000:])


def wait_for(true: Callable[[], bool], seconds: float) -> float:
    """Wait until a condition is true; return the seconds that it took."""
    started_at = time.monotonic()
    while not true():
        assert time.monotonic() - started_at < seconds, f"it does not come true within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - started_at


def finished(job: Job) -> bool:
    return job_by_id(job.public_id).finished


def ends(job: Job) -> list[str]:
    events = Event.objects.filter(kind="job.finished", subject=job.public_id)
    return [event.data["state"] for event in events]


def test_work_without_any_hint_is_found_in_the_tables(
    shop: RetailerRef, house_at_work: House
) -> None:
    warm = enqueue("test.echo")
    wait_for(lambda: finished(warm), 60)  # the processes are up

    jobs = [enqueue("test.echo") for _ in range(5)]
    with transaction.atomic():
        for number in range(20):
            record(kinds.TWICE, kinds.NO_FACTS, subject=f"ord_{number}")
    house_at_work.broker.flushdb()
    traces = Event.objects.filter(kind="test.trace")
    took = wait_for(lambda: all(map(finished, jobs)) and traces.count() >= 46, 15)
    assert traces.count() == 46, "20 x 2 handlers, 6 jobs"
    assert all(ends(job) == ["succeeded"] for job in jobs)
    print(f"healed {took:.1f} s after the broker was emptied")


def running_in(job: Job) -> int | None:
    """Return the process that runs the job's first attempt, from its progress note."""
    traces = [t for t in wired.traces() if t.startswith(f"{job.public_id}/1/")]
    return int(traces[0].rsplit("/", 1)[1]) if traces else None


def test_a_job_whose_process_is_killed_runs_again_and_ends_once(
    shop: RetailerRef, house_at_work: House, real_hints: None
) -> None:
    job = enqueue("test.slow")
    wait_for(lambda: running_in(job) is not None, 60)
    os.kill(running_in(job) or 0, signal.SIGKILL)
    took = wait_for(lambda: finished(job), 15)
    job.refresh_from_db()
    assert (job.state, job.attempt, ends(job)) == (JobState.SUCCEEDED, 2, ["succeeded"])
    assert wired.traces().count(f"{job.public_id}/done") == 1
    print(f"ended {took:.1f} s after the kill, with a lease of 2 s")


def test_a_job_that_hangs_is_stopped_at_its_limit(
    shop: RetailerRef, house_at_work: House, real_hints: None
) -> None:
    job = enqueue("test.hung")
    took = wait_for(lambda: finished(job), 30)
    job.refresh_from_db()
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "timeout", ["failed"])
    assert took < 15, "its process is free again long before it would have looked up"


def test_only_the_job_that_kills_its_process_is_given_up(
    shop: RetailerRef, house_at_work: House, real_hints: None
) -> None:
    job, healthy = enqueue("test.poison"), enqueue("test.echo")
    wait_for(lambda: finished(job) and finished(healthy), 60)
    job.refresh_from_db()
    assert (job.state, job.reason, ends(job)) == (JobState.FAILED, "poison", ["failed"])
    assert wired.traces().count(job.public_id) == 2, "the maximum number of attempts"
    assert ends(healthy) == ["succeeded"]


def test_a_job_of_a_killed_worker_is_run_by_the_next_worker(
    shop: RetailerRef, house_at_work: House, real_hints: None
) -> None:
    job = enqueue("test.slow")
    wait_for(lambda: running_in(job) is not None, 60)
    house_at_work.kill_worker()
    house_at_work.start_worker()
    wait_for(lambda: finished(job), 60)
    job.refresh_from_db()
    assert (job.state, job.attempt, ends(job)) == (JobState.SUCCEEDED, 2, ["succeeded"])
    assert wired.traces().count(f"{job.public_id}/done") == 1
