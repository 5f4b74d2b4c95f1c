"""Runs `manage.py up` with its own data, kills every child, then the supervisor itself.

The tests of this module share one running installation and depend on their order; the last ends it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from lastmile.embedded import urls
from lastmile.embedded.folders import Folders
from lastmile.embedded.valkey import Valkey
from tests.embedded.helpers import eventually, processes_with, query
from tests.running import Running, manage

pytestmark = pytest.mark.slow
CHILDREN = {"postgres", "valkey", "web", "worker", "solve", "bulk", "send", "beat"}
ASKS_THE_DATABASE = (
    "from lastmile.core.tenancy import shared_context\n"
    "from django.db import connection\n"
    "with shared_context(), connection.cursor() as c:\n"
    "    c.execute('SELECT 6 * 7'); print('answer', c.fetchone()[0])\n"
)


class House(Running):
    """A running `manage.py up`, with its children and services in view."""

    def __init__(self, var: Path) -> None:
        self.folders = Folders(var)
        self.pidfile = var / "up.pids"
        self.pidfile.unlink(missing_ok=True)
        super().__init__(var, "--pidfile", str(self.pidfile))

    def pids(self) -> dict[str, list[int]]:
        pids: dict[str, list[int]] = json.loads(self.pidfile.read_text())
        return pids

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def database_answers(self) -> bool:
        try:
            return query(self.folders, "SELECT 1") == [(1,)]
        except psycopg.Error:
            return False

    def workers(self) -> set[str]:
        """Return the names of the workers that answer a ping through the broker."""
        app = Celery(broker=urls.resolve(self.var)["BROKER_URL"])
        app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        try:
            replies = app.control.ping(timeout=1)
        except (OSError, OperationalError, redis.RedisError):
            return set()
        finally:
            app.close()
        return {name.split("@")[0] for reply in replies or [] for name in reply}

    def whole(self) -> bool:
        return (
            set(self.pids()) == CHILDREN
            and all(self.pids().values())
            and self.database_answers()
            and Valkey(self.folders).ready()
            and self.get("/readyz") == 200
            and self.workers() == {"worker", "solve", "bulk", "send"}
        )


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Start `manage.py up` on data that is kept between runs, so only the first run migrates."""
    environment = {name: os.environ.pop(name, None) for name in urls.NAMES}
    running = House(settings.VAR / "up")
    yield running
    running.process.kill()
    running.process.wait()
    os.environ.update({name: value for name, value in environment.items() if value})


def test_everything_is_up_when_it_says_so(house: House) -> None:
    assert house.get("/healthz") == 200
    assert house.get("/readyz") == 200
    assert set(house.pids()) == CHILDREN


def test_a_second_start_is_refused_in_one_sentence(house: House) -> None:
    second = manage(house.var, "up", **house.environment)
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert output == (
        f"CommandError: Lastmile is already running on {house.var} (up, pid {house.process.pid}). "
        "Stop it first, or set LASTMILE_VAR to another folder.\n"
    )


def test_a_command_in_a_second_terminal_uses_the_running_services(house: House) -> None:
    before = house.pids()
    command = manage(house.var, "shell", "-v0", "-c", ASKS_THE_DATABASE)
    output, _ = command.communicate(timeout=60)
    assert (command.returncode, output.splitlines()[-1]) == (0, "answer 42")
    assert house.pids() == before
    assert not processes_with(f"lastmile.embedded.keeper {house.var}")


def test_web_survives_a_kill_of_postgresql(house: House) -> None:
    web, server = house.pids()["web"], house.pids()["postgres"]
    query(house.folders, "CREATE TABLE IF NOT EXISTS kept (n int)")
    query(house.folders, "TRUNCATE kept; INSERT INTO kept VALUES (7)")
    os.kill(server[0], signal.SIGKILL)
    eventually(lambda: house.pids()["postgres"] not in (server, []), 10, "restart")
    eventually(lambda: house.get("/readyz") == 200, 15, "pages with data again")
    assert house.pids()["web"] == web
    assert query(house.folders, "SELECT n FROM kept") == [(7,)]


def test_all_children_restart_after_being_killed_at_once(house: House) -> None:
    eventually(house.whole, 45, "every child answers")
    before = house.pids()
    for name in CHILDREN:
        os.kill(before[name][0], signal.SIGKILL)
    eventually(
        lambda: all(house.pids()[name] not in (before[name], []) for name in CHILDREN),
        10,
        "every child is restarted",
    )
    eventually(house.whole, 45, "every child answers again")


def test_kill_9_of_the_supervisor_leaves_nothing_running(house: House) -> None:
    children = [pid for pids in house.pids().values() for pid in pids]
    house.process.kill()
    house.process.wait()
    eventually(lambda: not any(alive(pid) for pid in children), 8, "no child is left")
    eventually(lambda: not processes_with(str(house.var)), 8, "no grandchild is left")


def alive(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True
