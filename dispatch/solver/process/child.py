"""A solve in a child process with limited memory and time.

A planning worker calls ``run``. A crash of native code, a lack of memory or an endless search in
the child becomes a typed error, and the worker goes on. The child ends when its parent dies: it
reads from a pipe that only the parent holds open.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from dispatch.solver.engines.base import Progress
from dispatch.solver.formats.json import dumps, loads, solution_from_json
from dispatch.solver.formats.packed import write
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.process.cli import NO_MEMORY
from dispatch.solver.process.cores import CoreShare
from dispatch.solver.referee.check import check
from dispatch.solver.solve import UNSTEERED, Effort, Phase, Result, Steering
from lastmile.core.errors import DomainError, Invalid

ROOT: Final = Path(__file__).resolve().parents[3]
# The environment of the child. No other variable is passed on: no address, key or secret.
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "NUMBA_CACHE_DIR")
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
ARENAS: Final = "2"  # of malloc; each further arena takes 64 MB of address space without use
TICK_S: Final = 0.1  # seconds between two checks of the clock and of the stop callback
GRACE_S: Final = 3.0  # seconds between the request to stop and the kill
TAIL: Final = 2_000  # bytes of the child's error output that are read
# Error texts of Python, C++, the loader and llvmlite that mean a lack of memory. A missing library
# of llvmlite gives the last one, too, but then the installation has failed before.
OUT_OF_MEMORY: Final = (
    "out of memory",
    "MemoryError",
    "bad_alloc",
    "cannot allocate",
    "failed to map",
    "load shared object",
)


class SolveFailed(DomainError):
    """The solve ended without a plan; nothing has changed."""

    code = "solve_failed"


class SolveCrashed(SolveFailed):
    """The solver crashed or gave an invalid answer: an error in the solver."""

    code = "solve_crashed"
    status = 500


class SolveOutOfMemory(SolveFailed):
    """The problem needs more memory than a solve may use."""

    code = "solve_out_of_memory"


class SolveOutOfTime(SolveFailed):
    """The solver exceeded its time limit and was killed."""

    code = "solve_out_of_time"


class SolveCancelled(SolveFailed):
    """The solver was asked to stop, did not answer within GRACE_S, and was killed."""

    code = "solve_cancelled"


@dataclass(frozen=True, slots=True)
class Limits:
    """The resources that a solve may use.

    Parameters
    ----------
    memory_mb : int
        Address space, including mapped but unused memory such as thread stacks and code.
    wall_s : float or None
        Wall clock. None means 1.5 times the seconds of the search + 60; without a limit if the
        search is limited by iterations.
    cpu_s : int or None
        Processor time of each thread; None means as much as the wall clock.
    threads : int
        Cores that the search may use; with a ``core_share`` use its ``threads``.
    core_share : CoreShare or None
        With a share (``cores.share_cores``) the child is kept on this solve's cores while other
        solves start and end.
    """

    memory_mb: int = 3_000
    wall_s: float | None = None
    cpu_s: int | None = None
    nice: int = 10
    threads: int = 1
    core_share: CoreShare | None = None


def run(
    problem: Problem,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 0,
    engine: str | None = None,
    limits: Limits | None = None,
    steering: Steering = UNSTEERED,
) -> Result:
    """Solve in a child process; the parent runs the referee again on the plan.

    Give ``seconds`` or ``iterations``. ``steering.should_stop`` is called ten times a second. Once
    it returns True, the child is asked for its best plan so far (``Result.stopped``), and killed
    if this takes longer than ``GRACE_S``.

    Raises
    ------
    SolveCrashed, SolveOutOfMemory, SolveOutOfTime, SolveCancelled
        Subclasses of ``SolveFailed``; the child has ended by then.
    Invalid
        When the child refuses the input, or not exactly one of seconds and iterations is given.
    """
    limits, effort = limits or Limits(), Effort(seconds, iterations)
    # Temporary files without a name: nothing remains on disk if a process is killed.
    with (
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as problem_file,
        tempfile.TemporaryFile() as start_file,
    ):
        write(problem, problem_file)
        problem_file.seek(0)
        command = _command(problem_file.fileno(), effort, seed, engine, limits)
        if steering.present:
            start = {vehicle: list(visits) for vehicle, visits in steering.present.items()}
            start_file.write(dumps(start).encode())
            start_file.seek(0)
            command += ["--present", f"/dev/fd/{start_file.fileno()}"]
        with _child(command, (problem_file.fileno(), start_file.fileno()), errors) as it:
            deadline = _deadline(effort, limits)
            line = _Watch(it, deadline, limits.core_share, steering).answer()
            if line is None:
                raise _failure(it, errors)
    return _result(problem, line)


def _command(
    problem_fd: int, effort: Effort, seed: int, engine: str | None, limits: Limits
) -> list[str]:
    limit = (
        ["--seconds", str(effort.seconds)]
        if effort.seconds is not None
        else ["--iterations", str(effort.iterations)]
    )
    command = [sys.executable, "-m", "dispatch.solver", f"fd:{problem_fd}", "--stream", *limit]
    command += ["--seed", str(seed), "--nice", str(limits.nice)]
    command += ["--memory-mb", str(limits.memory_mb), "--threads", str(limits.threads)]
    if engine is not None:
        command += ["--engine", engine]
    cpu_s = limits.cpu_s or _wall_s(effort, limits)
    if cpu_s is not None:
        command += ["--cpu-seconds", str(math.ceil(cpu_s * limits.threads))]
    return command


@contextlib.contextmanager
def _child(command: list[str], files: tuple[int, ...], errors: IO[bytes]) -> Any:
    """Start the child; kill it at the end of the block if it still runs."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    threads = dict.fromkeys(ONE_THREAD, "1") | {"MALLOC_ARENA_MAX": ARENAS}
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=ROOT,
        env=passed_on | threads | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        pass_fds=files,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _wall_s(effort: Effort, limits: Limits) -> float | None:
    if limits.wall_s is not None:
        return limits.wall_s
    return None if effort.seconds is None else effort.seconds * 1.5 + 60


def _deadline(effort: Effort, limits: Limits) -> float | None:
    wall_s = _wall_s(effort, limits)
    return None if wall_s is None else time.monotonic() + wall_s


class _Watch:
    """Reads the lines of the child; stops it by the clock or on request."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        deadline: float | None,
        core_share: CoreShare | None,
        steering: Steering,
    ) -> None:
        self.child, self.deadline, self.core_share = child, deadline, core_share
        self.on_progress, self.should_stop = steering.on_progress, steering.should_stop
        self.asked_at: float | None = None

    def answer(self) -> dict[str, Any] | None:
        """Return the child's last line, which holds the plan, or None if it ended without one."""
        assert self.child.stdout is not None
        pipe, rest = self.child.stdout.fileno(), b""
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while True:
                if ready.select(TICK_S):
                    piece = os.read(pipe, 1 << 20)
                    if not piece:
                        return None
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        final = self._line(line)
                        if final is not None:
                            return final
                self._check_limits()

    def _line(self, line: bytes) -> dict[str, Any] | None:
        """Report a line of progress; return the last line, which has no progress."""
        try:
            data = loads(line)
        except Invalid as fault:
            raise SolveCrashed(f"The solver's answer cannot be read: {fault.detail}") from fault
        progress = data.get("progress")
        if progress is None:
            return dict(data)
        if self.on_progress is not None:
            self.on_progress(Progress(**progress))
        return None

    def _check_limits(self) -> None:
        """Keep the child on its cores; check the deadline and the stop callback."""
        now = time.monotonic()
        if self.core_share is not None:
            self.core_share.hold(self.child.pid)
        if self.deadline is not None and now > self.deadline:
            raise SolveOutOfTime(
                "The solver did not finish in time and was stopped. Try again. If it happens "
                "again, plan fewer orders at once."
            )
        if self.asked_at is not None:
            if now - self.asked_at > GRACE_S:
                raise SolveCancelled("The search was cancelled before it had a plan.")
        elif self.should_stop is not None and self.should_stop():
            self.asked_at = now
            if self.child.stdin is not None:
                threading.Thread(target=_say_stop, args=(self.child.stdin,), daemon=True).start()


def _say_stop(pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):
        pipe.write(b"stop\n")
        pipe.flush()


def _failure(child: subprocess.Popen[bytes], errors: IO[bytes]) -> Exception:
    """Return the error for a child without a plan, by its exit status and error output."""
    try:
        status = child.wait(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        return SolveCrashed("The solver stopped responding and was killed. Try again.")
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - TAIL))
    output = errors.read().decode(errors="replace").strip()
    if status == 2:
        return Invalid(output or "The solver refused the problem.")
    if status == NO_MEMORY or any(text.lower() in output.lower() for text in OUT_OF_MEMORY):
        return SolveOutOfMemory(
            "The problem needs more memory than one solve may use. Plan fewer orders at once, or "
            "raise the limit.",
            data={"exit_status": status},
        )
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return SolveOutOfTime(
            "The solver used too much time or memory and was stopped. Plan fewer orders at once.",
            data={"exit_status": status},
        )
    return SolveCrashed(
        f"The solver crashed (exit status {status}). Try again. If it happens again, report this "
        f"output: {output[-500:]}",
        data={"exit_status": status},
    )


def _result(problem: Problem, line: dict[str, Any]) -> Result:
    """Read the child's answer, run the referee on its plan, and return the result."""
    solution = solution_from_json(line["solution"])
    violations = check(problem, solution)
    if violations:
        raise SolveCrashed(f"The solver's plan breaks rules: {violations[:3]}")
    return Result(
        solution=solution,
        cost=cost(problem, solution),
        engine=str(line["engine"]),
        seed=int(line["seed"]),
        work=tuple(Phase(p["engine"], p["seed"], tuple(p["counts"])) for p in line["work"]),
        seconds=float(line["seconds"]),
        stopped=bool(line["stopped"]),
    )
