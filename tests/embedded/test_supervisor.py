"""The supervisor restarts children, stops them in order and leaves none running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lastmile.embedded.child import Backoff, ChildSpec
from lastmile.embedded.supervisor import GUARDIAN, NotReady, Stopping, Supervisor
from tests.embedded.helpers import (
    ROOT,
    driver,
    eventually,
    own_environment,
    parent_of,
    processes_with,
)

# A supervisor in its own process; each argument is the Python source of a child.
UNDER_SUPERVISION = r"""
import os, sys
from pathlib import Path
from lastmile.embedded.child import ChildSpec
from lastmile.embedded.supervisor import Supervisor
mark, pidfile, *children = sys.argv[1:]
def say(name, line):
    os.write(1, f"{name} {line}\n".encode())  # whole lines, from several threads at once
with Supervisor(say, [Path(pidfile)], grace_s=1) as supervisor:
    for number, source in enumerate(children):
        supervisor.start(ChildSpec(f"c{number}", [sys.executable, "-c", source, mark],
                                   service=source.startswith("#service")))
    supervisor.run()
"""
SLEEPS = "import time; time.sleep(600)"
HAS_A_POOL = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        break
time.sleep(600)
"""
IGNORES_TERM = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"
)
SAYS_WHEN_STOPPED = """{kind}
import signal, sys, time
def stop(*_):
    print("stopped", flush=True)
    sys.exit(0)
signal.signal(15, stop)
print("ready", flush=True)
time.sleep(600)
"""


class Running:
    """A supervisor process under test."""

    def __init__(self, tmp_path: Path, *children: str, background: bool = False) -> None:
        self.mark = f"mark-{tmp_path.name}-{os.getpid()}"
        self.pidfile = tmp_path / "pids.json"
        ignore = (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if background else None
        self.log = tmp_path / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                driver(UNDER_SUPERVISION, self.mark, str(self.pidfile), *children),
                cwd=ROOT,
                env=own_environment(),
                stdout=log,
                stderr=log,
                preexec_fn=ignore,
            )
        eventually(lambda: self.pidfile.exists() and len(self.pids()) == len(children), 15, "start")

    def pids(self) -> dict[str, list[int]]:
        pids: dict[str, list[int]] = json.loads(self.pidfile.read_text())
        return pids

    def output(self) -> str:
        return self.log.read_text()

    def alive(self) -> list[int]:
        return [pid for pid in processes_with(self.mark) if pid != self.process.pid]


def guardians_of(running: Running) -> list[int]:
    return [pid for pid in processes_with(str(GUARDIAN)) if parent_of(pid) == running.process.pid]


def test_a_killed_child_is_restarted_and_its_old_pool_is_killed(tmp_path: Path) -> None:
    running = Running(tmp_path, HAS_A_POOL)
    (first,) = running.pids()["c0"]
    eventually(lambda: len(running.alive()) == 3, 10, "the pool is there")
    pool = set(running.alive())
    os.kill(first, signal.SIGKILL)
    eventually(lambda: running.pids()["c0"] not in ([first], []), 5, "restart")
    eventually(lambda: len(running.alive()) == 3, 10, "the new pool is there")
    assert not pool & set(running.alive())
    assert "c0 was ended by SIGKILL; starting it again in 0.5 s" in running.output()
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert running.alive() == []
    assert not running.pidfile.exists()


def test_after_kill_9_of_the_supervisor_all_children_end(tmp_path: Path) -> None:
    running = Running(tmp_path, SLEEPS, HAS_A_POOL, IGNORES_TERM)
    eventually(lambda: len(running.alive()) == 5, 10, "children")
    eventually(lambda: "deaf" in running.output(), 10, "one child is deaf")
    running.process.kill()
    running.process.wait()
    eventually(lambda: running.alive() == [], 6, "no orphan")


def test_a_guardian_that_was_killed_is_replaced(tmp_path: Path) -> None:
    running = Running(tmp_path, HAS_A_POOL)
    eventually(lambda: len(running.alive()) == 3, 10, "children")
    (first,) = guardians_of(running)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: guardians_of(running) not in ([first], []), 5, "another guardian")
    running.process.kill()
    running.process.wait()
    eventually(lambda: running.alive() == [], 6, "no orphan")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_stops_all_children_also_in_the_background(
    tmp_path: Path, number: signal.Signals
) -> None:
    running = Running(tmp_path, SLEEPS, SLEEPS, background=True)
    running.process.send_signal(number)
    assert running.process.wait(10) == 0
    assert running.alive() == []


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    running = Running(tmp_path, IGNORES_TERM)
    time.sleep(0.3)
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert running.alive() == []


def test_services_are_stopped_last(tmp_path: Path) -> None:
    running = Running(
        tmp_path,
        SAYS_WHEN_STOPPED.format(kind="#service"),
        SAYS_WHEN_STOPPED.format(kind="#user"),
        SAYS_WHEN_STOPPED.format(kind="#user"),
    )
    eventually(lambda: running.output().count("ready") == 3, 10, "children listen")
    running.process.terminate()
    running.process.wait(10)
    stopped = [line.split()[0] for line in running.output().splitlines() if "stopped" in line]
    assert stopped[-1] == "c0"
    assert sorted(stopped) == ["c0", "c1", "c2"]


def test_restarts_back_off_until_a_child_is_alive_for_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(60) == 0.5
    assert backoff.after(1) == 1


def test_a_child_that_keeps_dying_at_the_start_is_reported_with_its_output() -> None:
    broken = ChildSpec("web", [sys.executable, "-c", "exit('no such module')"], ready=lambda: False)
    with Supervisor(lambda *words: None) as supervisor:
        supervisor.start(broken)
        supervisor.children["web"].backoff.delay = 0.01
        with pytest.raises(NotReady, match=r"web died 5 times at the start(.|\n)*no such module"):
            supervisor.wait_ready(["web"], 60)


def test_a_stop_during_the_start_works() -> None:
    asleep = ChildSpec("web", [sys.executable, "-c", SLEEPS], ready=lambda: False)
    with Supervisor(lambda *words: None) as supervisor:
        supervisor.start(asleep)
        child = supervisor.children["web"].process
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopping):
            supervisor.wait_ready(["web"], 60)
    assert child is not None
    assert child.returncode == -signal.SIGTERM
