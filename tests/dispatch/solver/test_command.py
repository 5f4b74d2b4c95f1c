"""The command line and the child process: one line of JSON, replayed bytes, hard limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dispatch.solver.formats.json import dumps, problem_to_json
from dispatch.solver.model.problem import Problem
from dispatch.solver.process import child
from dispatch.solver.process.child import (
    Limits,
    SolveCancelled,
    SolveCrashed,
    SolveOutOfMemory,
    SolveOutOfTime,
)
from dispatch.solver.referee.check import check
from dispatch.solver.solve import ENGINES, Steering, solve
from tests.dispatch.solver.problems import rich

SOLOMON = """TINY

VEHICLE
NUMBER     CAPACITY
  3          10

CUSTOMER
CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME

    0      0        0        0        0         1000        0
    1      10       1        4        0         500         10
    2      0        20       5        100       200         10
    3      10       20       6        0         900         10
"""
VRPLIB = """NAME : tiny
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 10 1
3 0 20
4 10 20
DEMAND_SECTION
1 0
2 4
3 5
4 6
DEPOT_SECTION
1
-1
EOF
"""


def _command(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dispatch.solver", *map(str, words)],
        cwd=child.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_a_solomon_file_is_solved_and_replayed_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "tiny.txt").write_text(SOLOMON)
    first = _command(
        tmp_path / "tiny.txt", "--seconds", "0.3", "--seed", "7", "--out", tmp_path / "a.sol"
    )
    assert first.returncode == 0, first.stderr
    line = json.loads(first.stdout)
    assert {"cost", "routes", "feasible", "seconds", "startup_s", "engine", "seed", "work"} <= set(
        line
    )
    assert line["feasible"] is True
    assert line["startup_s"] < 2.5
    assert line["seed"] == 7
    # 0-1-3-0 and 0-2-0, each leg cut to one decimal: 10.0 + 19.0 + 22.3 and 20.0 + 20.0
    assert line["cost"] == pytest.approx(91.3)
    (tmp_path / "line.json").write_text(first.stdout)
    again = _command(
        tmp_path / "tiny.txt", "--replay", tmp_path / "line.json", "--out", tmp_path / "b.sol"
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.sol").read_bytes() == (tmp_path / "b.sol").read_bytes()
    assert (tmp_path / "a.sol").read_text().endswith("Cost 91.3\n")


def test_distances_follow_the_convention_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tiny.vrp").write_text(VRPLIB)
    costs = {}
    for choice in ("dimacs", "rounded", "exact"):
        done = _command(tmp_path / "tiny.vrp", "--iterations", "50", "--distances", choice)
        assert done.returncode == 0, done.stderr
        costs[choice] = json.loads(done.stdout)["cost"]
    assert costs == {"dimacs": 91.3, "rounded": 91, "exact": pytest.approx(91.409, abs=0.01)}


def test_json_goes_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "day.json").write_text(dumps(problem_to_json(rich(2, visits=6, vehicles=2))))
    done = _command(tmp_path / "day.json", "--iterations", "20", "--out", tmp_path / "plan.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "plan.json").read_text())["format"] == "lastmile-solution/1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        SOLOMON.replace("10       1  ", "10   nan   "),
        VRPLIB.replace("4 6", "4 x"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.txt").write_text(text)
    done = _command(tmp_path / "wrong.txt", "--seconds", "1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def _same(problem: Problem) -> None:
    result = child.run(problem, iterations=30, seed=3)
    assert result.solution == solve(problem, iterations=30, seed=3).solution
    assert result.work == solve(problem, iterations=30, seed=3).work


def test_cached_code_is_loaded_without_preparing_the_compiler() -> None:
    ENGINES["core"]  # compiled by now, if it was not
    heavy = ("cffi", "scipy.linalg", "numba.np.linalg", "numba.typed.listobject")
    program = (
        "import sys\n"
        "from dispatch.solver.engines.registry import Registry\n"
        "Registry()['core']\n"
        f"print([name for name in {heavy} if name in sys.modules], 'numba' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=child.ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split("\n")[0] == "[] True"


def test_a_child_returns_the_same_plan_as_a_call() -> None:
    _same(rich(8, visits=10, vehicles=2))


def test_a_child_reports_progress_and_stops_with_its_best_plan_on_request() -> None:
    problem = rich(9, visits=40, vehicles=4)
    reported: list[int] = []
    result = child.run(
        problem,
        seconds=60,
        steering=Steering(
            on_progress=lambda p: reported.append(p.iterations),
            should_stop=lambda: len(reported) >= 2,
        ),
    )
    assert result.stopped
    assert result.seconds < 20
    assert check(problem, result.solution) == []


def test_a_child_that_takes_too_much_memory_is_a_typed_error() -> None:
    with pytest.raises(SolveOutOfMemory):
        child.run(rich(1, visits=600, vehicles=3), seconds=2, limits=Limits(memory_mb=260))


def test_a_child_that_does_not_end_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(SolveOutOfTime):
        child.run(rich(1, visits=30, vehicles=3), iterations=10**9, limits=Limits(wall_s=2))
    assert time.monotonic() - began < 6


def test_a_child_over_its_processor_time_is_a_typed_error() -> None:
    with pytest.raises(SolveOutOfTime):
        child.run(rich(1, visits=30, vehicles=3), iterations=10**9, limits=Limits(cpu_s=2))


def test_a_child_that_crashes_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def noted(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*args, **options))
        return started[-1]

    monkeypatch.setattr(child.subprocess, "Popen", noted)
    reported = threading.Event()

    def abort(_: object) -> None:
        if not reported.is_set():
            reported.set()
            os.kill(started[0].pid, signal.SIGABRT)

    with pytest.raises(SolveCrashed):
        child.run(rich(1, visits=30, vehicles=3), seconds=30, steering=Steering(on_progress=abort))
    assert started[0].poll() is not None


def test_a_child_that_does_not_answer_a_cancel_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE_S", 0.5)
    real = subprocess.Popen

    def frozen(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started = real(*args, **options)
        started.send_signal(signal.SIGSTOP)
        return started

    monkeypatch.setattr(child.subprocess, "Popen", frozen)
    with pytest.raises(SolveCancelled):
        child.run(
            rich(1, visits=5, vehicles=1), seconds=30, steering=Steering(should_stop=lambda: True)
        )


def test_a_child_dies_with_its_parent() -> None:
    program = (
        "import sys; from dispatch.solver.process import child; "
        "from dispatch.solver.solve import Steering; "
        "from tests.dispatch.solver.problems import rich; "
        "real = child.subprocess.Popen\n"
        "def noted(*a, **k):\n"
        "    p = real(*a, **k); print(p.pid, flush=True); return p\n"
        "child.subprocess.Popen = noted\n"
        "child.run(rich(1, visits=30, vehicles=3), seconds=50,"
        " steering=Steering(on_progress=lambda p: print('runs', flush=True)))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=child.ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline().strip() == "runs"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _lives(pid):
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
