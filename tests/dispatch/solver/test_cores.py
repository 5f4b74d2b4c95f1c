"""Many solves on one machine: even shares of the cores, which change as solves start and end."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.solver.process import child, cores
from dispatch.solver.process.cores import divide_cores, share_cores, usable
from tests.dispatch.solver.problems import rich

HOLDER = """
import sys, time
from pathlib import Path
from dispatch.solver.process.cores import share_cores
with share_cores(Path(sys.argv[1]), sys.argv[2], [int(c) for c in sys.argv[3].split(",")]) as own:
    print(own.threads, flush=True)
    time.sleep(60)
"""
THREADED = """
import threading, time
for _ in range(2):
    threading.Thread(target=time.sleep, args=(60,)).start()
print("up", flush=True)
"""


def hold(folder: Path, owner: str, numbers: str) -> subprocess.Popen[str]:
    """Start a process that holds a share of the cores until it is killed; wait for the share."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), owner, numbers],
        cwd=child.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


def kill(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    if holder.stdout is not None:
        holder.stdout.close()


def soon(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.05)


# --- the division ------------------------------------------------------------------------------
@given(
    owners=st.lists(st.sampled_from("abcde"), min_size=1, max_size=30),
    count=st.integers(1, 16),
)
def test_every_plan_has_a_core_and_owners_are_even(owners: list[str], count: int) -> None:
    result = divide_cores(owners, count)
    assert all(share and set(share) <= set(range(count)) for share in result)
    by_owner: dict[str, set[int]] = {}
    for owner, share in zip(owners, result, strict=True):
        by_owner.setdefault(owner, set()).update(share)
    if len(by_owner) <= count:
        sizes = [len(share) for share in by_owner.values()]
        assert sum(sizes) == len(set().union(*by_owner.values())), "no core has two owners"
        assert max(sizes) - min(sizes) <= 1
        assert set().union(*by_owner.values()) == set(range(count)), "no core is idle"
    assert divide_cores(owners, count) == result


@pytest.mark.parametrize(
    ("owners", "count", "expected"),
    [
        ("a", 4, [(0, 1, 2, 3)]),
        ("ab", 4, [(0, 1), (2, 3)]),
        ("aab", 4, [(0,), (1,), (2, 3)]),
        ("a" * 20 + "b", 2, [(0,)] * 20 + [(1,)]),
        ("a" * 20 + "bc", 2, [(0,)] * 20 + [(1,), (1,)]),
        ("aaa", 2, [(0,), (1,), (0,)]),
    ],
)
def test_shares_of_some_examples(owners: str, count: int, expected: list[tuple[int, ...]]) -> None:
    assert divide_cores(list(owners), count) == expected


def test_there_is_a_core_to_use() -> None:
    assert usable()
    assert set(usable()) <= os.sched_getaffinity(0)


# --- real processes ----------------------------------------------------------------------------
def test_a_solve_alone_has_all_cores_and_gives_way_to_others(tmp_path: Path) -> None:
    with share_cores(tmp_path, "first", range(8)) as own:
        assert own.threads == 8
        other = hold(tmp_path, "second", "0,1,2,3,4,5,6,7")
        assert own.share() == (0, 1, 2, 3)
        third = hold(tmp_path, "second", "0,1,2,3,4,5,6,7")
        assert own.share() == (0, 1, 2, 3), "an owner with more plans gets no more cores"
        kill(third)
        kill(other)
        assert own.share() == tuple(range(8))
    assert list(tmp_path.rglob("*.solve")) == []


def test_killed_solves_leave_no_files(tmp_path: Path) -> None:
    killed = hold(tmp_path, "one", "0,1")
    kill(killed)
    assert len(list(tmp_path.rglob("*.solve"))) == 1, "a killed process tidies nothing up"
    with share_cores(tmp_path, "two", range(2)) as own:
        assert own.threads == 2
        assert len(list(tmp_path.rglob("*.solve"))) == 1


def test_an_emptied_folder_stops_no_solve(tmp_path: Path) -> None:
    with share_cores(tmp_path, "one", range(2)) as own:
        for path in tmp_path.rglob("*.solve"):
            path.unlink()
        assert own.share() == (0, 1)


def test_two_machines_that_share_a_folder_do_not_count_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with share_cores(tmp_path, "one", range(4)) as here:
        monkeypatch.setattr(cores, "machine", lambda: "elsewhere")
        with share_cores(tmp_path, "two", range(4)) as there:
            assert (here.share(), there.share()) == ((0, 1, 2, 3), (0, 1, 2, 3))


@pytest.mark.skipif(len(usable()) < 2, reason="one core cannot be shared out")
def test_the_threads_of_a_process_are_moved_to_its_share_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "REFRESH_S", 0.0)
    all_cores = usable()[:2]
    busy = subprocess.Popen([sys.executable, "-c", THREADED], stdout=subprocess.PIPE)
    assert busy.stdout is not None
    busy.stdout.readline()

    def of_all_threads() -> set[frozenset[int]]:
        tasks = Path(f"/proc/{busy.pid}/task").iterdir()
        return {frozenset(os.sched_getaffinity(int(task.name))) for task in tasks}

    try:
        with share_cores(tmp_path, "first", all_cores) as own:
            own.hold(busy.pid)
            assert of_all_threads() == {frozenset(all_cores)}
            other = hold(tmp_path, "second", ",".join(map(str, all_cores)))
            own.hold(busy.pid)
            assert of_all_threads() == {frozenset(all_cores[:1])}
            kill(other)
            own.hold(busy.pid)
            assert of_all_threads() == {frozenset(all_cores)}
    finally:
        busy.kill()
        busy.wait()
        busy.stdout.close()


@pytest.mark.skipif(len(usable()) < 2, reason="one core cannot be shared out")
def test_a_running_solve_stays_on_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "REFRESH_S", 0.05)
    monkeypatch.setattr(child, "GRACE_S", 60.0)  # a busy machine is long about starting it
    all_cores = usable()[:2]
    pids: list[int] = []
    real = child.subprocess.Popen

    def noted(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        child_process = real(*args, **kwargs)  # type: ignore[call-overload]
        pids.append(child_process.pid)
        return child_process  # type: ignore[no-any-return]

    other = hold(tmp_path, "second", ",".join(map(str, all_cores)))
    monkeypatch.setattr(child.subprocess, "Popen", noted)
    enough = threading.Event()
    result: list[child.Result] = []

    def work() -> None:
        with share_cores(tmp_path, "first", all_cores) as own:
            result.append(
                child.run(
                    rich(1, visits=20, vehicles=3),
                    seconds=60,
                    limits=child.Limits(threads=own.threads, core_share=own),
                    steering=child.Steering(should_stop=enough.is_set),
                )
            )

    solving = threading.Thread(target=work)
    solving.start()
    try:
        soon(lambda: bool(pids) and os.sched_getaffinity(pids[0]) == {all_cores[1]})
        kill(other)
        soon(lambda: os.sched_getaffinity(pids[0]) == set(all_cores))
    finally:
        enough.set()
        solving.join()
    assert result[0].stopped


def test_threads_and_their_processor_time_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    real = child.subprocess.Popen

    def noted(command: list[str], **kwargs: object) -> subprocess.Popen[bytes]:
        commands.append(command)
        return real(command, **kwargs)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(child.subprocess, "Popen", noted)
    limits = child.Limits(cpu_s=100, threads=2)
    problem = rich(1, visits=5, vehicles=2)
    child.run(problem, iterations=10, limits=limits)
    child.run(problem, seconds=0.2, limits=child.Limits(threads=2))
    child.run(problem, iterations=10, limits=child.Limits(threads=2))
    options = [dict(itertools.pairwise(c)) for c in commands]
    assert [it["--threads"] for it in options] == ["2", "2", "2"]
    assert [it.get("--cpu-seconds") for it in options] == ["200", "121", None]
